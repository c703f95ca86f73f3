"""Who keeps an id, who gets a retired one back, and why the log says so: named cases, then random worlds over many nights."""

import random
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from linkage.kernel.engine import Engine
from linkage.kernel.ids import new_id
from linkage.kernel.run import write_json
from tests.builders import record
from tests.resolve.test_stage import World

pytestmark = pytest.mark.slow  # whole stages

SQL_PACKAGE = "linkage.resolve"
Rows = list[dict[str, Any]]
Groups = list[str]
DAYS = [date(2026, 3, 2) + timedelta(days=n) for n in range(6)]


class IdWorld:
    """Only the SQL of the id rule runs: the test says each night which records are together."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.person_of, self.hash_of = engine, dict[str, str](), dict[str, int]()
        self.retired, self.events = dict[str, str | None](), list[tuple[str, str, str]]()
        for view, table in (("previous_crosswalk", "crosswalk"), ("previous_retired_ids", "retired_ids"), ("previous_former_records", "former_records")):  # fmt: skip
            engine.con.execute(f"DROP TABLE IF EXISTS temp.{view}")
            engine.read_or_empty(view, table, None)
            engine.con.execute(f"CREATE OR REPLACE TEMP TABLE yesterday AS SELECT * FROM {view}")
            engine.con.execute(f"DROP VIEW {view}")
            engine.con.execute(f"ALTER TABLE yesterday RENAME TO {view}")

    def night(self, day: date, clusters: list[list[str]], hash_of: dict[str, int]) -> None:
        keys = [(key, number) for number, cluster in enumerate(clusters) for key in cluster]
        columns = {
            "record_key": [f"s:{key}" for key, _ in keys],
            "source": ["s"] * len(keys),
            "record_id": [key for key, _ in keys],
            "content_hash": [str(hash_of[key]) for key, _ in keys],
            "previous_person_id": [self.person_of.get(key) for key, _ in keys],
            "cluster": [number for _, number in keys],
        }
        types = {"cluster": pa.int64()}
        table = pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()})
        for name in ("nodes", "clustered_nodes"):
            self.engine.load_arrow(name, table)
        run = self.engine.run_sql
        run(SQL_PACKAGE, "person_claims")
        while self.engine.scalar("SELECT count(*) FROM claims"):
            run(SQL_PACKAGE, "kept_ids")
        run(SQL_PACKAGE, "revived_ids")
        fresh = self.engine.arrow("SELECT cluster, first_key FROM new_clusters ORDER BY cluster")
        ids = [new_id("P", "330106", str(day), key) for key in fresh["first_key"].to_pylist()]
        self.engine.load_arrow(
            "fresh_ids", pa.table({"cluster": fresh["cluster"], "person_id": pa.array(ids, pa.string())})
        )
        run(SQL_PACKAGE, "cluster_ids")
        self.engine.con.execute("CREATE OR REPLACE TEMP TABLE person_nodes AS SELECT n.*, k.person_id, k.is_new FROM clustered_nodes n JOIN cluster_ids k USING (cluster)")  # fmt: skip
        run(SQL_PACKAGE, "person_changes", {"night": str(day)})
        self._remember()

    def successor_of(self, person: str) -> str | None:
        """The living person to whom a retired id leads."""
        lead = self.retired[person]
        return lead if lead in self.person_of.values() else None

    def _remember(self) -> None:
        """Tonight becomes yesterday, as through a release."""
        con = self.engine.con
        self.person_of = dict(con.execute("SELECT record_id, person_id FROM person_nodes").fetchall())
        self.retired = dict(con.execute("SELECT id, last_successor_id FROM retired_persons").fetchall())
        self.events = con.execute("SELECT subject_id, kind, related_id FROM person_events").fetchall()
        self.former = con.execute("SELECT person_id, record_key FROM former_records").fetchall()
        for name, select in (
            ("previous_crosswalk", "SELECT source, record_id, person_id, content_hash FROM person_nodes"),
            ("previous_retired_ids", "SELECT id, CASE WHEN last_successor_id IN (SELECT person_id FROM person_nodes) THEN last_successor_id END AS successor_id, last_successor_id, 'person' AS kind, retired_on, cause FROM retired_persons"),
            ("previous_former_records", "SELECT * FROM former_records"),
        ):  # fmt: skip
            con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}")


@pytest.fixture
def world(tmp_path: Path) -> Any:
    with Engine() as engine:
        yield World(tmp_path, engine)


@pytest.fixture(scope="module")
def engine() -> Any:
    with Engine(threads=1) as running:
        yield running


def live(world: IdWorld, nights: list[Groups]) -> list[dict[str, str]]:
    """Nights of unchanged records; each night says which letters are one person: ``["ab", "c"]``. Letter -> person id by night."""
    found = []
    for night, groups in zip(DAYS, nights, strict=False):
        world.night(night, [list(group) for group in groups], dict.fromkeys("".join(groups), 0))
        found.append(world.person_of)
    return found


RETURNS: list[tuple[str, list[Groups]]] = [
    ("an undone merge", [["ab", "c"], ["abc"], ["ab", "c"]]),
    ("undone when the smaller record key came with the retired id", [["a", "bc"], ["abc"], ["a", "bc"]]),
    ("undone years later", [["ab", "c"], ["abc"], ["abc"], ["abc"], ["ab", "c"]]),
    ("two merges undone at once", [["a", "b", "cd"], ["ab", "cd"], ["abcd"], ["a", "b", "cd"]]),
    ("two merges undone one by one", [["a", "b", "cd"], ["ab", "cd"], ["abcd"], ["ab", "cd"], ["a", "b", "cd"]]),
    ("three at once, undone", [["a", "b", "c"], ["abc"], ["a", "b", "c"]]),
    ("withdrawn and back", [["ab", "c"], ["ab"], ["ab", "c"]]),
    ("merged, withdrawn and back, undone", [["ab", "c"], ["abc"], ["z"], ["abc"], ["ab", "c"]]),
]  # fmt: skip


@pytest.mark.parametrize(("case", "nights"), RETURNS, ids=[c[0] for c in RETURNS])
def test_the_old_ids_come_back_exactly(engine: Engine, case: str, nights: list[Groups]) -> None:
    world = IdWorld(engine)
    first, *_, last = live(world, nights)
    assert last == first
    assert not world.retired.keys() & set(last.values())
    assert not {person for person, _ in world.former} & set(last.values())


FATES: list[tuple[str, list[Groups], str, str | None]] = [
    ("merged: to the survivor", [["ab", "c"], ["abc"]], "c", "a"),
    ("merged twice: to the last survivor", [["a", "bc", "def"], ["abc", "def"], ["abcdef"]], "a", "d"),
    ("the survivor ended: to nobody", [["ab", "c"], ["abc"], ["z"]], "c", None),
    ("the survivor came back without these records: to it again", [["ab", "c"], ["abc"], ["ab"], ["z"], ["ab", "z"]], "c", "a"),
    ("its records went on to somebody else: with them", [["ab", "c", "de"], ["abc", "de"], ["ab", "cde"]], "c", "d"),
    ("only some of its records came apart: where most are", [["ab", "cdef"], ["abcdef"], ["abcde", "f"]], "a", "c"),
    ("ended; its records come back as somebody else's: to that person", [["a", "bc"], ["bc"], ["abc"]], "a", "b"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "nights", "retired", "holder"), FATES, ids=[c[0] for c in FATES])
def test_where_a_retired_id_leads(
    engine: Engine, case: str, nights: list[Groups], retired: str, holder: str | None
) -> None:
    world = IdWorld(engine)
    by_night = live(world, nights)
    assert world.successor_of(by_night[0][retired]) == (by_night[-1][holder] if holder else None)


def judgement(number: int, verdict: str) -> dict[str, Any]:
    return {"judgement_id": f"j{number}", "record_key_l": "grid:b", "record_key_r": "grid:c", "verdict": verdict, "reader": "r", "decided_at": f"2026-03-0{number} 10:00:00"} | ({"takes_back": f"j{number - 1}"} if verdict == "withdrawn" else {})  # fmt: skip


@pytest.mark.parametrize("undoing", ["different", "withdrawn"])
def test_a_judgement_and_its_undoing_stand_in_the_log_and_nowhere_else(world: World, undoing: str) -> None:
    records, pairs = [record(f"grid:{x}") for x in "abc"], [("grid:a", "grid:b", 12.0, [])]
    world.night(DAYS[0], records, pairs)
    kept, other = world.person("grid:a"), world.person("grid:c")
    world.night(DAYS[1], records, pairs, [judgement(1, "same")])
    assert causes(world) == {(other, "merged_into", kept): ("judgement", "j1", ["grid:c"])}
    world.night(DAYS[2], records, pairs, [judgement(1, "same"), judgement(2, undoing)])
    assert (world.person("grid:b"), world.person("grid:c")) == (kept, other)
    why = ("judgement", "j2", ["grid:c"])
    assert causes(world) == {(other, "revived", ""): why, (other, "split_from", kept): why}
    assert world.table("retired_ids") == world.table("former_records") == []


LATER: list[tuple[str, list[str]]] = [
    ("a judgement taken back long ago", ["same", "withdrawn"]),
    ("a judgement left to the machine long ago", ["same", "unsure"]),
    ("what was never decided", ["unsure"]),
]  # fmt: skip


@pytest.mark.parametrize(("case", "verdicts"), LATER, ids=[c[0] for c in LATER])
def test_what_decides_nothing_any_more_is_no_cause(world: World, case: str, verdicts: list[str]) -> None:
    records, judged = [record(f"grid:{x}") for x in "bc"], [judgement(n, v) for n, v in enumerate(verdicts, 1)]
    world.night(DAYS[0], records, [], judged)
    for day, content, pairs in ((DAYS[1], "1", [("grid:b", "grid:c", 12.0, [])]), (DAYS[2], "2", [])):
        changed = [records[0] | {"content_hash": content}, records[1]]
        world.night(day, changed, pairs, judged)
        assert causes(world) and all(why == ("source_data", None, ["grid:b"]) for why in causes(world).values())
        assert world.table("notices") == []


@pytest.mark.parametrize("verdict", ["withdrawn", "unsure"])
def test_what_takes_a_judgement_back_is_the_cause_and_departments_are_told(world: World, verdict: str) -> None:
    records, judged = [record(f"grid:{x}") for x in "bc"], [judgement(1, "same"), judgement(2, verdict)]
    world.night(DAYS[0], records, [], judged[:1])
    world.night(DAYS[1], records, [], judged)
    assert {why[:2] for why in causes(world).values()} == {("judgement", "j2")}
    assert {(n["kind"], n["judgement_id"]) for n in world.table("notices")} == {("split", "j2")}


def test_a_judgement_that_is_in_force_again_joins_and_departments_are_told(world: World) -> None:
    records, judged = (
        [record(f"grid:{x}") for x in "bc"],
        [judgement(n, v) for n, v in enumerate(("same", "different", "withdrawn"), 1)],
    )
    persons = []
    for day, known in zip(DAYS[:3], (1, 2, 3), strict=True):
        world.night(day, records, [], judged[:known])
        persons.append(len({world.person(r["record_key"]) for r in records}))
    assert persons == [1, 2, 1]
    assert {why[:2] for why in causes(world).values()} == {("judgement", "j1")}
    assert {(n["kind"], n["judgement_id"]) for n in world.table("notices")} == {("merged", "j3")}


def causes(world: World) -> dict[tuple[str, str, str], tuple[str, str | None, list[str] | None]]:
    return {
        (e["subject_id"], e["kind"], e["related_id"]): (e["cause"], e["cause_detail"], e["records"])
        for e in world.table("events")
    }


Night = dict[str, Any]
OLD, NEW = {"content_hash": "old"}, {"content_hash": "new"}
JOINED = [("grid:a", "grid:b", 12.0, [])]
# None: the records of whichever of two quiet persons lost the id.
WHY: list[tuple[str, Night, Night, tuple[str, str | None, list[str] | None]]] = [
    ("one of the two records changed", {}, {"changed": "a"}, ("source_data", None, ["grid:a"])),
    ("a judgement about the two, whatever else changed", {}, {"changed": "b", "judged": True}, ("judgement", "j3", ["grid:b"])),
    ("another model", {"model": "m1"}, {"model": "m2", "code": "new"}, ("model", "m2", None)),
    ("another configuration", {}, {"configuration": "new"}, ("configuration", "new", None)),
    ("another version of the programme", {}, {"code": "new"}, ("rule", "1+new", None)),
    ("only a record of somebody else changed", {}, {"changed": "z"}, ("source_data", "other_records", None)),
]  # fmt: skip


@pytest.mark.parametrize(("case", "before", "now", "why"), WHY, ids=[c[0] for c in WHY])
def test_why_two_persons_merged(
    world: World, case: str, before: Night, now: Night, why: tuple[str, str | None, list[str] | None]
) -> None:
    def night(day: date, made: Night, pairs: Any) -> None:
        plan = {"district": "330106", "configuration_sha256": made.get("configuration", "old"), "code_sha256": made.get("code", "old"), "code_version": "1"}  # fmt: skip
        run = world.tmp_path / "state" / "runs" / f"{day}-test"
        write_json(run / "run.json", plan)
        write_json(run / "model" / "card.json", {"model_id": made.get("model", "m1")})
        records = [record(f"grid:{x}") | (NEW if x == made.get("changed") else OLD) for x in "abz"]
        verdict = {**judgement(3, "same"), "record_key_l": "grid:a", "record_key_r": "grid:b"}
        world.night(day, records, pairs, [verdict] if made.get("judged") else [])
        assert world.previous
        write_json(world.previous / "manifest.json", plan | {"model": {"id": made.get("model", "m1")}})

    night(DAYS[0], before, [])
    person_of = {key: world.person(key) for key in ("grid:a", "grid:b")}
    night(DAYS[1], now, JOINED)
    ((gone, found),) = [(e[0], c) for e, c in causes(world).items() if e[1] == "merged_into"]
    assert found == (*why[:2], why[2] or [key for key in ("grid:a", "grid:b") if person_of[key] == gone])


def home(letter: str, number: str | None = "H1") -> dict[str, Any]:
    return record(f"police:{letter}", household_number=number, household_kind="family", relation_to_head="02" if letter == "a" else "12")  # fmt: skip


HOUSEHOLDS: list[tuple[str, list[Rows], bool]] = [
    ("withdrawn and back", [[home("a"), home("b")], [home("z", "H2")], [home("a"), home("b")]], True),
    ("one of two is back at the same number", [[home("a"), home("b")], [home("z", "H2")], [home("b")]], True),
    ("all are back under another number", [[home("a"), home("b")], [home("z", "H2")], [home("a", "H3"), home("b", "H3")]], True),
    ("one of two is back under another number", [[home("a"), home("b")], [home("z", "H2")], [home("b", "H3")]], False),
    ("the number is given to another family", [[home("a"), home("b")], [home("z", "H2")], [home("c"), home("d")]], False),
]  # fmt: skip


@pytest.mark.parametrize(("case", "nights", "same"), HOUSEHOLDS, ids=[c[0] for c in HOUSEHOLDS])
def test_a_household_that_ended_comes_back(world: World, case: str, nights: list[Rows], same: bool) -> None:
    world.night(DAYS[0], nights[0])
    (before,) = world.table("household_links")
    world.night(DAYS[1], nights[1])
    assert (before["household_id"], "ended", "") in world.events("household")
    world.night(DAYS[2], nights[2])
    ids = {h["household_id"] for h in world.table("household_links")}
    assert (before["household_id"] in ids) is same
    assert ((before["household_id"], "revived", "") in world.events("household")) is same
    assert ({r["id"] for r in world.table("retired_ids")} >= {before["household_id"]}) is not same
    assert {e["cause"] for e in world.table("events")} == {"source_data"}


def at_home(letter: str, dwelling: str) -> dict[str, Any]:
    return record(f"grid:{letter}", dwelling_code=dwelling, presence="present_without_hukou")


MOVES: list[tuple[str, Rows, dict[str, str]]] = [
    ("who stays keeps the household, whoever leaves for a smaller key", [at_home("a", "D1"), at_home("b", "D1"), at_home("c", "D2")], {"D2": "D2", "D1": "D1"}),
    ("one stays, two found a new one", [at_home("a", "D0"), at_home("b", "D0"), at_home("c", "D2"), at_home("d", "D1")], {"D2": "D2", "D0": "", "D1": "D1"}),
    ("all move together", [at_home("a", "D1"), at_home("b", "D9"), at_home("c", "D9"), at_home("d", "D9")], {"D1": "D1", "D9": "D2"}),
]  # fmt: skip


@pytest.mark.parametrize(("case", "tonight", "expected"), MOVES, ids=[c[0] for c in MOVES])
def test_which_household_keeps_its_id(world: World, case: str, tonight: Rows, expected: dict[str, str]) -> None:
    """Yesterday a (and d) lived in D1, b and c (and d) in D2: tonight's dwelling -> the dwelling whose id it has, empty if new."""
    fourth = "D1" if case.startswith("one") else "D2"
    world.night(DAYS[0], [at_home("a", "D1"), at_home("b", "D2"), at_home("c", "D2"), at_home("d", fourth)])
    dwelling_of = {h["household_id"]: h["basis_key"] for h in world.table("household_links")}
    world.night(DAYS[1], tonight)
    assert {h["basis_key"]: dwelling_of.get(h["household_id"], "") for h in world.table("household_links")} == expected


