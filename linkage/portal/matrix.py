"""Who may what and sees what, worked out by the code that answers requests, so that whoever is responsible can check it."""

from collections.abc import Mapping
from dataclasses import dataclass

from linkage.portal.access import READABLE, AccessConfig, Role
from linkage.portal.viewer import OFFICE, Viewer
from linkage.portal.views import View, view_of
from linkage.release.sharing import SharingConfig


@dataclass(frozen=True)
class Seen:
    """How one role of one department sees a column: ``full``, a mask's name, or ``""`` (not at all)."""

    department: str
    how: str


@dataclass(frozen=True)
class Cell:
    """How one role sees a column, for every department that may hold it."""

    seen: tuple[Seen, ...]

    @property
    def common(self) -> str | None:
        """What is the same for all departments; None when they differ."""
        ways = {seen.how for seen in self.seen}
        return ways.pop() if len(ways) == 1 else None


@dataclass(frozen=True)
class TableMatrix:
    """One table: roles that see anything of it, its columns, and which rows each role sees (``all`` or ``as_shared``)."""

    table: str
    roles: tuple[Role, ...]
    rows: Mapping[str, str]
    columns: dict[str, tuple[Cell, ...]]


def table_matrices(access: AccessConfig, sharing: SharingConfig) -> list[TableMatrix]:
    """Every table with the columns that any role sees."""
    return [_table_matrix(table, access, sharing) for table in READABLE]


def _table_matrix(table: str, access: AccessConfig, sharing: SharingConfig) -> TableMatrix:
    roles = tuple(role for role in access.roles if any(read.table == table for read in role.reads))
    rows = {role.role: next(read.rows for read in role.reads if read.table == table) for role in roles}
    views = {role.role: _views(role, rows[role.role], table, access, sharing) for role in roles}
    names: dict[str, None] = {}
    for found in views.values():
        for view in found.values():
            names |= dict.fromkeys(view.columns if view else ())
    columns = {
        name: tuple(Cell(tuple(Seen(d, _how(view, name)) for d, view in views[role.role].items())) for role in roles)
        for name in names
    }
    return TableMatrix(table, roles, rows, columns)


def _views(role: Role, rows: str, table: str, access: AccessConfig, sharing: SharingConfig) -> dict[str, View | None]:
    """The view of an account with this role alone: of the office, or of each department where it matters."""
    departments = (OFFICE,) if rows == "all" else tuple(d.source for d in sharing.departments)
    return {department: view_of(_somebody(role, department, access), table, sharing) for department in departments}


def _how(view: View | None, name: str) -> str:
    if view is None or not view.shows(name):
        return ""
    return view.columns[name] or "full"


def _somebody(role: Role, department: str, access: AccessConfig) -> Viewer:
    return Viewer("", "", "", department, "district", "", (role.role,), access)
