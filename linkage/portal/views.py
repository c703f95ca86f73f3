"""What one viewer sees of one table, as SQL: the columns that access.yaml and sharing.yaml grant, masked as they say, of the rows they grant.

Nothing is selected that is not granted, so that nothing can slip through a page; ``View.rows`` checks once more what comes back.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from linkage.kernel.contracts import contract
from linkage.kernel.engine import quote_name
from linkage.portal.access import Read
from linkage.portal.viewer import Viewer
from linkage.release.scope import HOUSEHOLD_AREA_COLUMNS
from linkage.release.sharing import SECTIONS, SharingConfig
from linkage.release.shown import shown_sql

# Households as departments may see them: a restricted person is neither its head nor counted (linkage/release/sql/shared_households.sql).
SHARED_HOUSEHOLDS = """(
SELECT h.* REPLACE (
    CASE WHEN head_person_id IN (SELECT person_id FROM restricted) THEN NULL ELSE head_person_id END AS head_person_id,
    CAST(h.members - coalesce(x.persons, 0) AS INTEGER) AS members)
FROM households h LEFT JOIN (
    SELECT household_id, count(*) AS persons FROM members WHERE valid_to IS NULL AND person_id IN (SELECT person_id FROM restricted) GROUP BY household_id
) x USING (household_id))"""

# What conditions on persons speak of, and what they are sorted by.
WHO_COLUMNS = "person_id, status, restriction, sources, residence_street, residence_community, grid_code"
FIELDS_CONDITION = " AND list_contains($granted_fields, field)"


@dataclass(frozen=True)
class View:
    """The columns of ``table`` by name with their masks, and the rows as a condition with its values."""

    table: str
    columns: Mapping[str, str | None]
    condition: str
    parameters: Mapping[str, Any]
    fields: Mapping[str, str | None] | None = None
    """Of the table ``values``: golden fields of which values are shown, with the mask of their values."""
    relation: str = ""
    """What is selected from, where it is not the table itself."""
    who: str = "true"
    """Of the condition, what it asks of persons: a condition over the table persons."""
    area: tuple[str, str] | None = None
    """The viewer's area, as in Viewer."""
    everything: bool = False
    """Whether every row is granted (within the area), restricted persons too."""

    def shows(self, column: str) -> bool:
        """Whether the column is shown at all."""
        return column in self.columns

    def sees_in_full(self, column: str) -> bool:
        """Whether the column is shown without a mask."""
        return self.columns.get(column, "hidden") is None

    def select(self, where: str = "true", tail: str = "") -> str:
        """SQL over the granted columns and rows; ``where`` may speak of any column of the table, ``tail`` orders and limits."""
        shown = ", ".join(f"{self._shown(name, mask)} AS {quote_name(name)}" for name, mask in self.columns.items())
        return f"SELECT {shown} FROM (SELECT * FROM {self.relation or quote_name(self.table)} WHERE {self.condition} AND ({where}) {tail}) AS granted"

    def _shown(self, name: str, mask: str | None) -> str:
        if self.table == "values" and name == "value" and self.fields is not None:
            masked = {field: mask for field, mask in self.fields.items() if mask}
            cases = " ".join(f"WHEN field = '{field}' THEN {shown_sql(name, kind)}" for field, kind in masked.items())
            return f"CASE {cases} ELSE {quote_name(name)} END" if cases else quote_name(name)
        return shown_sql(name, mask)

    def rows(
        self,
        con: duckdb.DuckDBPyConnection,
        where: str = "true",
        tail: str = "",
        about: Collection[str] | None = None,
        **parameters: Any,
    ) -> list[dict[str, Any]]:
        """The granted rows as dictionaries; ``about``: only those of these persons, which spares looking through everybody.

        Raises PermissionError should a column come back that is not granted.
        """
        if about is not None:
            view = self._about(con, about)
            return view.rows(con, where, tail, **parameters) if view else []
        sql = self.select(where, tail)
        bound = {**parameters, **{k: v for k, v in self.parameters.items() if f"${k}" in sql}}
        cursor = con.execute(sql, bound or None)
        names = [column[0] for column in cursor.description or ()]
        if set(names) - set(self.columns):
            raise PermissionError(f"{self.table}: a column came back that is not granted")
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def ids(
        self,
        con: duckdb.DuckDBPyConnection,
        about: Collection[str],
        where: str = "true",
        tail: str = "",
        **parameters: Any,
    ) -> list[str]:
        """Of the persons ``about``, those that are granted and meet ``where``: cheap, to choose whose rows are then shown."""
        if not about:
            return []
        # Materialised, or the condition would be tried on everybody.
        columns = WHO_COLUMNS if where == "true" else "*"
        sql = (
            f"WITH about AS MATERIALIZED (SELECT {columns} FROM persons WHERE person_id IN (SELECT unnest($asked_persons))) "
            f"SELECT person_id FROM about WHERE ({self.who}) AND ({where}) {tail}"
        )
        bound = {**parameters, **{k: v for k, v in self.parameters.items() if f"${k}" in sql}}
        return [row[0] for row in con.execute(sql, bound | {"asked_persons": list(about)}).fetchall()]

    def _about(self, con: duckdb.DuckDBPyConnection, persons: Collection[str]) -> "View | None":
        """The same view of those of ``persons`` who are granted; None when nobody is."""
        granted = list(persons) if self.who == "true" else self.ids(con, persons)
        if not granted:
            return None
        condition = _of_persons(self.table, "(SELECT unnest($granted_persons))", self.area)
        if self.fields is not None:
            condition += FIELDS_CONDITION
        return replace(self, condition=condition, parameters={**self.parameters, "granted_persons": granted})