# Random worlds, each with records of its own, many of them in one register.


Clusters = list[list[str]]


def random_night(rng: random.Random, before: Clusters, keys: list[str]) -> Clusters:
    """Some records come and go, some clusters merge, some split."""
    clusters = [[key for key in cluster if rng.random() > 0.1] for cluster in before]
    for key in keys:
        if not any(key in cluster for cluster in clusters) and rng.random() < 0.4:
            if clusters and rng.random() < 0.5:
                rng.choice(clusters).append(key)
            else:
                clusters.append([key])
    for _ in range(rng.randrange(3)):
        if len(clusters) > 1 and rng.random() < 0.6:
            clusters.append(clusters.pop(rng.randrange(len(clusters))) + clusters.pop(rng.randrange(len(clusters))))
        elif clusters:
            whole = clusters.pop(rng.randrange(len(clusters)))
            cut = rng.randrange(len(whole) + 1)
            clusters += [whole[:cut], whole[cut:]]
    rng.shuffle(clusters)
    return [sorted(cluster) for cluster in clusters if cluster]


def keys_of(world: int, size: int) -> list[str]:
    return [f"{world:03}{letter}" for letter in "abcdefghijklmno"[:size]]


def check_night(
    world: IdWorld, before: dict[str, str], seen: set[str], clusters: list[list[str]], quiet: set[str]
) -> None:
    """What holds after every night, whatever happened."""
    ids = [{world.person_of[key] for key in cluster} for cluster in clusters]
    assert all(len(found) == 1 for found in ids) and len(set.union(set(), *ids)) == len(clusters)
    living = set(world.person_of.values())
    for person in set(before.values()):
        records = [key for key, holder in before.items() if holder == person]
        holders = {world.person_of.get(key) for key in records}
        mates = {before.get(key) for cluster in clusters if set(cluster) & set(records) for key in cluster} - {None}
        if mates == {person}:
            assert person in holders, "an id with whose records nobody else's were joined stays with one of them"
        if quiet.issuperset(records) and len(holders) == 1 and mates == {person}:
            assert holders == {person}, "a quiet person keeps the id"
    for person in seen:
        assert (person in living) != (person in world.retired), "an id is alive or retired, never both, never neither"
    for key, now in world.person_of.items():
        if key in before and before[key] != now:
            told = {(now, "split_from", before[key]), (before[key], "merged_into", now)}
            assert told & set(world.events), "a record that goes to another person is in the log"
    appeared = {subject for subject, kind, _ in world.events if kind == "appeared"}
    revived = {subject for subject, kind, _ in world.events if kind == "revived"}
    assert not appeared & seen, "no id begins twice"
    assert revived <= seen and revived <= living
    assert {person for person in living - set(before.values()) if person in seen} == revived
    for person, lead in world.retired.items():
        held = {
            world.person_of[key[2:]] for holder, key in world.former if holder == person and key[2:] in world.person_of
        }
        assert lead is None or lead in living or (lead in world.retired and world.retired[lead] is None)
        assert not held or lead in held, "a retired id leads to somebody who holds its records"


