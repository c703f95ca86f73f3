"""Which rows a row-level rule refuses: the same rule as one SQL condition, for the rows themselves.

Great Expectations counts; this finds the rows. The gate asserts that both say the same number.
"""

from typing import Any

from linkage.kernel.engine import quote_name, quote_text
from linkage.kernel.errors import ConfigurationError


def failing_sql(kind: str, kwargs: dict[str, Any]) -> str:
    """SQL condition that is true for rows that break the expectation ``kind``. Raises ConfigurationError if it has none."""
    column = quote_name(str(kwargs.get("column", "")))
    present = f"{column} IS NOT NULL"
    match kind:
        case "expect_column_values_to_not_be_null":
            return f"{column} IS NULL"
        case "expect_column_values_to_be_in_set":
            return f"{present} AND {column} NOT IN ({', '.join(quote_text(v) for v in kwargs['value_set'])})"
        case "expect_column_values_to_match_regex":
            return f"{present} AND NOT regexp_full_match({column}, {quote_text(kwargs['regex'])})"
        case "expect_column_values_to_not_match_regex":
            return f"{present} AND regexp_full_match({column}, {quote_text(kwargs['regex'])})"
        case "expect_column_value_lengths_to_be_between":
            return f"{present} AND NOT ({_between(f'length({column})', kwargs)})"
        case "expect_column_values_to_be_between":
            return f"{present} AND NOT ({_between(column, kwargs)})"
    raise ConfigurationError(
        f"Expectation {kind} cannot set rows aside.",
        remedy="Use warn or stop for it, or one of the row expectations listed in linkage/quality/set_aside.py.",
    )


def _between(expression: str, kwargs: dict[str, Any]) -> str:
    limits = [(">=", kwargs.get("min_value")), ("<=", kwargs.get("max_value"))]
    return (
        " AND ".join(f"{expression} {sign} {_literal(value)}" for sign, value in limits if value is not None) or "true"
    )


def _literal(value: Any) -> str:
    return str(value) if isinstance(value, int | float) else f"{quote_text(value)}"
