"""Persons of the small district to look for, and a register in which one is restricted and ids are retired."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from linkage.portal.desk import Desk
from linkage.portal.sessions import read_session
from tests.portal.conftest import CONFIG, Portal, open_portal

RETIRED, RETIRED_TO_RESTRICTED, RETIRED_HOUSEHOLD = "P0000000000000001", "P0000000000000002", "H0000000000000001"


def rows(portal: Portal, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    """Rows of the current release, whoever may see them."""
    return portal.settings.registers.current().rows(sql, **parameters)


def one(portal: Portal, sql: str, **parameters: Any) -> Any:
    """The first value of the first row."""
    return next(iter(rows(portal, sql, **parameters)[0].values()))


def desk(portal: Portal, username: str, language: str = "zh") -> Desk:
    """A request of ``username``, without the guard around it."""
    client = portal.client(username)
    found = read_session(
        portal.state, client.cookies["gridroll"], portal.settings.portal.sessions, portal.settings.access
    )
    assert found is not None
    return Desk(portal.settings, found[0], language, "register_quality")


@dataclass(frozen=True)
class Changed:
    """A portal over a changed copy: ``restricted`` is a person whom no department may see, in a household with others."""

    portal: Portal
    restricted: dict[str, Any]
    household: str
    successor: str


def change(state_dir: Path, folder: Path, config: Path = CONFIG) -> Changed:
    """Copy the state and restrict one person, retire two persons' ids and a household's."""
    shutil.copytree(state_dir, folder)
    release = folder / "releases" / (folder / "CURRENT").read_text().strip()
    path = release / "register.duckdb"
    path.chmod(0o644)
    con = duckdb.connect(str(path))
    person, household = con.execute(
        "SELECT p.person_id, m.household_id FROM persons p JOIN members m USING (person_id) JOIN households h USING (household_id) "
        "WHERE len(p.sources) = 4 AND h.members >= 3 AND m.valid_to IS NULL AND p.identity_number IS NOT NULL AND p.phone IS NOT NULL "
        "AND length(p.identity_number) = 18 AND p.status = 'alive' ORDER BY ALL LIMIT 1"
    ).fetchall()[0]
    successor = con.execute(
        "SELECT person_id FROM persons WHERE len(sources) = 4 AND person_id <> ? ORDER BY 1 LIMIT 1", [person]
    ).fetchall()[0][0]
    con.execute("UPDATE persons SET restriction = 'restrict' WHERE person_id = ?", [person])
    con.execute("INSERT INTO restricted VALUES (?, ?, 'restrict', 'id', DATE '2026-03-02')", [person, person])
    for retired, living, kind in (
        (RETIRED, successor, "person"),
        (RETIRED_TO_RESTRICTED, person, "person"),
        (RETIRED_HOUSEHOLD, household, "household"),
    ):
        con.execute(
            "INSERT INTO retired_ids BY NAME SELECT ? AS id, ? AS successor_id, ? AS last_successor_id, ? AS kind, DATE '2026-03-02' AS retired_on, "
            "'merged_into' AS cause",
            [retired, living, living, kind],
        )
    cursor = con.execute("SELECT * FROM persons WHERE person_id = ?", [person])
    names = [column[0] for column in cursor.description or ()]
    restricted = dict(zip(names, cursor.fetchall()[0], strict=True))
    con.close()
    return Changed(open_portal(folder, config), restricted, household, successor)
