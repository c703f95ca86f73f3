"""Who is found by what, in whatever spelling, and who is not."""

import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.kernel.database import open_database
from linkage.kernel.state_tables import audit_table
from linkage.portal.desk import Refused
from linkage.portal.people.kinds import SEARCH_KINDS
from linkage.portal.people.reader import Reader, name_key, reader
from linkage.portal.people.search import Query, search
from tests.portal.conftest import CONFIG, Portal
from tests.portal.people import Changed, change, desk, one, rows

NIGHT = date(2026, 3, 3)


@pytest.fixture(scope="module")
def someone(portal: Portal) -> dict[str, Any]:
    """A person of the last century whom all four departments know."""
    return rows(
        portal,
        "SELECT * FROM persons WHERE len(sources) = 4 AND length(identity_number) = 18 AND identity_grade = 'A' AND year(birth_date) < 2000 "
        "AND birth_date_precision = 'day' AND length(full_name) = 3 AND phone LIKE '1%' AND residence_address LIKE '%幢%' AND household_number IS NOT NULL "
        "AND dwelling_code IS NOT NULL ORDER BY person_id LIMIT 1",
    )[0]


def found(portal: Portal, username: str, kind: Any, text: str, birth_date: str = "") -> set[str]:
    return {row["person_id"] for row in search(desk(portal, username), Query(kind, text, birth_date)).persons}


FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
SPELLINGS = {
    "as it is": ("number", lambda p: p["identity_number"]),
    "small x, blanks in between": ("number", lambda p: f" {p['identity_number'][:6]} {p['identity_number'][6:14]} {p['identity_number'][14:].lower()}"),
    "full width": ("number", lambda p: p["identity_number"].translate(FULL_WIDTH)),
    "15 digits of before 1999": ("number", lambda p: p["identity_number"][:6] + p["identity_number"][8:17]),
    "a disability card": ("number", lambda p: p["identity_number"] + "41"),
    "name alone": ("name", lambda p: p["full_name"]),
    "name with blanks": ("name", lambda p: "　".join(p["full_name"])),
    "phone": ("phone", lambda p: p["phone"]),
    "phone with hyphens": ("phone", lambda p: f"{p['phone'][:3]}-{p['phone'][3:7]}-{p['phone'][7:]}"),
    "phone with the country's prefix": ("phone", lambda p: "+86 " + p["phone"]),
    "the whole address": ("address", lambda p: p["residence_address"]),
    "parts of the address": ("address", lambda p: f"{p['residence_address'][-9:-5]} {p['residence_address'][-5:]}"),
    "address in full width": ("address", lambda p: p["residence_address"].translate(FULL_WIDTH)),
    "dwelling code": ("dwelling", lambda p: p["dwelling_code"]),
    "household number": ("household", lambda p: p["household_number"]),
    "person id in small letters": ("person", lambda p: p["person_id"].lower()),
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_steward_finds_a_person_by_any_spelling(portal: Portal, someone: dict[str, Any], spelling: str) -> None:
    kind, text = SPELLINGS[spelling]
    assert someone["person_id"] in found(portal, "steward", kind, text(someone))


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y%m%d", "%Y年%m月%d日", "%Y/%m/%d", "%Y.%m.%d"])
def test_name_and_birth_date_find_one_person(portal: Portal, someone: dict[str, Any], form: str) -> None:
    born = someone["birth_date"].strftime(form)
    assert found(portal, "steward", "name", someone["full_name"], born) >= {someone["person_id"]}
    assert someone["person_id"] not in found(portal, "steward", "name", someone["full_name"], "1901-02-03")


def test_a_record_leads_to_its_person(portal: Portal, someone: dict[str, Any]) -> None:
    for record in rows(portal, "SELECT * FROM crosswalk WHERE person_id = $id", id=someone["person_id"]):
        key = f"{record['source']}:{record['record_id']}"
        assert found(portal, "steward", "record", key) == {someone["person_id"]}
        own = f"{record['source']}_reader"
        assert found(portal, own, "record", key) == {someone["person_id"]}
        other = "civil_reader" if own != "civil_reader" else "police_reader"
        assert found(portal, other, "record", key) == set()


@pytest.mark.parametrize("field", ["phone", "identity_number", "full_name"])
def test_values_that_lost_are_found_too_by_who_sees_them(portal: Portal, field: str) -> None:
    kind = {"phone": "phone", "identity_number": "number", "full_name": "name"}[field]
    lost = rows(
        portal,
        'SELECT v.person_id, v.value FROM "values" v JOIN persons p USING (person_id) WHERE v.field = $field AND NOT v.won '
        f"AND v.value <> p.{field} AND list_contains(p.sources, 'grid') ORDER BY ALL LIMIT 5",
        field=field,
    )
    assert lost
    for row in lost:
        if field == "full_name" and name_key(row["value"]) is None:
            continue
        assert row["person_id"] in found(portal, "steward", kind, row["value"])
        assert row["person_id"] in found(portal, "grid_reader", kind, row["value"])


def test_a_viewer_of_golden_values_alone_does_not_find_by_values_that_lost(portal: Portal) -> None:
    lost = rows(
        portal,
        "SELECT v.person_id, v.value, p.phone FROM \"values\" v JOIN persons p USING (person_id) WHERE v.field = 'phone' AND NOT v.won "
        "AND v.value <> p.phone AND list_contains(p.sources, 'grid') ORDER BY ALL LIMIT 1",
    )[0]
    assert lost["person_id"] not in found(portal, "grid_system", "phone", lost["value"])
    assert lost["person_id"] in found(portal, "grid_system", "phone", lost["phone"])


def test_a_former_name_in_other_characters_has_the_same_key() -> None:
    assert name_key("張 偉") == name_key("张伟") == "张伟"


@pytest.mark.parametrize("kind", SEARCH_KINDS)
def test_what_is_not_there_is_not_found(portal: Portal, kind: Any) -> None:
    text = {"number": "110101199003077475", "phone": "13999999999", "record": "police:none"}.get(
        kind, "没有这个人的地方"
    )
    assert found(portal, "steward", kind, text) == set()


def test_a_short_address_is_refused(portal: Portal) -> None:
    with pytest.raises(Refused):
        found(portal, "steward", "address", "3 幢")


def test_a_page_holds_as_many_as_configured_and_says_that_there_are_more(portal: Portal) -> None:
    asked = search(desk(portal, "steward"), Query("address", "古荡街道 12幢"))
    assert len(asked.persons) == portal.settings.portal.search_results
    assert asked.more


@pytest.mark.parametrize("username", ["police_reader", "grid_reader", "health_reader", "civil_reader"])
def test_rows_and_columns_are_those_of_the_view(portal: Portal, someone: dict[str, Any], username: str) -> None:
    asked = desk(portal, username)
    granted = set(asked.view("persons").columns)
    persons = search(asked, Query("name", someone["full_name"])).persons
    assert persons
    assert all(set(row) == granted for row in persons)
    assert asked.persons == {row["person_id"] for row in persons}


def test_restricted_persons_are_found_by_stewards_alone(two_nights: Path, tmp_path: Path) -> None:
    changed = change(two_nights, tmp_path / "state")
    person = changed.restricted
    asked = {
        "number": person["identity_number"],
        "name": person["full_name"],
        "phone": person["phone"],
        "person": person["person_id"],
    }
    for kind, text in asked.items():
        assert person["person_id"] in found(changed.portal, "steward", kind, text)
        for username in ("police_reader", "civil_reader", "health_reader", "grid_reader", "grid_system"):
            assert person["person_id"] not in found(changed.portal, username, kind, text), (username, kind)


def test_who_does_not_see_a_column_cannot_search_by_it(two_nights: Path, tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(CONFIG, config)
    sharing = (config / "sharing.yaml").read_text(encoding="utf-8")
    (config / "sharing.yaml").write_text(
        sharing.replace("dwelling_code, phone, household_number", "dwelling_code, household_number"), encoding="utf-8"
    )
    changed: Changed = change(two_nights, tmp_path / "state", config)
    phone = one(changed.portal, "SELECT phone FROM persons WHERE phone IS NOT NULL ORDER BY person_id LIMIT 1")
    with pytest.raises(Refused) as refused:
        found(changed.portal, "police_reader", "phone", phone)
    assert refused.value.status == 403
    page = changed.portal.client("police_reader").get("/people").text
    assert 'value="phone"' not in page
    assert 'value="number"' in page


def test_an_area_bounds_what_is_found(portal: Portal, someone: dict[str, Any]) -> None:
    for area, expected in ((someone["residence_community"], True), ("别的社区", False)):
        asked = desk(portal, "grid_reader")
        assert asked.viewer is not None
        asked.viewer = replace(asked.viewer, area_level="community", area_name=area)
        persons = search(asked, Query("number", someone["identity_number"])).persons
        assert (someone["person_id"] in {row["person_id"] for row in persons}) is expected


def test_an_empty_result_repeats_what_was_asked_in_part_only(portal: Portal) -> None:
    page = portal.client("steward").post("/people", data={"kind": "number", "text": "110101199003077475"}).text
    assert page.count("110101199003077475") == 1  # the form keeps what was typed
    assert "110**************5" in page.replace("<code>", "")


def test_the_audit_holds_a_hash_of_the_query_and_no_value(portal: Portal, someone: dict[str, Any]) -> None:
    portal.client("steward2").post("/people", data={"kind": "number", "text": someone["identity_number"]})
    with open_database(portal.state).connect() as connection:
        entries = [row.entry for row in connection.execute(audit_table.select())]
    assert someone["identity_number"] not in "".join(entries)
    assert any(
        '"action": "search"' in entry and '"query_hash"' in entry and someone["person_id"] in entry for entry in entries
    )


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.from_regex(
        r"(33010[26]|11010[15])(19[3-9]\d|200\d)(0[1-9]|1[0-2])(0[1-9]|1\d|2[0-8])\d{3}[0-9Xx]", fullmatch=True
    )
)
def test_the_short_way_reads_numbers_as_the_rules_do(number: str) -> None:
    rules = RULES.number("#" + number, NIGHT)  # the sign is dropped by the rules and closes the short way
    assert rules in (reader().number(number, NIGHT), None)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.dates(date(1910, 1, 2), date(2026, 1, 1)), st.sampled_from(["%Y-%m-%d", "%Y%m%d"]))
