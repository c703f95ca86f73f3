"""One record that is not in the register, scored as a night would score it: against the records of a finished night, with its model.

Features of a record look at other records (``on_demand.py``), and so do those of the records it is compared with. All of them are found
by key in an index over the night's records that is made once per run and kept; so the answer takes about as long for a million persons.
"""

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine, quote_text, read_sql
from linkage.match.carried import fingerprint_records
from linkage.match.config import MatchConfig
from linkage.match.features import SQL_PACKAGE, make_features_of_view, records_sharing_a_block
from linkage.match.scored_pairs import prepare_input, score_candidates

GIVEN_KEY = "given:given"
INDEX = "record_index.duckdb"


@dataclass(frozen=True)
class GivenRecordCall:
    """``pairs``: rows of the contract ``scored_pairs`` of the given record (``GIVEN_KEY``), heaviest first, none below the floor.
    ``as_that_night``: the records look to the matcher as they did that night; False where the given record itself changes what
    another means (a former name, a borrowed number), or programme or library have changed since."""

    pairs: tuple[dict[str, Any], ...]
    as_that_night: bool
    compared: int


def make_record_index(run_dir: Path, folder: Path) -> Path:
    """The index of the run in ``folder``, made unless it is there. It holds residents' data: mode 0600."""
    path = folder / run_dir.name / INDEX
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(f".{INDEX}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    old_mask = os.umask(0o077)
    try:
        con = duckdb.connect(str(unfinished), config={"threads": 2, "memory_limit": "2GB"})
        try:
            paths = {
                "common_records": str(run_dir / "gate_incoming" / "common_records.parquet"),
                "raw_records": str(run_dir / "sources" / "raw_records.parquet"),
                "compared_records": str(run_dir / "match" / "compared_records.parquet"),
            }
            for statement in con.extract_statements(read_sql(SQL_PACKAGE, "record_index")):
                con.execute(statement, {k: v for k, v in paths.items() if k in statement.named_parameters} or None)
            con.execute("CHECKPOINT")
        finally:
            con.close()
    finally:
        os.umask(old_mask)
    os.replace(unfinished, path)
    return path


class RecordMatcher:
    """Scores given records against one run; one at a time."""

    def __init__(self, run_dir: Path, index: Path) -> None:
        self.run_dir = run_dir
        self.config = read_config(run_dir / "config" / "match.yaml", MatchConfig)
        self._model = json.loads((run_dir / "model" / "model.json").read_text(encoding="utf-8"))
        self._engine = Engine(memory_limit="2GB")
        self._engine.con.execute(f"ATTACH {quote_text(index)} AS night (READ_ONLY)")
        self._engine.con.execute("SET search_path = 'memory.main,night.main'")
        self._engine.load("all_term_frequencies", run_dir / "model" / "term_frequencies.parquet")

    @property
    def prior_match_weight(self) -> float:
        """Weight of a pair about which nothing is known, in bits."""
        probability = float(self._model["splink"]["probability_two_random_records_match"])
        return math.log2(probability / (1 - probability))

    def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """Rows of a query over the index."""
        return self._engine.rows(query, parameters or None)

    def close(self) -> None:
        """Let go of the index."""
        self._engine.close()

    def score(self, given: dict[str, Any]) -> GivenRecordCall:
        """Score ``given``, a row of the contract ``common_records``, against the records of the run."""
        engine, config = self._engine, self.config
        with _clean(engine):
            self._load_given(given)
            engine.run_sql(SQL_PACKAGE, "records_reached")
            self._make_input()
            shared = records_sharing_a_block("given_input", config.blocking)
            engine.con.execute(
                f"CREATE OR REPLACE TEMP TABLE asked_records AS SELECT c.* FROM common_records c JOIN match_input m USING (record_key) SEMI JOIN ({shared}) USING (unique_id)"
            )
            engine.run_sql(SQL_PACKAGE, "records_beside")
            self._make_input()
            fingerprint_records(engine)
            shared = records_sharing_a_block("given_input", config.blocking)
            engine.con.execute(
                f"CREATE OR REPLACE TEMP TABLE compared_input AS SELECT *, record_key = '{GIVEN_KEY}' AS is_given FROM match_input SEMI JOIN ({shared}) USING (unique_id)"
            )
            score_candidates(engine, config, self._model, among="compared_input", only="l.is_given OR r.is_given")
            pairs = engine.rows("SELECT * FROM scored_pairs ORDER BY match_weight DESC, record_key_l, record_key_r")
            compared = int(engine.scalar("SELECT count(*) FROM compared_input")) - 1
            changed = engine.scalar(
                "SELECT count(*) FROM compared_records n JOIN records r USING (record_key) JOIN compared_input USING (record_key) "
                "WHERE n.fingerprint IS DISTINCT FROM r.fingerprint"
            )
            return GivenRecordCall(tuple(pairs), changed == 0, max(compared, 0))

    def _load_given(self, given: dict[str, Any]) -> None:
        columns = ", ".join(
            f"CAST(${name} AS {kind}) AS {name}"
            for name, kind, *_ in self._engine.con.execute("DESCRIBE records").fetchall()
            if name not in ("position", "fingerprint")
        )
        bound = {name: value for name, value in given.items() if f"${name} " in columns}
        self._engine.con.execute(f"CREATE OR REPLACE TEMP TABLE given_records AS SELECT {columns}", bound)

    def _make_input(self) -> None:
        """``match_input`` of the given record and of the reached ones; ``given_input``: the given one alone."""
        engine = self._engine
        engine.con.execute(
            "CREATE OR REPLACE TEMP TABLE common_records AS SELECT * EXCLUDE (position, fingerprint) FROM records SEMI JOIN reached USING (position) "
            "UNION ALL BY NAME FROM given_records"
        )
        make_features_of_view(engine, self.config.features)
        wanted = " UNION ALL ".join(
            f"SELECT '{feature}' AS feature, {feature} AS value FROM match_features"
            for feature in self.config.term_frequency_features
        )
        # A value that the model never saw counts as the rarest it knows: the rarest goes along.
        engine.con.execute(
            f"CREATE OR REPLACE TEMP TABLE term_frequencies AS SELECT * FROM all_term_frequencies SEMI JOIN ({wanted}) USING (feature, value) "
            "UNION ALL SELECT feature, NULL, min(frequency) FROM all_term_frequencies GROUP BY feature"
        )
        prepare_input(engine, self.config)
        engine.con.execute(
            f"CREATE OR REPLACE TEMP TABLE given_input AS SELECT * FROM match_input WHERE record_key = '{GIVEN_KEY}'"
        )


@contextmanager
def _clean(engine: Engine) -> Iterator[None]:
    """Nothing of one record stays for the next."""
    before = _tables(engine)
    try:
        yield
    finally:
        for name, kind in sorted(_tables(engine) - before):
            engine.con.execute(f'DROP {kind} IF EXISTS "{name}"')


def _tables(engine: Engine) -> set[tuple[str, str]]:
    rows = engine.rows(
        "SELECT table_name AS name, 'TABLE' AS kind FROM duckdb_tables() WHERE database_name IN ('temp', 'memory') "
        "UNION SELECT view_name, 'VIEW' FROM duckdb_views() WHERE NOT internal AND database_name IN ('temp', 'memory')"
    )
    return {(row["name"], row["kind"]) for row in rows}