def view_of(viewer: Viewer, table: str, sharing: SharingConfig) -> View | None:
    """What ``viewer`` sees of ``table``; None when nothing. Of several roles the widest columns count, and the widest rows."""
    reads = [read for role in viewer.roles for read in role.reads if read.table == table]
    shared = next((d for d in sharing.departments if d.source == viewer.department), None)
    granted = [
        (read, found)
        for read in reads
        if (found := _columns(read, viewer, sharing)) and _has_rows(read, shared is not None)
    ]
    if not granted:
        return None
    columns: dict[str, str | None] = {}
    for _, found in granted:
        for name, mask in found.items():
            columns[name] = mask if name not in columns or mask is None else columns[name]
    if viewer.token_scope is not None:
        tables = viewer.token_scope.get("tables", {})
        scope = tables.get(table, ()) if isinstance(tables, dict) else ()
        columns = {name: mask for name, mask in columns.items() if name in scope}
    if not columns:
        return None
    everything = any(read.rows == "all" for read, _ in granted)
    scope_of_department = "all" if everything or shared is None else shared.scope
    who, parameters = _who(viewer, everything=everything, own_only=scope_of_department == "own")
    condition = "true"
    if who != "true":
        condition = (
            who
            if table == "persons"
            else _of_persons(table, f"(SELECT person_id FROM persons WHERE {who})", viewer.area)
        )
    fields = None
    if table == "values":
        persons = view_of(viewer, "persons", sharing)
        fields = dict(persons.columns) if persons else {}
        parameters = parameters | {"granted_fields": sorted(fields)}
        condition += FIELDS_CONDITION
    relation = SHARED_HOUSEHOLDS if table == "households" and not everything else ""
    return View(table, columns, condition, parameters, fields, relation, who, viewer.area, everything)


def _has_rows(read: Read, is_department: bool) -> bool:
    return read.rows == "all" or is_department


def _columns(read: Read, viewer: Viewer, sharing: SharingConfig) -> dict[str, str | None]:
    if read.columns == "as_shared":
        shared = next((d for d in sharing.departments if d.source == viewer.department), None)
        if shared is None or read.table not in SECTIONS:
            return {}
        return {name: read.mask.get(name) or shared.mask.get(name) for name in shared.fields(read.table)}
    names = contract(read.table).column_names if read.columns == "all" else read.columns
    if read.columns == "all" and read.rows == "all" and read.table == "persons":
        names = (*names, "restriction")
    return {name: read.mask.get(name) for name in names}


def _who(viewer: Viewer, *, everything: bool, own_only: bool) -> tuple[str, dict[str, Any]]:
    """The condition on persons and its values: restricted persons, the department's scope, the user's area."""
    persons: list[str] = []
    parameters: dict[str, Any] = {}
    if not everything:
        persons.append("restriction IS NULL")
    if own_only:
        persons.append("list_contains(sources, $granted_source)")
        parameters["granted_source"] = viewer.department
    if viewer.area is not None:
        persons.append(f"{quote_name(viewer.area[0])} = $granted_area")
        parameters["granted_area"] = viewer.area[1]
    return " AND ".join(persons) or "true", parameters


def _of_persons(table: str, ids: str, area: tuple[str, str] | None) -> str:
    """The condition on rows of ``table`` that are about the persons of the sub-select ``ids``."""
    match table:
        case "households":
            # A household is seen by who lives in it; its area is its own.
            own = f"{quote_name(HOUSEHOLD_AREA_COLUMNS[area[0]])} = $granted_area AND " if area is not None else ""
            return (
                f"{own}household_id IN (SELECT household_id FROM members WHERE valid_to IS NULL AND person_id IN {ids})"
            )
        case "history":
            return f"subject_id IN (SELECT * FROM {ids} UNION ALL SELECT household_id FROM members WHERE person_id IN {ids})"
        case "review_cases":
            return f"EXISTS (SELECT 1 FROM (SELECT unnest(person_ids) AS one) WHERE one IN {ids})"
        case "common_records":
            return f"record_key IN (SELECT source || ':' || record_id FROM crosswalk WHERE person_id IN {ids})"
        case _:
            return f"person_id IN {ids}"
