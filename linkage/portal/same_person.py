"""All ids that one person has or had: a retired id leads to its successor, and looks at either are looks at the person."""

from linkage.portal.desk import Desk

MOST_STEPS = 50


def ids_of_person(desk: Desk, person_id: str) -> tuple[str, ...]:
    """``person_id``, the ids it led to, and every retired id that leads to one of them. Ids alone, no residents' data."""
    if desk.settings.state.current_release() is None:
        return (person_id,)
    found = {person_id}
    for _ in range(MOST_STEPS):
        rows = desk.register.rows(
            "SELECT DISTINCT last_successor_id AS id FROM retired_ids WHERE kind = 'person' AND list_contains($ids, id) "
            "AND last_successor_id IS NOT NULL",
            ids=sorted(found),
        )
        more = {row["id"] for row in rows} - found
        if not more:
            break
        found |= more
    for _ in range(MOST_STEPS):
        rows = desk.register.rows(
            "SELECT id FROM retired_ids WHERE kind = 'person' AND list_contains($ids, last_successor_id)",
            ids=sorted(found),
        )
        more = {row["id"] for row in rows} - found
        if not more:
            break
        found |= more
    return tuple(sorted(found))
