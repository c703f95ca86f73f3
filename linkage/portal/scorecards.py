"""Scorecards: how each department's data and answers are, night by night. All figures come from the nights' measures and the requests.

A department sees its own card in full and of the others the headline figures; the data office sees all in full.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from linkage.portal.corrections.counts import Counts

Unit = Literal["count", "share"]
INVALID_GRADES = ("F", "X")
"""Numbers that fail their check digit, and placeholders."""
MISSING_GRADE = "-"
COMPLETENESS = (
    "full_name", "identity_number", "birth_date", "sex", "ethnicity", "phone", "hukou_address", "residence_address", "dwelling_code",
)  # fmt: skip


@dataclass(frozen=True)
class Night:
    """One department in one night; rows are counted, shares are worked out from them."""

    counted_rows: int
    accepted_rows: int
    rejected_rows: int
    duplicate_rows: int
    is_late: bool
    records: int
    numbers: int
    invalid_numbers: int
    weak_names: int
    complete: Mapping[str, float]
    """Share of records with a usable value, by field."""
    values_won: int | None
    values_lost: int | None
    """Golden values that the department gave, and values of it that another value beat; None in reports of before these were counted."""


class Figure(NamedTuple):
    """One line of a scorecard."""

    name: str
    zh: str
    en: str
    unit: Unit
    is_headline: bool
    of: Callable[[Night], float | None]


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _completeness(night: Night) -> float | None:
    """Mean over the fields that the department delivers at all."""
    delivered = [share for share in night.complete.values() if share > 0]
    return sum(delivered) / len(delivered) if delivered else None


FIGURES: tuple[Figure, ...] = (
    Figure("counted_rows", "清点行数", "rows counted", "count", False, lambda n: n.counted_rows),
    Figure("accepted_rows", "接收行数", "rows accepted", "count", True, lambda n: n.accepted_rows),
    Figure("rejected_rows", "拒收行数", "rows rejected", "count", False, lambda n: n.rejected_rows),
    Figure("duplicate_rows", "重复行数", "rows repeated", "count", False, lambda n: n.duplicate_rows),
    Figure("rejected_share", "拒收率", "share rejected", "share", True, lambda n: _share(n.rejected_rows, n.counted_rows)),
    Figure("invalid_number_share", "无效号码率", "invalid numbers", "share", True, lambda n: _share(n.invalid_numbers, n.numbers)),
    Figure("weak_name_share", "姓名残缺率", "masked or placeholder names", "share", False, lambda n: _share(n.weak_names, n.records)),
    Figure("completeness", "完整度", "completeness", "share", True, _completeness),
    Figure("values_won", "被采用的值", "values that became golden", "count", False, lambda n: n.values_won),
    Figure("values_lost", "冲突中落选的值", "values that lost a conflict", "count", False, lambda n: n.values_lost),
    Figure("lost_share", "冲突落选率", "share that lost a conflict", "share", True, lambda n: _share(n.values_lost, (n.values_won or 0) + (n.values_lost or 0))),
)  # fmt: skip


@dataclass(frozen=True)
class Card:
    """One department: its nights, oldest first, and the requests it was asked. ``is_full``: the viewer sees all of it."""

    source: str
    is_full: bool
    nights: tuple[tuple[str, Night], ...]
    counts: Counts

    @property
    def latest(self) -> Night:
        return self.nights[-1][1]

    @property
    def late_nights(self) -> int:
        return sum(night.is_late for _, night in self.nights)

    def figures(self) -> list[Figure]:
        """Those that the viewer sees."""
        return [figure for figure in FIGURES if self.is_full or figure.is_headline]


def nights_of(measures: Mapping[str, Any]) -> dict[str, Night]:
    """Each department in one night's measures."""
    values = {row["source"]: row for row in measures.get("values_by_source", ())}
    late = {row["source"] for row in measures["late"]}
    weak = {row["source"]: row["weak_name"] for row in measures["unlinkable"]}
    return {
        row["source"]: _night(
            measures, row, values.get(row["source"]), row["source"] in late, weak.get(row["source"], 0)
        )
        for row in measures["completeness"]
    }


