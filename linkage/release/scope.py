"""Which rows of a release a department receives, or an account of it that is bound to an area.

The rule is read when slices are made, and again whenever something of a release is given later: today's rule over the rows of then.
"""

from dataclasses import dataclass

from linkage.kernel.engine import quote_name, quote_text

HOUSEHOLD_AREA_COLUMNS = {"residence_street": "street", "residence_community": "community", "grid_code": "grid_code"}
"""Columns of persons that bound an area -> those of households."""


@dataclass(frozen=True)
class Scope:
    """The rows of ``source``: all, or of persons that it has a record of; within ``area`` (a column of persons and its value), if any."""

    source: str
    own_only: bool
    area: tuple[str, str] | None = None

    def where_sql(self, table: str) -> str:
        """Condition on the rows of shared_<table> (persons, households, notices). It reads shared_persons, persons and members of the same release."""
        persons = self._persons_sql()
        if table == "persons":
            return persons
        if table == "notices":
            return f"source = {quote_text(self.source)}" + self._notices_area_sql()
        if persons == "true":
            return persons
        # A household is seen by who lives in it; its area is its own.
        who = f"SELECT person_id FROM shared_persons WHERE {persons}"
        lived_in = f"household_id IN (SELECT household_id FROM members WHERE valid_to IS NULL AND person_id IN ({who}))"
        return (
            lived_in
            if self.area is None
            else f"{_is(HOUSEHOLD_AREA_COLUMNS[self.area[0]], self.area[1])} AND {lived_in}"
        )

    def bounds(self, table: str) -> bool:
        """Whether the rule can leave out rows of ``table`` that some other rule gives this department."""
        return self.area is not None or (self.own_only and table != "notices")

    def _persons_sql(self) -> str:
        conditions = [f"list_contains(sources, {quote_text(self.source)})"] if self.own_only else []
        if self.area is not None:
            conditions.append(_is(*self.area))
        return " AND ".join(conditions) or "true"

    def _notices_area_sql(self) -> str:
        """The id of now belongs to somebody of the area, and the id of before to nobody of another."""
        if self.area is None:
            return ""
        here = _is(*self.area)
        return (
            f" AND new_person_id IN (SELECT person_id FROM shared_persons WHERE {here})"
            f" AND person_id NOT IN (SELECT person_id FROM persons WHERE ({here}) IS NOT TRUE)"
        )


def _is(column: str, value: str) -> str:
    return f"{quote_name(column)} = {quote_text(value)}"
