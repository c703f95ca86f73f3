"""Which files of a release a viewer may take. What is not offered is not there.

A department's downloader takes the department's slice, as copies that bear a mark. Whoever may take whole releases gets the files as they were
signed, byte for byte: a mark would break signatures and deltas. A token's scope narrows both: of a slice to the columns it names, of signed
files to the tables it names whole.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.parquet as pq

from linkage.kernel.contracts import contract, contract_names
from linkage.portal.desk import Desk
from linkage.portal.downloads.copies import Order
from linkage.portal.downloads.hiding import can_hide
from linkage.portal.downloads.marks import Copy, split_format, table_of
from linkage.portal.viewer import Viewer
from linkage.release.chain import is_emptied
from linkage.release.deltas import CONTRACTS, FOLDER
from linkage.release.manifest import CHAIN_FILES, DERIVED, DERIVED_SIGNATURE, file_hash, read_manifest
from linkage.release.sharing import SECTIONS, DepartmentSharing
from linkage.release.stage import LOOKUP, LOOKUP_TABLES

ALWAYS = frozenset(("change",))
"""A column that says what a row of a delta means, whatever else is delivered."""


@dataclass(frozen=True)
class Offer:
    """A file of a release. ``sha256`` and ``bytes`` are those of the signed file; a marked copy has its own."""

    release: Path
    path: str
    table: str | None
    format: str
    bytes: int
    sha256: str
    rows: int | None
    order: Order | None
    """How to make the copy; None: delivered as signed."""

    @property
    def file(self) -> Path:
        return self.release / self.path

    @property
    def is_delta(self) -> bool:
        return PurePosixPath(self.path).parent.name == FOLDER


def offers(desk: Desk, release: Path) -> dict[str, Offer]:
    """What the viewer may take of ``release``, by path; the signed manifest alone when its tables are gone."""
    viewer = desk.who
    if not viewer.permissions & {"download", "download_register"}:
        return {}
    whole = "download_register" in viewer.permissions and viewer.area is None
    found = {name: _signed(release, name, {}) for name in sorted(CHAIN_FILES) if (release / name).is_file()}
    if is_emptied(release):
        return found
    manifest = read_manifest(release)
    files: dict[str, dict[str, Any]] = dict(manifest["files"])
    if whole:
        files |= _derived(release)
        return found | {name: _signed(release, name, entry) for name, entry in files.items() if _in_scope(viewer, name)}
    # A department that receives nothing any more receives nothing of earlier releases either.
    if viewer.area is None and "download" in viewer.permissions and _department(desk) is not None:
        own, hidden = f"slices/{viewer.department}/", restricted_since(desk, release)
        for name, entry in files.items():
            if name.startswith(own) and (offer := _of_slice(desk, release, name, entry, files, hidden)):
                found[name] = offer
    return found


def _signed(release: Path, name: str, entry: Mapping[str, Any]) -> Offer:
    path = release / name
    stem, end = split_format(name)
    return Offer(
        release, name, _contract_name(table_of(stem)) if end else None, end, entry.get("bytes") or path.stat().st_size,
        entry.get("sha256") or file_hash(path), entry.get("rows"), None,
    )  # fmt: skip


def restricted_since(desk: Desk, release: Path) -> tuple[str, ...]:
    """Persons restricted now, under every id that leads to them: a release of before still holds their rows. Ids alone, no residents' data."""
    if desk.register.release.name == release.name:
        return ()
    rows = desk.register.rows(
        "WITH restricted_now AS (SELECT person_id FROM persons WHERE restriction IS NOT NULL) SELECT person_id FROM restricted_now "
        "UNION SELECT id FROM retired_ids WHERE kind = 'person' AND last_successor_id IN (SELECT person_id FROM restricted_now) ORDER BY 1"
    )
    return tuple(row["person_id"] for row in rows)


def _department(desk: Desk) -> DepartmentSharing | None:
    return next((d for d in desk.settings.sharing.departments if d.source == desk.who.department), None)


def _of_slice(
    desk: Desk,
    release: Path,
    name: str,
    entry: Mapping[str, Any],
    files: Mapping[str, Any],
    hidden: tuple[str, ...],
) -> Offer | None:
    stem, end = split_format(name)
    if not end:  # README.txt: no resident's data
        return _signed(release, name, entry)
    table, source = table_of(stem), f"{stem}.parquet"
    if source not in files:
        return None
    delivered = _columns(release / source, files[source]["sha256"])
    columns = tuple(c for c in delivered if _grants(desk.who, table, c) and not _is_barred(desk, table, c))
    if not set(columns) - ALWAYS or (hidden and not can_hide(table, delivered)):
        return None
    order = Order(Copy(release.name, stem, desk.who.user_id), name, end, source, columns, hidden=hidden)
    return Offer(release, name, table, end, entry["bytes"], entry["sha256"], entry.get("rows"), order)


@lru_cache(maxsize=4096)
def _columns(path: Path, sha256: str) -> tuple[str, ...]:
    """Columns of a Parquet file that never changes (``sha256`` makes sure that the cache knows)."""
    return tuple(pq.read_schema(path).names)


def _grants(viewer: Viewer, table: str, column: str) -> bool:
    """Whether a token, if the viewer comes with one, is for this column."""
    return viewer.token_scope is None or column in ALWAYS or column in _scope_of(viewer, table)


def _is_barred(desk: Desk, table: str, column: str) -> bool:
    """Whether the column has become 不予共享 since the release, or is no longer the department's: it is not given from an earlier one either."""
    department = _department(desk)
    if department is None or table not in SECTIONS or column not in contract(table).column_names:
        return False
    return column not in department.fields(table) or desk.settings.sharing.sharing_class(table, column) == "not_shared"


def _scope_of(viewer: Viewer, table: str) -> frozenset[str]:
    tables = (viewer.token_scope or {}).get("tables", {})
    return frozenset(tables.get(table, ())) if isinstance(tables, dict) else frozenset()


def _in_scope(viewer: Viewer, name: str) -> bool:
    """Whether a token is for the whole of a signed file."""
    if viewer.token_scope is None:
        return True
    if name == LOOKUP:
        return all(_names_whole(viewer, table) for table in LOOKUP_TABLES)
    stem, end = split_format(name)
    return not end or _names_whole(viewer, _contract_name(table_of(stem)))


def _contract_name(table: str) -> str:
    name = CONTRACTS.get(table, table)
    return name if name in contract_names() else table


def _names_whole(viewer: Viewer, table: str) -> bool:
    return table in contract_names() and set(contract(table).column_names) <= _scope_of(viewer, table)


def _derived(release: Path) -> dict[str, dict[str, Any]]:
    """``register.duckdb`` and the statement that signs it."""
    if not (release / DERIVED).is_file():
        return {}
    listed: dict[str, dict[str, Any]] = json.loads((release / DERIVED).read_bytes())["files"]
    return listed | {DERIVED: {}, DERIVED_SIGNATURE: {}}
