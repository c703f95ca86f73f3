"""Survivorship: who wins each golden field and why, status by evidence, households by their head, changes as events."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from linkage.kernel.engine import Engine
from linkage.kernel.run import write_json
from linkage.register import stage
from tests.builders import record, stage_context, write_rows

pytestmark = pytest.mark.slow  # whole stages

NUMBER, OTHER = "330106198503121234", "110105194912310025"
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def register(
    tmp_path: Path,
    engine: Engine,
    records: Rows,
    *,
    households: Rows | None = None,
    members: Rows | None = None,
    previous: Path | None = None,
    night: date = date(2026, 3, 2),
    others: Rows = [],  # noqa: B006 - never changed
    changes: Rows = [],  # noqa: B006 - never changed
    events: Rows = [],  # noqa: B006 - never changed
    evidence: Rows = [],  # noqa: B006 - never changed
) -> dict[str, Rows]:
    """One person P1 that holds all ``records``; ``others`` are records of other persons, one each."""
    context = stage_context(tmp_path, engine, "register", previous_release=previous, night=night)
    run = context.run_dir
    write_rows(engine, "common_records", [*records, *others], run / "gate_incoming" / "common_records.parquet")
    links = [
        {
            "source": r["source"],
            "feed": r["feed"],
            "record_id": r["record_id"],
            "record_key": r["record_key"],
            "person_id": person,
            "link_kind": "match",
            "confidence": 0.99,
        }
        for person, r in [*(("P1", r) for r in records), *((f"P{i}", r) for i, r in enumerate(others, 2))]
    ]
    write_rows(engine, "links", links, run / "resolve" / "links.parquet")
    write_rows(engine, "household_links", households or [], run / "resolve" / "household_links.parquet")
    write_rows(engine, "members", members or [], run / "resolve" / "members.parquet")
    write_rows(engine, "household_evidence", evidence, run / "resolve" / "household_evidence.parquet")
    write_rows(engine, "events", events, run / "resolve" / "events.parquet")
    write_rows(engine, "record_changes", changes, run / "resolve" / "record_changes.parquet")
    stage.run(context)
    return {
        t: engine.rows(f"SELECT * FROM read_parquet('{context.output(t)}')")
        for t in ("persons", "households", "values", "statements", "events")
    }


FIELDS = [
    ("police before health for the name", "full_name", [record("police:1", name="张伟"), record("health:1", name="张玮")], "张伟"),
    ("a damaged name loses although police wrote it", "full_name", [record("police:1", name="张?"), record("health:1", name="张伟")], "张伟"),
    ("what neighbours say loses", "full_name", [record("grid:1", name="王师傅"), record("health:1", name="王强")], "王强"),
    ("a good number before one that disagrees with its record", "identity_number", [record("police:1", number=OTHER, identity_grade="C"), record("grid:1", number=NUMBER)], NUMBER),
    ("a resident number before a passport", "identity_number", [record("police:1", identity_number="E12345678", identity_grade="A", identity_kind="passport"), record("grid:1", number=NUMBER)], NUMBER),
    ("the date the good number says", "birth_date", [record("police:1", birth="1985-03-21"), record("grid:1", number=NUMBER, birth="1985-03-12", identity_birth_date="1985-03-12")], date(1985, 3, 12)),
    ("a day before a year", "birth_date", [record("police:1", birth="1985-01-01", birth_date_precision="year"), record("grid:1", birth="1985-03-12")], date(1985, 3, 12)),
    ("civil affairs know marriages", "marital_status", [record("police:1", marital_status="10"), record("civil:1", marital_status="20")], "20"),
    ("the phone two departments know", "phone", [record("grid:1", phones=["13911112222"]), record("police:1", phones=["13733334444"]), record("health:1", phones=["13733334444"])], "13733334444"),
    ("the grid's address before the health file's", "residence_address", [record("health:1", residence_address="乙", residence_address_grade="room"), record("grid:1", residence_address="甲", residence_address_grade="room")], "甲"),
    ("an address with a room before one without", "residence_address", [record("health:1", residence_address="乙", residence_address_grade="room"), record("grid:1", residence_address="甲", residence_address_grade="estate")], "乙"),
    ("who is registered but away lives elsewhere", "residence_address", [record("health:1", residence_address="乙", residence_address_grade="room"), record("grid:1", residence_address="甲", residence_address_grade="room", presence="hukou_without_presence")], "乙"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "field", "records", "expected"), FIELDS, ids=[c[0] for c in FIELDS])
def test_the_golden_value(tmp_path: Path, engine: Engine, case: str, field: str, records: Rows, expected: Any) -> None:
    (person,) = register(tmp_path, engine, records)["persons"]
    assert person[field] == expected


def test_losing_values_stay_with_the_reason(tmp_path: Path, engine: Engine) -> None:
    values = register(
        tmp_path,
        engine,
        [record("police:1", name="张伟"), record("health:1", name="张玮"), record("grid:1", name="张伟")],
    )["values"]
    found = {(v["source"], v["value"], v["won"], v["reason"]) for v in values if v["field"] == "full_name"}
    assert found == {
        ("police", "张伟", True, "agreement"),
        ("health", "张玮", False, "agreement"),
        ("grid", "张伟", False, "same_as_winner"),
    }


def test_of_two_writings_of_a_name_the_one_that_people_have_wins(tmp_path: Path, engine: Engine) -> None:
    """One slip of the pen by the police against the civil servant's writing; four other residents are called 王."""
    others = [record(f"grid:{i}", name="王芳") for i in range(2, 6)]
    tables = register(
        tmp_path, engine, [record("police:1", name="玉芳"), record("health:1", name="王芳")], others=others
    )
    found = {
        (v["source"], v["value"], v["won"], v["reason"])
        for v in tables["values"]
        if v["field"] == "full_name" and v["person_id"] == "P1"
    }
    assert found == {
        ("health", "王芳", True, "plausibility_and_trust"),
        ("police", "玉芳", False, "plausibility_and_trust"),
    }


