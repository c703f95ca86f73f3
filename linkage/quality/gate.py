"""The one adapter to Great Expectations: suites run on Parquet files, and only counts come back, never a value.

Great Expectations takes two seconds to import, so it is imported where it is used. Its context lives in memory, its
usage reporting is off, and its DuckDB has the limits of the engine that runs the stage.
"""

import itertools
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from linkage.kernel.engine import Engine, quote_name, quote_text
from linkage.kernel.errors import ConfigurationError
from linkage.quality.dialect import URL, register
from linkage.quality.limits import limit_text, observed_text
from linkage.quality.parameters import applies, bound_kwargs, bound_measure
from linkage.quality.suite import SQL_RULE, Rule, Suite

# No example of a failing value is fetched, not even into memory.
RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}
GATES = itertools.count(1)
# In a traceback: DuckDB's own error inside SQLAlchemy's, or the class that begins a line.
ERROR_NAME = re.compile(r"\(_duckdb\.(\w+)\)|^(?:\w+\.)*(\w+(?:Error|Exception)):", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """One rule's result tonight: counts and aggregates only. ``error`` names what kept it from running."""

    suite: Suite
    rule: Rule
    success: bool
    rows_checked: int
    rows_failed: int
    observed: str
    limit: str
    error: str = ""

    @property
    def verdict(self) -> str:
        """pass, warn or stop. A rule that could not be evaluated stops the night, whatever its severity."""
        if self.error:
            return "stop"
        if self.success:
            return "pass"
        return "stop" if self.rule.meta.on_failure == "stop" else "warn"


class Gate:
    """Runs suites in one Great Expectations context; make it with ``open_gate``."""

    def __init__(self, engine: Engine) -> None:
        gx: Any = import_module("great_expectations")
        self._gx = gx
        self._engine = engine
        self._runs = itertools.count(1)
        self._context = gx.get_context(mode="ephemeral")
        self._context.enable_analytics(False)
        self._context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        self._source = self._context.data_sources.add_sql(
            name="night",
            # A named database in memory: Great Expectations opens several connections and all must see the views.
            connection_string=f"{URL}gate_{next(GATES)}",
            create_temp_table=False,
            kwargs={"connect_args": {"config": _limits(engine)}},
        )

    def close(self) -> None:
        """Give back the memory of Great Expectations' DuckDB."""
        self._source.get_engine().dispose()

    def run(self, suite: Suite, path: Path, parameters: Mapping[str, Any]) -> list[Outcome]:
        """Ask every rule of ``suite`` that applies tonight of the Parquet file ``path``.

        Raises ConfigurationError for an expectation type or argument that Great Expectations does not know.
        """
        rules = [rule for rule in suite.expectations if applies(rule, parameters)]
        if not rules:
            return []
        results = self._validate(self._expectations(suite, rules, parameters), path)
        rows = int(self._engine.scalar(f"SELECT count(*) FROM read_parquet({quote_text(path)})"))
        return [self._outcome(suite, rule, results.get(rule.name), rows, path, parameters) for rule in rules]

    def _expectations(self, suite: Suite, rules: Sequence[Rule], parameters: Mapping[str, Any]) -> Any:
        configurations = [
            {
                "type": rule.type,
                "kwargs": bound_kwargs(suite, rule, parameters),
                "severity": rule.severity,
                "meta": {"rule": rule.name},
            }
            for rule in rules
        ]
        try:
            expectations = self._gx.ExpectationSuite(
                name=f"{suite.name}_{next(self._runs)}", expectations=configurations
            )
        except Exception as error:
            raise ConfigurationError(
                f"Suite {suite.name}: Great Expectations refuses an argument ({type(error).__name__}).",
                remedy=f"Compare the kwargs in expectations/{suite.name}.json with the expectation's documentation.",
            ) from error
        known = {expectation.meta["rule"] for expectation in expectations.expectations}
        unknown = [f"{rule.name} ({rule.type})" for rule in rules if rule.name not in known]
        if unknown or len(expectations.expectations) != len(rules):
            raise ConfigurationError(
                f"Suite {suite.name}: Great Expectations does not know {', '.join(unknown)}.",
                remedy=f"Correct the type in expectations/{suite.name}.json; an unknown rule would pass unseen.",
            )
        return expectations

    def _validate(self, expectations: Any, path: Path) -> dict[str, Any]:
        name = expectations.name
        self._context.suites.add(expectations)
        # Not a query asset: Great Expectations opens one by running its query, and would fetch the whole table.
        view = f"CREATE VIEW {quote_name(name)} AS SELECT * FROM read_parquet({quote_text(path)})"
        with self._source.get_engine().begin() as connection:
            connection.exec_driver_sql(view)
        asset = self._source.add_table_asset(name=name, table_name=name)
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        results = batch.validate(expectations, result_format=RESULT_FORMAT).results
        return {result.expectation_config.meta["rule"]: result for result in results}

    def _outcome(
        self, suite: Suite, rule: Rule, result: Any | None, rows: int, path: Path, parameters: Mapping[str, Any]
    ) -> Outcome:
        error = "NoResult" if result is None else _error_kind(result.exception_info)
        detail = {} if result is None else result.result or {}
        key = "observed_value" if rule.type == SQL_RULE else "unexpected_count"
        failed = 0 if error else int(detail.get(key) or 0)
        measure = None if error else bound_measure(suite, rule, parameters, path)
        parts = self._engine.rows(f"SELECT * FROM ({measure}) ORDER BY part") if measure else None
        return Outcome(
            suite=suite,
            rule=rule,
            success=result is not None and bool(result.success) and not error,
            rows_checked=rows,
            rows_failed=failed,
            observed="" if error else observed_text(rule, detail, failed, rows, parts),
            limit=limit_text(rule, bound_kwargs(suite, rule, parameters)),
            error=error,
        )


@contextmanager
def open_gate(engine: Engine) -> Iterator[Gate]:
    """A gate that is closed again; meanwhile Great Expectations logs nothing (its messages may quote values)."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    register()
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        gate = Gate(engine)
        try:
            yield gate
        finally:
            gate.close()
    finally:
        logger.setLevel(before)


def _limits(engine: Engine) -> dict[str, Any]:
    """The engine's own limits for the second DuckDB in this process (the engine itself is idle meanwhile)."""
    columns = ", ".join(
        f"current_setting('{name}') AS {name}" for name in ("threads", "memory_limit", "temp_directory")
    )
    values = engine.rows(f"SELECT {columns}")[0]
    return {name: value for name, value in values.items() if value not in (None, "")}


def _error_kind(info: Any) -> str:
    """Name of the error behind a failed evaluation, empty if there was none; its text may quote a value."""
    details = [info, *(inner for inner in info.values() if isinstance(inner, dict))] if info else []
    for detail in details:
        if detail.get("raised_exception"):
            found = ERROR_NAME.findall(str(detail.get("exception_traceback") or ""))
            return next((engine or python for engine, python in reversed(found)), "Error")
    return ""
