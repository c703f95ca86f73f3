"""Permanent ids: no personal data, no central counter, the same in every re-run.

An id is 16 Crockford base-32 characters (80 bits) of a SHA-256 over what made the person or household
appear: the district, the night, and the smallest record key. Record keys are departments' own row numbers.
"""

import base64
import hashlib

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_BYTES = 10  # 16 characters of five bits
IN_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", CROCKFORD.encode())


def new_id(prefix: str, *parts: str) -> str:
    """``prefix`` ('P' or 'H') and 16 characters that depend on ``parts`` alone."""
    digest = hashlib.sha256("\x1f".join((prefix, *parts)).encode()).digest()
    return prefix + base64.b32encode(digest[:ID_BYTES]).translate(IN_CROCKFORD).decode()
