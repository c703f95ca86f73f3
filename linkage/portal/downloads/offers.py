"""Which files of a release a viewer may take. What is not offered is not there.

A department's downloader takes the department's slice, as copies that bear a mark; an account of an area takes its area's rows of it. A release stays
as it was signed, but nothing is given of it that today's rules would not give: columns, masks, rows. Whoever may take whole releases, and was granted to
(whole_register.py), gets the files as they were signed, byte for byte: a mark would break signatures and deltas. A token's scope narrows both: of a slice to the columns it names, of signed
files to the tables it names whole.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.parquet as pq

from linkage.kernel.contracts import contract, contract_names
from linkage.portal.desk import Desk
from linkage.portal.downloads.copies import Order
from linkage.portal.downloads.kept_rows import KNOWN_BY, allowed_count, can_leave_out
from linkage.portal.downloads.marks import Copy, split_format, table_of
from linkage.portal.downloads.unmasked import Request
from linkage.portal.downloads.whole_register import granted_register, holds_residents, may_take_register
from linkage.portal.viewer import Viewer
from linkage.release.chain import is_emptied
from linkage.release.deltas import CONTRACTS, FOLDER
from linkage.release.manifest import CHAIN_FILES, DERIVED, DERIVED_SIGNATURE, file_hash, read_manifest
from linkage.release.scope import Scope
from linkage.release.sharing import SECTIONS, DepartmentSharing, SharingConfig
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
    is_part: bool = False
    """Whether fewer rows are given than the signed file has: ``rows`` are those given, ``bytes`` an estimate."""
    under: Request | None = None
    """The granted request under which it is given, where it needs one."""

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
    found = {name: _signed(release, name, {}) for name in sorted(CHAIN_FILES) if (release / name).is_file()}
    if is_emptied(release):
        return found
    manifest = read_manifest(release)
    if may_take_register(viewer):
        whole, under = _whole(viewer, release, manifest), granted_register(desk)
        if under is not None:
            return found | {n: replace(o, under=under) if holds_residents(n) else o for n, o in whole.items()}
        found |= {name: offer for name, offer in whole.items() if not holds_residents(name)}
    # A department that receives nothing any more receives nothing of earlier releases either.
    department = department_of(viewer, desk.settings.sharing)
    if department is None or "download" not in viewer.permissions:
        return found
    slice_ = _Slice(desk, release, manifest, department, restricted_since(desk, release))
    return found | slice_.offers()


def withheld(desk: Desk, release: Path) -> frozenset[str]:
    """Files of ``release`` that the viewer would be offered, as they were signed, once a request for the register is granted."""
    if not may_take_register(desk.who) or is_emptied(release) or granted_register(desk) is not None:
        return frozenset()
    return frozenset(filter(holds_residents, _whole(desk.who, release, read_manifest(release))))


def _whole(viewer: Viewer, release: Path, manifest: Mapping[str, Any]) -> dict[str, Offer]:
    """All files as they were signed, but those that a token is not for."""
    files: dict[str, dict[str, Any]] = manifest["files"] | _derived(release)
    return {name: _signed(release, name, entry) for name, entry in files.items() if _in_scope(viewer, name)}


def department_of(viewer: Viewer, sharing: SharingConfig) -> DepartmentSharing | None:
    """What the viewer's department receives, if anything."""
    return next((d for d in sharing.departments if d.source == viewer.department), None)


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


