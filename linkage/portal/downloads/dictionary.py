"""The data dictionary: every column that a viewer is given, from the table contracts, with how it is shown to them."""

import csv
import io
from dataclasses import asdict, dataclass

from linkage.kernel.contracts import contract, contract_names
from linkage.portal.downloads.marks import MARK_COLUMN, MARK_TITLE
from linkage.portal.viewer import Viewer
from linkage.portal.views import view_of
from linkage.release.deltas import CONTRACTS
from linkage.release.sharing import SECTIONS, SharingConfig
from linkage.release.slices import NOTICE_FIELDS
from linkage.release.stage import RELEASE_TABLES

FORMULA_SAFE = ("=", "+", "-", "@")


@dataclass(frozen=True)
class Entry:
    """One column of one table, as ``viewer`` gets it."""

    table: str
    table_zh: str
    column: str
    zh: str
    en: str
    type: str
    standard: str
    unit: str
    sharing: str
    """unconditional, conditional, not_shared."""
    sensitive: bool
    mask: str
    """name, number, phone, address; empty: shown as it is."""


def columns_of(viewer: Viewer, sharing: SharingConfig) -> dict[str, dict[str, str | None]]:
    """Columns by table, with their masks, that ``viewer`` is given in any way: pages, API, slices, whole releases."""
    found: dict[str, dict[str, str | None]] = {}
    if "download_register" in viewer.permissions and viewer.area is None:
        for table in RELEASE_TABLES:
            name = CONTRACTS.get(table, table)
            found[name] = dict.fromkeys(contract(name).column_names)
    department = next((d for d in sharing.departments if d.source == viewer.department), None)
    if department is not None and "download" in viewer.permissions:
        for table in SECTIONS:
            if fields := department.fields(table):
                found.setdefault(table, {name: department.mask.get(name) for name in fields})
        found.setdefault("notices", dict.fromkeys(NOTICE_FIELDS))
    for table in contract_names():
        if view := view_of(viewer, table, sharing):
            shown = found.setdefault(table, {})
            for column, mask in view.columns.items():
                if column not in shown or mask is None:
                    shown[column] = mask
    return found


def dictionary(viewer: Viewer, sharing: SharingConfig) -> list[Entry]:
    """The entries for ``viewer``, table by table, in the order of the contracts, and the column that marks a copy."""
    entries = []
    for table, columns in columns_of(viewer, sharing).items():
        spec = contract(table)
        for f in spec.fields:
            if f.name in columns:
                class_ = sharing.sharing_class(table, f.name) if table in SECTIONS else f.sharing
                entries.append(
                    Entry(
                        table, spec.zh, f.name, f.zh, f.en, f.type, f.standard or "", f.unit or "", class_, f.sensitive,
                        columns[f.name] or "",
                    )
                )  # fmt: skip
    return entries


def mark_entry(table: str, table_zh: str) -> Entry:
    """The last column of every marked copy."""
    return Entry(
        table, table_zh, MARK_COLUMN, MARK_TITLE, "whose copy this is; the same in every row; no personal data", "VARCHAR", "", "",
        "unconditional", False, "",
    )  # fmt: skip


def dictionary_csv(entries: list[Entry]) -> bytes:
    """The entries as CSV, UTF-8 with BOM for spreadsheets."""
    out = io.StringIO()
    names = list(Entry.__dataclass_fields__)
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    for entry in entries:
        writer.writerow({k: f"'{v}" if str(v).startswith(FORMULA_SAFE) else v for k, v in asdict(entry).items()})
    return out.getvalue().encode("utf-8-sig")
