"""A release stays as it was signed; what departments are given of an earlier one follows what they may have today."""

import io
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from linkage.portal.downloads.kept_rows import can_leave_out, hiding_sql
from linkage.portal.downloads.releases import published
from tests.portal.conftest import Portal
from tests.portal.people import Changed, change


@pytest.fixture(scope="module")
def changed(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Changed:
    """Somebody is restricted in the current release who stands in the one before."""
    return change(two_nights, tmp_path_factory.mktemp("restricted") / "state")


def earlier(portal: Portal, table: str, username: str = "police_downloader") -> tuple[pd.DataFrame, pd.DataFrame]:
    """A table of the release before: as it was released, and as it is downloaded today."""
    release = published(portal.state)[1].path
    path = f"slices/{username.partition('_')[0]}/{table}.parquet"
    answer = portal.client(username).get(f"/downloads/{release.name}/{path}")
    while answer.status_code == 202:
        answer = portal.client(username).get(f"/downloads/{release.name}/{path}")
    assert answer.status_code == 200, answer.text
    return pd.read_parquet(release / path), pd.read_parquet(io.BytesIO(answer.content))


def test_who_is_restricted_by_now_is_left_out_of_earlier_releases(changed: Changed) -> None:
    before, now = earlier(changed.portal, "persons")
    person = changed.restricted["person_id"]
    assert person in set(before.person_id)
    assert set(before.person_id) - set(now.person_id) == {person}
    assert len(now) == len(before) - 1


def test_nor_is_the_person_counted_in_households_of_earlier_releases(changed: Changed) -> None:
    before, now = earlier(changed.portal, "households")
    before, now = before.set_index("household_id"), now.set_index("household_id")
    assert list(before.loc[[changed.household]].members - 1) == list(now.loc[[changed.household]].members)
    assert changed.restricted["person_id"] not in set(now.head_person_id)
    others = [household for household in now.index if before.members[household] == now.members[household]]
    assert len(others) >= len(before) - 3


def test_a_column_that_is_the_departments_no_more_is_not_given_from_earlier_releases(changed: Changed) -> None:
    portal = narrowed(changed.portal, "grid", persons=("person_id", "full_name"))
    _, now = earlier(portal, "persons", "grid_downloader")
    assert set(now.columns) == {"person_id", "full_name", "copy_mark"}


def test_a_department_that_receives_nothing_any_more_gets_no_earlier_release(changed: Changed) -> None:
    portal = narrowed(changed.portal, "grid")
    release = published(portal.state)[1].name
    assert portal.client("grid_downloader").get(f"/downloads/{release}/slices/grid/persons.csv").status_code == 404


def test_whom_the_release_left_out_already_is_not_taken_off_twice() -> None:
    """Household 1: A and B, and C who was restricted then; household 2: D alone; household 3: E, and C."""
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE sliced AS FROM (VALUES ('1', 'A', 2), ('2', 'D', 1), ('3', 'E', 1)) t(household_id, head_person_id, members);"
        "CREATE TABLE restricted AS SELECT 'C' AS person_id;"
        "CREATE TABLE members AS SELECT *, CAST(NULL AS DATE) AS valid_to FROM (VALUES ('1', 'A'), ('1', 'B'), ('1', 'C'), ('2', 'D'), ('3', 'E'), ('3', 'C')) "
        "t(household_id, person_id)"
    )
    sql = hiding_sql("households", ("household_id", "head_person_id", "members"), ("A", "C", "D"), "sliced")
    assert con.execute(f"{sql} ORDER BY household_id").fetchall() == [("1", None, 1), ("3", "E", 1)]


@pytest.mark.parametrize(
    ("table", "columns", "can"),
    [
        ("persons", ("person_id", "full_name"), True),
        ("persons", ("full_name",), False),
        ("households", ("household_id",), True),
        ("households", ("address",), False),
        ("notices", ("person_id", "new_person_id"), True),
        ("unheard_of", ("person_id",), False),
    ],
)
def test_a_file_that_does_not_tell_whose_rows_it_has_is_withheld(
    table: str, columns: tuple[str, ...], can: bool
) -> None:
    assert can_leave_out(table, columns) == can


def narrowed(portal: Portal, source: str, **fields: tuple[str, ...]) -> Portal:
    """The same portal under a sharing file that gives ``source`` less; without ``fields`` nothing."""
    sharing = portal.settings.sharing
    kept = [d for d in sharing.departments if d.source != source]
    if fields:
        one = next(d for d in sharing.departments if d.source == source)
        kept.append(one.model_copy(update={"households": (), "mask": {}, **fields}))
    settings = replace(portal.settings, sharing=sharing.model_copy(update={"departments": tuple(kept)}))
    portal.app.state.settings = settings
    return Portal(portal.app, settings, portal.users)
