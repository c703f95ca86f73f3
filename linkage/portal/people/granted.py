"""Which values of persons a searcher may search by: those that their view shows, of the golden record and of the values that lost.

A value shown in part may be searched for by who knows it whole; an address shown in part only by the part shown, because addresses are
searched by pieces and could be guessed piece by piece.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from linkage.kernel.engine import quote_name
from linkage.portal.desk import Desk
from linkage.portal.views import View

# How the values table writes what the golden record holds.
GOLDEN_TEXT = {"birth_date": "CAST(birth_date AS VARCHAR) || ' ' || birth_date_precision"}


@dataclass(frozen=True)
class Granted:
    """The views that a search goes by."""

    persons: View
    values: View | None

    def golden(self, field: str) -> bool:
        """Whether the golden value of ``field`` is shown."""
        return self.persons.shows(field)

    def losing(self, field: str) -> bool:
        """Whether values of ``field`` that lost are shown too."""
        values = self.values
        return bool(
            values
            and values.fields
            and field in values.fields
            and all(map(values.shows, ("person_id", "field", "value")))
        )

    def in_full(self, field: str) -> bool:
        """Whether the values of ``field`` are shown without a mask."""
        fields = self.values.fields if self.losing(field) and self.values else None
        return (fields or self.persons.columns).get(field, "hidden") is None

    def any_of(self, fields: Iterable[str]) -> tuple[str, ...]:
        """Those of ``fields`` that may be searched by."""
        return tuple(field for field in fields if self.golden(field) or self.losing(field))

    def condition(self, hits: Iterable["Hit"]) -> tuple[str, dict[str, Any]]:
        """Condition over persons, with its values: one of the ``hits`` is a value of the person that is shown."""
        terms, parameters = [], {}
        by_field: dict[str, list[Hit]] = {}
        for hit in hits:
            by_field.setdefault(hit.field, []).append(hit)
        for field, found in by_field.items():
            if self.losing(field):
                terms.append(f"list_contains($people_{field}, person_id)")
                parameters[f"people_{field}"] = sorted({hit.person_id for hit in found})
            elif self.golden(field):
                text = GOLDEN_TEXT.get(field, quote_name(field))
                terms.append(f"list_contains($people_{field}, person_id) AND list_contains($golden_{field}, {text})")
                parameters[f"people_{field}"] = sorted({hit.person_id for hit in found})
                parameters[f"golden_{field}"] = sorted({hit.value for hit in found})
        return " OR ".join(f"({term})" for term in terms) or "false", parameters


@dataclass(frozen=True)
class Hit:
    """A person for whom a department once gave this ``value`` of ``field``."""

    person_id: str
    field: str
    value: str


def granted(desk: Desk) -> Granted:
    """What the viewer of this request may search by. Raises NotThere when they see no persons."""
    return Granted(desk.view("persons"), desk.view_or_none("values"))
