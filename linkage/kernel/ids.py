"""Permanent ids: no personal data, no central counter, the same in every re-run.

An id is 16 Crockford base-32 characters (80 bits) of a SHA-256 over what made the person or household
appear: the district, the night, and the smallest record key. Record keys are departments' own row numbers.
"""

import hashlib

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_CHARACTERS = 16


def new_id(prefix: str, *parts: str) -> str:
    """``prefix`` ('P' or 'H') and 16 characters that depend on ``parts`` alone."""
    digest = hashlib.sha256("\x1f".join((prefix, *parts)).encode()).digest()
    number = int.from_bytes(digest[:10], "big")
    characters = []
    for _ in range(ID_CHARACTERS):
        number, rest = divmod(number, 32)
        characters.append(CROCKFORD[rest])
    return prefix + "".join(reversed(characters))
