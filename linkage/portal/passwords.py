"""Passwords of local accounts: argon2id, and what a new one must not be."""

import secrets
import threading
from functools import cache
from importlib.resources import files

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from linkage.portal.desk import Refused

HASHER = argon2.PasswordHasher()  # argon2id with the parameters of RFC 9106, low memory
HASHES_AT_ONCE = 2
"""Each takes 64 MiB: a crowd at the door must not take the machine's memory."""
LONGEST_RUN = 3
OWN_CHARACTERS = 6
"""So many characters must remain when well-known pieces, runs (abc, 321) and repetitions are taken out."""
ONE_TIME_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else
_turn = threading.BoundedSemaphore(HASHES_AT_ONCE)


def hash_password(password: str) -> str:
    """What is kept instead of the password."""
    with _turn:
        return HASHER.hash(password)


@cache
def _nobodys_hash() -> str:
    return hash_password(secrets.token_hex(16))


def is_right(stored: str | None, given: str) -> bool:
    """Whether ``given`` is the password. Takes as long when there is no account, or none with a password."""
    against = stored or _nobodys_hash()
    with _turn:
        try:
            HASHER.verify(against, given)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return HASHER.check_needs_rehash(stored)


def one_time_password() -> str:
    """A first password, to be changed at the first login: 20 characters, 98 bits."""
    groups = ("".join(secrets.choice(ONE_TIME_ALPHABET) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


def check_new_password(password: str, username: str, shortest: int) -> None:
    """Raise Refused (422) when ``password`` is too short, says the username, or is one that guessers try first."""
    if len(password) < shortest:
        raise Refused(
            422,
            f"密码至少 {shortest} 个字符；可以用几个不相干的词。",
            f"A password has at least {shortest} characters; a few unrelated words will do.",
        )
    if username.lower() in password.lower():
        raise Refused(422, "密码不得包含用户名。", "A password must not contain the username.")
    if len(_own(password.lower())) < OWN_CHARACTERS:
        raise Refused(
            422,
            "密码过于常见（常用词、键盘顺序、连续或重复字符），请换一个。",
            "This is one of the first passwords that a guesser tries (common words, keyboard rows, runs, repetitions); take another.",
        )


@cache
def _pieces() -> tuple[str, ...]:
    lines = (files("linkage.portal") / "common_passwords.txt").read_text(encoding="utf-8").splitlines()
    return tuple(sorted((line for line in lines if line and not line.startswith("#")), key=len, reverse=True))


def _own(text: str) -> str:
    """What remains of ``text`` without pieces, runs and repetitions."""
    for piece in _pieces():
        text = text.replace(piece, "")
    kept, run = "", 1
    for index, char in enumerate(text):
        step = ord(char) - ord(text[index - 1]) if index else 99
        run = run + 1 if step in (-1, 0, 1) else 1
        if run < LONGEST_RUN and char not in kept:
            kept += char
    return kept
