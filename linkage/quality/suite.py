"""Expectation suites: files in ``expectations/``, closed and explained, checked before they are used.

A file has the shape of a Great Expectations suite (``name``, ``expectations``, ``meta``). Great Expectations itself
drops an unknown expectation type with a log line, passes an empty suite, and prints values it did not expect; here
all three are refused: types and counts are checked in gate.py, the rest when the file is read.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from linkage.kernel.config import ClosedModel
from linkage.kernel.contracts import contract, contract_names
from linkage.kernel.errors import ConfigurationError

Gate = Literal["incoming", "outgoing"]
OnFailure = Literal["set_aside", "warn", "stop"]
SEVERITY: dict[str, str] = {"stop": "critical", "warn": "warning", "set_aside": "info"}
# Without these suites a gate would wave a whole table through.
REQUIRED_TABLES: dict[str, frozenset[str]] = {
    "incoming": frozenset({"common_records", "file_accounting", "set_aside"}),
    "outgoing": frozenset({"persons", "households", "members", "links", "values"}),
}
SQL_RULE = "unexpected_rows_expectation"
COUNT_ONLY = re.compile(r"\s*SELECT 1 AS failed\s+FROM\b", re.IGNORECASE)


class RuleMeta(ClosedModel):
    """What a steward must know about a rule, and what its failure does."""

    rule: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Id, unique in the suite."""
    level: Literal["row", "table"]
    """row: each row passes or fails on its own; table: the table as a whole."""
    on_failure: OnFailure
    """set_aside (row level only): the row is kept out; warn: somebody looks; stop: nothing is published."""
    zh: str
    """What it demands, in Chinese."""
    en: str
    """What it demands, in English."""
    why_zh: str
    """Why this rule and this limit, in Chinese."""
    why_en: str
    """Why this rule and this limit, in English."""
    measure: str | None = None
    """SQL that gives ``part`` (a department, feed or file; never a person) and ``share`` (0-1) or ``number`` from
    {batch}; shown as the observed value, and available to the rule's query as ``$measure``."""
    at_least: float | None = None
    """Limit of the measure, available as ``$at_least``."""
    at_most: float | None = None
    """Limit of the measure, available as ``$at_most``."""
    needs: str | None = None
    """Parameter without which the rule does not apply tonight (e.g. persons_before on a first night)."""


class Rule(ClosedModel):
    """One expectation with the reason for its limit."""

    type: str
    """Great Expectations type in snake case."""
    kwargs: dict[str, Any]
    """Its arguments; ``$name`` is replaced by the parameter of that name."""
    severity: Literal["critical", "warning", "info"]
    """Great Expectations' word for on_failure: critical stops, warning warns, info sets aside."""
    meta: RuleMeta

    @property
    def name(self) -> str:
        return self.meta.rule

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns the rule names, none for a rule about the whole table or in SQL."""
        single = [self.kwargs["column"]] if "column" in self.kwargs else []
        return (*single, *self.kwargs.get("column_list", []))

    @model_validator(mode="after")
    def _sound(self) -> Self:
        meta = self.meta
        if self.severity != SEVERITY[meta.on_failure]:
            raise ValueError(f"rule {meta.rule}: {meta.on_failure} is severity {SEVERITY[meta.on_failure]!r}")
        if meta.on_failure == "set_aside" and (meta.level != "row" or "mostly" in self.kwargs):
            raise ValueError(f"rule {meta.rule}: only a row rule without 'mostly' can set rows aside")
        if (meta.measure is None) != (meta.at_least is None and meta.at_most is None):
            raise ValueError(f"rule {meta.rule}: a measure needs at_least or at_most, and the reverse")
        if self.type == SQL_RULE and not COUNT_ONLY.match(str(self.kwargs.get("unexpected_rows_query", ""))):
            raise ValueError(f"rule {meta.rule}: the query begins with SELECT 1 AS failed FROM, so no value leaves it")
        regex = self.kwargs.get("regex")
        if regex is not None and not (regex.startswith("^") and regex.endswith("$")):
            raise ValueError(f"rule {meta.rule}: a regex is anchored at both ends, ^...$")
        return self


class SuiteMeta(ClosedModel):
    """Where a suite is used."""

    gate: Gate
    """incoming: before matching; outgoing: before the release."""
    table: str
    """Table contract it speaks about."""


class Suite(ClosedModel):
    """All rules about one table."""

    name: str
    """The file's name without .json."""
    expectations: tuple[Rule, ...] = Field(min_length=1)
    """At least one: a suite without rules would pass anything."""
    meta: SuiteMeta

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names = [rule.name for rule in self.expectations]
        if len(set(names)) != len(names):
            raise ValueError("two rules have the same id")
        if self.meta.table not in contract_names():
            raise ValueError(f"there is no table contract {self.meta.table!r}")
        known = set(contract(self.meta.table).column_names)
        for rule in self.expectations:
            if not set(rule.columns) <= known:
                raise ValueError(
                    f"rule {rule.name}: {self.meta.table} has no column {', '.join(sorted(set(rule.columns) - known))}"
                )
            if rule.meta.on_failure == "set_aside" and self.meta.table != "common_records":
                raise ValueError(f"rule {rule.name}: only common_records can be set aside")
        return self


def read_suites(folder: Path, gate: Gate) -> tuple[Suite, ...]:
    """The suites of ``gate``, by name. Raises ConfigurationError for what is broken, empty, or missing."""
    suites = [read_suite(path) for path in sorted(folder.glob("*.json"))]
    chosen = tuple(suite for suite in suites if suite.meta.gate == gate)
    missing = REQUIRED_TABLES[gate] - {suite.meta.table for suite in chosen}
    if missing:
        raise ConfigurationError(
            f"{folder} has no expectation suite of the gate {gate!r} for {', '.join(sorted(missing))}.",
            remedy="Copy expectations/ of gridroll beside config/; a table without rules would pass unseen.",
        )
    return chosen


def read_suite(path: Path) -> Suite:
    """One suite. Raises ConfigurationError that names file, key and remedy."""
    try:
        suite = Suite.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        lines = _lines(error.errors(include_url=False, include_input=False, include_context=False))
        raise ConfigurationError(
            f"{path} is not a valid expectation suite:\n{lines}", remedy="Correct the keys named above."
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} is not readable JSON: {error}", remedy="Correct the line named above."
        ) from None
    if suite.name != path.stem:
        raise ConfigurationError(
            f"{path}: the suite calls itself {suite.name!r}.", remedy=f"Name it {path.stem!r}, like its file."
        )
    return suite


def _lines(errors: Iterable[Any]) -> str:
    return "\n".join(f"  {'.'.join(str(p) for p in e['loc']) or '(file)'}: {e['msg']}" for e in errors)
