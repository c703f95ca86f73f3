"""The stages ``gate_incoming`` and ``gate_outgoing``: what may go on, what is set aside, and whether the night stops."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linkage.kernel.contracts import contract
from linkage.kernel.engine import Engine, quote_name, quote_text
from linkage.kernel.errors import LinkageError
from linkage.kernel.run import StageContext, Summary
from linkage.quality.expectations import Outcome, run_suite
from linkage.quality.page import write_page
from linkage.quality.set_aside import failing_sql
from linkage.quality.suite import Rule, Suite, read_suites, substitute

RESULT_COLUMNS = (
    "gate", "suite", "table", "rule", "expectation", "column", "level", "severity", "success", "rows_checked", "rows_failed",
    "observed", "limit", "verdict", "reason", "reason_en",
)  # fmt: skip
SEVERITY = {"stop": "critical", "warn": "warning", "set_aside": "info"}
Results = list[tuple[Suite, Outcome]]


def run_incoming(context: StageContext) -> Summary:
    """Check common records and the accounting of files; writes the records that pass, set_aside and gate_results."""
    paths = {
        "common_records": context.input("standardise", "common_records"),
        "file_accounting": context.input("sources", "file_accounting"),
    }
    results = _run_suites(context, "incoming", paths)
    engine = context.engine
    engine.read("common_records", paths["common_records"])
    aside = _set_aside(context, results)
    passing = _write_passing(context, paths["common_records"], aside)
    context.write("set_aside")
    zh, en = _signal_reasons(context)
    return _finish(context, "incoming", results, zh, en) | {"records": passing, "set_aside": aside}


def run_outgoing(context: StageContext) -> Summary:
    """Check the new register before it is released; writes gate_results."""
    paths = {name: context.input("register", name) for name in ("persons", "households", "members", "values")}
    paths["links"] = context.input("resolve", "links")
    paths["common_records"] = context.input("gate_incoming", "common_records")
    return _finish(context, "outgoing", _run_suites(context, "outgoing", paths), [], [])


def _run_suites(context: StageContext, gate: str, paths: Mapping[str, Path]) -> Results:
    parameters = _parameters(context, paths)
    results: Results = []
    for suite in read_suites(_expectations(context), gate):
        if suite.table not in paths:
            raise LinkageError(
                f"Suite {suite.suite} speaks about {suite.table}, which the gate {gate} does not see.",
                remedy=f"Tables of this gate: {', '.join(paths)}.",
            )
        context.note(f"gate {gate}: {suite.suite}, {len(suite.rules)} rules")
        results.extend((suite, outcome) for outcome in run_suite(suite, paths[suite.table], parameters))
    return results


def _expectations(context: StageContext) -> Path:
    """The run's own copy of the suites, else the ones that ship with gridroll."""
    own = context.config_dir.parent / "expectations"
    return own if own.is_dir() else Path(__file__).resolve().parents[2] / "expectations"


def _parameters(context: StageContext, paths: Mapping[str, Path]) -> dict[str, Any]:
    """What suites may refer to: ``$night``, ``$path_<table>``, and counts of the release before."""
    parameters: dict[str, Any] = {"night": context.night.isoformat()}
    parameters |= {f"path_{name}": quote_text(path) for name, path in paths.items()}
    if context.previous_release is not None:
        for table in ("persons", "households"):
            path = context.previous_release / f"{table}.parquet"
            before = context.engine.scalar(f"SELECT count(*) FROM read_parquet({quote_text(path)})")
            parameters |= {
                f"{table}_before": before,
                f"{table}_at_least": int(before * 0.9),
                f"{table}_at_most": int(before * 1.1) + 1,
            }
    return parameters


def _set_aside(context: StageContext, results: Results) -> int:
    """Fill the temp table ``set_aside``; its counts must be the ones Great Expectations found."""
    engine = context.engine
    columns = ", ".join(f"{quote_name(f.name)} {f.type}" for f in contract("set_aside").fields)
    engine.con.execute(f"CREATE OR REPLACE TEMP TABLE set_aside ({columns})")
    parameters = {"night": context.night.isoformat()}
    for suite, outcome in results:
        if outcome.rule.on_failure == "set_aside" and suite.table == "common_records" and outcome.rows_failed:
            found = _insert_failing(engine, outcome.rule, parameters)
            if found != outcome.rows_failed:
                raise LinkageError(
                    f"Rule {outcome.rule.rule}: Great Expectations counts {outcome.rows_failed} rows, the same rule in SQL finds {found}.",
                    remedy="Correct the rule in expectations/, or linkage/quality/set_aside.py.",
                )
    return int(engine.scalar("SELECT count(DISTINCT record_key) FROM set_aside"))


