"""Expectation suites: files in ``expectations/``, closed and explained, checked before they are used.

Great Expectations drops an unknown expectation type with a log line and passes an empty suite; both are errors here.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from linkage.kernel.config import ClosedModel
from linkage.kernel.errors import ConfigurationError


class Rule(ClosedModel):
    """One expectation with the reason for its limit."""

    rule: str
    """Id, unique in the suite."""
    type: str
    """Great Expectations type in snake case."""
    kwargs: dict[str, Any]
    """Its arguments; ``$name`` is replaced by the parameter of that name."""
    level: Literal["row", "table"]
    """row: each row passes or fails on its own."""
    on_failure: Literal["set_aside", "warn", "stop"]
    """set_aside (row level only): the row is kept out; warn; stop: nothing is published."""
    zh: str
    """What it demands, in Chinese."""
    en: str
    """What it demands, in English."""
    why: str
    """Why this limit."""
    needs: str | None = None
    """Parameter without which the rule does not apply tonight (e.g. persons_before on a first night)."""


class Suite(ClosedModel):
    """All rules about one table."""

    suite: str
    """Name, the file's name without .json."""
    gate: Literal["incoming", "outgoing"]
    """Which gate uses it."""
    table: str
    """Table contract it speaks about."""
    rules: tuple[Rule, ...] = Field(min_length=1)
    """At least one: a suite without rules would pass anything."""


def read_suites(folder: Path, gate: str) -> list[Suite]:
    """The suites of ``gate``, by name. Raises ConfigurationError for what is broken, empty or unknown."""
    suites = [_read(path) for path in sorted(folder.glob("*.json"))]
    chosen = [suite for suite in suites if suite.gate == gate]
    if not chosen:
        raise ConfigurationError(
            f"There is no expectation suite for the gate {gate!r} in {folder}.",
            remedy="Copy expectations/ of gridroll beside config/.",
        )
    return chosen


def _read(path: Path) -> Suite:
    try:
        suite = Suite.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, ValidationError) as error:
        raise ConfigurationError(
            f"{path} is not a valid expectation suite: {error}", remedy="Correct the keys named above."
        ) from None
    names = [rule.rule for rule in suite.rules]
    if len(set(names)) != len(names):
        raise ConfigurationError(f"{path}: two rules have the same id.", remedy="Give each rule an id of its own.")
    for rule in suite.rules:
        if rule.on_failure == "set_aside" and rule.level != "row":
            raise ConfigurationError(
                f"{path}: rule {rule.rule} sets rows aside but is a table rule.",
                remedy="Use warn or stop, or level row.",
            )
    return suite


def substitute(value: Any, parameters: Mapping[str, Any]) -> Any:
    """``value`` with each ``$name`` replaced. A text that is only ``$name`` keeps the parameter's type."""
    if isinstance(value, dict):
        return {key: substitute(inner, parameters) for key, inner in value.items()}
    if isinstance(value, list):
        return [substitute(inner, parameters) for inner in value]
    if isinstance(value, str) and "$" in value:
        if value[1:] in parameters and value.startswith("$"):
            return parameters[value[1:]]
        for name in sorted(parameters, key=len, reverse=True):
            value = value.replace(f"${name}", str(parameters[name]))
    return value
