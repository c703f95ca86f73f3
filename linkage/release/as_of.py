"""The register as of a date, in two ways: as it was published, and as it was true as far as is known today.

Published: the tables of the release that was the register of the date, byte for byte (``chain.release_of``). True: from the newest release,
what held on the date by its validity times: memberships, dates of death and departure, births, and the day on which each value was
seen. What nobody dates, such as when a family moved in, is known from the night it was first seen; before it is left out, not guessed.
"""

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from linkage.kernel.engine import Engine
from linkage.kernel.errors import LinkageError
from linkage.kernel.run import State
from linkage.release.chain import is_emptied, published_releases, release_of
from linkage.release.verify import verify_release

SQL_PACKAGE = "linkage.release"
TRUE_TABLES = ("persons", "members", "households")
INPUTS = ("persons", "members", "households", "retired_ids", "values")


@dataclass(frozen=True)
class AsOf:
    """What was written: release and rows by table."""

    release: str
    rows: dict[str, int]


def write_published(engine: Engine, state: State, day: date, out: Path) -> AsOf:
    """Copy the tables that were the register of ``day`` into ``out``, verified first.

    Raises LinkageError when there was no register yet, or when its tables were deleted by policy.
    """
    release = release_of(state, day)
    if release is None:
        first = list(published_releases(state))[-1:]
        raise LinkageError(
            f"On {day} there was no register yet.",
            remedy=f"Ask for a date from {first[0].name[:10]} on, or with --true for what is known of that day now."
            if first
            else "Nothing is published; run a night first.",
        )
    if is_emptied(release):
        raise LinkageError(
            f"The register of {day} was {release.name}; its tables were deleted when their term was over (state/retention.jsonl).",
            remedy="Restore the release from a back-up if the law allows, ask for a later date, "
            "or with --true for what is known of that day now.",
        )
    verify_release(release)
    out.mkdir(parents=True, exist_ok=True)
    rows = {}
    for path in sorted(release.glob("*.parquet")):
        shutil.copyfile(path, out / path.name)
        engine.read("copied", path)
        rows[path.stem] = int(engine.scalar("SELECT count(*) FROM copied"))
    return AsOf(release.name, rows)


def write_true(engine: Engine, state: State, day: date, out: Path) -> AsOf:
    """Write persons, members and households as they were on ``day`` into ``out``, from the newest release.

    What has ended since is taken from the release of that day, if there was one and its tables are kept.
    Raises LinkageError when nothing is published.
    """
    newest = state.current_release()
    if newest is None:
        raise LinkageError("Nothing is published yet.", remedy="Run a night first.")
    verify_release(newest)
    for table in INPUTS:
        engine.read(f"newest_{table}", newest / f"{table}.parquet")
    _read_then(engine, state, day)
    for step in ("held_values", *(f"true_{table}" for table in TRUE_TABLES)):
        engine.run_sql(SQL_PACKAGE, step, {"day": day})
    out.mkdir(parents=True, exist_ok=True)
    rows = {table: engine.write_table(table, out / f"{table}.parquet", source=f"true_{table}") for table in TRUE_TABLES}
    return AsOf(newest.name, rows)


def _read_then(engine: Engine, state: State, day: date) -> None:
    """Make the tables of the release of ``day`` readable as ``then_...``, empty when there is none any more."""
    release = release_of(state, day)
    kept = release is not None and not is_emptied(release)
    if release is not None and kept:
        verify_release(release)
    for table in TRUE_TABLES:
        engine.read_or_empty(f"then_{table}", table, release if kept else None)
