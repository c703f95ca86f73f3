"""Given records scored on demand: the weights of a finished night, for any two of its records, whether or not it compared them.

A weight depends on two records and the pinned model, but some features of a record look at others (who else bears the name, whose number
it is). Those others are few and are found by number and name; the fingerprint that the night left of each record tells whether
the features came out as they were then. If not, the features of all records are made anew, which takes longer.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.errors import LinkageError
from linkage.match.carried import fingerprint_records
from linkage.match.compared import compared_sql
from linkage.match.config import BlockingRuleConfig, MatchConfig
from linkage.match.features import SQL_PACKAGE, blocking_key_sql, make_features_of_view
from linkage.match.scored_pairs import make_scored_pairs, prepare_input
from linkage.match.splink_adapter import score_pairs

GIVEN = "given_input"


@dataclass(frozen=True)
class MatchCall:
    """Scored pairs, heaviest first (rows of the contract ``scored_pairs``, but ``blocking_rule`` is None where no rule of the
    night brings the two together, and no pair is too light), and how far they can be relied on."""

    pairs: tuple[dict[str, Any], ...]
    as_that_night: bool
    """The records look to the matcher exactly as they did that night; False: programme or library have changed since."""
    too_common: dict[tuple[str, str], tuple[str, ...]]
    """Record keys of a pair -> rules on whose key the two agree, but too many records share that key for it to be used."""


def score_given_records(run_dir: Path, left: Collection[str], right: Collection[str]) -> MatchCall:
    """Score every record of ``left`` with every record of ``right`` (record keys, no key on both sides) as the run did.

    Raises LinkageError when the run has no such record any more.
    """
    config = read_config(run_dir / "config" / "match.yaml", MatchConfig)
    model = json.loads((run_dir / "model" / "model.json").read_text(encoding="utf-8"))
    keys = sorted({*left, *right})
    with TemporaryDirectory() as scratch, Engine(temp_dir=Path(scratch)) as engine:
        engine.read("all_records", run_dir / "gate_incoming" / "common_records.parquet")
        _require(engine, keys, run_dir.name)
        engine.load("term_frequencies", run_dir / "model" / "term_frequencies.parquet")
        as_that_night = _features_as_that_night(engine, config, run_dir, keys)
        engine.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {GIVEN} AS SELECT *, list_contains($left, record_key) AS on_the_left "
            "FROM match_input WHERE list_contains($keys, record_key)",
            {"left": list(left), "keys": keys},
        )
        _score_all(engine, config, model)
        pairs = engine.rows("SELECT * FROM scored_pairs ORDER BY match_weight DESC, record_key_l, record_key_r")
        return MatchCall(tuple(pairs), as_that_night, _too_common(engine, config.blocking))


def _score_all(engine: Engine, config: MatchConfig, model: dict[str, Any]) -> None:
    """Make ``scored_pairs`` of all pairs across: first those that the night's rules find, then the others without a rule."""
    across = "l.on_the_left <> r.on_the_left"
    policy = compared_sql(config.policy)
    only = f"({policy}) AND {across}" if policy else across
    # Splink would find them in one go, but of several rules that find a pair it names the first by the digits of its number.
    _, found = score_pairs(engine, GIVEN, model, config.blocking, None, only)
    make_scored_pairs(engine, config, found, left=GIVEN, right=GIVEN)
    _, every = score_pairs(engine, GIVEN, model, config.blocking, None, always=across)
    make_scored_pairs(engine, config, every, left=GIVEN, right=GIVEN, table="every_pair")
    engine.con.execute(
        "INSERT INTO scored_pairs BY NAME SELECT * REPLACE (NULL AS blocking_rule) FROM every_pair ANTI JOIN scored_pairs USING (record_key_l, record_key_r)"
    )


def _require(engine: Engine, keys: list[str], run_id: str) -> None:
    known = engine.rows("SELECT record_key FROM all_records WHERE list_contains($keys, record_key)", {"keys": keys})
    for missing in sorted(set(keys) - {row["record_key"] for row in known}):
        raise LinkageError(
            f"The run {run_id} has no record {missing!r} to compare.",
            remedy="Write a record as <source>:<record_id>; one that a gate set aside was not compared (set_aside.parquet).",
        )


def _features_as_that_night(engine: Engine, config: MatchConfig, run_dir: Path, keys: list[str]) -> bool:
    """Make ``match_input`` that holds at least ``keys``; whether these look exactly as the run saw them."""
    engine.run_sql(SQL_PACKAGE, "records_around", {"keys": keys})
    if _look_as_that_night(engine, config, run_dir, keys):
        return True
    engine.con.execute("DROP TABLE common_records")
    engine.con.execute("CREATE TEMP VIEW common_records AS FROM all_records")
    return _look_as_that_night(engine, config, run_dir, keys)


def _look_as_that_night(engine: Engine, config: MatchConfig, run_dir: Path, keys: list[str]) -> bool:
    make_features_of_view(engine, config.features)
    prepare_input(engine, config)
    fingerprint_records(engine)
    engine.read("compared_that_night", run_dir / "match" / "compared_records.parquet")
    same = engine.scalar(
        "SELECT count(*) FROM compared_records SEMI JOIN compared_that_night USING (record_key, fingerprint) "
        "WHERE list_contains($keys, record_key)",
        {"keys": keys},
    )
    return bool(same == len(keys))


def _too_common(engine: Engine, rules: tuple[BlockingRuleConfig, ...]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Rules whose own key two given records share, while the key that blocking used (too large blocks left out) is not shared."""
    found: dict[tuple[str, str], list[str]] = {}
    for rule in rules:
        used = quote_name(f"block_{rule.name}")
        shared, blocked = (
            ("list_has_any(l.key, r.key)", f"list_has_any(l.{used}, r.{used})")
            if rule.explode
            else ("l.key = r.key", f"l.{used} = r.{used}")
        )
        given = f"SELECT *, {blocking_key_sql(rule)} AS key FROM {GIVEN}"
        for row in engine.rows(
            f"SELECT l.record_key AS l, r.record_key AS r FROM ({given}) l JOIN ({given}) r "
            f"ON l.on_the_left <> r.on_the_left AND l.unique_id < r.unique_id AND {shared} WHERE NOT coalesce({blocked}, false)"
        ):
            found.setdefault((row["l"], row["r"]), []).append(rule.name)
    return {pair: tuple(names) for pair, names in found.items()}
