"""``linkage link``: the same engine on plain tables - one specification, any CSV or Parquet files, no register and no state.

Reads, trains on what it read, scores, and clusters as a night does. Orchestration only, like ``night.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.pair_rules import read_pair_rules
from linkage.match.check_sql import check_sql
from linkage.match.config import InputConfig, MatchConfig
from linkage.match.declared_features import first_line, make_declared_features
from linkage.match.features import SQL_PACKAGE as MATCH_SQL
from linkage.match.scored_pairs import prepare_input, score_candidates
from linkage.match.training import train
from linkage.plain_tables import read_table
from linkage.resolve.config import PersonsConfig
from linkage.resolve.stage import cluster_records

RECORD_COLUMNS = ("record_key", "source", "feed", "record_id")
# What the resolver reads of a resident's record; plain tables have none of it.
RESIDENT_COLUMNS = {
    "identity_grade": "CAST(NULL AS VARCHAR)",
    "identity_kind": "CAST(NULL AS VARCHAR)",
    "identity_number": "CAST(NULL AS VARCHAR)",
    "content_hash": "''",
}


@dataclass(frozen=True)
class LinkOutcome:
    """What was read and found."""

    records: int
    candidate_pairs: int
    clusters: int
    linked_records: int
    """Records that share their cluster with another."""
    largest_block: int
    """Records that share one value of a blocking rule, at most."""


def link_tables(
    spec: Path, inputs: Sequence[Path], out: Path, pairs: Path | None = None, *, threads: int = 2, memory: str = "4GB"
) -> LinkOutcome:
    """Link the records of ``inputs`` as ``spec`` says.

    Writes ``out`` (source, record_id, cluster_id; one row per record) and, if given, ``pairs`` (contract scored_pairs), both
    Parquet. Raises ConfigurationError for a wrong specification or record ids, UnreadableInput for a file.
    """
    config = read_config(spec, MatchConfig)
    if config.input is None or not config.features:
        raise ConfigurationError(
            f"{spec} is no specification for plain tables.",
            remedy="Give it the sections `input` (record_id) and `features`; see docs/configuration.md and benchmarks/accuracy/specs.",
        )
    for path in (out, pairs):
        if path is not None and not path.resolve().parent.is_dir():
            raise ConfigurationError(
                f"The folder of {path} does not exist.", remedy="Make it, or write somewhere else."
            )
    with Engine(threads=threads, memory_limit=memory) as engine:
        _make_records(engine, config.input, inputs)
        engine.run_sql(MATCH_SQL, "functions")
        make_declared_features(engine, config.features)
        check_sql(engine, config)
        engine.read_or_empty("judgements", "judgements", None)
        model, _ = train(engine, config)
        largest = prepare_input(engine, config)
        score_candidates(engine, config, model)
        _cluster(engine, spec)
        links = "SELECT n.source, n.record_id, f.record_key AS cluster_id FROM clustered_nodes n JOIN nodes f ON f.node = n.cluster"
        engine.write_query(f"{links} ORDER BY n.record_key", out)
        if pairs is not None:
            engine.write_table("scored_pairs", pairs)
        sizes = f"SELECT count(*) AS n FROM ({links}) GROUP BY cluster_id"
        return LinkOutcome(
            records=engine.scalar("SELECT count(*) FROM nodes"),
            candidate_pairs=int(engine.scalar("SELECT coalesce(sum(pairs), 0) FROM blocked_pairs")),
            clusters=engine.scalar(f"SELECT count(*) FROM ({sizes})"),
            linked_records=int(engine.scalar(f"SELECT coalesce(sum(n) FILTER (n > 1), 0) FROM ({sizes})")),
            largest_block=max(largest.values()),
        )


def _make_records(engine: Engine, config: InputConfig, inputs: Sequence[Path]) -> None:
    """Make ``common_records``: all columns of all inputs (matched by name), with source, feed, record_id and record_key."""
    table = pa.concat_tables([read_table(path) for path in inputs], promote_options="permissive")
    engine.load_arrow("input_rows", table)
    own = [c for c in table.column_names if c not in RECORD_COLUMNS]
    source = config.source or "input_file"
    try:
        engine.con.execute(
            f"""CREATE OR REPLACE TEMP TABLE common_records AS
            WITH named AS (SELECT CAST(({source}) AS VARCHAR) AS its_source, CAST(({config.record_id}) AS VARCHAR) AS its_id, * FROM input_rows)
            SELECT its_source || ':' || its_id AS record_key, its_source AS source, its_source AS feed, its_id AS record_id, {", ".join(map(quote_name, own))}
            FROM named"""
        )
    except duckdb.Error as error:
        raise ConfigurationError(
            f"input: {first_line(error)}",
            remedy=f"record_id and source must name columns, or SQL over them. Columns: {', '.join(own)}.",
        ) from None
    _check_record_keys(engine, config)


def _check_record_keys(engine: Engine, config: InputConfig) -> None:
    nameless = engine.scalar("SELECT count(*) FROM common_records WHERE record_key IS NULL")
    repeated = engine.scalar(
        "SELECT count(*) FROM (SELECT record_key FROM common_records WHERE record_key IS NOT NULL GROUP BY ALL HAVING count(*) > 1)"
    )
    if nameless or repeated:
        raise ConfigurationError(
            f"input.record_id ({config.record_id}) names no record in {nameless} rows and more than one in {repeated} cases.",
            remedy="Choose a column that is filled and unique within its source.",
        )


def _cluster(engine: Engine, spec: Path) -> None:
    """Cluster as a night does, with no yesterday and no judgements; leaves nodes and clustered_nodes."""
    engine.con.execute("ALTER TABLE common_records RENAME TO input_records")
    columns = [row[0] for row in engine.con.execute("DESCRIBE input_records").fetchall()]
    own = [quote_name(c) for c in columns if c not in RESIDENT_COLUMNS]
    resident = [f"{sql} AS {name}" for name, sql in RESIDENT_COLUMNS.items()]
    engine.con.execute(
        f"CREATE OR REPLACE TEMP VIEW common_records AS SELECT {', '.join([*own, *resident])} FROM input_records"
    )
    engine.read_or_empty("judgements", "judgements", None)
    engine.read_or_empty("previous_crosswalk", "crosswalk", None)
    cluster_records(engine, PersonsConfig(), read_pair_rules(spec))
