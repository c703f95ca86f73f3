"""What the report says, as plain aggregates: queries in ``queries.yaml`` over the run's own tables, no HTML here."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from linkage.kernel.config import parse_yaml
from linkage.kernel.run import StageContext

SQL_PACKAGE = "linkage.report"
MEASURES = "measures.json"
# View -> (stage, table). The register's candidate values are called candidate_values, because VALUES is an SQL word.
INPUTS = {
    "file_accounting": ("sources", "file_accounting"),
    "set_aside": ("gate_incoming", "set_aside"),
    "rejects": ("sources", "rejects"),
    "common_records": ("gate_incoming", "common_records"),
    "scored_pairs": ("match", "scored_pairs"),
    "blocking_counts": ("match", "blocking_counts"),
    "drift": ("match", "drift"),
    "links": ("resolve", "links"),
    "judgement_status": ("resolve", "judgement_status"),
    "review_cases": ("estimate", "review_cases"),
    "error_estimates": ("estimate", "error_estimates"),
    "person_subgroups": ("estimate", "person_subgroups"),
    "persons": ("register", "persons"),
    "households": ("register", "households"),
    "members": ("register", "members"),
    "candidate_values": ("register", "values"),
    "events": ("register", "events"),
}


def read_inputs(context: StageContext) -> None:
    """Make the run's tables readable under their names."""
    for view, (stage, table) in INPUTS.items():
        context.engine.read(view, context.input(stage, table))
    for view, stages in (
        ("signals", ("sources", "standardise", "match")),
        ("gate_results", ("gate_incoming", "gate_outgoing")),
    ):
        for stage in stages:
            context.engine.read(f"{view}_{stage}", context.input(stage, view))
        union = " UNION ALL ".join(f"SELECT * FROM {view}_{stage}" for stage in stages)
        context.engine.con.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {union}")


def measure(context: StageContext) -> dict[str, Any]:
    """All measures by name (lists of rows), with run, model and the night before. JSON-able, no personal data."""
    engine = context.engine
    engine.run_sql(SQL_PACKAGE, "conflict_counts")
    engine.run_sql(SQL_PACKAGE, "household_findings", {"night": context.night})
    engine.run_sql("linkage.kernel", "subgroup_names")
    engine.run_sql(SQL_PACKAGE, "subgroup_measures")
    queries = parse_yaml((files("linkage.report") / "queries.yaml").read_text(encoding="utf-8"))
    measures: dict[str, Any] = {name: engine.rows(query) for name, query in queries.items()}
    measures["run"] = _read_json(context.run_dir / "run.json") | {
        "run_id": context.run_id,
        "night": context.night.isoformat(),
    }
    measures["card"] = _read_json(context.run_dir / "model" / "card.json")
    measures["timings"] = _read_json(context.run_dir / "timings.json")
    measures["stages"] = {
        stage: context.summary(stage)
        for stage in (
            "sources",
            "gate_incoming",
            "model",
            "match",
            "resolve",
            "estimate",
            "register",
            "gate_outgoing",
            "release",
        )
    }
    measures["key"] = key_figures(measures)
    measures["before"] = _key_before(context)
    plain: dict[str, Any] = json.loads(json.dumps(measures, default=str))
    return plain


def key_figures(measures: dict[str, Any]) -> dict[str, float | None]:
    """The figures that are compared with the night before; None where there is no estimate."""
    files = measures["files"]
    register = {
        row["measure"]: row["estimate"]
        for row in measures["errors"]
        if (row["method"], row["subgroup"]) == ("register", "all")
    }
    resolve = measures["stages"]["resolve"]
    status = {row["status"]: row["persons"] for row in measures["status"]}
    return {
        "counted_rows": sum(f["counted_rows"] for f in files),
        "accepted_rows": sum(f["accepted_rows"] for f in files),
        "rejected_rows": sum(f["rejected_rows"] for f in files),
        "duplicate_rows": sum(f["duplicate_rows"] for f in files),
        "persons": sum(status.values()),
        "persons_alive": status.get("alive", 0),
        "households": sum(h["households"] for h in measures["households"]),
        "review_cases": sum(r["cases"] for r in measures["reviews"]),
        "persons_new": resolve.get("persons_new", 0),
        "persons_merged": resolve.get("persons_merged", 0),
        "persons_split": resolve.get("persons_split", 0),
        "persons_ended": resolve.get("persons_ended", 0),
        "estimated_precision": register.get("precision"),
        "estimated_recall": register.get("recall"),
    }


def _key_before(context: StageContext) -> dict[str, float]:
    if context.previous_run is None:
        return {}
    before: dict[str, float] = _read_json(context.previous_run / "report" / MEASURES).get("key", {})
    return before


def _read_json(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return data
