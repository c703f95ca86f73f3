"""SQL that a specification declares is tried before it is used, so that a slip names its place instead of a stack of Splink's."""

from collections.abc import Iterator

import duckdb

from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.errors import ConfigurationError
from linkage.match.config import MatchConfig
from linkage.match.declared_features import first_line
from linkage.match.features import blocking_key_sql


def check_sql(engine: Engine, config: MatchConfig) -> None:
    """Try every label, blocking rule, comparison level and guard on ``match_features``, and what the policy calls live on
    ``common_records``. Raises ConfigurationError at the first that fails."""
    columns = [row[0] for row in engine.con.execute("DESCRIBE match_features").fetchall()]
    sides = ", ".join(f"{side}.{quote_name(c)} AS {quote_name(f'{c}_{side}')}" for side in "lr" for c in columns)
    pairs = f"(SELECT {sides} FROM match_features l, match_features r LIMIT 0)"
    for place, sql, relation in _declared(config, pairs):
        try:
            engine.con.execute(f"SELECT {sql} FROM {relation} LIMIT 0")
        except duckdb.Error as error:
            raise ConfigurationError(
                f"{place}: {first_line(error)}", remedy=f"Correct its SQL. Features: {', '.join(columns)}."
            ) from None


def _declared(config: MatchConfig, pairs: str) -> Iterator[tuple[str, str, str]]:
    """Where each piece of SQL stands, the SQL, and the relation it is over."""
    for label in config.labels:
        yield f"labels.{label.name}.key", label.key, "match_features"
    yield "training.person_like_key", config.training.person_like_key, "match_features"
    for features in config.training.expectation_maximisation:
        yield "training.expectation_maximisation", ", ".join(map(quote_name, features)), "match_features"
    for feature in config.term_frequency_features:
        yield "term_frequency_features", quote_name(feature), "match_features"
    for rule in config.blocking:
        yield f"blocking.{rule.name}", blocking_key_sql(rule), "match_features"
    for comparison in config.comparisons:
        for level in comparison.levels[:-1]:
            yield f"comparisons.{comparison.name}.{level.name}", f"CAST(({level.sql}) AS BOOLEAN)", pairs
    levels = ", ".join(f"'' AS {quote_name(f'level_{c.name}')}" for c in config.comparisons)
    for guard in config.guards:
        yield f"guards.{guard.name}", f"CAST(({guard.sql}) AS BOOLEAN)", f"(SELECT *, {levels} FROM {pairs})"
    for feed in config.policy.feeds:
        yield f"policy.feeds.{feed.feed}.live", f"CAST(({feed.live}) AS BOOLEAN)", "common_records"
