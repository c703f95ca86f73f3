"""A register with planted values: every text column of two persons that somebody may not see holds a value that stands nowhere else.

They are planted into the night's own tables, and the stage ``release`` is run once more: slices, changes, look-up tables, hashes and signatures are
made of them as of any other value.
"""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from linkage.night import run_one_stage
from tests.portal.conftest import Portal, open_portal

KNOWN = "SELECT person_id FROM persons WHERE len(sources) = 4 AND status = 'alive' AND phone IS NOT NULL ORDER BY person_id LIMIT 1"
OTHER = (
    "SELECT person_id FROM persons p WHERE NOT list_contains(sources, 'grid') AND NOT list_contains(sources, 'health') AND status = 'alive' "
    "AND list_contains(sources, 'police') AND household_number IS NOT NULL ORDER BY len(sources) DESC, person_id LIMIT 1"
)
"""A person known to all departments, and one of whom half of them have no record."""
GOLDEN = (
    "identity_number", "full_name", "former_name", "ethnicity", "nationality", "marital_status", "education", "phone", "hukou_address",
    "hukou_division_code", "residence_address", "residence_division_code", "dwelling_code", "household_number", "tenure",
)  # fmt: skip
LOST = (
    "identity_number",
    "full_name",
    "former_name",
    "ethnicity",
    "marital_status",
    "phone",
    "hukou_address",
    "residence_address",
    "tenure",
)
"""Fields of which a value is planted that did not win."""
OF_HOUSEHOLDS = ("household_number", "address", "dwelling_code", "division_code")
ON_RECORDS = (
    "phones",
    "residence_address",
    "hukou_address",
    "household_number",
    "head_name",
    "ethnicity",
    "marital_status",
    "remark",
)
"""Of the standardised records: what a steward reads on a case."""
NEVER_SHOWN = ("mother_identity_number", "spouse_identity_number", "head_identity_number", "contact_phone")
"""Of them, what no page shows to anybody."""
GOLDEN_ALONE = ("hukou_division_code", "residence_division_code", "dwelling_code", "household_number")
"""Golden values that come with another one: no record gives them as a value."""
WEIGHTS, CHECKS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"


@dataclass(frozen=True)
class Place:
    """Where a value was planted: table and column, about whom (a person or household id); of record numbers whose records they are."""

    table: str
    column: str
    subject: str
    source: str = ""


@dataclass(frozen=True)
class Planted:
    """The portal, the planted values with their places, the two persons, their households, cases and records."""

    portal: Portal
    places: dict[str, Place]
    known: str
    other: str
    households: tuple[str, ...]
    cases: tuple[str, ...]
    records: tuple[str, ...]

    def value(self, column: str, subject: str, table: str = "persons") -> str:
        """What was planted there."""
        return next(text for text, place in self.places.items() if place == Place(table, column, subject))


