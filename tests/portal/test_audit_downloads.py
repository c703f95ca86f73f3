"""Who took a file that held a person: found in the release and file on record, whoever took it and under whatever id."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from linkage.kernel.engine import quote_text
from linkage.portal.audit import Entry
from linkage.portal.audit_downloads import downloads_of_person
from linkage.portal.downloads.holding import Answer, Taken, held, holding_engine
from linkage.portal.downloads.releases import published
from linkage.release.retention import _empty
from tests.portal.conftest import Portal, add_person, grant_register
from tests.portal.people import RETIRED, Changed, change, one
from tests.portal.test_downloads_narrowed import take
from tests.portal.test_downloads_unmasked import ask, newest_request, say


@dataclass(frozen=True)
class Then:
    """A release, to tell by hand who stands in its files."""

    path: Path

    def ask(self, sql: str, **tables: str) -> set[str]:
        """First column of ``sql``; each name in it is a file of the release."""
        files = {name: f"read_parquet({quote_text(self.path / path)})" for name, path in tables.items()}
        return {row[0] for row in duckdb.execute(sql.format(**files)).fetchall()}

    @property
    def everybody(self) -> set[str]:
        return self.ask("SELECT person_id FROM {p}", p="persons.parquet")

    def of(self, source: str) -> set[str]:
        return self.ask("SELECT person_id FROM {p}", p=f"slices/{source}/persons.parquet")

    def within(self, column: str, value: str) -> set[str]:
        return self.ask(f"SELECT person_id FROM {{p}} WHERE {column} = '{value}'", p="persons.parquet")

    def lives_in(self, source: str) -> set[str]:
        sql = "SELECT person_id FROM {m} WHERE valid_to IS NULL AND household_id IN (SELECT household_id FROM {h})"
        return self.ask(sql, m="members.parquet", h=f"slices/{source}/households.parquet")


@pytest.fixture(scope="module")
def changed(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Changed:
    """A register of which the test may delete a release, with retired ids."""
    return change(two_nights, tmp_path_factory.mktemp("taken") / "state")


@pytest.fixture(scope="module")
def then(portal: Portal) -> Then:
    return Then(published(portal.state)[0].path)


def answer(taken: Taken, ids: tuple[str, ...]) -> Answer:
    with holding_engine() as engine:
        return held(engine, taken, ids)


def put(portal: Portal, release: str, file: str, action: str = "download", **details: object) -> int:
    """Put a download on record as a department's downloader makes it."""
    about = {"release": release, "file": file, "bytes": "0-9/10"} | details
    return portal.settings.audit.append(Entry(action, "grid_downloader", "grid", "done", 200, details=about))


def listed(portal: Portal, person: str) -> set[int]:
    """The downloads that the page lists."""
    page = portal.client("auditor", purpose=None).get(f"/audit/persons/{person}")
    assert page.status_code == 200
    return {int(seq) for seq in re.findall(r'href="/audit/entries/([0-9]+)"', page.text.partition("<h2>")[2])}


INSIDE: dict[str, Callable[[Then], set[str]]] = {
    "slices/grid/persons.csv": lambda then: then.of("grid"),
    "slices/grid/persons.xlsx": lambda then: then.of("grid"),
    "slices/police/persons.gb18030.csv": lambda then: then.of("police"),
    "slices/grid/households.parquet": lambda then: then.lives_in("grid"),
    "slices/grid/deltas/persons.csv": lambda then: then.ask("SELECT person_id FROM {d}", d="slices/grid/deltas/persons.parquet"),
    "unmasked/abc/persons.csv": lambda then: then.of("grid"),
    "persons.parquet": lambda then: then.everybody,
    "values.parquet": lambda then: then.everybody,
    "register.duckdb": lambda then: then.everybody,
    "review_cases.parquet": lambda then: then.ask("SELECT unnest(person_ids) FROM {r}", r="review_cases.parquet"),
    "slices/grid/README.txt": lambda then: set(),
    "manifest.json": lambda then: set(),
    "accounting.parquet": lambda then: set(),
}  # fmt: skip


@pytest.mark.parametrize("file", INSIDE)
def test_a_file_held_those_who_stand_in_it_and_nobody_else(then: Then, file: str) -> None:
    inside, taken = INSIDE[file](then) & then.everybody, Taken(then.path, file, "grid")
    outside = then.everybody - inside
    for person in sorted(inside)[:3]:
        assert answer(taken, (person,)) == "held", person
    for person in sorted(outside)[:3]:
        assert answer(taken, (person,)) == "no", person
    assert inside or outside == then.everybody


@pytest.mark.parametrize("file", ["slices/grid/deltas/households.parquet", "deltas/crosswalk.parquet", "judgement_status.parquet"])  # fmt: skip
def test_where_the_rows_name_no_persons_it_may_have(then: Then, file: str) -> None:
    assert answer(Taken(then.path, file, "grid"), (min(then.everybody),)) == "may"


def test_an_area_took_its_rows_alone_and_who_was_left_out_is_not_named(portal: Portal, then: Then) -> None:
    code = one(portal, "SELECT grid_code FROM persons WHERE list_contains(sources, 'grid') AND grid_code IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1")  # fmt: skip
    here, all_rows = then.of("grid") & then.within("grid_code", code), then.of("grid")
    person, elsewhere = min(here), min(all_rows - here)
    area, file = ("grid", code), "slices/grid/persons.csv"
    assert answer(Taken(then.path, file, "grid", len(here), area), (person,)) == "held"
    assert answer(Taken(then.path, file, "grid", len(here), area), (elsewhere,)) == "no"
    # Fewer rows than any rule on record explains: somebody was restricted meanwhile, and it is not on record who.
    assert answer(Taken(then.path, file, "grid", len(here) - 1, area), (person,)) == "may"
    assert answer(Taken(then.path, file, "grid", len(all_rows) - 1), (person,)) == "may"
    assert answer(Taken(then.path, file, "grid", len(here), ("", code)), (person,)) == "may"


