"""Names: what to show, what to match on, how it sounds, and what kind of name it is.

``parse_name`` is the one definition; ``parse_names`` applies it to every distinct text of the night.
Nine names of ten are two to four common ideographs and take a short way; the rest is taken apart step by step.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa

from linkage.kernel.engine import Engine
from linkage.standardise.characters import UNKNOWN, fold_table, is_han, is_private_use
from linkage.standardise.name_text import (
    DOT,
    HAN,
    HAN_CHARACTER,
    ORDINARY_MAXIMUM_CHARACTERS,
    clean_name,
    separate,
    strip_marks,
    take_brackets,
)
from linkage.standardise.surnames import name_sound, surname_length
from linkage.standardise.tables import create_table
from linkage.standardise.vocabulary import missing_words

NameKind = Literal["ordinary", "minority", "latin", "newborn_placeholder", "infant_name", "masked", "missing"]

# Two to four common ideographs without any of these characters need no further look.
PLAIN = re.compile(r"[\u4e00-\u9fff]{2,4}")
SUSPECT = re.compile(r"[某之的婴宝未无待暂毛囡娃贝新不没空缺略拒男女弃双胎]")

LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
LATIN_RUN = re.compile(r"[A-Za-zÀ-ɏ]+")
UMLAUT_SYLLABLE = re.compile(r"\b([LNln])(?:[üÜ]|[vV]\b)")  # LÜ, LV and LYU are one surname
# 张*, 张×× (signs at the end), 张某 (the word behind a surname).
HIDDEN = re.compile(rf"\*+|(?<=[{HAN}])[xX×○〇]{{1,3}}$|(?<=^[{HAN}])某{{1,2}}(?=[{HAN}]?$)")

NEWBORN = re.compile(
    r"[之的](?:[长次大小二三双]|孪生)?(?:儿子|女儿|男婴|女婴|子|女|婴|男|儿|双|胎|宝)$"
    r"|(?:婴儿|男婴|女婴|新生儿|BB|bb|双胎[大小]?)$"
    r"|^(?:新生|婴儿|弃婴|男婴|女婴|[未没待暂][未定]?[取起命定]名|暂无姓名|无名)"
)
INFANT_NAME = re.compile(
    rf"^[{HAN}]{{1,2}}(?:宝宝|小宝|大宝|二宝|大双|小双|宝贝|贝贝|毛毛|小毛|毛头|囡囡|小囡|娃娃|小娃)$|^[{HAN}]婴$"
)


@dataclass(frozen=True, slots=True)
class Name:
    """A parsed name. Kind ``infant_name`` (张小宝) is a placeholder for a baby and a name for anybody older."""

    full_name: str | None
    name_key: str | None
    name_sound: str | None
    surname: str | None
    given_name: str | None
    name_kind: NameKind
    former_name: str | None = None
    former_name_key: str | None = None
    note: str | None = None
    unresolved_glyph: bool = False


MISSING = Name(None, None, None, None, None, "missing")


def parse_name(text: str) -> Name:
    """Parse one name as it came. Parsing the display form again gives the same name."""
    if PLAIN.fullmatch(text) and not SUSPECT.search(text):
        return _plain(text)
    cleaned, former, note = take_brackets(clean_name(text))
    if not NEWBORN.search(cleaned):
        cleaned = strip_marks(cleaned)
    if cleaned.upper() in missing_words():
        name = MISSING
    elif LATIN.search(cleaned) and not HAN_CHARACTER.search(cleaned):
        name = _latin(cleaned)
    else:
        name = _han(cleaned)
    earlier = parse_name(former) if former else MISSING
    return replace(name, former_name=earlier.full_name, former_name_key=earlier.name_key, note=note)


def _plain(text: str) -> Name:
    length = surname_length(text)
    sound = name_sound(text, length)
    return Name(text, text.translate(fold_table()), sound, text[:length], text[length:], "ordinary")


def _latin(text: str) -> Name:
    """``SHARMA,VIJAY``, ``Vijay Sharma`` and ``SHARMA VIJAY`` have one key: their words in alphabetical order."""
    plain = UMLAUT_SYLLABLE.sub(r"\1YU", text).replace("'", "").replace("’", "")
    plain = "".join(char for char in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(char))
    words = re.findall(r"[A-Za-z?*]+", plain)
    if not words:
        return MISSING
    family = _family_words(plain)
    upper = [word.upper() for word in words]
    surname, given = (upper[:family], upper[family:]) if family > 0 else (upper[family:], upper[:family])
    ordered = sorted(upper)
    return Name(
        full_name=" ".join(text.replace(",", ", ").split()),
        name_key="".join(ordered),
        name_sound=" ".join(ordered),
        surname=" ".join(surname),
        given_name=" ".join(given) or None,
        name_kind="latin",
    )


def _family_words(plain: str) -> int:
    """Words of the family name: all before a comma; the last (-1) in Vijay Sharma; else the first, as in passports."""
    before_comma, comma, _ = plain.partition(",")
    if comma:
        return max(1, len(re.findall(r"[A-Za-z]+", before_comma)))
    return -1 if plain != plain.upper() and len(plain.split()) > 1 else 1


def _han(text: str) -> Name:
    """A name with at least one ideograph (or nothing but unknown characters)."""
    if not NEWBORN.search(text) and not HIDDEN.search(text):
        text = LATIN_RUN.sub(UNKNOWN, text)  # pinyin in place of a character
    display = separate(text)
    newborn = NEWBORN.search(display) is not None
    hidden = not newborn and HIDDEN.search(display) is not None
    joined = (HIDDEN.sub("*", display) if hidden else display).replace(DOT, "")
    if not joined.strip("?*"):
        return MISSING
    kind = _kind(display, joined, newborn=newborn, hidden=hidden)
    length = 0 if kind in ("minority", "newborn_placeholder") else surname_length(joined)
    return Name(
        full_name=display,
        name_key="".join(char for char in joined.translate(fold_table()) if is_han(char) or char in "?*"),
        name_sound=name_sound(joined, length),
        surname=joined[:length] or None,
        given_name=(joined[length:] if length else display) or None,
        name_kind=kind,
        unresolved_glyph=UNKNOWN in joined or any(map(is_private_use, joined)),
    )


def _kind(display: str, joined: str, *, newborn: bool, hidden: bool) -> NameKind:
    if newborn:
        return "newborn_placeholder"
    if hidden:
        return "masked"
    if INFANT_NAME.search(joined):
        return "infant_name"
    return "minority" if DOT in display or len(joined) > ORDINARY_MAXIMUM_CHARACTERS else "ordinary"


CHUNK_ROWS = 50_000  # names held as Python objects at a time
TEXT_COLUMNS = (
    "full_name", "name_key", "name_sound", "surname", "given_name", "name_kind",
    "former_name", "former_name_key", "note",
)  # fmt: skip


def parse_names(engine: Engine) -> None:
    """Parse every row of ``name_inputs(text)`` (distinct, never null) into ``parsed_names(text, ...)``."""
    texts = [row[0] for row in engine.con.execute("SELECT text FROM name_inputs").fetchall()]
    chunks = [texts[start : start + CHUNK_ROWS] for start in range(0, max(len(texts), 1), CHUNK_ROWS)]
    create_table(engine, "parsed_names", pa.concat_tables(names_table(chunk) for chunk in chunks))


def names_table(texts: list[str]) -> pa.Table:
    """``texts`` and what they are parsed into, one row each."""
    names = [parse_name(text) for text in texts]
    columns = {"text": pa.array(texts, pa.string())}
    columns |= {column: pa.array([getattr(name, column) for name in names], pa.string()) for column in TEXT_COLUMNS}
    columns["unresolved_glyph"] = pa.array([name.unresolved_glyph for name in names], pa.bool_())
    return pa.table(columns)