def test_ids_in_random_worlds(engine: Engine) -> None:
    rng, world, seen, revivals = random.Random(7), IdWorld(engine), set[str](), 0
    worlds: list[Clusters] = [[] for _ in range(100)]
    hashes = {key: 0 for number in range(len(worlds)) for key in keys_of(number, 12)}
    for day in range(8):
        before, old = dict(world.person_of), dict(hashes)
        worlds = [random_night(rng, clusters, keys_of(number, 12)) for number, clusters in enumerate(worlds)]
        hashes = {key: h + (rng.random() < 0.15) for key, h in hashes.items()}
        together = [cluster for clusters in worlds for cluster in clusters]
        world.night(date(2026, 1, 1) + timedelta(days=day), together, hashes)
        check_night(world, before, seen, together, {key for key in world.person_of if hashes[key] == old[key]})
        seen |= set(world.person_of.values())
        revivals += sum(kind == "revived" for _, kind, _ in world.events)
    assert revivals > 50


def test_a_night_of_nothing_new_is_no_news_whatever_happened_before(engine: Engine) -> None:
    rng, world = random.Random(11), IdWorld(engine)
    worlds: list[Clusters] = [[] for _ in range(100)]
    hashes = {key: 0 for number in range(len(worlds)) for key in keys_of(number, 12)}
    for day in range(8):
        worlds = [random_night(rng, clusters, keys_of(number, 12)) for number, clusters in enumerate(worlds)]
        hashes = {key: h + (rng.random() < 0.3) for key, h in hashes.items()}
        together = [cluster for clusters in worlds for cluster in clusters]
        world.night(DAYS[0] + timedelta(days=2 * day), together, hashes)
        persons, retired = world.person_of, world.retired
        world.night(DAYS[1] + timedelta(days=2 * day), together, hashes)
        assert world.events == []
        assert (world.person_of, world.retired) == (persons, retired)


