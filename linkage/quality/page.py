"""The gate's page: every rule, why it is there, its limit, what was seen. Counts only, no outside request."""

import json
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from linkage.kernel.run import StageContext, read_stage_summary
from linkage.quality.expectations import Outcome
from linkage.quality.suite import Suite


def write_page(
    context: StageContext, gate: str, verdict: str, results: list[tuple[Suite, Outcome]], zh: list[str], en: list[str]
) -> None:
    """Write ``index.html`` (self-contained) into the stage's folder."""
    source = (files("linkage.quality") / "templates" / "gate.html").read_text(encoding="utf-8")
    before = read_stage_summary(context.previous_run, context.stage) if context.previous_run else {}
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        source
    )
    html = page.render(
        gate=gate,
        night=context.night.isoformat(),
        run_id=context.run_id,
        verdict=verdict,
        results=results,
        reasons=list(zip(zh, en, strict=True)),
        before=json.dumps({k: before[k] for k in ("verdict", "warnings") if k in before}, ensure_ascii=False)
        if before
        else "",
    )
    (context.out_dir / "index.html").write_text(html, encoding="utf-8")
