"""What can be read about one release: the release itself, the run behind it while it is kept, and the releases before it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine, quote_text, read_sql
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from linkage.match.config import MatchConfig
from linkage.release.manifest import MANIFEST, read_manifest

SQL_PACKAGE = "linkage.explain"
MOST_RELEASES = 60
"""So many releases are walked back, at most: each is looked into."""
LOOKUP = "register.duckdb"
RUN_TABLES = {
    "scored_pairs": "match/scored_pairs.parquet",
    "common_records": "gate_incoming/common_records.parquet",
    "compared_records": "match/compared_records.parquet",
    "household_links": "resolve/household_links.parquet",
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """One release, opened for questions; ``engine`` knows its tables, and those of its run if ``run`` is not None."""

    state: State
    release: Path
    manifest: Row
    engine: Engine
    run: Path | None

    def rows(self, query: str, **parameters: Any) -> list[Row]:
        """All rows of the file ``sql/<query>.sql``."""
        return self.engine.rows(read_sql(SQL_PACKAGE, query), parameters)

    def find_pairs(self, records: list[str]) -> None:
        """Make ``touching_pairs``: the scored pairs of the run that touch one of ``records``."""
        self.engine.run_sql(SQL_PACKAGE, "touching_pairs", {"records": records})

    def rows_of(self, release: Path, query: str, **parameters: Any) -> list[Row]:
        """All rows of ``sql/<query>.sql`` over another release, whose look-up tables are in the schema ``earlier``."""
        self.engine.con.execute(f"ATTACH {quote_text(release / LOOKUP)} AS earlier (READ_ONLY)")
        try:
            return self.rows(query, **parameters)
        finally:
            self.engine.con.execute("DETACH earlier")

    @property
    def match_config(self) -> MatchConfig:
        """How the run matched; only with a run."""
        assert self.run is not None
        return match_config_of(self.run)

    def earlier(self) -> Iterator[tuple[Path, Row]]:
        """The releases before this one whose tables are still there, newest first, with their manifests; ``MOST_RELEASES`` at most."""
        before = self.manifest["previous_release"]
        for _ in range(MOST_RELEASES):
            release = self.state.releases / before if before else None
            if release is None or not (release / LOOKUP).exists():
                return
            manifest = read_manifest(release)
            yield release, manifest
            before = manifest["previous_release"]


@lru_cache(maxsize=8)
def match_config_of(run: Path) -> MatchConfig:
    """How a run matched: its configuration never changes, so it is read once."""
    return read_config(run / "config" / "match.yaml", MatchConfig)


@contextmanager
def open_evidence(state_dir: Path, release_id: str | None) -> Iterator[Evidence]:
    """Open the release ``release_id`` (left out: the current one). Raises ConfigurationError when it cannot be looked up."""
    state = State(state_dir)
    release = state.releases / release_id if release_id else state.current_release()
    if release is None:
        raise ConfigurationError(
            f"Nothing is published in {state_dir} yet.", remedy="Run a night first, or check --state."
        )
    if not (release / MANIFEST).exists():
        known = sorted(p.parent.name for p in state.releases.glob(f"*/{MANIFEST}"))
        raise ConfigurationError(
            f"There is no release {release.name!r}.", remedy=f"Newest releases: {', '.join(known[-5:]) or 'none'}."
        )
    if not (release / LOOKUP).exists():
        raise ConfigurationError(
            f"The tables of release {release.name} are deleted by retention; only its manifest is kept.",
            remedy="Name a newer release with --release, or leave it out for the current one.",
        )
    run = state.runs / release.name
    kept = run if all((run / path).exists() for path in RUN_TABLES.values()) else None
    with Engine() as engine:
        engine.con.execute(f"ATTACH {quote_text(release / LOOKUP)} AS register (READ_ONLY)")
        for table in ("values", "review_cases"):
            engine.read(table, release / f"{table}.parquet")
        for table, path in RUN_TABLES.items() if kept else ():
            engine.read(table, run / path)
        for table in ("history", "judgement_status"):
            engine.read_or_empty(table, table, release)
        engine.run_sql("linkage.kernel", "good_number")
        yield Evidence(state, release, read_manifest(release), engine, kept)