def _night(
    measures: Mapping[str, Any], complete: Mapping[str, Any], values: Mapping[str, Any] | None, is_late: bool, weak: int
) -> Night:
    source = complete["source"]
    files = [row for row in measures["files"] if row["source"] == source]
    grades = {row["grade"]: row["records"] for row in measures["grades"] if row["source"] == source}
    return Night(
        **{name: sum(f[name] for f in files) for name in ("counted_rows", "accepted_rows", "rejected_rows", "duplicate_rows")},
        is_late=is_late,
        records=complete["records"],
        numbers=sum(records for grade, records in grades.items() if grade != MISSING_GRADE),
        invalid_numbers=sum(grades.get(grade, 0) for grade in INVALID_GRADES),
        weak_names=weak,
        complete={field: complete[field] for field in COMPLETENESS},
        values_won=values["won"] if values else None,
        values_lost=values["lost"] if values else None,
    )  # fmt: skip


def cards(
    measured: Sequence[tuple[str, Mapping[str, Any]]], counts: Mapping[str, Counts], department: str
) -> list[Card]:
    """The cards as ``department`` sees them; ``measured``: release and measures of each night, oldest first."""
    by_night = [(release, nights_of(measures)) for release, measures in measured]
    sources = sorted({source for _, nights in by_night for source in nights})
    return [
        Card(
            source,
            department == source or department not in sources,
            tuple((release, nights[source]) for release, nights in by_night if source in nights),
            counts.get(source, Counts()),
        )
        for source in sources
    ]


def trend(card: Card, figure: Figure, *, width: float = 200, height: float = 40) -> list[tuple[float, float]]:
    """Points of the figure over the nights in the box of a chart whose axis begins at zero; nights without it are left out."""
    values = [(place, value) for place, (_, night) in enumerate(card.nights) if (value := figure.of(night)) is not None]
    top = max((value for _, value in values), default=0) or 1
    across = max(len(card.nights) - 1, 1)
    return [
        (round(4 + (width - 8) * place / across, 1), round(height - 4 - (height - 8) * value / top, 1))
        for place, value in values
    ]


def csv_rows(found: Sequence[Card]) -> list[tuple[str, str, str, str, str]]:
    """release, department, figure, its Chinese name, value: what the viewer sees, for spreadsheets. Shares have four places."""
    rows = []
    for card in found:
        for release, night in card.nights:
            for figure in card.figures():
                rows.append((release, card.source, figure.name, figure.zh, _text(figure.of(night))))
            rows.append((release, card.source, "late", "迟到", "1" if night.is_late else "0"))
            for field, share in night.complete.items() if card.is_full else ():
                rows.append((release, card.source, f"complete_{field}", f"完整度 {field}", _text(share)))
        newest = card.nights[-1][0]
        for name, zh, value in correction_lines(card):
            rows.append((newest, card.source, name, zh, _text(value)))
    return rows


def correction_lines(card: Card) -> list[tuple[str, str, float | None]]:
    """The lines about requests that the viewer sees: name, Chinese, value."""
    c = card.counts
    lines: list[tuple[str, str, float | None]] = [
        ("corrections_received", "收到校核请求", c.received),
        ("corrections_in_time_share", "按时答复率", c.in_time_share),
        ("corrections_overdue", "逾期未答复", c.overdue),
    ]
    if card.is_full:
        lines += [
            ("corrections_answered", "已答复", c.answered),
            ("corrections_accepted", "受理", c.accepted),
            ("corrections_refused", "不予更正", c.refused),
            ("corrections_corrected", "已更正", c.corrected),
            ("corrections_not_corrected", "受理后未更正", c.not_corrected),
            ("corrections_raised", "本部门提出", c.raised),
        ]
    return lines


def _text(value: float | None) -> str:
    return "" if value is None else str(round(value, 4))
