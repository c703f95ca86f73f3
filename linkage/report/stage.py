"""The stage ``report``: the page a data steward reads in the morning, and one with the cases for stewards only."""

from linkage.kernel.run import StageContext, Summary, write_json
from linkage.report.cases import steward_cases
from linkage.report.measures import MEASURES, measure, read_inputs
from linkage.report.page import render
from linkage.report.sections import section_values

LINKS = {
    "stewards": "stewards.html",
    "gate_incoming": "../gate_incoming/index.html",
    "gate_outgoing": "../gate_outgoing/index.html",
}


def run(context: StageContext) -> Summary:
    """Write index.html (counts only), stewards.html (masked values) and measures.json."""
    read_inputs(context)
    measures = measure(context)
    index = render("index.html", **section_values(measures, context.config_dir, LINKS))
    (context.out_dir / "index.html").write_text(index, encoding="utf-8")
    cases, records = steward_cases(context.engine)
    stewards = render("stewards.html", m=measures, cases=cases, records=records, total=measures["key"]["review_cases"])
    (context.out_dir / "stewards.html").write_text(stewards, encoding="utf-8")
    write_json(context.out_dir / MEASURES, measures)
    return {"bytes": len(index.encode()), "cases_shown": len(cases)}
