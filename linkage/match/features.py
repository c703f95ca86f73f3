"""Features of each record: what blocking rules and comparisons look at, with pinned term frequencies."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.reference import reference_path
from linkage.match.config import BlockingRuleConfig
from linkage.match.declared_features import make_declared_features

SQL_PACKAGE = "linkage.match"


def make_features(engine: Engine, common_records: Path, declared: Mapping[str, str]) -> None:
    """Make the temp table ``match_features``: one row per record, ``unique_id`` by record key."""
    engine.read("common_records", common_records)
    make_features_of_view(engine, declared)


def make_features_of_view(engine: Engine, declared: Mapping[str, str]) -> None:
    """The same from the relation ``common_records`` of the engine."""
    engine.run_sql(SQL_PACKAGE, "functions")
    if declared:
        make_declared_features(engine, declared)
    else:
        _make_resident_features(engine)


def _make_resident_features(engine: Engine) -> None:
    engine.run_sql("linkage.kernel", "good_number")
    engine.run_sql(SQL_PACKAGE, "match_features", {"shapes": str(reference_path("hanzi_shape_20k"))})
    engine.con.execute("ALTER TABLE match_features ADD COLUMN any_name VARCHAR[]")
    engine.con.execute("UPDATE match_features SET any_name = [name, former_name] WHERE former_name IS NOT NULL")
    engine.con.execute(
        "UPDATE match_features SET any_name = [name] WHERE former_name IS NULL AND name IN (SELECT former_name FROM match_features WHERE former_name IS NOT NULL)"
    )


def add_term_frequencies(engine: Engine, features: Iterable[str]) -> None:
    """Make the view ``match_records``: ``match_features`` and ``tf_<feature>`` from the temp table ``term_frequencies(feature, value, frequency)``.

    A value the model never saw counts as the rarest it knows, so a weight depends on two records and the
    model alone, never on tonight's other records.
    """
    joins, columns = [], []
    for feature in features:
        alias = quote_name(f"t_{feature}")
        joins.append(
            f"LEFT JOIN term_frequencies {alias} ON {alias}.feature = '{feature}' AND {alias}.value = f.{quote_name(feature)}"
        )
        rarest = f"(SELECT min(frequency) FROM term_frequencies WHERE feature = '{feature}')"
        columns.append(
            f"CASE WHEN f.{quote_name(feature)} IS NOT NULL THEN coalesce({alias}.frequency, {rarest}) END AS {quote_name(f'tf_{feature}')}"
        )
    engine.con.execute(
        f"CREATE OR REPLACE TEMP VIEW match_records AS SELECT {', '.join(['f.*', *columns])} FROM match_features f {' '.join(joins)}"
    )


def add_blocking_columns(engine: Engine, rules: Iterable[BlockingRuleConfig]) -> dict[str, int]:
    """Make ``match_input``: ``match_records`` and ``block_<rule>``; returns the largest block each rule would have had.

    Values shared by more records than the rule allows become NULL there: such a block says nothing about who
    is who and would cost the square of its size.
    """
    largest: dict[str, int] = {}
    selects = ["m.*"]
    for rule in rules:
        name = quote_name(f"block_{rule.name}")
        expression = blocking_key_sql(rule)
        unnested = f"unnest({expression})" if rule.explode else expression
        sizes = f"SELECT key, count(*) AS n FROM (SELECT {unnested} AS key FROM match_features) WHERE key IS NOT NULL GROUP BY key"
        largest[rule.name] = engine.scalar(f"SELECT coalesce(max(n), 0) FROM ({sizes})")
        if largest[rule.name] > rule.largest_block:
            engine.con.execute(
                f"CREATE OR REPLACE TEMP TABLE {quote_name(f'wide_{rule.name}')} AS SELECT key FROM ({sizes}) WHERE n > {rule.largest_block}"
            )
            wide = f"(SELECT list(key) FROM {quote_name(f'wide_{rule.name}')})"
            expression = (
                f"list_filter({expression}, lambda k: NOT list_contains({wide}, k))"
                if rule.explode
                else f"CASE WHEN {expression} NOT IN (SELECT key FROM {quote_name(f'wide_{rule.name}')}) THEN {expression} END"
            )
        selects.append(f"{expression} AS {name}")
    engine.con.execute(f"CREATE OR REPLACE TEMP TABLE match_input AS SELECT {', '.join(selects)} FROM match_records m")
    return largest


def blocking_key_sql(rule: BlockingRuleConfig) -> str:
    """SQL for a rule's key: a 64-bit hash of its columns, which joins faster than text; NULL when one is missing; a list for
    exploding rules. Two keys that share a hash by chance make a few candidate pairs more and never one less."""
    known = " AND ".join(f"{c} IS NOT NULL" for c in rule.columns)
    fixed = [c for c in rule.columns if c not in rule.explode]
    if not rule.explode:
        return f"CASE WHEN {known} THEN hash({', '.join(fixed)}) END"
    (exploded,) = rule.explode
    return f"CASE WHEN {known} THEN list_transform({exploded}, lambda x: hash({', '.join([*fixed, 'x'])})) END"


def records_sharing_a_block(table: str, rules: Iterable[BlockingRuleConfig]) -> str:
    """SQL of the ``unique_id`` of every record of ``match_input`` that shares a blocking key with one of ``table``."""
    return " UNION ".join(_sharing_sql(table, rule) for rule in rules)


def _sharing_sql(table: str, rule: BlockingRuleConfig) -> str:
    name = quote_name(f"block_{rule.name}")
    key = f"unnest({name})" if rule.explode else name
    return (
        f"SELECT unique_id FROM (SELECT unique_id, {key} AS key FROM match_input) "
        f"SEMI JOIN (SELECT {key} AS key FROM {quote_name(table)}) USING (key)"
    )
