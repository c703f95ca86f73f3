"""Running a suite with Great Expectations on a Parquet file; only counts come back, never a value."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linkage.kernel.engine import quote_text
from linkage.kernel.errors import ConfigurationError
from linkage.quality.dialect import URL, register
from linkage.quality.suite import Rule, Suite, substitute


@dataclass(frozen=True)
class Outcome:
    """One rule's result: counts and aggregates only."""

    rule: Rule
    success: bool
    rows_checked: int
    rows_failed: int
    observed: str
    limit: str
    failed_to_run: bool = False

    @property
    def verdict(self) -> str:
        """pass, warn or stop; a rule that cannot be evaluated stops the night."""
        if self.failed_to_run:
            return "stop"
        if self.success:
            return "pass"
        return "stop" if self.rule.on_failure == "stop" else "warn"


def run_suite(suite: Suite, path: Path, parameters: Mapping[str, Any]) -> list[Outcome]:
    """Validate the Parquet file ``path`` with every rule of ``suite`` that applies tonight.

    Raises ConfigurationError for an expectation type or argument that Great Expectations does not know.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    import great_expectations as gx  # takes two seconds, so only where it is needed

    register()
    rules = [rule for rule in suite.rules if rule.needs is None or parameters.get(rule.needs) is not None]
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}  # type: ignore[assignment]
    source = context.data_sources.add_sql(name=suite.suite, connection_string=URL, create_temp_table=False)
    asset = source.add_query_asset(name=suite.table, query=f"SELECT * FROM read_parquet({quote_text(path)})")
    batch = asset.add_batch_definition_whole_table("all").get_batch()
    expectations = context.suites.add(
        gx.ExpectationSuite(name=suite.suite, expectations=_expectations(rules, parameters))
    )
    if len(expectations.expectations) != len(rules):
        known = {(e.meta or {})["rule"] for e in expectations.expectations}
        raise ConfigurationError(
            f"Suite {suite.suite}: Great Expectations does not know {', '.join(f'{r.rule} ({r.type})' for r in rules if r.rule not in known)}.",
            remedy="Correct the type in expectations/; an unknown rule would pass unseen.",
        )
    results = {_rule_of(r): r for r in batch.validate(expectations, result_format="BASIC").results}
    return [_outcome(rule, results[rule.rule], parameters) for rule in rules]


def _rule_of(result: Any) -> str:
    return str(result.expectation_config.meta["rule"])


def _expectations(rules: list[Rule], parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    severity = {"stop": "critical", "warn": "warning", "set_aside": "warning"}
    return [
        {
            "type": rule.type,
            "kwargs": substitute(rule.kwargs, parameters),
            "severity": severity[rule.on_failure],
            "meta": {"rule": rule.rule},
        }
        for rule in rules
    ]


def _outcome(rule: Rule, result: Any, parameters: Mapping[str, Any]) -> Outcome:
    info = result.exception_info or {}
    raised = bool(
        info.get("raised_exception") or any(isinstance(i, dict) and i.get("raised_exception") for i in info.values())
    )
    detail = result.result or {}
    observed = detail.get("observed_value")
    failed = int(detail.get("unexpected_count") or 0)
    if rule.type == "unexpected_rows_expectation":
        failed = int(observed or 0)
    return Outcome(
        rule=rule,
        success=bool(result.success) and not raised,
        rows_checked=int(detail.get("element_count") or 0),
        rows_failed=failed,
        observed="无法计算 could not be evaluated" if raised else _aggregate(observed, detail),
        limit=_limit(rule, parameters),
        failed_to_run=raised,
    )


def _aggregate(observed: Any, detail: Mapping[str, Any]) -> str:
    """A number, or the share of failing rows; anything else could be a value and is left out."""
    if isinstance(observed, int | float) and not isinstance(observed, bool):
        return f"{observed:,.4g}" if isinstance(observed, float) else f"{observed:,}"
    if detail.get("unexpected_percent") is not None:
        return f"{detail['unexpected_percent']:.4f} %"
    return ""


def _limit(rule: Rule, parameters: Mapping[str, Any]) -> str:
    shown = {
        k: v
        for k, v in substitute(rule.kwargs, parameters).items()
        if k in ("min_value", "max_value", "mostly", "value_set", "regex")
    }
    return ", ".join(f"{k} {v}" for k, v in shown.items())
