"""A fictional district: four departments' exports over several nights, with the truth.

Everything follows from the seed: the same call writes the same bytes. A record keeps its number and, while nothing about
it changes, its row from night to night.
"""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from linkage.fiction.dirt import read_dirt
from linkage.fiction.exports import write_night
from linkage.fiction.people import Person, World
from linkage.fiction.records import HEADERS, SOURCE_OF, Clerk, Record

FIRST_NIGHT = date(2026, 3, 2)
CHANGED_SHARE, WITHDRAWN_SHARE, NEW_SHARE = 0.008, 0.001, 0.002


def generate(
    persons: int,
    nights: int,
    seed: int,
    out: Path,
    dirt: str = "default",
    first_night: date = FIRST_NIGHT,
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Write ``out/night=<date>/<department>/...`` and ``out/truth/night=<date>/{persons,records}.parquet``.

    Returns rows by night and file. Raises ConfigurationError for an unknown dirt profile.
    """
    rates = read_dirt(dirt)
    note(f"fiction: {persons:,} residents, seed {seed}, dirt {dirt}")
    world = World(persons, seed, first_night)
    clerk = Clerk(Random(seed + 1), rates, first_night)
    records = [record for person in world.persons for record in clerk.records_of(person)]
    summary: dict[str, Any] = {}
    for number in range(nights):
        night = first_night + timedelta(days=number)
        if number:
            clerk.night = night
            records = next_night(world, clerk, records)
        folder = f"night={night.isoformat()}"
        note(f"fiction: {folder}, {len(records):,} records")
        summary[night.isoformat()] = write_night(out / folder, night, records, rates)
        _write_truth(out / "truth" / folder, world.persons, records)
    return summary


def next_night(world: World, clerk: Clerk, records: list[Record]) -> list[Record]:
    """About one percent changes: rows touched again, rows withdrawn, residents appearing, newborns named."""
    rng = clerk.rng
    kept: list[Record] = []
    for record in records:
        draw = rng.random()
        if draw < WITHDRAWN_SHARE and record.table != "police_hukou":
            continue
        if draw < WITHDRAWN_SHARE + CHANGED_SHARE or (record.person.nameless and rng.random() < 0.3):
            record.person.nameless = False
            record = _written_again(clerk, record)
        kept.append(record)
    for _ in range(max(1, int(len(world.persons) * NEW_SHARE))):
        before = len(world.persons)
        world._settle()
        for person in world.persons[before:]:
            kept.extend(clerk.records_of(person))
    return kept


def _written_again(clerk: Clerk, record: Record) -> Record:
    """The same record with tonight's date and what the department now writes; its number stays."""
    writer: dict[str, Callable[[Person], Record]] = {
        "police_hukou": clerk.hukou,
        "police_floating": clerk.floating,
        "health_archive": clerk.health,
        "civil_elder": clerk.elder,
        "civil_assist": clerk.assist,
    }
    before = clerk.serials.get(record.table)
    if record.table == "grid_visit":
        again = clerk.grid(record.person, record.row[19])
    elif record.table == "civil_marriage":
        again = clerk.marriage(record.person, record.person.spouse or record.person)
    elif record.table == "police_hukou" and not record.person.hukou:
        return record
    else:
        again = writer[record.table](record.person)
    if before is not None:
        clerk.serials[record.table] = before
    return Record(record.table, record.record_id, record.person, [record.record_id, *again.row[1:]])


def _write_truth(folder: Path, persons: list[Person], records: list[Record]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    columns = {
        "source": [SOURCE_OF[r.table] for r in records],
        "table": [r.table for r in records],
        "record_id": [r.record_id for r in records],
        "true_person_id": [r.person.key for r in records],
    }
    pq.write_table(pa.table(columns), folder / "records.parquet")
    rows = [_truth(person) for person in persons]
    pq.write_table(pa.Table.from_pylist(rows), folder / "persons.parquet")


def _truth(person: Person) -> dict[str, Any]:
    here = person.present and person.dwelling is not None
    return {
        "true_person_id": person.key,
        "name": person.name,
        "former_name": person.former_name,
        "sex": person.sex,
        "dob": person.birth,
        "id_no": person.number,
        "other_document": person.document,
        "ethnicity": person.ethnicity,
        "phone": person.phone,
        "alive": person.alive,
        "present": person.present,
        "hukou_household_id": person.hukou if person.alive else "",
        "hukou_collective": person.hukou_collective,
        "hukou_address": person.hukou_address,
        "actual_household_id": person.household if here else "",
        "actual_collective": person.collective,
        "actual_address": person.dwelling.address if person.dwelling else "",
        "house_code": person.dwelling.code if person.dwelling else "",
    }


__all__ = ["FIRST_NIGHT", "HEADERS", "generate"]