def test_any_merges_undone_give_back_all_ids(engine: Engine) -> None:
    """Persons of random size merge over some nights into a few; then everything is undone at once."""
    rng, world = random.Random(3), IdWorld(engine)
    worlds: list[Clusters] = []
    for number in range(100):
        keys = keys_of(number, 15)
        rng.shuffle(keys)
        cuts = sorted({0, len(keys), *(rng.randrange(len(keys)) for _ in range(6))})
        worlds.append([sorted(keys[a:b]) for a, b in pairwise(cuts)])
    persons = [person for clusters in worlds for person in clusters]
    hashes = {key: 0 for person in persons for key in person}
    world.night(date(2026, 1, 1), persons, hashes)
    first = world.person_of
    for day in range(1, 4):
        for clusters in worlds:
            rng.shuffle(clusters)
            if len(clusters) > 1:
                clusters.append(clusters.pop() + clusters.pop())
        world.night(date(2026, 1, 1) + timedelta(days=day), [c for clusters in worlds for c in clusters], hashes)
    assert len(world.retired) > 200
    world.night(date(2026, 2, 1), persons, hashes)
    assert world.person_of == first
    assert world.retired == {} and world.former == []


def test_the_rule_does_not_depend_on_the_order_of_clusters(engine: Engine) -> None:
    found = []
    for in_order in (False, True):
        rng, world = random.Random(5), IdWorld(engine)
        worlds: list[Clusters] = [[] for _ in range(30)]
        for day in range(6):
            worlds = [random_night(rng, clusters, keys_of(number, 8)) for number, clusters in enumerate(worlds)]
            together = [cluster for clusters in worlds for cluster in clusters]
            hashes = {key: 0 for cluster in together for key in cluster}
            world.night(date(2026, 1, 1) + timedelta(days=day), sorted(together) if in_order else together, hashes)
        found.append((world.person_of, world.retired, sorted(world.former)))
    assert found[0] == found[1]


