"""How two values differ, in words: (state, Chinese, English) with state same, alike, differs or missing. Pure functions."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

Row = Mapping[str, Any]
Said = tuple[str, str, str]
SAME: Said = ("same", "同", "same")
MISSING: Said = ("missing", "缺", "missing")


def differ(kind: str, reference: Row, other: Row) -> Said:
    """Compare field ``kind`` (a key of COMPARERS, else the column itself) of two records."""
    comparer = COMPARERS.get(kind)
    return comparer(reference, other) if comparer else _plain(reference.get(kind), other.get(kind))


def _plain(a: Any, b: Any) -> Said:
    if a in (None, "", []) or b in (None, "", []):
        return MISSING
    return SAME if a == b else ("differs", "不同", "differs")


def slip(a: str, b: str) -> tuple[str, str] | None:
    """What one slip of the pen turns ``a`` into ``b``; None when it takes more."""
    if len(a) == len(b):
        places = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
        if len(places) == 1:
            return f"第 {places[0] + 1} 位不同", f"place {places[0] + 1} differs"
        if len(places) == 2 and (a[places[0]], a[places[1]]) == (b[places[1]], b[places[0]]):
            return (
                f"第 {places[0] + 1}、{places[1] + 1} 位互换",
                f"places {places[0] + 1} and {places[1] + 1} are swapped",
            )
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    if len(longer) == len(shorter) + 1 and any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer))):
        return ("少一字", "one character less") if longer is a else ("多一字", "one character more")
    return None


def _name(a: Row, b: Row) -> Said:
    left, right = a.get("name_key") or a.get("full_name"), b.get("name_key") or b.get("full_name")
    if not left or not right:
        return MISSING
    if left == right:
        return SAME
    if right in (a.get("former_name_key"), a.get("former_name")) or left in (
        b.get("former_name_key"),
        b.get("former_name"),
    ):
        return "alike", "与曾用名相同", "equals a former name"
    if a.get("name_sound") and a.get("name_sound") == b.get("name_sound"):
        return "alike", "不同：同音异字", "differs: same sound, other characters"
    if sorted(left) == sorted(right):
        return "alike", "不同：字同序异", "differs: same characters in another order"
    if found := slip(left, right):
        return "alike", f"不同：{found[0]}", f"differs: {found[1]}"
    if a.get("surname") and a.get("surname") == b.get("surname"):
        return "differs", "不同：同姓异名", "differs: same surname, another given name"
    return "differs", "不同", "differs"


def _number(a: Row, b: Row) -> Said:
    left, right = (r.get("identity_number") or r.get("identity_partial") for r in (a, b))
    if not left or not right:
        return MISSING
    if left == right:
        return SAME
    if len(left) == len(right):
        readable = [(x, y) for x, y in zip(left, right, strict=True) if x not in "_*" and y not in "_*"]
        if len(readable) < len(left):
            places = sum(x != y for x, y in readable)
            if not places:
                return "alike", "与残缺号码相符", "agrees as far as it is readable"
            return "differs", f"不同：可读部分 {places} 位", f"differs in {places} readable places"
    if found := slip(left, right):
        return "alike", f"不同：{found[0]}", f"differs: {found[1]}"
    if len(left) == len(right):
        places = sum(x != y for x, y in zip(left, right, strict=True))
        return "differs", f"不同：{places} 位", f"differs in {places} places"
    return "differs", "不同", "differs"


def _birth(a: Row, b: Row) -> Said:
    left, right = a.get("birth_date"), b.get("birth_date")
    if not isinstance(left, date) or not isinstance(right, date):
        return MISSING
    precision = {a.get("birth_date_precision"), b.get("birth_date_precision")}
    if left == right and precision == {"day"}:
        return SAME
    if "year" in precision and left.year == right.year:
        return "alike", "同年（一方只到年）", "same year (one side knows no more)"
    if "month" in precision and (left.year, left.month) == (right.year, right.month):
        return "alike", "同月（一方只到月）", "same month (one side knows no day)"
    if left == right:
        return SAME
    if (left.year, left.month, left.day) == (right.year, right.day, right.month):
        return "alike", "不同：月日颠倒", "differs: month and day swapped"
    if left in (b.get("birth_date_lunar"),) or right in (a.get("birth_date_lunar"),):
        return "alike", "农历相符", "the lunar date agrees"
    if found := slip(f"{left:%Y%m%d}", f"{right:%Y%m%d}"):
        return "alike", f"不同：{found[0]}", f"differs: {found[1]}"
    days = abs((left - right).days)
    if days < 366:
        return "differs", f"不同：差 {days} 天", f"differs by {days} days"
    return "differs", f"不同：差约 {round(days / 365.25)} 年", f"differs by about {round(days / 365.25)} years"


def _phones(a: Row, b: Row) -> Said:
    left, right = set(a.get("phones") or ()), set(b.get("phones") or ())
    if not left or not right:
        return MISSING
    if left == right:
        return SAME
    if left & right:
        return "alike", "有相同号码", "a number in common"
    return "differs", "不同", "differs"


def _address(prefix: str) -> Callable[[Row, Row], Said]:
    def compare(a: Row, b: Row) -> Said:
        if not a.get(f"{prefix}_address") or not b.get(f"{prefix}_address"):
            return MISSING
        for column, zh, en in (
            ("dwelling_key", "同户室", "same dwelling"),
            ("building_key", "同楼幢", "same building"),
            ("estate", "同小区", "same estate"),
            ("community", "同社区", "same community"),
            ("street", "同街道", "same street"),
        ):
            left, right = a.get(f"{prefix}_{column}"), b.get(f"{prefix}_{column}")
            if left and left == right:
                state = "same" if column == "dwelling_key" else "alike"
                return state, zh if state == "same" else f"不同：{zh}", en if state == "same" else f"differs: {en}"
        return _plain(a.get(f"{prefix}_address"), b.get(f"{prefix}_address"))

    return compare


COMPARERS: dict[str, Callable[[Row, Row], Said]] = {
    "full_name": _name,
    "identity_number": _number,
    "birth_date": _birth,
    "phones": _phones,
    "residence_address": _address("residence"),
    "hukou_address": _address("hukou"),
}