@dataclass(frozen=True)
class _Slice:
    """A department's slice of one release, for one viewer, by today's rules. ``hidden``: persons restricted since."""

    desk: Desk
    release: Path
    manifest: Mapping[str, Any]
    department: DepartmentSharing
    hidden: tuple[str, ...]

    @property
    def _files(self) -> Mapping[str, Mapping[str, Any]]:
        files: Mapping[str, Mapping[str, Any]] = self.manifest["files"]
        return files

    @property
    def _scope(self) -> Scope:
        return self.department.rows(self.desk.who.area)

    def offers(self) -> dict[str, Offer]:
        """The files, by path."""
        own = f"slices/{self.department.source}/"
        found = {}
        for name, entry in self._files.items():
            if name.startswith(own) and (offer := self._offer(name, entry)):
                found[name] = offer
        for table in KNOWN_BY:
            # Too long for a spreadsheet as a whole, but perhaps not what is given of it.
            name, source = f"{own}{table}.xlsx", self._files.get(f"{own}{table}.parquet")
            offer = self._offer(name, source) if source is not None and name not in found else None
            if offer and offer.is_part and (offer.rows or 0) <= self.desk.settings.sharing.xlsx_maximum_rows:
                found[name] = offer
        return found

    def _offer(self, name: str, entry: Mapping[str, Any]) -> Offer | None:
        stem, end = split_format(name)
        if not end:  # README.txt: no resident's data
            return _signed(self.release, name, entry)
        table, source = table_of(stem), f"{stem}.parquet"
        if source not in self._files:
            return None
        delivered = _columns(self.release / source, self._files[source]["sha256"])
        columns = tuple(c for c in delivered if _grants(self.desk.who, table, c) and not self._is_barred(table, c))
        is_delta = PurePosixPath(stem).parent.name == FOLDER
        allowed = self._allowed(table, is_delta=is_delta)
        leaves_out = allowed is not None or bool(self.hidden)
        if not set(columns) - ALWAYS or (leaves_out and not can_leave_out(table, delivered)):
            return None
        # What changed since the release before cannot be told from a delta between slices that had more rows than are given now.
        if is_delta and allowed is not None:
            return None
        scope = self._scope if allowed is not None or (self.hidden and self._scope.bounds(table)) else None
        masks = self.department.masks(columns) if table in SECTIONS else {}
        order = Order(
            Copy(self.release.name, stem, self.desk.who.user_id), name, end, source, columns, masks, hidden=self.hidden, scope=scope
        )  # fmt: skip
        rows = entry.get("rows") if allowed is None else allowed
        share = 1.0 if allowed is None else allowed / max(self._files[source]["rows"], 1)
        return Offer(
            self.release, name, table, end, round(entry["bytes"] * share), entry["sha256"], rows, order, is_part=allowed is not None
        )  # fmt: skip

    def _allowed(self, table: str, *, is_delta: bool) -> int | None:
        """How many rows of ``table`` today's rule gives of the slice; None: all. Of a delta both slices count that it lies between,
        the earlier one as long as it can still be taken."""
        if table not in KNOWN_BY or not self._scope.bounds(table):
            return None
        found = _fewer(self.release, self._files, self._scope, table)
        if is_delta and found is None:
            before = self.release.parent / str(self.manifest["previous_release"])
            if (before / "persons.parquet").is_file():
                found = _fewer(before, read_manifest(before)["files"], self._scope, table)
        return found

    def _is_barred(self, table: str, column: str) -> bool:
        """Whether the column has become 不予共享 since the release, or is no longer the department's: it is not given from an earlier one either."""
        if table not in SECTIONS or column not in contract(table).column_names:
            return False
        sharing = self.desk.settings.sharing
        return column not in self.department.fields(table) or sharing.sharing_class(table, column) == "not_shared"


def _fewer(release: Path, files: Mapping[str, Mapping[str, Any]], scope: Scope, table: str) -> int | None:
    """Rows of ``table`` that ``scope`` gives of a release; None when the department's slice has no more than these."""
    listed = files.get(f"slices/{scope.source}/{table}.parquet")
    if listed is None:
        return 0
    allowed = allowed_count(release, scope, table)
    return allowed if allowed < listed["rows"] else None


@lru_cache(maxsize=4096)
def _columns(path: Path, sha256: str) -> tuple[str, ...]:
    """Columns of a Parquet file that never changes (``sha256`` makes sure that the cache knows)."""
    return tuple(pq.read_schema(path).names)


def _grants(viewer: Viewer, table: str, column: str) -> bool:
    """Whether a token, if the viewer comes with one, is for this column."""
    return viewer.token_scope is None or column in ALWAYS or column in _scope_of(viewer, table)


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
