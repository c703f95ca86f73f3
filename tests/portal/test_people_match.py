"""A match call gives the weights of the night, and no more than the caller is granted."""

from dataclasses import replace
from typing import Any

import duckdb
import pytest

from linkage.match.given_record import GIVEN_KEY
from linkage.portal.desk import Refused
from linkage.portal.people.given import Night, read_given
from linkage.portal.people.match_call import MATCHERS, fields_for, match_record
from tests.portal.conftest import NIGHTS, Portal
from tests.portal.people import desk, rows

pytestmark = pytest.mark.slow
RECORDS = 24


def test_a_record_given_once_more_weighs_what_it_weighed_that_night(portal: Portal) -> None:
    """Every feed, also records whose numbers, names or addresses are damaged: same pairs, same weights, same rules, same guards."""
    register = portal.settings.registers.current()
    assert register.run is not None
    raw = _dictionaries(
        f"SELECT * FROM read_parquet('{register.run}/sources/raw_records.parquet') "
        f"WHERE numeric_cells IS NULL OR len(numeric_cells) = 0 USING SAMPLE reservoir({RECORDS} ROWS) REPEATABLE (4)"
    )
    night = Night(register.run, portal.state, NIGHTS[-1])
    compared = 0
    for row in raw:
        key = f"{row['source']}:{row['record_id']}"
        with MATCHERS.lock:
            matcher = MATCHERS.of(register.run, portal.state.root / "match_index")
            given = read_given(night, matcher, {k: v for k, v in row.items() if isinstance(v, str)}, row["feed"])
            call = matcher.score(given)
        mine = {_other(pair, GIVEN_KEY): _told(pair) for pair in call.pairs}
        mine.pop(key, None)
        that_night = _dictionaries(
            f"SELECT * FROM read_parquet('{register.run}/match/scored_pairs.parquet') WHERE record_key_l = $key OR record_key_r = $key",
            key=key,
        )
        expected = {_other(pair, key): _told(pair) for pair in that_night}
        assert mine == expected, key
        compared += len(expected)
    assert compared > RECORDS


def _other(pair: dict[str, Any], own: str) -> str:
    return str(pair["record_key_l"] if pair["record_key_r"] == own else pair["record_key_r"])


def _told(pair: dict[str, Any]) -> tuple[object, ...]:
    return (
        round(pair["match_weight"], 9),
        pair["blocking_rule"],
        tuple(sorted(pair["guards"])),
        pair["weights"],
        pair["levels"],
    )


def _dictionaries(sql: str, **parameters: Any) -> list[dict[str, Any]]:
    cursor = duckdb.connect().execute(sql, parameters or None)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def someone(portal: Portal) -> dict[str, Any]:
    return rows(
        portal,
        "SELECT * FROM persons WHERE len(sources) = 4 AND length(identity_number) = 18 AND phone IS NOT NULL AND residence_address LIKE '%室' ORDER BY person_id LIMIT 1",
    )[0]


def test_an_address_never_written_like_this_is_read_with_those_around_it(portal: Portal) -> None:
    who = someone(portal)
    written = who["residence_address"].split("社区")[-1].replace("幢", "栋")
    found = match_record(desk(portal, "steward"), {"full_name": who["full_name"], "residence_address": written})
    best = found.candidates[0]
    assert best.person["person_id"] == who["person_id"]
    assert {step.comparison: step.level for step in best.steps}["place"] == "dwelling"


def test_the_api_names_the_person_and_the_steps_that_sum_up(portal: Portal) -> None:
    who = someone(portal)
    given = {
        "identity_number": who["identity_number"],
        "full_name": who["full_name"],
        "birth_date": str(who["birth_date"]),
    }
    answer = portal.client("steward").post("/api/v1/match", json=given).json()
    assert answer["person_id"] == who["person_id"]
    best = answer["candidates"][0]
    assert best["side"] == "join"
    total = best["prior_match_weight"] + sum(step["match_weight"] for step in best["steps"])
    assert abs(total - best["match_weight"]) < 0.01
    assert best["probability"] > 0.99


def test_a_department_compares_only_what_its_view_shows_and_finds_only_its_own(portal: Portal) -> None:
    asked = desk(portal, "grid_system")
    assert set(fields_for(asked)) == {
        "identity_number", "full_name", "birth_date", "sex", "phone", "residence_address", "dwelling_code",
    }  # fmt: skip
    with pytest.raises(Refused):
        match_record(asked, {"full_name": "张三", "mother_name": "李四"})
    foreign = rows(
        portal,
        "SELECT * FROM persons WHERE NOT list_contains(sources, 'grid') AND length(identity_number) = 18 ORDER BY person_id LIMIT 1",
    )[0]
    given = {"identity_number": foreign["identity_number"], "full_name": foreign["full_name"]}
    found = match_record(desk(portal, "grid_system"), given)
    assert foreign["person_id"] not in {candidate.person["person_id"] for candidate in found.candidates}
    assert foreign["person_id"] in {
        c.person["person_id"] for c in match_record(desk(portal, "steward"), given).candidates
    }
    known = someone(portal)
    found = match_record(
        desk(portal, "grid_system"), {"identity_number": known["identity_number"], "full_name": known["full_name"]}
    )
    assert found.person_id == known["person_id"]
    assert all(c.record is None or c.record.startswith("grid:") for c in found.candidates)
    # Nothing tells which comparison agreed: it may have been with a value that the department does not see.
    assert [(c.steps, c.guards, c.blocking_rule) for c in found.candidates] == [((), (), None)] * len(found.candidates)
    assert {c.side for c in found.candidates} <= {"join", "review"}


def test_an_address_that_is_shown_in_part_is_not_compared(portal: Portal) -> None:
    """Its weight would tell which piece of the rest is right."""
    asked = desk(portal, "grid_system")
    assert {"residence_address", "identity_number"} <= set(fields_for(asked))
    sharing = asked.settings.sharing
    masked = tuple(
        d.model_copy(update={"mask": {**d.mask, "residence_address": "address", "identity_number": "number"}})
        for d in sharing.departments
    )
    asked.settings = replace(asked.settings, sharing=sharing.model_copy(update={"departments": masked}))
    assert "residence_address" not in fields_for(asked)
    assert "identity_number" in fields_for(asked)
    with pytest.raises(Refused, match="residence_address"):
        match_record(asked, {"full_name": "某人", "residence_address": "米市巷街道半道红社区1幢101室"})


def test_the_page_shows_candidates(portal: Portal) -> None:
    who = someone(portal)
    client = portal.client("steward")
    assert client.get("/match").status_code == 200
    page = client.post("/match", data={"full_name": who["full_name"], "birth_date": str(who["birth_date"])}).text
    assert who["person_id"] in page
    assert client.post("/match", data={}).status_code == 422
    assert portal.client("police_reader").get("/match").status_code == 403
