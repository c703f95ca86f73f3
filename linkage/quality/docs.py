"""The gate's page: every rule, why it is there, its limit, what was seen tonight and the night before.

Great Expectations' own Data Docs show values and fetch from the net; this page holds counts only and asks nobody.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from itertools import groupby
from typing import Any

from jinja2 import Environment, StrictUndefined

from linkage.kernel.contracts import contract
from linkage.kernel.run import StageContext, read_stage_summary
from linkage.quality.gate import Outcome
from linkage.quality.suite import Rule, Suite
from linkage.quality.verdict import Verdict

WORDS = {
    "pass": ("通过", "pass"),
    "warn": ("警告", "warn"),
    "set_aside": ("搁置", "set aside"),
    "stop": ("停止", "stop"),
}


def write_page(
    context: StageContext,
    gate: str,
    verdict: Verdict,
    outcomes: Sequence[Outcome],
    resting: Sequence[tuple[Suite, Rule]],
    signals: Sequence[Mapping[str, Any]],
) -> None:
    """Write ``index.html`` (self-contained, Chinese with an English switch) into the stage's folder."""
    template = (files("linkage.quality") / "templates" / "gate.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    words = [_word(outcome) for outcome in outcomes]
    html = environment.from_string(template).render(
        gate=gate,
        night=context.night.isoformat(),
        run_id=context.run_id,
        verdict=verdict,
        suites=[
            (suite, contract(suite.meta.table), [(outcome, _word(outcome)) for outcome in group])
            for suite, group in groupby(outcomes, key=lambda outcome: outcome.suite)
        ],
        noticed=[(outcome, word) for outcome, word in zip(outcomes, words, strict=True) if outcome.verdict == "warn"],
        counts=Counter(words),
        words=WORDS,
        resting=resting,
        signals=signals,
        before=_results_before(context),
        verdict_before=read_stage_summary(context.previous_run, context.stage).get("verdict")
        if context.previous_run
        else None,
    )
    (context.out_dir / "index.html").write_text(html, encoding="utf-8")


def _word(outcome: Outcome) -> str:
    aside = outcome.verdict == "warn" and outcome.rule.meta.on_failure == "set_aside"
    return "set_aside" if aside else outcome.verdict


def _results_before(context: StageContext) -> dict[tuple[str, str], dict[str, Any]]:
    """Results of the same gate in the run before, by suite and rule; empty on a first night."""
    path = context.previous_run / context.stage / "gate_results.parquet" if context.previous_run else None
    if path is None or not path.exists():
        return {}
    context.engine.read("results_before", path)
    rows = context.engine.rows("SELECT suite, rule, verdict, rows_failed, observed FROM results_before")
    return {(row["suite"], row["rule"]): row for row in rows}
