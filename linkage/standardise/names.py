"""Names: what to show, what to match on, how it sounds, and what kind of name it is.

``parse_name`` is the one definition; ``parse_names`` applies it to every distinct text of the night.
Nine names of ten are two to four plain ideographs and take a short way; the rest is taken apart step by step.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import pyarrow as pa

from linkage.kernel.engine import Engine
from linkage.kernel.reference import reference_rows
from linkage.standardise.characters import (
    UNKNOWN,
    fold_table,
    is_han,
    is_private_use,
    private_use_repairs,
    reading_table,
)
from linkage.standardise.tables import create_table
from linkage.standardise.vocabulary import data_file, missing_words

NameKind = Literal["ordinary", "minority", "latin", "newborn_placeholder", "infant_name", "masked", "missing"]

DOT = "\u00b7"
HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3007\U00020000-\U0003ffff"
GLYPH = rf"[{HAN}?*\ue000-\uf8ff]"  # what may stand for one character of a Chinese name
ORDINARY_MAXIMUM_CHARACTERS = 4  # compound surname and two more

# Texts that contain none of these and are 2-4 common ideographs need no further look.
PLAIN = re.compile(r"[\u4e00-\u9fff]{2,4}")
SUSPECT = re.compile(r"[某之婴宝未无待暂毛囡娃贝新不没空缺略男女弃双胎]")

INVISIBLE = dict.fromkeys([0x00AD, 0x061C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF, *range(0xFE00, 0xFE10)])
SPACES = dict.fromkeys([*range(0x00, 0x20), 0x7F, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000], " ")
HALF_WIDTH = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F) if full != 0xFF0E}
BRACKETS = {ord(a): b for a, b in zip("【〔［{〈《「】〕］}〉》」", "(((((((" + ")))))))", strict=True)}
UNREADABLE = dict.fromkeys(map(ord, "□〓■▢▯\ufffd"), UNKNOWN)
CLEAN = INVISIBLE | SPACES | HALF_WIDTH | BRACKETS | UNREADABLE

BRACKET_NOTE = re.compile(r"\(([^()]*)\)?")
EDGE_MARKS = re.compile(r"^[\d\s.,、#:;'\"`]+|[\d\s.,、。#:;'\"`①-⑳]+$")
TRAILING_STAR = re.compile(rf"(?<=[{HAN}])\*$")
HIDDEN = re.compile(r"(?:(?<=[%s])[xX×○〇]{1,3}(?=[%s]*$)|\*+|(?<=^[%s])某{1,2}(?=[%s]?$))" % (HAN, HAN, HAN, HAN))
LOST_SEPARATOR = re.compile(rf"(?<=[{HAN}]{{2}})\?(?=[{HAN}]{{2}})")
LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
UMLAUT_SYLLABLE = re.compile(r"\b([LNln])(?:[üÜ]|[vV]\b)")  # LÜ, LV and LYU are one surname
HAN_CHARACTER = re.compile(rf"[{HAN}]")

NEWBORN = re.compile(
    r"(?:之|的)(?:长|次|大|小|二|三|双|孪生)?(?:子|女|婴|男|儿|儿子|女儿|男婴|女婴|双|胎|宝)$"
    r"|(?:婴儿|男婴|女婴|新生儿|BB|bb|双胎[大小]?)$"
    r"|^(?:新生儿|新生|婴儿|弃婴|男婴|女婴|未取名|未起名|未命名|没取名|待取名|待起名|待定名|暂未取名|暂无姓名|无名氏|无名|未定)"
)
INFANT_NAME = re.compile(rf"^[{HAN}]{{1,2}}(?:宝宝|小宝|大宝|二宝|大双|小双|宝贝|贝贝|毛毛|小毛|毛头|囡囡|小囡|娃娃|小娃|婴)$|^[{HAN}]婴$")


@dataclass(frozen=True, slots=True)
class Name:
    """A parsed name. ``infant_name`` is a placeholder for infants and an ordinary name for anybody older."""

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
    """Parse one name as it came. The result of a display form is the same display form (idempotent)."""
    if PLAIN.fullmatch(text) and not SUSPECT.search(text):
        return _plain(text)
    cleaned, former, note = _clean(text)
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
    return Name(text, text.translate(fold_table()), _sound(text, length), text[:length], text[length:], "ordinary")


def _clean(text: str) -> tuple[str, str | None, str | None]:
    """Whitespace, private-use characters, brackets and marks at the ends: (name, former name, note)."""
    cleaned = text.translate(private_use_repairs()).translate(CLEAN)
    former = note = None
    if "(" in cleaned:
        cleaned, former, note = _brackets(cleaned)
    cleaned = " ".join(cleaned.split())
    if not NEWBORN.search(cleaned):
        cleaned = EDGE_MARKS.sub("", cleaned)
    stripped = TRAILING_STAR.sub("", cleaned)
    # 陈红霞* carries a mark; 张* and 欧阳* hide the given name.
    if len(stripped) > 1 and stripped not in compound_surnames():
        cleaned = stripped
    return cleaned, former, note


def _brackets(text: str) -> tuple[str, str | None, str | None]:
    """Take bracketed remarks out; a bracket that describes a rare character becomes ``?``."""
    found: dict[str, str] = {}

    def take(match: re.Match[str]) -> str:
        inside = match.group(1).strip()
        before, after = text[: match.start()].strip(), text[match.end() :].strip()
        for word in former_name_words():
            if inside.startswith(word):
                found["former"] = inside.removeprefix(word).strip(" :：为是叫,，")
                return ""
        described = 2 <= len(inside) <= 4 and all(map(is_han, inside)) and inside not in name_notes()
        if described and before and (HAN_CHARACTER.match(after) or len(before) == 1):
            return UNKNOWN
        found["note"] = inside
        return ""

    name = BRACKET_NOTE.sub(take, text).replace(")", "")
    return name, found.get("former") or None, found.get("note") or None


def _latin(text: str) -> Name:
    """``SHARMA,VIJAY``, ``Vijay Sharma`` and ``SHARMA VIJAY`` are one key: the words in alphabetical order."""
    plain = UMLAUT_SYLLABLE.sub(r"\1YU", text).replace("'", "").replace("’", "")
    plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    words = re.findall(r"[A-Za-z?*]+", plain)
    if not words:
        return MISSING
    upper = [word.upper() for word in words]
    comma = re.match(r"\s*([A-Za-z -]+),", plain)
    family = len(re.findall(r"[A-Za-z]+", comma.group(1))) if comma else None
    if family is None and plain.upper() != plain and len(words) > 1:
        surname, given = upper[-1], upper[:-1]  # Vijay Sharma: Western order
    else:
        family = family or 1
        surname, given = " ".join(upper[:family]), upper[family:]
    ordered = sorted(upper)
    return Name(" ".join(text.replace(",", ", ").split()), "".join(ordered), " ".join(ordered), surname, " ".join(given) or None, "latin")


def _han(text: str) -> Name:
    """A name with at least one ideograph (or nothing but unknown characters)."""
    newborn = NEWBORN.search(text)
    if LATIN.search(text) and not newborn and not HIDDEN.search(text):
        text = re.sub(r"[A-Za-zÀ-ɏ]+", UNKNOWN, text)  # pinyin in place of a character
    hidden = None if newborn else HIDDEN.search(text)
    display = _separate(text)
    joined = HIDDEN.sub("*", display).replace(DOT, "") if hidden else display.replace(DOT, "")
    if not joined.strip("?*"):
        return MISSING
    key = "".join(c for c in joined.translate(fold_table()) if is_han(c) or c in "?*")
    kind = _kind(display, joined, newborn is not None, hidden is not None)
    length = 0 if kind in ("minority", "newborn_placeholder") else surname_length(joined)
    return Name(
        full_name=display,
        name_key=key,
        name_sound=_sound(joined, length),
        surname=joined[:length] or None,
        given_name=(joined[length:] if length else display) or None,
        name_kind=kind,
        unresolved_glyph=any(map(is_private_use, joined)) or UNKNOWN in joined,
    )


def _kind(display: str, joined: str, newborn: bool, hidden: bool) -> NameKind:
    if newborn:
        return "newborn_placeholder"
    if hidden:
        return "masked"
    if INFANT_NAME.search(joined):
        return "infant_name"
    return "minority" if DOT in display or len(joined) > ORDINARY_MAXIMUM_CHARACTERS else "ordinary"


def _separate(text: str) -> str:
    """Separators between parts become U+00B7; blanks inside a short name vanish."""
    parts = [part for part in re.split(separators(), LOST_SEPARATOR.sub(DOT, text)) if part]
    blanks_only = not re.search(separators(blanks=False), LOST_SEPARATOR.sub(DOT, text.strip()))
    if len(parts) < 2:
        return "".join(parts)
    total = sum(map(len, parts))
    # 黄 梓月 and 诸葛 江松 are surname and given name; 吉尔 尔布 lost its separator.
    if total <= ORDINARY_MAXIMUM_CHARACTERS and (blanks_only or total < ORDINARY_MAXIMUM_CHARACTERS):
        single = len(parts[0]) == 1 or parts[0] in compound_surnames() or all(len(p) == 1 for p in parts)
        if single:
            return "".join(parts)
    return DOT.join(parts)


def surname_length(name: str) -> int:
    """Characters of the surname: 2 for a known compound surname with something behind it, else 1."""
    return 2 if len(name) > 2 and name[:2] in compound_surnames() else 1


def _sound(name: str, surname: int) -> str:
    readings, surnames = reading_table(), surname_readings()
    head = name[:surname]
    syllables = [surnames[head]] if head in surnames else [surnames.get(c) or readings[c] for c in head]
    syllables += [readings[c] for c in name[surname:]]
    return " ".join(syllables)


@cache
def separators(*, blanks: bool = True) -> re.Pattern[str]:
    """Everything that people type for the separator of a minority or transliterated name."""
    dots = {row["char"] for row in reference_rows("middle_dot_variants")} | set("\u00b7.。-－–—_'’‘,，、/\u02d9˙◦")
    return re.compile("[" + re.escape("".join(sorted(dots))) + (r"\s" if blanks else "") + "]+")


@cache
def compound_surnames() -> frozenset[str]:
    """Surnames of two characters."""
    return frozenset(data_file("surnames")["compound"])


@cache
def surname_readings() -> dict[str, str]:
    """Readings that hold in surnames only."""
    return dict(data_file("surnames")["readings"])


@cache
def name_notes() -> frozenset[str]:
    """Bracketed remarks that are known not to describe a character."""
    return frozenset(data_file("name_notes")["notes"])


@cache
def former_name_words() -> tuple[str, ...]:
    """Words behind which a bracket holds another name, longest first."""
    return tuple(sorted(data_file("name_notes")["former_name_words"], key=len, reverse=True))


COLUMNS = ("full_name", "name_key", "name_sound", "surname", "given_name", "name_kind", "former_name", "former_name_key",
           "note", "unresolved_glyph")


def parse_names(engine: Engine) -> None:
    """Parse every row of ``name_inputs(text)`` (distinct, never null) into ``parsed_names(text, ...)``."""
    texts = [row[0] for row in engine.con.execute("SELECT text FROM name_inputs").fetchall()]
    names = [parse_name(text) for text in texts]
    arrays = [pa.array(texts, pa.string())]
    arrays += [pa.array([getattr(name, c) for name in names], pa.bool_() if c == "unresolved_glyph" else pa.string()) for c in COLUMNS]
    create_table(engine, "parsed_names", pa.table(arrays, names=["text", *COLUMNS]))
