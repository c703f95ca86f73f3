"""Persons and households over two nights: ids stay, merges and splits leave a trail, retired ids lead on."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from linkage.kernel.engine import Engine, quote_text
from linkage.resolve import stage
from tests.builders import record, stage_context, write_rows

pytestmark = pytest.mark.slow  # whole stages

NIGHT_1, NIGHT_2 = date(2026, 3, 2), date(2026, 3, 3)
Rows = list[dict[str, Any]]
Pairs = list[tuple[str, str, float, list[str]]]


class World:
    """A register over nights, from records and scored pairs written down by the test."""

    def __init__(self, tmp_path: Path, engine: Engine) -> None:
        self.tmp_path, self.engine, self.previous = tmp_path, engine, None
        self.summary: dict[str, Any] = {}

    def night(self, night: date, records: Rows, pairs: Pairs = [], judgements: Rows = []) -> "World":  # noqa: B006 - never changed
        context = stage_context(self.tmp_path, self.engine, "resolve", night=night, previous_release=self.previous)
        run = context.run_dir
        write_rows(self.engine, "common_records", records, run / "gate_incoming" / "common_records.parquet")
        scored = [
            {
                "record_key_l": min(a, b),
                "record_key_r": max(a, b),
                "match_weight": w,
                "blocking_rule": "number",
                "guards": guards,
            }
            for a, b, w, guards in pairs
        ]
        write_rows(self.engine, "scored_pairs", scored, run / "match" / "scored_pairs.parquet")
        write_rows(self.engine, "judgements", judgements, run / "judgements.parquet")
        self.summary = stage.run(context)
        self.out = context.out_dir
        self.previous = self._release(night)
        return self

    def _release(self, night: date) -> Path:
        """What the resolver reads of a release: crosswalk, members, households, and what it takes to give ids back."""
        folder = self.tmp_path / f"{night}-release"
        folder.mkdir(exist_ok=True)
        copy = {"crosswalk": "links"} | {
            t: t for t in ("members", "retired_ids", "former_records", "former_households", "judgement_status")
        }
        for name, table in copy.items():
            (folder / f"{name}.parquet").write_bytes((self.out / f"{table}.parquet").read_bytes())
        self.engine.write_query(
            f"SELECT *, CASE WHEN basis = 'household_number' THEN basis_key END AS household_number, CASE WHEN basis = 'dwelling_code' THEN basis_key END AS dwelling_code FROM read_parquet({quote_text(self.out / 'household_links.parquet')})",
            folder / "households.parquet",
        )
        golden = self.engine.rows(
            "SELECT person_id, min(full_name) AS full_name, min(birth_date) AS birth_date, min(identity_number) AS identity_number "
            "FROM links JOIN common_records USING (record_key) GROUP BY person_id"
        )
        write_rows(self.engine, "persons", golden, folder / "persons.parquet")
        return folder

    def table(self, name: str) -> Rows:
        return self.engine.rows(f"SELECT * FROM read_parquet({quote_text(self.out / f'{name}.parquet')})")

    def person(self, key: str) -> str:
        return str(next(row["person_id"] for row in self.table("links") if row["record_key"] == key))

    def events(self, subject: str = "person") -> set[tuple[str, str, str]]:
        return {
            (row["subject_id"], row["kind"], row["related_id"])
            for row in self.table("events")
            if row["subject"] == subject
        }


@pytest.fixture
def world(tmp_path: Path) -> Any:
    with Engine() as engine:
        yield World(tmp_path, engine)


A, B, C = record("police:1", name="张伟"), record("health:1", name="张伟"), record("grid:1", name="张伟")


def test_a_quiet_night_changes_nothing(world: World) -> None:
    pairs: Pairs = [("police:1", "health:1", 12.0, [])]
    before = world.night(NIGHT_1, [A, B, C], pairs).table("links")
    after = world.night(NIGHT_2, [A, B, C], pairs).table("links")
    assert after == before
    assert world.events() == set()
    assert world.table("retired_ids") == []


def test_a_new_record_joins_and_the_person_keeps_its_id(world: World) -> None:
    person = world.night(NIGHT_1, [A]).person("police:1")
    world.night(NIGHT_2, [A, B], [("police:1", "health:1", 12.0, [])])
    assert world.person("health:1") == person
    assert world.events() == set()


def test_two_persons_merge_and_the_retired_id_leads_to_the_survivor(world: World) -> None:
    world.night(NIGHT_1, [A, B, C], [("police:1", "health:1", 12.0, [])])
    survivor, retired = world.person("police:1"), world.person("grid:1")
    world.night(NIGHT_2, [A, B, C], [("police:1", "health:1", 12.0, []), ("grid:1", "health:1", 9.0, [])])
    assert {world.person(key) for key in ("police:1", "health:1", "grid:1")} == {survivor}
    assert (retired, "merged_into", survivor) in world.events()
    assert [(r["id"], r["successor_id"]) for r in world.table("retired_ids")] == [(retired, survivor)]


def test_a_person_splits_by_judgement_and_the_larger_part_keeps_the_id(world: World) -> None:
    pairs: Pairs = [("police:1", "health:1", 12.0, []), ("grid:1", "health:1", 6.0, [])]
    whole = world.night(NIGHT_1, [A, B, C], pairs).person("grid:1")
    verdict = {
        "judgement_id": "1",
        "record_key_l": "grid:1",
        "record_key_r": "police:1",
        "verdict": "different",
        "reader": "r",
        "decided_at": "2026-03-02 10:00:00",
    }
    world.night(NIGHT_2, [A, B, C], pairs, [verdict])
    assert world.person("police:1") == world.person("health:1") == whole
    assert world.person("grid:1") != whole
    assert (world.person("grid:1"), "split_from", whole) in world.events()
    assert {row["cause"] for row in world.table("events") if row["kind"] == "split_from"} == {"judgement"}


def test_a_night_run_again_never_gives_an_id_of_its_first_run_to_somebody_else(world: World) -> None:
    pairs: Pairs = [("police:1", "health:1", 12.0, []), ("grid:1", "health:1", 6.0, [])]
    whole = world.night(NIGHT_1, [A, B, C], pairs).person("grid:1")
    verdict = {
        "judgement_id": "1",
        "record_key_l": "grid:1",
        "record_key_r": "police:1",
        "verdict": "different",
        "reader": "r",
        "decided_at": "2026-03-02 10:00:00",
    }
    world.night(NIGHT_1, [A, B, C], pairs, [verdict])
    assert world.person("police:1") == world.person("health:1") == whole
    assert world.person("grid:1") != whole


def test_a_judgement_same_joins_what_the_model_does_not(world: World) -> None:
    verdict = {
        "judgement_id": "1",
        "record_key_l": "grid:1",
        "record_key_r": "police:1",
        "verdict": "same",
        "reader": "r",
        "decided_at": "2026-03-02 10:00:00",
    }
    world.night(NIGHT_1, [A, C], [], [verdict])
    assert world.person("grid:1") == world.person("police:1")
    assert {row["link_kind"] for row in world.table("links")} == {"judgement"}


def test_a_withdrawn_person_ends_and_the_id_is_remembered_for_ever(world: World) -> None:
    gone = world.night(NIGHT_1, [A, C]).person("grid:1")
    world.night(NIGHT_2, [A])
    assert (gone, "ended", "") in world.events()
    world.night(date(2026, 3, 4), [A])
    assert [(r["id"], r["successor_id"], r["cause"]) for r in world.table("retired_ids")] == [(gone, None, "ended")]


def test_a_pair_of_yesterday_stays_between_keep_and_join(world: World) -> None:
    world.night(NIGHT_1, [A, B], [("police:1", "health:1", 12.0, [])])
    world.night(NIGHT_2, [A, B], [("police:1", "health:1", 2.0, [])])
    assert world.person("police:1") == world.person("health:1")


@pytest.mark.parametrize(
    ("name", "weight", "guards", "together"),
    [
        ("a strong pair joins", 12.0, [], True),
        ("a pair below the join threshold does not", 3.0, [], False),
        ("a guard forbids", 12.0, ["two_good_numbers"], False),
    ],
)
def test_thresholds_and_guards(world: World, name: str, weight: float, guards: list[str], together: bool) -> None:
    world.night(NIGHT_1, [A, B], [("police:1", "health:1", weight, guards)])
    assert (world.person("police:1") == world.person("health:1")) is together


def family(number: str, **fields: Any) -> dict[str, Any]:
    return {"household_number": number, "household_kind": "family"} | fields


def test_a_hukou_household_has_its_head_and_keeps_its_id_when_the_head_changes(world: World) -> None:
    man = record("police:1", name="王强", relation_to_head="02", **family("H1"))
    wife = record("police:2", name="李梅", relation_to_head="12", **family("H1"))
    household = world.night(NIGHT_1, [man, wife]).table("household_links")[0]
    assert (household["kind"], household["members"], household["head_person_id"]) == (
        "hukou",
        2,
        world.person("police:1"),
    )
    widow = wife | {"relation_to_head": "02"}
    world.night(NIGHT_2, [man | {"person_status": "deceased"}, widow])
    after = world.table("household_links")[0]
    assert after["household_id"] == household["household_id"]
    assert after["head_person_id"] == world.person("police:2")
    assert (household["household_id"], "head_changed", world.person("police:2")) in world.events("household")
    closed = [m for m in world.table("members") if m["valid_to"] is not None]
    assert [(m["person_id"], m["valid_to"]) for m in closed] == [(world.person("police:1"), NIGHT_2)]


def test_people_of_one_dwelling_are_one_residence_household_however_it_is_written(world: World) -> None:
    by_code = record("grid:1", name="王强", dwelling_code="D1", residence_dwelling_key="K1", relation_to_head="02")
    by_address = record("health:2", name="李梅", residence_dwelling_key="K1")
    world.night(NIGHT_1, [by_code, by_address])
    assert [(h["kind"], h["members"]) for h in world.table("household_links")] == [("residence", 2)]


@pytest.mark.parametrize(("residents", "kind"), [(9, "residence"), (10, "collective")])
def test_a_dwelling_with_many_residents_is_collective(world: World, residents: int, kind: str) -> None:
    rows = [record(f"grid:{i}", name=f"人{i}", dwelling_code="D1") for i in range(residents)]
    assert [h["kind"] for h in world.night(NIGHT_1, rows).table("household_links")] == [kind]


def test_the_order_of_records_does_not_matter(world: World) -> None:
    pairs: Pairs = [("police:1", "health:1", 12.0, []), ("grid:1", "health:1", 3.0, [])]
    as_given = world.night(NIGHT_1, [A, B, C], pairs).table("links")
    world.previous = None
    assert world.night(NIGHT_1, [C, B, A], pairs[::-1]).table("links") == as_given