def _row(key: str, content: str, name: str) -> dict[str, Any]:
    return record(key, name=name, content_hash=content)


RENUMBERED: list[tuple[str, dict[str, str], dict[str, str], dict[str, str]]] = [
    # content -> number last night, content -> number tonight, content -> whose id it has tonight (its number of last night, or new)
    ("all numbers are new", {"a": "1", "b": "2"}, {"a": "7", "b": "8"}, {"a": "1", "b": "2"}),
    ("numbers are given out again in another order", {"a": "1", "b": "2", "c": "3"}, {"a": "2", "b": "3", "c": "1"}, {"a": "1", "b": "2", "c": "3"}),
    ("a row went and the next ones moved up", {"a": "1", "b": "2", "c": "3"}, {"b": "1", "c": "2"}, {"b": "2", "c": "3"}),
    ("a number now stands for another row", {"a": "1", "b": "2"}, {"a": "2", "x": "1"}, {"a": "1", "x": "new"}),
    ("all moved on by one, and two neighbours changed as well", {"a": "1", "b": "2", "c": "3", "d": "4"}, {"a": "2", "b!": "3", "c!": "4", "d": "5"}, {"a": "1", "b!": "new", "c!": "new", "d": "4"}),
    ("some moved on, one before them changed", {"a": "1", "b": "2", "c": "3"}, {"a!": "1", "b": "3", "c": "4"}, {"a!": "1", "b": "2", "c": "3"}),
    ("a number stays and its row changed", {"a": "1", "b": "2"}, {"x": "1", "b": "2"}, {"x": "1", "b": "2"}),
]  # fmt: skip


