"""How a rule's limit and what was seen are written down: short, without words of either language, never a value."""

from collections.abc import Mapping, Sequence
from typing import Any

from linkage.quality.suite import SQL_RULE, Rule

PARTS_SHOWN = 5


def limit_text(rule: Rule, kwargs: Mapping[str, Any]) -> str:
    """What is allowed, e.g. ``≥ 95 %`` or ``1880-01-01 … 2026-03-02``. ``kwargs`` are the rule's own, bound."""
    meta = rule.meta
    if meta.at_least is not None:
        return f"≥ {_amount(meta.at_least, rule)}"
    if meta.at_most is not None:
        return f"≤ {_amount(meta.at_most, rule)}"
    if "value_set" in kwargs:
        return " ".join(str(value) for value in kwargs["value_set"])
    if "regex" in kwargs:
        return str(kwargs["regex"])
    if "min_value" in kwargs and "max_value" in kwargs:
        return f"{kwargs['min_value']} … {kwargs['max_value']}"
    if "min_value" in kwargs or "max_value" in kwargs:
        return f"≥ {kwargs['min_value']}" if "min_value" in kwargs else f"≤ {kwargs['max_value']}"
    return "0"


def observed_text(
    rule: Rule, detail: Mapping[str, Any], failed: int, rows: int, parts: Sequence[Mapping[str, Any]] | None
) -> str:
    """What was seen: the measure by part, else a table's own count, else how many rows failed."""
    if parts is not None:
        return _parts_text(rule, parts)
    seen = detail.get("observed_value")
    if rule.type != SQL_RULE and isinstance(seen, int | float) and not isinstance(seen, bool):
        return f"{seen:,}"
    share = f" ({100 * failed / rows:.3g} %)" if failed and rows and rule.meta.level == "row" else ""
    return f"{failed:,}{share}"


def _parts_text(rule: Rule, parts: Sequence[Mapping[str, Any]]) -> str:
    """The parts nearest to the limit or beyond it, worst first; a hundred street files would fill the page."""
    amounts = [(part.get("share", part.get("number")), str(part["part"] or ""), part) for part in parts]
    sign = 1 if rule.meta.at_least is not None else -1
    amounts.sort(key=lambda entry: (entry[0] is None, sign * float(entry[0] or 0), entry[1]))
    shown = "; ".join(f"{name} {_part_amount(part)}".strip() for _, name, part in amounts[:PARTS_SHOWN])
    rest = len(amounts) - PARTS_SHOWN
    return f"{shown}; … +{rest}" if rest > 0 else shown or "-"


def _part_amount(part: Mapping[str, Any]) -> str:
    if "share" in part:
        return "-" if part["share"] is None else f"{100 * part['share']:.4g} %"
    return "-" if part["number"] is None else f"{part['number']:,}"


def _amount(limit: float, rule: Rule) -> str:
    """A limit on a measure of shares is a percentage."""
    return f"{100 * limit:.6g} %" if " AS share" in (rule.meta.measure or "") else f"{limit:,.6g}"