class Invention:
    """Values that look like those of their column and are no accident."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def value(self, column: str) -> str:
        """Another one each time."""
        digits = "".join(self._chance.choices("0123456789", k=8))
        if column.endswith("identity_number"):
            first = f"33010619790907{digits[:3]}"
            return first + CHECKS[sum(int(d) * w for d, w in zip(first, WEIGHTS, strict=True)) % 11]
        if "phone" in column:
            return f"199{digits}"
        if column.endswith("name"):
            return "".join(chr(self._chance.randrange(0x5000, 0x9F00)) for _ in range(3))
        if column.endswith("address"):
            return f"浙江省杭州市西湖区古荡街道文锦社区暗标路{digits}号"
        if column.endswith(("_code", "_number")):
            return f"330106{digits}77"
        return f"暗标{digits}"


def plant(state_dir: Path, folder: Path) -> Planted:
    """Copy the state, plant, make the release anew, and open a portal over it."""
    shutil.copytree(state_dir, folder)
    name = (folder / "CURRENT").read_text().strip()
    run = folder / "runs" / name
    found = _plant(run)
    shutil.rmtree(folder / "releases" / name)
    shutil.rmtree(run / "release")
    run_one_stage(folder, name, "release", note=lambda text: None)
    return Planted(open_portal(folder), **found)


def _plant(run: Path) -> dict[str, Any]:
    invention, places = Invention(7), dict[str, Place]()

    def new(table: str, column: str, subject: str, source: str = "") -> str:
        text = invention.value(column)
        places[text] = Place(table, column, subject, source)
        return text

    con = duckdb.connect()
    tables = {
        "persons": "register", "households": "register", "members": "register", "values": "register", "links": "resolve",
        "common_records": "gate_incoming", "review_cases": "estimate",
    }  # fmt: skip
    for table, stage in tables.items():
        con.execute(f"CREATE TABLE \"{table}\" AS SELECT * FROM '{run / stage / f'{table}.parquet'}'")
    persons = [con.execute(sql).fetchall()[0][0] for sql in (KNOWN, OTHER)]
    households, cases = [], []
    for person in persons:
        _golden(con, person, new)
        for (household,) in con.execute(
            "SELECT DISTINCT household_id FROM members WHERE person_id = ? AND valid_to IS NULL ORDER BY 1", [person]
        ).fetchall():
            if household not in households:
                households.append(household)
                for column in OF_HOUSEHOLDS:
                    _set(con, "households", column, new("households", column, household), "household_id", household)
        _records(con, person, new)
    keys = [_keys(con, person) for person in persons]
    for number, pair in enumerate((keys[0][:2], keys[0][2:4], [keys[0][0], keys[1][0]])):
        cases.append(f"C{number:016x}")
        con.execute(
            "INSERT INTO review_cases SELECT * REPLACE (? AS case_id, ? AS records) FROM review_cases WHERE kind = 'quality_sample' ORDER BY case_id LIMIT 1",
            [cases[-1], pair],
        )
    for table, stage in tables.items():
        path = run / stage / f"{table}.parquet"
        path.chmod(0o644)
        con.execute(f"COPY (SELECT * FROM \"{table}\") TO '{path}' (FORMAT parquet)")
    con.close()
    for key in keys[0] + keys[1]:
        source, _, record_id = key.partition(":")
        places[record_id] = Place("crosswalk", "record_id", persons[0] if key in keys[0] else persons[1], source)
    return {
        "places": places, "known": persons[0], "other": persons[1], "households": tuple(households), "cases": tuple(cases),
        "records": tuple(keys[0] + keys[1]),
    }  # fmt: skip


def _keys(con: duckdb.DuckDBPyConnection, person: str) -> list[str]:
    rows = con.execute("SELECT record_key FROM links WHERE person_id = ? ORDER BY record_key", [person]).fetchall()
    return [row[0] for row in rows]


def _set(con: duckdb.DuckDBPyConnection, table: str, column: str, value: Any, key: str, whose: str) -> None:
    con.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE {key} = ?', [value, whose])


def _golden(con: duckdb.DuckDBPyConnection, person: str, new: Any) -> None:
    """Golden values, where they come from, and a value of some fields that lost."""
    for column in GOLDEN:
        value = new("persons", column, person)
        _set(con, "persons", column, value, "person_id", person)
        con.execute('UPDATE "values" SET value = ? WHERE person_id = ? AND field = ?', [value, person, column])
        if column not in GOLDEN_ALONE:
            _add_value(con, person, column, value, won=True)
    for column in LOST:
        _add_value(con, person, column, new("values", column, person), won=False)


def _add_value(con: duckdb.DuckDBPyConnection, person: str, field: str, value: str, *, won: bool) -> None:
    """One more value as the police give it; a winner only where there is none."""
    (winners,) = con.execute(
        'SELECT count(*) FROM "values" WHERE person_id = ? AND field = ? AND won', [person, field]
    ).fetchall()[0]
    if not (won and winners):
        con.execute(
            'INSERT INTO "values" SELECT * REPLACE (? AS field, ? AS value, ? AS won, \'source_trust\' AS reason) FROM "values" '
            "WHERE person_id = ? AND source = 'police' ORDER BY field LIMIT 1",
            [field, value, won, person],
        )


def _records(con: duckdb.DuckDBPyConnection, person: str, new: Any) -> None:
    """What stands on the records, and their numbers, which stand nowhere else as they are."""
    full, former = con.execute("SELECT full_name, former_name FROM persons WHERE person_id = ?", [person]).fetchall()[0]
    for key in _keys(con, person):
        _set(con, "links", "content_hash", new("crosswalk", "content_hash", person), "record_key", key)
        for column in ON_RECORDS + NEVER_SHOWN:
            value = new("common_records", column, person)
            _set(con, "common_records", column, [value] if column == "phones" else value, "record_key", key)
        for column, name in (("full_name", full), ("former_name", former)):
            _set(con, "common_records", column, name, "record_key", key)
            _set(con, "common_records", "former_name_key" if column == "former_name" else "name_key", name, "record_key", key)  # fmt: skip
