"""The cases for the stewards' page, values masked."""

from typing import Any

from linkage.kernel.engine import Engine

SQL_PACKAGE = "linkage.report"


def steward_cases(engine: Engine) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """The most urgent cases, and the records of each by its id. The engine has review_cases, common_records and links by name."""
    engine.run_sql(SQL_PACKAGE, "stewards")
    cases = engine.rows("SELECT * FROM top_cases ORDER BY priority DESC, case_id")
    records: dict[str, list[dict[str, Any]]] = {}
    for row in engine.rows("SELECT * FROM case_records ORDER BY case_id, place_in_case"):
        records.setdefault(str(row["case_id"]), []).append(row)
    return cases, records