def test_who_looked_at_a_person_lists_who_took_a_file_with_them(portal: Portal, then: Then) -> None:
    release, path = then.path.name, "slices/grid/persons.csv"
    inside, outside = min(then.of("grid")), min(then.everybody - then.of("grid"))
    before = downloads_of_person(portal.settings, (inside,)).listed
    client = portal.client("grid_downloader")
    take(client, release, path)
    for beside in (".sha256", ".proof.json"):
        assert client.get(f"/downloads/{release}/{path}{beside}").status_code == 200
    assert client.head(f"/downloads/{release}/{path}").status_code == 200
    grant_register(portal, "archivist")
    take(portal.client("archivist"), release, "persons.parquet")
    newest = downloads_of_person(portal.settings, (inside,)).listed[: -len(before) or None]
    assert [(one.file, one.answer, one.found.entry["actor"]) for one in newest] == [
        ("persons.parquet", "held", "archivist"), (path, "held", "grid_downloader"),
    ]  # fmt: skip
    archivists, downloaders = (one.found.seq for one in newest)
    assert {archivists, downloaders} <= listed(portal, inside)
    assert archivists in listed(portal, outside) and downloaders not in listed(portal, outside)


def test_an_areas_download_has_on_record_what_tells_its_rows(portal: Portal, then: Then) -> None:
    code = one(portal, "SELECT grid_code FROM persons WHERE list_contains(sources, 'grid') AND grid_code IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1")  # fmt: skip
    portal.users["in_area"] = add_person(portal, "in_area", "grid", ("downloader",), area_level="grid", area_name=code)
    take(portal.client("in_area"), then.path.name, "slices/grid/households.parquet")
    here = then.of("grid") & then.within("grid_code", code)
    elsewhere = then.of("grid") - then.lives_in("grid")
    homes = {person for person in sorted(here)[:5] if downloads_of_person(portal.settings, (person,)).listed[0].found.entry["actor"] == "in_area"}  # fmt: skip
    assert homes
    for person in sorted(elsewhere)[:2]:
        assert all(
            one.found.entry["actor"] != "in_area" for one in downloads_of_person(portal.settings, (person,)).listed
        )


def test_a_download_without_masks_is_listed_like_others(portal: Portal, then: Then) -> None:
    portal.users["head3"] = add_person(portal, "head3", "office", ("data_owner",))
    client = ask(portal)
    request = newest_request(portal).request_id
    assert [say(portal, granter, request, "grant") for granter in ("head", "head3")] == [303, 303]
    assert client.get(f"/downloads/unmasked/{request}/persons.csv").status_code == 200
    inside, outside = min(then.of("grid")), min(then.everybody - then.of("grid"))
    taken = downloads_of_person(portal.settings, (inside,)).listed[0]
    assert (taken.found.entry["action"], taken.answer) == ("download_unmasked", "held")
    assert taken.found.seq in listed(portal, inside) and taken.found.seq not in listed(portal, outside)
    page = portal.client("auditor", purpose=None)
    page.cookies.set("gridroll_language", "en")
    text = page.get(f"/audit/persons/{inside}").text
    assert "Downloads that held this person" in text and f"unmasked/{request}/persons.csv" in text


def test_downloads_are_found_under_the_ids_of_before(changed: Changed) -> None:
    portal = changed.portal
    seq = put(portal, published(portal.state)[0].name, "persons.parquet")
    assert seq in listed(portal, RETIRED) and seq in listed(portal, changed.successor)


def test_of_a_release_that_was_removed_it_is_said_that_it_cannot_be_told(changed: Changed) -> None:
    portal, person = changed.portal, changed.successor
    release = published(portal.state)[1]
    seq = put(portal, release.name, "slices/grid/persons.csv")
    put(portal, release.name, "manifest.json")
    put(portal, "2020-01-01-00000000", "persons.parquet")
    _empty(release.path)
    page = portal.client("auditor", purpose=None).get(f"/audit/persons/{person}").text
    assert seq not in listed(portal, person)
    assert f"{release.name}：1 次下载，无法查明" in page and "2020-01-01-00000000：1 次下载，无法查明" in page
    file = portal.client("auditor", purpose=None).get(f"/audit/persons/{person}/csv")
    rows = {row["seq"]: row for row in csv.DictReader(io.StringIO(file.text.removeprefix("\ufeff")))}
    assert rows[str(seq)]["held"] == "无法查明 cannot be told: the release was removed"
    assert (rows[str(seq)]["release"], rows[str(seq)]["persons"]) == (release.name, "")


def test_a_download_that_handed_over_nothing_is_none(changed: Changed) -> None:
    portal = changed.portal
    release = published(portal.state)[0].name
    nothing = put(portal, release, "persons.parquet", only="being prepared")
    assert nothing not in listed(portal, changed.successor)


def test_what_was_not_looked_into_is_said(changed: Changed, monkeypatch: pytest.MonkeyPatch) -> None:
    portal = changed.portal
    put(portal, published(portal.state)[0].name, "persons.parquet")
    put(portal, published(portal.state)[0].name, "persons.parquet")
    auditor, path = portal.client("auditor", purpose=None), f"/audit/persons/{changed.successor}"
    assert "更早的未查" not in auditor.get(path).text
    monkeypatch.setattr("linkage.portal.audit_downloads.MOST_EXAMINED", 1)
    assert "更早的未查" in auditor.get(path).text and "只查了最近" in auditor.get(f"{path}/csv").text