def test_the_short_way_reads_dates_as_the_rules_do(day: date, form: str) -> None:
    rules = RULES.birth_date(" " + day.strftime("%Y年%m月%d日"), NIGHT)
    assert rules in (reader().birth_date(day.strftime(form), NIGHT), None)


RULES = Reader()


def test_every_value_that_departments_gave_is_among_the_keys_in_order(portal: Portal) -> None:
    """Those of names without any character to match on apart (未取名)."""
    searched = ("identity_number", "full_name", "former_name", "birth_date", "phone")
    missing = rows(
        portal,
        'SELECT DISTINCT field, value FROM "values" v WHERE list_contains($fields, field) '
        "AND NOT EXISTS (SELECT 1 FROM search_keys k WHERE k.person_id = v.person_id AND k.field = v.field AND k.value = v.value)",
        fields=list(searched),
    )
    assert [row for row in missing if row["field"] not in ("full_name", "former_name") or name_key(row["value"])] == []
    keys = [row["key"] for row in rows(portal, "SELECT key FROM search_keys")]
    assert keys == sorted(keys)
    homes = rows(
        portal,
        "SELECT person_id, field, value FROM \"values\" WHERE field IN ('residence_address', 'hukou_address') EXCEPT "
        "(SELECT unnest(residence_address), 'residence_address', address FROM search_addresses "
        "UNION ALL SELECT unnest(hukou_address), 'hukou_address', address FROM search_addresses)",
    )
    assert homes == []


def test_a_value_seen_in_part_is_tried_only_so_often_whatever_is_tried(portal: Portal) -> None:
    """Numbers that have nothing in common: of all of them a day allows ``misses_per_day``."""
    limit, asked = portal.settings.portal.misses_per_day, desk(portal, "grid_system")
    refused = 0
    for n in range(limit + 5):
        guess = f"330106{date(1930, 1, 1) + timedelta(days=n):%Y%m%d}{n * 7 % 1000:03d}"
        try:
            assert search(asked, Query("number", guess + "0123456789X"[someone_check(guess)])).persons == []
        except Refused as refusal:
            assert refusal.status == 429
            refused += 1
    assert refused >= 5


def someone_check(first17: str) -> int:
    """Index into 0-9X of the check digit (GB 11643)."""
    weighted = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(first17)) % 11
    return (12 - weighted) % 11