def test_where_each_department_says_something_else_the_trusted_one_wins(tmp_path: Path, engine: Engine) -> None:
    records = [record("police:1", ethnicity="01"), record("health:1", ethnicity="11")]
    values = register(tmp_path, engine, records)["values"]
    found = {(v["source"], v["won"], v["reason"]) for v in values if v["field"] == "ethnicity"}
    assert found == {("police", True, "source_trust"), ("health", False, "source_trust")}


STATUS = [
    ("alive", [record("police:1"), record("grid:1")], "alive", None, "grid:1"),
    ("police cancelled by death", [record("police:1", person_status="deceased", ended_on="2025-12-01"), record("grid:1", observed_on="2026-01-01")], "deceased", date(2025, 12, 1), "police:1"),
    ("health says dead and nobody saw them since", [record("health:1", person_status="deceased", observed_on="2026-02-01"), record("grid:1", observed_on="2025-01-01")], "deceased", date(2026, 2, 1), "health:1"),
    ("health says dead, but the grid met them later", [record("health:1", person_status="deceased", observed_on="2025-02-01"), record("grid:1", observed_on="2026-01-01")], "alive", None, "grid:1"),
    ("health says dead; that the registration was cancelled later is no sight of the living", [record("health:1", person_status="deceased", observed_on="2025-02-01"), record("police:1", feed="police_floating", ended_on="2025-03-01", observed_on="2025-03-01")], "deceased", date(2025, 2, 1), "health:1"),
    ("only a cancelled registration", [record("police:1", feed="police_floating", ended_on="2026-02-01")], "moved_away", date(2026, 2, 1), "police:1"),
    ("a registration that ends later than tonight", [record("police:1", feed="police_floating", ended_on="2027-02-01")], "alive", None, "police:1"),
    ("cancelled, but seen since", [record("police:1", feed="police_floating", ended_on="2026-02-01"), record("grid:1", observed_on="2026-02-20")], "alive", None, "grid:1"),
    ("cancelled, and last seen before", [record("police:1", feed="police_floating", ended_on="2026-02-01"), record("grid:1", observed_on="2026-01-20")], "moved_away", date(2026, 2, 1), "police:1"),
    ("moved out without an end date: the day it was written", [record("police:1", person_status="moved_out", observed_on="2020-05-01")], "moved_away", date(2020, 5, 1), "police:1"),
    ("moved out long ago, met at home this year", [record("police:1", person_status="moved_out", observed_on="2020-05-01"), record("grid:1", observed_on="2026-02-20", presence="present_with_hukou")], "alive", None, "grid:1"),
    ("moved out, and the visitor met nobody later", [record("police:1", person_status="moved_out", observed_on="2020-05-01"), record("grid:1", observed_on="2026-02-20", presence="hukou_without_presence")], "moved_away", date(2020, 5, 1), "police:1"),
    ("moved out on no date, seen on some date", [record("police:1", person_status="moved_out"), record("grid:1", observed_on="2015-02-20")], "alive", None, "grid:1"),
    ("moved out and registered again", [record("police:1", person_status="moved_out", observed_on="2020-05-01"), record("police:2", feed="police_floating")], "alive", None, "police:2"),
    ("nobody speaks of a living person", [record("health:1", person_status="moved_out")], "unknown", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("case", "records", "status", "on", "by"), STATUS, ids=[c[0] for c in STATUS])
def test_status(tmp_path: Path, engine: Engine, case: str, records: Rows, status: str, on: date | None, by: str | None) -> None:  # fmt: skip
    """``by``: the record that decided, to whose department the status is sent back when it is wrong."""
    tables = register(tmp_path, engine, records)
    (person,) = tables["persons"]
    assert (person["status"], person["status_on"]) == (status, on)
    won = [(s["value"], f"{s['source']}:{s['record_id']}") for s in tables["statements"] if s["won"]]
    assert won == ([(status, by)] if by else [])
    said = {f"{s['source']}:{s['record_id']}" for s in tables["statements"]}
    assert said <= {r["record_key"] for r in records} and len(said) == len(tables["statements"])


def test_what_records_say_of_households_stands_beside_it(tmp_path: Path, engine: Engine) -> None:
    said = [
        {"household_id": "H1", "person_id": "P1", "family": "hukou", "record_key": "police:RK:1", "decided": True},
        {"household_id": "H2", "person_id": "P1", "family": "residence", "record_key": "grid:1", "decided": False},
    ]
    statements = register(tmp_path, engine, [record("police:1")], evidence=said)["statements"]
    found = {
        (s["field"], s["value"], s["source"], s["record_id"], s["won"]) for s in statements if s["field"] != "status"
    }
    assert found == {
        ("hukou_household", "H1", "police", "RK:1", True),
        ("residence_household", "H2", "grid", "1", False),
    }


VILLAGE = {"hukou_address": "安徽省大河镇双河村3组12号", "hukou_community": "双河村", "hukou_dwelling_key": "V"}
PLACES: list[tuple[str, dict[str, Any], list[dict[str, Any]], str | None]] = [
    ("a tenant's community is never the home village", record("police:1", feed="police_floating", residence_address="新金都1-1-101", residence_dwelling_key="K", **VILLAGE), [{"basis_key": "K"}], None),
    ("who lives where he is registered lives in that community", record("police:1", hukou_address="和睦府1-2-301", hukou_community="花园东社区", hukou_dwelling_key="K"), [{"basis_key": "K"}], "花园东社区"),
    ("who lives elsewhere does not", record("grid:1", residence_address="新金都1-1-101", residence_community="清河社区", residence_dwelling_key="N", hukou_address="和睦府1-2-301", hukou_community="花园东社区", hukou_dwelling_key="K"), [{"basis_key": "N"}], "清河社区"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "said", "homes", "community"), PLACES, ids=[c[0] for c in PLACES])
def test_the_community_is_that_of_the_home(
    tmp_path: Path, engine: Engine, case: str, said: dict[str, Any], homes: list[dict[str, Any]], community: str | None
) -> None:
    link = {"household_id": "H1", "kind": "residence", "basis": "dwelling_key", "members": 1}
    tables = register(
        tmp_path,
        engine,
        [said],
        households=[link | home for home in homes],
        members=[{"household_id": "H1", "person_id": "P1", "is_head": True, "valid_from": date(2020, 1, 1)}],
    )
    assert [person["residence_community"] for person in tables["persons"]] == [community]


def test_a_household_is_where_most_who_write_its_address_say(tmp_path: Path, engine: Engine) -> None:
    said = [
        record(f"grid:{i}", residence_address="和睦府1-2-301", residence_community=community)
        for i, community in enumerate(("清河社区", "花园东社区", "花园东社区"), 1)
    ]
    member = {"household_id": "H1", "is_head": False, "valid_from": date(2020, 1, 1)}
    tables = register(
        tmp_path,
        engine,
        said[:1],
        others=said[1:],
        households=[
            {"household_id": "H1", "kind": "residence", "basis": "dwelling_key", "basis_key": "K", "members": 3}
        ],
        members=[member | {"person_id": person} for person in ("P1", "P2", "P3")],
    )
    assert tables["households"][0]["community"] == "花园东社区"


def test_the_address_reads_in_full_when_anybody_wrote_it_in_full(tmp_path: Path, engine: Engine) -> None:
    full, short = "浙江省杭州市拱墅区米市巷街道长板社区富春路546号大关花苑2幢2单元803室", "大关花苑2-2-803"
    records = [
        record("grid:1", residence_address=short, residence_dwelling_key="K", residence_address_grade="room"),
        record("police:1", hukou_address=full, hukou_dwelling_key="K", hukou_address_grade="room"),
    ]
    (person,) = register(tmp_path, engine, records)["persons"]
    assert person["residence_address"] == full


def test_a_changed_value_is_an_event_and_the_first_night_is_remembered(tmp_path: Path, engine: Engine) -> None:
    register(tmp_path, engine, [record("police:1", name="张伟")])
    previous = tmp_path / "state" / "runs" / "2026-03-02-test" / "register"
    changes = [{"record_key": "police:1", "change": "changed", "person_before": "P1", "person_now": "P1"}]
    after = register(
        tmp_path, engine, [record("police:1", name="张炜")], previous=previous, night=date(2026, 3, 3), changes=changes
    )
    assert [(e["kind"], e["field"], e["cause"], e["records"]) for e in after["events"]] == [
        ("field_changed", "full_name", "source_data", ["police:1"])
    ]
    assert after["persons"][0]["first_night"] == date(2026, 3, 2)


MERGED = {"subject_id": "P9", "subject": "person", "kind": "merged_into", "related_id": "P1", "field": "", "cause": "judgement", "cause_detail": "j1", "records": ["grid:1"]}  # fmt: skip
CHANGED = {"record_key": "police:1", "change": "changed", "person_before": "P1", "person_now": "P1"}
MOVED = {"record_key": "grid:1", "change": "moved", "person_before": "P9", "person_now": "P1"}
ELSEWHERE = {"record_key": "civil:7", "change": "new", "person_now": "P7"}
BOTH: Rows = [record("health:1", phones=["13911112222"]), record("grid:1", phones=["13733334444"])]
WHY_A_FIELD: list[tuple[str, Rows, Rows, dict[str, Any], tuple[str, str | None, list[str] | None]]] = [
    ("a record of the person changed", [CHANGED], [], {}, ("source_data", None, ["police:1"])),
    ("the winning record came by a judgement, another one changed", [CHANGED, MOVED], [MERGED], {}, ("judgement", "j1", ["grid:1"])),
    ("records came by a judgement, another one wins", [{**MOVED, "record_key": "health:1"}], [MERGED], {}, ("judgement", "j1", ["grid:1"])),
    ("another configuration", [], [], {"configuration_sha256": "new"}, ("configuration", "new", ["grid:1"])),
    ("another version of the programme", [ELSEWHERE], [], {"code_sha256": "new"}, ("rule", "1+new", ["grid:1"])),
    ("another person's record", [ELSEWHERE], [], {}, ("source_data", "other_records", None)),
    ("nothing but the date", [], [], {}, ("night", None, ["grid:1"])),
]  # fmt: skip


@pytest.mark.parametrize(("case", "changes", "events", "plan", "why"), WHY_A_FIELD, ids=[c[0] for c in WHY_A_FIELD])
def test_why_a_field_changed(
    tmp_path: Path, engine: Engine, case: str, changes: Rows, events: Rows, plan: dict[str, str], why: tuple[Any, ...]
) -> None:
    register(tmp_path, engine, BOTH[:1])
    previous, night = tmp_path / "state" / "runs" / "2026-03-02-test" / "register", date(2026, 3, 3)
    before = {"configuration_sha256": "old", "code_sha256": "old", "code_version": "1", "model": {"id": "m"}}
    write_json(previous / "manifest.json", before)
    write_json(
        tmp_path / "state" / "runs" / f"{night}-test" / "run.json",
        {k: before[k] for k in before if k != "model"} | plan,
    )
    after = register(tmp_path, engine, BOTH, previous=previous, night=night, changes=changes, events=events)
    (event,) = [e for e in after["events"] if e["field"] == "phone"]
    assert (event["cause"], event["cause_detail"], event["records"]) == why


def test_a_dwelling_code_that_another_persons_record_brings_is_an_event(tmp_path: Path, engine: Engine) -> None:
    home = {"residence_address": "和睦府1-2-301", "residence_dwelling_key": "K"}
    coded = record("grid:7", dwelling_code="330105003002050004010403", grid_code="G1", **home)
    register(tmp_path, engine, [record("grid:1", **home)])
    previous = tmp_path / "state" / "runs" / "2026-03-02-test" / "register"
    change = [{"record_key": "grid:7", "change": "new", "person_now": "P2"}]
    night = date(2026, 3, 3)
    after = register(tmp_path, engine, [record("grid:1", **home)], others=[coded], previous=previous, night=night, changes=change)  # fmt: skip
    events = [e for e in after["events"] if e["subject_id"] == "P1" and e["kind"] == "field_changed"]
    assert {(e["field"], e["cause_detail"]) for e in events} == {("dwelling_code", "other_records"), ("grid_code", "other_records")}  # fmt: skip


def test_a_person_who_comes_back_is_known_since_the_first_night(tmp_path: Path, engine: Engine) -> None:
    seen = {"sequence": 1, "subject_id": "P1", "subject": "person", "kind": "appeared", "related_id": "", "field": ""}
    nights = [seen | {"night": date(2025, 1, 1)}, seen | {"sequence": 2, "kind": "ended", "night": date(2025, 6, 1)}]
    write_rows(engine, "history", nights, tmp_path / "before" / "history.parquet")
    revived = {"subject_id": "P1", "subject": "person", "kind": "revived", "related_id": "", "field": ""}
    after = register(tmp_path, engine, [record("police:1")], previous=tmp_path / "before", events=[revived])
    assert after["persons"][0]["first_night"] == date(2025, 1, 1)


def test_a_household_has_the_address_of_its_head(tmp_path: Path, engine: Engine) -> None:
    households = [
        {
            "household_id": "H1",
            "kind": "hukou",
            "basis": "household_number",
            "basis_key": "77",
            "head_person_id": "P1",
            "members": 1,
        }
    ]
    members = [{"household_id": "H1", "person_id": "P1", "is_head": True, "valid_from": "2020-01-01"}]
    found = register(
        tmp_path,
        engine,
        [record("police:1", hukou_address="甲", household_number="77")],
        households=households,
        members=members,
    )
    assert [(h["address"], h["household_number"]) for h in found["households"]] == [("甲", "77")]
