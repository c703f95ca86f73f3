"""Whether a file that somebody took held a person: looked up in the file when it is asked, by the person's ids.

On record are release and file, not the ids of everybody in it: these would be hundreds of thousands for each download. A release never
changes, so the answer is the same whenever it is asked, until retention removes its tables.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import pyarrow.parquet as pq

from linkage.kernel.contracts import contract_names
from linkage.kernel.engine import Engine, quote_name, quote_text
from linkage.portal.downloads.kept_rows import (
    KNOWN_BY,
    MEMORY_LIMIT,
    THREADS,
    allowed_sql,
    can_leave_out,
    read_allowed,
    read_shared,
)
from linkage.portal.downloads.marks import split_format, table_of
from linkage.portal.viewer import AREA_COLUMNS
from linkage.release.chain import is_emptied
from linkage.release.deltas import CONTRACTS, FOLDER, table_contract
from linkage.release.scope import Scope
from linkage.release.stage import LOOKUP, LOOKUP_TABLES

Answer = Literal["held", "may", "unknown", "no"]
"""It held the person; it may have, rows having been left out that nobody can name any more; the release was removed; it did not."""
PERSON_COLUMNS = (
    "person_id", "new_person_id", "head_person_id", "asked_person_id", "id", "successor_id", "last_successor_id", "subject_id", "related_id",
)  # fmt: skip
"""Columns of a release's tables in which ids of persons stand, one in each row."""
PERSON_LISTS = ("person_ids",)
OF_NOBODY = frozenset(("accounting",))
"""Tables that speak of files, not of residents."""


@dataclass(frozen=True)
class Taken:
    """A file as its download is on record. ``area``: level and name, of an account that was bound to one; ``rows``: those that were handed over."""

    release: Path
    path: str
    department: str
    rows: int | None = None
    area: tuple[str, str] | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        """Paths in the release of the tables that the file was made from; none when it is no table (README, manifest)."""
        if self.path == LOOKUP:
            return tuple(f"{table}.parquet" for table in LOOKUP_TABLES)
        stem, end = split_format(self.path)
        if not end or table_of(stem) in OF_NOBODY:
            return ()
        if PurePosixPath(stem).parts[0] == "unmasked":
            stem = f"slices/{self.department}/{table_of(stem)}"
        return (f"{stem}.parquet",)


def holding_engine() -> Engine:
    """An engine for ``held``; opening one takes longer than looking into ten files."""
    return Engine(threads=THREADS, memory_limit=MEMORY_LIMIT)


def held(engine: Engine, taken: Taken, ids: Collection[str]) -> Answer:
    """Whether the file held the person who has, or had, ``ids``."""
    if not taken.tables:
        return "no"
    if not taken.release.is_dir() or is_emptied(taken.release):
        return "unknown"
    if not all((taken.release / table).is_file() for table in taken.tables):
        return "unknown"
    answers = {_held(engine, taken, table, sorted(ids)) for table in taken.tables}
    return next(answer for answer in ("held", "may", "no") if answer in answers)


def _held(engine: Engine, taken: Taken, source: str, ids: Sequence[str]) -> Answer:
    """The same of one table, the release being there."""
    path = taken.release / source
    table, folder = PurePosixPath(source).stem, PurePosixPath(source).parent
    about = _about(
        table, pq.read_schema(path).names, ids, in_slice="slices" in folder.parts, is_delta=folder.name == FOLDER
    )
    if about is None:
        return "may"
    engine.read("sliced", path)
    for name in ("members", "restricted"):
        engine.read(name, taken.release / f"{name}.parquet")
    if not engine.scalar(f"SELECT count(*) FROM sliced WHERE {about}"):
        return "no"
    rows = int(engine.scalar("SELECT count(*) FROM sliced"))
    if taken.rows is None or taken.rows == rows:
        return "held"
    scope = _scope(taken)
    if scope is None or table not in KNOWN_BY or folder.name == FOLDER:
        return "may"
    given = _given_sql(engine, taken.release, scope, table)
    if not engine.scalar(f"SELECT count(*) FROM ({given}) WHERE {about}"):
        return "no"
    return "held" if engine.scalar(f"SELECT count(*) FROM ({given})") == taken.rows else "may"


def _about(table: str, columns: Sequence[str], ids: Sequence[str], *, in_slice: bool, is_delta: bool) -> str | None:
    """SQL condition on the rows that are about the person; None when they cannot be told from the columns. It reads ``members`` and
    ``restricted`` of the same release."""
    listed = ", ".join(map(quote_text, ids))
    if in_slice and not can_leave_out(table, columns):
        return None
    # Of a row that ended a delta has the key alone: where no person stands in it, nobody can tell whose row it was.
    if is_delta and not _key_names_persons(table):
        return None
    found = [f"{quote_name(name)} IN ({listed})" for name in PERSON_COLUMNS if name in columns]
    found += [f"list_has_any({quote_name(name)}, [{listed}])" for name in PERSON_LISTS if name in columns]
    if "household_id" in columns and "person_id" not in columns:
        lives = f"SELECT household_id FROM members WHERE valid_to IS NULL AND person_id IN ({listed})"
        # Whoever was restricted then is no member of a household that departments saw.
        found.append(
            f"household_id IN ({lives}{' AND person_id NOT IN (SELECT person_id FROM restricted)' if in_slice else ''})"
        )
    return " OR ".join(found) or None


def _key_names_persons(table: str) -> bool:
    name = CONTRACTS.get(table, table)
    return name in contract_names() and any(column in PERSON_COLUMNS for column in table_contract(table).key)


def _scope(taken: Taken) -> Scope | None:
    """The rule of the area that the account was bound to; None when there was none, or its level is not on record."""
    column = AREA_COLUMNS.get(taken.area[0]) if taken.area else None
    return Scope(taken.department, own_only=False, area=(column, taken.area[1])) if taken.area and column else None


def _given_sql(engine: Engine, release: Path, scope: Scope, table: str) -> str:
    """SQL of the rows of ``sliced`` that the area's accounts were given."""
    read_shared(engine, release)
    read_allowed(engine, release, scope, table, ())
    return allowed_sql(table, "sliced", is_delta=False)
