"""The stage ``report``: the page a data steward reads in the morning, and one with the cases for stewards only."""

from linkage.kernel.config import read_yaml
from linkage.kernel.run import StageContext, Summary, write_json
from linkage.report.charts import level_bars, threshold_x, weight_histogram
from linkage.report.intervals import MEASURES as ERROR_MEASURES
from linkage.report.intervals import METHODS, estimate_tables
from linkage.report.measures import MEASURES, SQL_PACKAGE, measure, read_inputs
from linkage.report.page import render


def run(context: StageContext) -> Summary:
    """Write index.html (counts only), stewards.html (masked values) and measures.json."""
    read_inputs(context)
    measures = measure(context)
    thresholds = {
        k: measures["stages"]["match"][k] for k in ("join_match_weight", "keep_match_weight", "review_match_weight")
    }
    index = render(
        "index.html",
        m=measures,
        histogram=weight_histogram(measures["weights"]),
        thresholds={name: {"weight": w, "x": threshold_x(w)} for name, w in thresholds.items()},
        levels=level_bars(measures["card"]),
        guards={g["name"]: g for g in read_yaml(context.config_dir / "match.yaml").get("guards", ())},
        verdict=verdict(measures),
        estimates=estimate_tables(measures["errors"]),
        methods=METHODS,
        measures=ERROR_MEASURES,
    )
    (context.out_dir / "index.html").write_text(index, encoding="utf-8")
    context.engine.run_sql(SQL_PACKAGE, "stewards")
    cases = context.engine.rows("SELECT * FROM top_cases ORDER BY priority DESC, case_id")
    records: dict[str, list[dict[str, object]]] = {}
    for row in context.engine.rows("SELECT * FROM case_records ORDER BY case_id, place_in_case"):
        records.setdefault(str(row["case_id"]), []).append(row)
    stewards = render("stewards.html", m=measures, cases=cases, records=records, total=measures["key"]["review_cases"])
    (context.out_dir / "stewards.html").write_text(stewards, encoding="utf-8")
    write_json(context.out_dir / MEASURES, measures)
    return {"bytes": len(index.encode()), "cases_shown": len(cases)}


def verdict(measures: dict[str, object]) -> str:
    """pass, warn or stop: the worst of both gates."""
    stages: dict[str, dict[str, str]] = measures["stages"]  # type: ignore[assignment]
    found = {stages[gate].get("verdict", "pass") for gate in ("gate_incoming", "gate_outgoing")}
    return next((v for v in ("stop", "warn") if v in found), "pass")