@pytest.mark.parametrize(("case", "before", "tonight", "ids"), RENUMBERED, ids=[c[0] for c in RENUMBERED])
def test_ids_follow_rows_that_are_delivered_under_new_numbers(
    world: World, case: str, before: dict[str, str], tonight: dict[str, str], ids: dict[str, str]
) -> None:
    people = {content: f"人{content.rstrip('!')}" for content in {*before, *tonight}}
    first = world.night(DAYS[0], [_row(f"health:{n}", c, people[c]) for c, n in before.items()])
    had = {row["record_id"]: row["person_id"] for row in first.table("links")}
    second = world.night(DAYS[1], [_row(f"health:{n}", c, people[c]) for c, n in tonight.items()])
    content_of = {number: content for content, number in tonight.items()}
    for row in second.table("links"):
        wanted = ids[content_of[row["record_id"]]]
        assert (row["person_id"] == had[wanted]) if wanted != "new" else (row["person_id"] not in had.values())


def test_rows_that_stand_twice_are_not_taken_for_each_other(world: World) -> None:
    first = world.night(DAYS[0], [_row("health:1", "same", "甲"), _row("health:2", "same", "甲")])
    had = {row["person_id"] for row in first.table("links")}
    second = world.night(DAYS[1], [_row("health:3", "same", "甲"), _row("health:4", "same", "甲")])
    assert had.isdisjoint(row["person_id"] for row in second.table("links"))
