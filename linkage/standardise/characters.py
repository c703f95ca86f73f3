"""What is known about single characters: private-use repairs, variants, readings.

Tables are looked up per character and remembered, so a night pays once for each character it meets.
"""

import csv
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from opencc import OpenCC
from pypinyin.constants import PINYIN_DICT

from linkage.kernel.reference import reference_rows
from linkage.standardise.vocabulary import data_file

UNKNOWN = "?"


def is_han(char: str) -> bool:
    """True for ideographs of every Unicode block, and for 〇."""
    code = ord(char)
    return (
        0x4E00 <= code <= 0x9FFF
        or 0x3400 <= code <= 0x4DBF
        or 0x20000 <= code <= 0x3FFFF
        or 0xF900 <= code <= 0xFAFF
        or code == 0x3007
    )


def is_private_use(char: str) -> bool:
    """True for code points that mean something to one vendor only."""
    code = ord(char)
    return 0xE000 <= code <= 0xF8FF or code >= 0xF0000


@cache
def private_use_repairs() -> Mapping[int, str]:
    """``str.translate`` table: private-use code points of GBK -> the characters they stand for."""
    rows = reference_rows("gbk_pua_to_unicode")
    return {int(row["pua"][2:], 16): row["char"] for row in rows if row["char"]}


@cache
def name_variants() -> Mapping[str, str]:
    """Variant characters that traditional -> simplified does not know: 堃 -> 坤."""
    path = files("linkage.standardise") / "data" / "name_variants.csv"
    return {row["variant"]: row["canonical"] for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())}


class FoldTable(dict[int, str]):
    """``str.translate`` table to the matching form: traditional -> simplified, variants -> the common character."""

    def __init__(self) -> None:
        super().__init__()
        self._simplify = OpenCC("t2s")
        self._variants = name_variants()

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if is_private_use(char):
            folded = UNKNOWN
        else:
            if 0xF900 <= code <= 0xFAFF or 0x2F800 <= code <= 0x2FA1F:
                char = unicodedata.normalize("NFKC", char)
            folded = self._variants.get(char, char)
            folded = self._simplify.convert(folded)
            folded = self._variants.get(folded, folded)
        self[code] = folded
        return folded


class ReadingTable(dict[str, str]):
    """Character -> its usual toneless reading in a given name; ü is v; ``?`` when no reading is known."""

    def __init__(self) -> None:
        super().__init__(data_file("surnames")["given_readings"])

    def __missing__(self, char: str) -> str:
        readings = PINYIN_DICT.get(ord(char), "")
        reading = toneless(readings.split(",")[0]) if readings else UNKNOWN
        self[char] = reading
        return reading


def toneless(syllable: str) -> str:
    """``lǚ`` -> ``lv``: tone marks off, ü as v."""
    decomposed = unicodedata.normalize("NFD", syllable.replace("ü", "v"))
    marked = decomposed.replace("u\u0308", "v")
    return "".join(c for c in marked if c.isascii() and c.isalpha())


@cache
def fold_table() -> FoldTable:
    """The folding table, shared by all names of a night."""
    return FoldTable()


@cache
def reading_table() -> ReadingTable:
    """The reading table, shared by all names of a night."""
    return ReadingTable()
