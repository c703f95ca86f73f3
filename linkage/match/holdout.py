"""Hold-out: records with a good number, scored as if they had none, to learn how well records without a number are linked.

The number is a label that the model does not see: what another record with the same number says is the answer. After
"labels from unique identifiers" in record linkage (Christen, Data Matching, 2012, ch. 7); the sample is drawn within subgroups.
"""

from collections.abc import Mapping
from typing import Any

from linkage.kernel.engine import Engine, quote_name
from linkage.match.compared import compared_sql
from linkage.match.config import BlockingRuleConfig, HoldoutConfig, MatchConfig
from linkage.match.features import SQL_PACKAGE, blocking_key_sql, records_sharing_a_block
from linkage.match.scored_pairs import make_scored_pairs
from linkage.match.splink_adapter import score_between

HIDDEN = "hidden_input"
PARTNERS = "hidden_partners"


def draw_sample(engine: Engine, config: HoldoutConfig, night: str) -> None:
    """Make the temp table ``holdout_records`` (contract of that name) from ``match_features`` and ``common_records``."""
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE grouped_records AS "
        f"SELECT record_key, {quote_name(config.label)} AS group_key FROM match_features WHERE {quote_name(config.label)} IS NOT NULL"
    )
    engine.run_sql("linkage.kernel", "subgroups", {"night": night})
    engine.run_sql(
        SQL_PACKAGE,
        "holdout_sample",
        {"night": night, "records": config.records, "records_per_subgroup": config.records_per_subgroup},
    )


def score_hidden(engine: Engine, config: MatchConfig, holdout: HoldoutConfig, model: Mapping[str, Any]) -> None:
    """Score the sampled records, their number hidden, against all others; leaves ``hidden_pairs``.

    Its columns are those of scored_pairs, but the left record is always the hidden one, and a record also meets itself.
    """
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE hidden_records AS SELECT m.* REPLACE ({', '.join(_hidden_columns(holdout))}) "
        "FROM match_input m SEMI JOIN holdout_records USING (record_key)"
    )
    blocks = ", ".join(_block_sql(rule) for rule in config.blocking)
    engine.con.execute(f"CREATE OR REPLACE TEMP TABLE {HIDDEN} AS SELECT h.* REPLACE ({blocks}) FROM hidden_records h")
    # Few of the records share a key with a hidden one; without the others Splink has little to carry about.
    reached = records_sharing_a_block(HIDDEN, config.blocking)
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {PARTNERS} AS SELECT m.* FROM match_input m SEMI JOIN ({reached}) USING (unique_id)"
    )
    scored = score_between(engine, HIDDEN, PARTNERS, model, config, compared_sql(config.policy))
    make_scored_pairs(engine, config, scored, left=HIDDEN, table="hidden_pairs")


def _hidden_columns(config: HoldoutConfig) -> list[str]:
    """``<column> without its value where it must be hidden``, keeping its type."""
    when: dict[str, list[str]] = {column: ["true"] for column in config.hide}
    for flag, columns in config.hide_when.items():
        for column in columns:
            when.setdefault(column, []).append(f"coalesce({quote_name(flag)}, false)")
    return [
        f"CASE WHEN NOT ({' OR '.join(flags)}) THEN {quote_name(c)} END AS {quote_name(c)}" for c, flags in when.items()
    ]


def _block_sql(rule: BlockingRuleConfig) -> str:
    """A blocking key stays (too large a block stays left out) unless something in it is hidden now."""
    name = quote_name(f"block_{rule.name}")
    return f"CASE WHEN ({blocking_key_sql(rule)}) IS NOT NULL THEN {name} END AS {name}"
