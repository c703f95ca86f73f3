"""Surnames: how long they are, and how they are read."""

from functools import cache

from linkage.standardise.characters import reading_table
from linkage.standardise.vocabulary import data_file


@cache
def compound_surnames() -> frozenset[str]:
    """Surnames of two characters."""
    return frozenset(data_file("surnames")["compound"])


@cache
def surname_readings() -> dict[str, str]:
    """Readings that hold in surnames only: 单 shan, 尉迟 yu chi."""
    return dict(data_file("surnames")["readings"])


def surname_length(name: str) -> int:
    """Characters of the surname: 2 for a known compound surname with something behind it, else 1."""
    return 2 if len(name) > 2 and name[:2] in compound_surnames() else 1


def name_sound(name: str, surname: int) -> str:
    """Toneless syllables, one blank between; the first ``surname`` characters are read as a surname."""
    readings, special = reading_table(), surname_readings()
    head = name[:surname]
    syllables = [special[head]] if head in special else [special.get(char) or readings[char] for char in head]
    syllables += [readings[char] for char in name[surname:]]
    return " ".join(syllables)
