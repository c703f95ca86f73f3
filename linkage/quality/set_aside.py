"""Which records a row rule refuses: the same rules as conditions of one SQL scan, for the records themselves.

Great Expectations counts; this finds the records. Every rule's two counts must agree, or the stage fails.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from linkage.kernel.contracts import contract
from linkage.kernel.engine import Engine, quote_name, quote_text
from linkage.kernel.errors import ConfigurationError, LinkageError
from linkage.quality.gate import Outcome
from linkage.quality.parameters import bound_kwargs

LINEAGE = ("record_key", "source", "feed", "file", "row_number")


def find_set_aside(engine: Engine, outcomes: Sequence[Outcome], parameters: Mapping[str, Any], records: str) -> None:
    """Make the temp tables ``failing_records`` and ``set_aside``: one row per refused record and rule it breaks.

    ``records`` is the relation of common records. Raises LinkageError when a count differs from Great Expectations'.
    """
    chosen = [o for o in outcomes if o.rule.meta.on_failure == "set_aside" and not o.error]
    engine.con.execute(_failing_records_sql(chosen, parameters, records))
    found = {
        row["rule"]: row["n"] for row in engine.rows("SELECT rule, count(*) AS n FROM failing_records GROUP BY rule")
    }
    for outcome in chosen:
        if found.get(outcome.rule.name, 0) != outcome.rows_failed:
            raise LinkageError(
                f"Rule {outcome.rule.name}: Great Expectations counts {outcome.rows_failed} records, "
                f"the same rule in SQL finds {found.get(outcome.rule.name, 0)}.",
                remedy="Correct the rule in expectations/common_records.json, or linkage/quality/set_aside.py.",
            )
    _explain(engine, chosen)


def failing_sql(kind: str, kwargs: Mapping[str, Any], records: str) -> str:
    """SQL condition that is true for the rows of ``records`` that break the expectation ``kind``, null or false else.

    Raises ConfigurationError for a kind that has none.
    """
    column = quote_name(str(kwargs.get("column", "")))
    match kind:
        case "expect_column_values_to_not_be_null":
            return f"{column} IS NULL"
        case "expect_column_values_to_be_in_set":
            return f"{column} NOT IN ({', '.join(quote_text(value) for value in kwargs['value_set'])})"
        case "expect_column_values_to_match_regex":
            return f"NOT regexp_matches({column}, {quote_text(kwargs['regex'])})"
        case "expect_column_values_to_not_match_regex":
            return f"regexp_matches({column}, {quote_text(kwargs['regex'])})"
        case "expect_column_value_lengths_to_be_between":
            return f"NOT ({_between(f'length({column})', kwargs)})"
        case "expect_column_values_to_be_between":
            return f"NOT ({_between(column, kwargs)})"
        case "expect_compound_columns_to_be_unique":
            key = ", ".join(quote_name(name) for name in kwargs["column_list"])
            return f"({key}) IN (SELECT ({key}) FROM {records} GROUP BY {key} HAVING count(*) > 1)"
    raise ConfigurationError(
        f"Expectation {kind} cannot set rows aside.",
        remedy="Use warn or stop for it, or one of the row expectations listed in linkage/quality/set_aside.py.",
    )


def _failing_records_sql(chosen: Sequence[Outcome], parameters: Mapping[str, Any], records: str) -> str:
    """One scan: each record with the list of the rules it breaks."""
    cases = ", ".join(
        f"CASE WHEN {failing_sql(o.rule.type, bound_kwargs(o.suite, o.rule, parameters), records)} "
        f"THEN {quote_text(o.rule.name)} END"
        for o in chosen
    )
    broken = f"list_filter([{cases}], lambda rule: rule IS NOT NULL)" if cases else "CAST([] AS VARCHAR[])"
    lineage = ", ".join(LINEAGE)
    return f"""CREATE OR REPLACE TEMP TABLE failing_records AS
        SELECT {lineage}, unnest(broken) AS rule
        FROM (SELECT {lineage}, {broken} AS broken FROM {records}) WHERE len(broken) > 0"""


def _explain(engine: Engine, chosen: Sequence[Outcome]) -> None:
    """``set_aside`` by its contract: the failing records with what the department should know."""
    spec = contract("set_aside")
    columns = ", ".join(f"{quote_name(field.name)} {field.type}" for field in spec.fields)
    engine.con.execute(f"CREATE OR REPLACE TEMP TABLE set_aside ({columns})")
    for outcome in chosen:
        engine.con.execute(
            f"""INSERT INTO set_aside BY NAME
            SELECT {", ".join(LINEAGE)}, rule, $column AS "column", $zh AS reason, $en AS reason_en
            FROM failing_records WHERE rule = $rule""",
            {
                "rule": outcome.rule.name,
                "column": ", ".join(outcome.rule.columns),
                "zh": outcome.rule.meta.zh,
                "en": outcome.rule.meta.en,
            },
        )


def _between(expression: str, kwargs: Mapping[str, Any]) -> str:
    limits = ((">=", kwargs.get("min_value")), ("<=", kwargs.get("max_value")))
    return " AND ".join(f"{expression} {sign} {_literal(v)}" for sign, v in limits if v is not None) or "true"


def _literal(value: Any) -> str:
    return str(value) if isinstance(value, int | float) else quote_text(value)
