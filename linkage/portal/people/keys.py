"""Look-ups in the release's ``search_keys``: by hash, then by the value itself."""

from collections.abc import Callable, Collection, Iterable

from linkage.portal.people.granted import Hit
from linkage.portal.register import Register

MOST_HITS = 5000
"""So many persons at most are looked at for one key: more bear no name and live at no address that says anything."""


def hits(
    register: Register,
    kind: str,
    texts: Iterable[str],
    fields: Iterable[str],
    is_same: Callable[[str], bool],
    about: Collection[str] | None = None,
) -> list[Hit]:
    """Persons (of ``about``, if given) to whom a department gave one of ``texts``; ``is_same`` checks each value, for two texts
    may share a hash."""
    among = "" if about is None else "AND list_contains($about, person_id) "
    rows = register.rows(
        "SELECT person_id, field, value FROM search_keys "
        f"WHERE key IN (SELECT md5_number_lower(unnest($texts))) AND list_contains($fields, field) {among}LIMIT $most",
        texts=[f"{kind} {text}" for text in texts],
        fields=list(fields),
        most=MOST_HITS,
        **({} if about is None else {"about": [*about, ""]}),
    )
    return [Hit(**row) for row in rows if is_same(row["value"])]


def address_hits(register: Register, parts: Iterable[str], fields: Iterable[str], most: int) -> list[Hit] | None:
    """Persons at addresses that hold all ``parts``; None when these are more than ``most`` addresses."""
    bound = {f"part_{i}": part for i, part in enumerate(parts)}
    where = " AND ".join(f"contains(address, ${name})" for name in bound)
    rows = register.rows(f"SELECT * FROM search_addresses WHERE {where} LIMIT $most", **bound, most=most + 1)
    if len(rows) > most:
        return None
    return [Hit(person, field, row["address"]) for row in rows for field in fields for person in row[field] or ()][
        :MOST_HITS
    ]
