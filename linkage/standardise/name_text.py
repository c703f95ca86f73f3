"""The text of a name before it is understood: blanks, invisible characters, brackets, marks, separators."""

import re
from functools import cache

from linkage.kernel.reference import reference_rows
from linkage.standardise.characters import UNKNOWN, is_han, private_use_repairs
from linkage.standardise.surnames import compound_surnames
from linkage.standardise.vocabulary import data_file

DOT = "\u00b7"
HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3007\U00020000-\U0003ffff"
ORDINARY_MAXIMUM_CHARACTERS = 4  # a compound surname and two more

SOFT_HYPHENS = [0x00AD, 0x061C, 0x180E, 0x2060, 0xFEFF]
INVISIBLE = dict.fromkeys([*SOFT_HYPHENS, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0xFE00, 0xFE10)])
BLANKS = [0x7F, 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
SPACES = dict.fromkeys([*range(0x20), *BLANKS, *range(0x2000, 0x200B)], " ")
HALF_WIDTH = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F) if full != 0xFF0E}  # U+FF0E is a separator
BRACKETS = dict.fromkeys(map(ord, "【〔［{〈《「"), "(") | dict.fromkeys(map(ord, "】〕］}〉》」"), ")")
UNREADABLE = dict.fromkeys(map(ord, "□〓■▢▯\ufffd"), UNKNOWN)
CLEAN = INVISIBLE | SPACES | HALF_WIDTH | BRACKETS | UNREADABLE

HAN_CHARACTER = re.compile(rf"[{HAN}]")
BRACKET = re.compile(r"\(([^()]*)\)?")
LOST_SEPARATOR = re.compile(rf"(?<=[{HAN}]{{2}})\?(?=[{HAN}]{{2}})")


def clean_name(text: str) -> str:
    """Private-use characters repaired, full-width ASCII folded, one plain blank between words."""
    return " ".join(text.translate(private_use_repairs()).translate(CLEAN).split())


def strip_marks(text: str) -> str:
    """Numbers and marks at the ends away: 李英珏2, 陈红霞*. Behind a bare surname a star hides the given name."""
    text = edge_marks().sub("", text)
    unmarked = trailing_star().sub("", text)
    return unmarked if len(unmarked) > 1 and unmarked not in compound_surnames() else text


def take_brackets(text: str) -> tuple[str, str | None, str | None]:
    """(name, former name, note): bracketed remarks are put aside; one that describes a rare character becomes ``?``."""
    former = note = None
    rest = ""
    position = 0
    for match in BRACKET.finditer(text):
        rest += text[position : match.start()]
        position = match.end()
        inside = match.group(1).strip()
        if (name := former_name(inside)) is not None:
            former = name
        elif _describes_character(inside, rest.strip(), text[position:].strip()):
            rest += UNKNOWN
        else:
            note = inside
    return (rest + text[position:]).replace(")", "").strip(), former or None, note or None


def _describes_character(inside: str, before: str, after: str) -> bool:
    """张(王炎)明 and 张(王炎): the bracket stands where a character should."""
    described = 2 <= len(inside) <= 4 and all(map(is_han, inside)) and inside not in name_notes()
    return described and bool(before) and (bool(HAN_CHARACTER.match(after)) or len(before) == 1)


def former_name(remark: str) -> str | None:
    """The name in 曾用名李四; None when the remark is something else."""
    for word in former_name_words():
        if remark.startswith(word):
            return remark.removeprefix(word).strip(" :：为是叫,，")
    return None


def separate(text: str) -> str:
    """Whatever separates the parts of a minority name becomes U+00B7; blanks inside a short name vanish."""
    dotted = LOST_SEPARATOR.sub(DOT, text)
    parts = [part for part in re.split(separators(), dotted) if part]
    if len(parts) < 2:
        return "".join(parts)
    total = sum(map(len, parts))
    blanks_only = " " in dotted and not re.search(separators(blanks=False), dotted)
    # 黄 梓月 and 诸葛 江松 are surname and given name; 吉尔 尔布 lost its separator.
    surname_first = len(parts[0]) == 1 or parts[0] in compound_surnames()
    if total < ORDINARY_MAXIMUM_CHARACTERS or (total == ORDINARY_MAXIMUM_CHARACTERS and blanks_only):
        return "".join(parts) if surname_first else DOT.join(parts)
    return DOT.join(parts)


@cache
def separator_characters() -> str:
    """Everything that people type for the separator, escaped for a character class."""
    dots = {row["char"] for row in reference_rows("middle_dot_variants")} | set("\u00b7.。-－–—_'’‘,，、/\u02d9◦")
    return re.escape("".join(sorted(dots)))


@cache
def separators(*, blanks: bool = True) -> re.Pattern[str]:
    """A run of separators."""
    return re.compile("[" + separator_characters() + (r"\s" if blanks else "") + "]+")


@cache
def trailing_star() -> re.Pattern[str]:
    """One star behind an ideograph, at the end."""
    return re.compile(rf"(?<=[{HAN}])[{separator_characters()}\s]*\*$")


@cache
def edge_marks() -> re.Pattern[str]:
    """Numbers, separators and marks before and behind a name."""
    marks = separator_characters() + r"\d\s#:;\"`①-⑳"
    return re.compile(f"^[{marks}]+|[{marks}]+$")


@cache
def name_notes() -> frozenset[str]:
    """Bracketed remarks that are known not to describe a character."""
    return frozenset(data_file("name_notes")["notes"])


@cache
def former_name_words() -> tuple[str, ...]:
    """Words behind which a bracket holds another name, longest first."""
    return tuple(sorted(data_file("name_notes")["former_name_words"], key=len, reverse=True))