def _write_passing(context: StageContext, path: Path, aside: int) -> int:
    """Write the records that are not set aside; with none set aside the file is the same, byte for byte."""
    if not aside:
        shutil.copyfile(path, context.output("common_records"))
        return int(context.engine.scalar("SELECT count(*) FROM common_records"))
    context.engine.con.execute(
        "CREATE OR REPLACE TEMP VIEW passing AS SELECT * FROM common_records WHERE record_key NOT IN (SELECT record_key FROM set_aside)"
    )
    passing = context.write("common_records", source="passing")
    context.engine.con.execute("DROP VIEW passing")
    return passing


def _insert_failing(engine: Engine, rule: Rule, parameters: Mapping[str, Any]) -> int:
    condition = failing_sql(rule.type, substitute(rule.kwargs, parameters))
    before = engine.scalar("SELECT count(*) FROM set_aside")
    engine.con.execute(
        f"""INSERT INTO set_aside BY NAME
        SELECT record_key, source, feed, file, row_number, $rule AS rule, $column AS "column", $zh AS reason, $en AS reason_en
        FROM common_records WHERE {condition}""",
        {"rule": rule.rule, "column": str(rule.kwargs.get("column", "")), "zh": rule.zh, "en": rule.en},
    )
    return int(engine.scalar("SELECT count(*) FROM set_aside") - before)


def _signal_reasons(context: StageContext) -> tuple[list[str], list[str]]:
    """Sentences of the signals that stop the night."""
    zh: list[str] = []
    en: list[str] = []
    for stage in ("sources", "standardise"):
        context.engine.read("stage_signals", context.input(stage, "signals"))
        for row in context.engine.rows("SELECT * FROM stage_signals WHERE severity = 'stop' ORDER BY ALL"):
            where = row["file"] or row["feed"] or row["source"]
            zh.append(f"{where}：{row['message']}")
            en.append(f"{where}: {row['message_en']}")
    return zh, en


def _finish(context: StageContext, gate: str, results: Results, zh: list[str], en: list[str]) -> Summary:
    """Write gate_results and the gate's page, and say pass, warn or stop."""
    rows = [_row(gate, suite, outcome) for suite, outcome in results]
    columns = ", ".join(f"{quote_name(f.name)} {f.type}" for f in contract("gate_results").fields)
    context.engine.con.execute(f"CREATE OR REPLACE TEMP TABLE gate_results ({columns})")
    listed = ", ".join(quote_name(c) for c in RESULT_COLUMNS)
    context.engine.con.executemany(
        f"INSERT INTO gate_results ({listed}) VALUES ({', '.join('?' for _ in RESULT_COLUMNS)})", rows
    )
    context.write("gate_results")
    stops = [outcome for _, outcome in results if outcome.verdict == "stop"]
    warnings = sum(outcome.verdict == "warn" and outcome.rule.on_failure != "set_aside" for _, outcome in results)
    zh = zh + [f"{o.rule.zh}（{o.rows_failed or o.observed}）" for o in stops]
    en = en + [f"{o.rule.en} ({o.rows_failed or o.observed})" for o in stops]
    verdict = "stop" if zh else "warn" if warnings else "pass"
    write_page(context, gate, verdict, results, zh, en)
    return {
        "verdict": verdict,
        "rules": len(results),
        "warnings": warnings,
        "stops": len(zh),
        "reasons_zh": zh,
        "reasons_en": en,
    }


def _row(gate: str, suite: Suite, o: Outcome) -> tuple[Any, ...]:
    column = str(o.rule.kwargs.get("column", ""))
    return (
        gate, suite.suite, suite.table, o.rule.rule, o.rule.type, column, o.rule.level, SEVERITY[o.rule.on_failure], o.success,
        o.rows_checked, o.rows_failed, o.observed, o.limit, o.verdict, o.rule.zh, o.rule.en,
    )  # fmt: skip
