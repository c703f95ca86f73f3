"""What a suite may refer to as ``$name``: the night, the gate's tables, and the figures of the night before."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linkage.kernel.engine import quote_text
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import StageContext
from linkage.kernel.source_config import read_source_configs
from linkage.quality.suite import Rule, Suite

NAME = re.compile(r"\$([a-z][a-z_]*)")


def parameters(context: StageContext, paths: Mapping[str, Path]) -> dict[str, Any]:
    """``night``, ``sources``, ``path_<table>``; on later nights ``persons_before``, ``households_before`` (rows) and
    ``path_common_records_before``. A name that is known but has no value tonight is None."""
    found: dict[str, Any] = {
        "night": context.night.isoformat(),
        "sources": list(read_source_configs(context.config_dir)),
        **{f"path_{name}": path_literal(path) for name, path in paths.items()},
    }
    before = context.previous_run / "gate_incoming" / "common_records.parquet" if context.previous_run else None
    found["path_common_records_before"] = path_literal(before) if before and before.exists() else None
    for table in ("persons", "households"):
        path = context.previous_release / f"{table}.parquet" if context.previous_release else None
        rows = context.engine.scalar(f"SELECT count(*) FROM read_parquet({quote_text(path)})") if path else None
        found[f"{table}_before"] = rows or None  # of an empty register there is no share
    return found


def applies(rule: Rule, known: Mapping[str, Any]) -> bool:
    """Whether the rule can be asked tonight. Raises ConfigurationError when it needs something nobody provides."""
    if rule.meta.needs is None:
        return True
    if rule.meta.needs not in known:
        raise ConfigurationError(
            f"Rule {rule.name} needs the parameter {rule.meta.needs!r}, which does not exist.",
            remedy=f"Known parameters: {', '.join(sorted(known))}.",
        )
    return known[rule.meta.needs] is not None


def bound_kwargs(suite: Suite, rule: Rule, known: Mapping[str, Any]) -> dict[str, Any]:
    """The rule's arguments for Great Expectations, every ``$name`` replaced."""
    bound: dict[str, Any] = substitute(rule.kwargs, {**known, **_own(rule, known)}, f"{suite.name}.{rule.name}")
    return bound


def bound_measure(suite: Suite, rule: Rule, known: Mapping[str, Any], path: Path) -> str | None:
    """The rule's measure as a query over the Parquet file ``path``."""
    if rule.meta.measure is None:
        return None
    query: str = substitute(rule.meta.measure, known, f"{suite.name}.{rule.name}")
    return query.format(batch=f"read_parquet({quote_text(path)})")


def substitute(value: Any, known: Mapping[str, Any], where: str) -> Any:
    """``value`` with each ``$name`` replaced in one pass; a text that is only ``$name`` keeps the parameter's type.

    Raises ConfigurationError for a name without a value: a limit that silently stays ``$night`` would compare as text.
    """
    if isinstance(value, dict):
        return {key: substitute(inner, known, where) for key, inner in value.items()}
    if isinstance(value, list):
        return [substitute(inner, known, where) for inner in value]
    if not isinstance(value, str):
        return value

    def look_up(name: str) -> Any:
        if known.get(name) is None:
            raise ConfigurationError(
                f"Rule {where} refers to ${name}, which has no value tonight.",
                remedy=f'Write "needs": "{name}" in its meta, or use one of {", ".join(sorted(known))}.',
            )
        return known[name]

    whole = NAME.fullmatch(value)
    return look_up(whole[1]) if whole else NAME.sub(lambda found: str(look_up(found[1])), value)


def _own(rule: Rule, known: Mapping[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = {"at_least": rule.meta.at_least, "at_most": rule.meta.at_most}
    if rule.meta.measure is not None:
        own["measure"] = f"({substitute(rule.meta.measure, known, rule.name)})"
    return own


def path_literal(path: Path) -> str:
    """An SQL text literal that survives Great Expectations' own ``{batch}`` formatting."""
    return quote_text(path).replace("{", "{{").replace("}", "}}")
