"""The stages ``gate_incoming`` and ``gate_outgoing``: what may go on, what is set aside, and whether the night stops.

A stop verdict is returned, not raised: the stage's tables and its page are committed first, then the night ends.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from linkage.kernel.contracts import contract
from linkage.kernel.engine import quote_name, quote_text
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import StageContext, Summary
from linkage.quality.docs import write_page
from linkage.quality.gate import Gate, Outcome, open_gate
from linkage.quality.parameters import applies, parameters
from linkage.quality.set_aside import find_set_aside
from linkage.quality.suite import Suite, read_suites
from linkage.quality.verdict import Verdict, decide


def run_incoming(context: StageContext) -> Summary:
    """Check common records and the accounting of files; writes the records that pass, set_aside and gate_results."""
    paths = {
        "common_records": context.input("standardise", "common_records"),
        "file_accounting": context.input("sources", "file_accounting"),
        "set_aside": context.output("set_aside"),
    }
    suites = read_suites(expectations_dir(context), "incoming")
    known = parameters(context, paths)
    with open_gate(context.engine) as gate:
        before = [suite for suite in suites if suite.meta.table != "set_aside"]
        outcomes = _ask(context, gate, before, paths, known)
        counts = _separate(context, outcomes, paths["common_records"], known)
        outcomes += _ask(context, gate, [suite for suite in suites if suite not in before], paths, known)
    return _finish(context, "incoming", suites, known, outcomes, _signals(context)) | counts


def run_outgoing(context: StageContext) -> Summary:
    """Check the new register before it is released; writes gate_results."""
    paths = {name: context.input("register", name) for name in ("persons", "households", "members", "values")}
    paths["links"] = context.input("resolve", "links")
    paths["common_records"] = context.input("gate_incoming", "common_records")
    suites = read_suites(expectations_dir(context), "outgoing")
    known = parameters(context, paths)
    with open_gate(context.engine) as gate:
        outcomes = _ask(context, gate, suites, paths, known)
    return _finish(context, "outgoing", suites, known, outcomes, [])


def expectations_dir(context: StageContext) -> Path:
    """The run's own copy of the suites, else the ones that ship with gridroll."""
    own = context.config_dir.parent / "expectations"
    return own if own.is_dir() else Path(__file__).resolve().parents[2] / "expectations"


def _ask(
    context: StageContext, gate: Gate, suites: Sequence[Suite], paths: Mapping[str, Path], known: Mapping[str, Any]
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for suite in suites:
        if suite.meta.table not in paths:
            raise ConfigurationError(
                f"Suite {suite.name} speaks about {suite.meta.table}, which the gate {suite.meta.gate} does not see.",
                remedy=f"Tables of this gate: {', '.join(paths)}.",
            )
        context.note(f"gate {suite.meta.gate}: {suite.name}, {len(suite.expectations)} rules")
        outcomes += gate.run(suite, paths[suite.meta.table], known)
    return outcomes


def _separate(context: StageContext, outcomes: Sequence[Outcome], path: Path, known: Mapping[str, Any]) -> Summary:
    """Write the records that pass and the ones set aside; every record is in exactly one of both."""
    engine = context.engine
    engine.read("arriving_records", path)
    find_set_aside(engine, outcomes, known, "arriving_records")
    context.write("set_aside")
    arriving = int(engine.scalar("SELECT count(*) FROM arriving_records"))
    passing = _write_passing(context, path)
    for statement in ("DROP VIEW arriving_records", "DROP TABLE set_aside", "DROP TABLE failing_records"):
        engine.con.execute(statement)
    return {"arriving": arriving, "records": passing, "set_aside": arriving - passing}


def _write_passing(context: StageContext, path: Path) -> int:
    """Write the records that are not set aside, in the order they came (which is key order); returns their number.

    With none set aside the file is the same, byte for byte.
    """
    output = context.output("common_records")
    if context.engine.scalar("SELECT count(*) FROM set_aside"):
        kept = "SELECT * FROM arriving_records WHERE record_key NOT IN (SELECT record_key FROM set_aside)"
        context.engine.write_query(kept, output)
    else:
        shutil.copyfile(path, output)
    return int(context.engine.scalar(f"SELECT count(*) FROM read_parquet({quote_text(output)})"))


def _signals(context: StageContext) -> list[dict[str, Any]]:
    """The signals of this night that warn or stop, worst first."""
    found: list[dict[str, Any]] = []
    for stage in ("sources", "standardise"):
        context.engine.read("stage_signals", context.input(stage, "signals"))
        found += context.engine.rows("SELECT * FROM stage_signals WHERE severity IN ('warn', 'stop') ORDER BY ALL")
    return sorted(found, key=lambda signal: str(signal["severity"]))


def _finish(
    context: StageContext,
    gate: str,
    suites: Sequence[Suite],
    known: Mapping[str, Any],
    outcomes: Sequence[Outcome],
    signals: Sequence[Mapping[str, Any]],
) -> Summary:
    """Write gate_results and the gate's page, and say pass, warn or stop."""
    _write_results(context, gate, outcomes)
    verdict: Verdict = decide(outcomes, signals)
    resting = [(suite, rule) for suite in suites for rule in suite.expectations if not applies(rule, known)]
    write_page(context, gate, verdict, outcomes, resting, signals)
    return verdict.summary() | {
        "rules": len(outcomes),
        "resting": len(resting),
        "signals_warn": sum(signal["severity"] == "warn" for signal in signals),
        "signals_stop": sum(signal["severity"] == "stop" for signal in signals),
    }


def _write_results(context: StageContext, gate: str, outcomes: Sequence[Outcome]) -> None:
    spec = contract("gate_results")
    columns = ", ".join(f"{quote_name(field.name)} {field.type}" for field in spec.fields)
    context.engine.con.execute(f"CREATE OR REPLACE TEMP TABLE gate_results ({columns})")
    marks = ", ".join(f"${name}" for name in spec.column_names)
    for outcome in outcomes:
        context.engine.con.execute(f"INSERT INTO gate_results VALUES ({marks})", _result_row(gate, outcome))
    context.write("gate_results")
    context.engine.con.execute("DROP TABLE gate_results")


def _result_row(gate: str, outcome: Outcome) -> dict[str, Any]:
    rule = outcome.rule
    return {
        "gate": gate,
        "suite": outcome.suite.name,
        "table": outcome.suite.meta.table,
        "rule": rule.name,
        "expectation": rule.type,
        "column": ", ".join(rule.columns),
        "level": rule.meta.level,
        "severity": rule.severity,
        "success": outcome.success,
        "rows_checked": outcome.rows_checked,
        "rows_failed": outcome.rows_failed,
        "observed": f"无法计算 not evaluated: {outcome.error}" if outcome.error else outcome.observed,
        "limit": outcome.limit,
        "verdict": outcome.verdict,
        "reason": rule.meta.zh,
        "reason_en": rule.meta.en,
    }
