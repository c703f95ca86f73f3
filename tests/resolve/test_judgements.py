"""Judgements over nights: found again by what the records say, contradictions settled, nobody together who is judged different."""

import hashlib
import itertools
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from linkage.kernel.engine import Engine
from linkage.resolve.judgements import apply_judgements, broken_chains
from tests.builders import record, write_rows
from tests.resolve.test_stage import NIGHT_1, NIGHT_2, Pairs, Rows, World

pytestmark = pytest.mark.slow  # whole stages

NUMBER, OTHER_NUMBER = "330106198503121234", "330106199007074321"
BORN, OTHER_BORN = date(1985, 3, 12), date(1990, 7, 7)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Engine() as engine:
        yield World(tmp_path, engine)


def row(key: str, **fields: Any) -> dict[str, Any]:
    """A common record whose content hash covers everything but where it stands and its number, as in a real night."""
    content = hashlib.sha256(repr(sorted(fields.items())).encode()).hexdigest()
    return record(key, **fields) | {"content_hash": content}


def renumbered(found: dict[str, Any], key: str) -> dict[str, Any]:
    return found | {"record_key": key, "record_id": key.split(":")[1]}


def judgements(world: World, records: Rows, *verdicts: tuple[str, str, str]) -> Rows:
    """Judgements one minute apart by a reader who saw ``records``: (verdict, left, right). A withdrawal takes back the newest of its
    pair that nothing took back before."""
    world.engine.read(
        "common_records", write_rows(world.engine, "common_records", records, world.tmp_path / "seen.parquet")
    )
    world.engine.run_sql("linkage.kernel", "record_evidence")
    seen = {r["record_key"]: r for r in world.engine.rows("SELECT * FROM record_evidence")}
    for entry in seen.values():
        entry["person_id"] = "P"
    fields = ("feed", "person_id", "content_hash", "number_hash", "name_hash", "birth_hash")
    rows: Rows = []
    counting: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for number, (verdict, a, b) in enumerate(verdicts):
        left, right = sorted((a, b))
        taken = counting[left, right].pop() if verdict == "withdrawn" else None
        counting[left, right] += [f"j{number}"] if taken is None else []
        rows.append(
            {
                "judgement_id": f"j{number}", "record_key_l": left, "record_key_r": right, "verdict": verdict, "takes_back": taken, "reader": "r",
                "decided_at": datetime(2026, 3, 2, 10) + timedelta(minutes=number),
                "seen_l": {f: seen[left][f] for f in fields}, "seen_r": {f: seen[right][f] for f in fields},
            }
        )  # fmt: skip
    return rows


def settled(world: World, records: Rows, rows: Rows, table: str) -> Rows:
    """``table`` after the judgements were found again, without the rest of a night."""
    folder = world.tmp_path
    world.engine.read("common_records", write_rows(world.engine, "common_records", records, folder / "tonight.parquet"))
    write_rows(world.engine, "judgements", rows, folder / "judgements.parquet")
    apply_judgements(world.engine, folder, None)
    return world.engine.rows(f"SELECT * FROM {table} ORDER BY ALL")


def status(world: World) -> dict[str, str]:
    return {r["judgement_id"]: r["status"] for r in world.table("judgement_status")}


def cases(world: World) -> list[tuple[str, list[str]]]:
    kinds = ("stale_judgement", "contradicted_judgement")
    return sorted((c["kind"], c["records"]) for c in world.table("review_cases") if c["kind"] in kinds)


A = row("police:1", name="张伟", number=NUMBER, birth=BORN)
B = row("health:1", name="张卫", number=OTHER_NUMBER, birth=BORN, phone="13911112222")
STRANGER = row("health:1", name="李梅", birth=OTHER_BORN)


def changed(**fields: Any) -> dict[str, Any]:
    return row("health:1", **{"name": "张卫", "number": OTHER_NUMBER, "birth": BORN, "phone": "13911112222"} | fields)


@pytest.mark.parametrize(
    ("name", "tonight", "expected", "found"),
    [
        ("as it was seen", [B], "applied", "health:1"),
        ("numbered anew", [renumbered(B, "health:9")], "applied", "health:9"),
        ("numbered anew, its old number given to a stranger", [renumbered(B, "health:9"), STRANGER], "applied", "health:9"),
        ("a value changed that says nothing of who it is", [changed(phone="13700001111")], "applied", "health:1"),
        ("the same, and numbered anew", [renumbered(changed(phone="13700001111"), "health:9")], "applied", "health:9"),
        ("the name was corrected", [changed(name="张维")], "changed", "health:1"),
        ("the number was corrected", [changed(number="330106199007074313")], "changed", "health:1"),
        ("numbered anew and the name corrected", [renumbered(changed(name="张维"), "health:9")], "stale", None),
        ("gone", [], "stale", None),
        ("gone, its number given to a stranger", [STRANGER], "stale", None),
        ("two records look like it", [renumbered(B, "health:8"), renumbered(B, "health:9")], "stale", None),
        ("the same content in another department only", [renumbered(B, "grid:1") | {"source": "grid", "feed": "grid_visit"}], "stale", None),
    ],
)  # fmt: skip
def test_a_record_is_found_again(world: World, name: str, tonight: Rows, expected: str, found: str | None) -> None:
    rows = judgements(world, [A, B], ("same", "police:1", "health:1"))
    (anchored,) = settled(world, [A, *tonight], rows, "anchored_judgements")
    assert (anchored["standing"], anchored["current_key_l"], anchored["current_key_r"]) == (expected, found, "police:1")
    in_force = world.engine.rows("SELECT record_key_l, record_key_r, verdict FROM judgements")
    assert in_force == ([{"record_key_l": found, "record_key_r": "police:1", "verdict": "same"}] if found else [])


@pytest.mark.parametrize(
    ("tonight", "expected", "persons"),
    [([B], "applied", 1), ([changed(name="张维")], "changed", 1), ([STRANGER], "stale", 2), ([], "stale", 1)],
)
def test_what_it_means_for_persons_and_stewards(world: World, tonight: Rows, expected: str, persons: int) -> None:
    rows = judgements(world, [A, B], ("same", "police:1", "health:1"))
    world.night(NIGHT_2, [A, *tonight], [], rows)
    (told,) = world.table("judgement_status")
    assert (told["status"], told["in_force"]) == (expected, expected != "stale")
    assert bool(told["reason"]) == bool(told["reason_en"]) == (expected != "applied")
    assert len({r["person_id"] for r in world.table("links")}) == persons
    assert cases(world) == ([("stale_judgement", ["health:1", "police:1"])] if expected != "applied" else [])


def test_a_judgement_whose_records_are_both_gone_is_stale_and_no_case(world: World) -> None:
    rows = judgements(world, [A, B], ("same", "police:1", "health:1"))
    world.night(NIGHT_2, [row("grid:1", name="王强")], [], rows)
    assert status(world) == {"j0": "stale"}
    assert cases(world) == []


def test_a_judgement_under_new_numbers_corrects_one_under_the_old(world: World) -> None:
    again = renumbered(B, "health:9")
    old = judgements(world, [A, B], ("same", "police:1", "health:1"))
    new = judgements(world, [A, again], ("unsure", "police:1", "health:9"), ("different", "police:1", "health:9"))[1:]
    found = settled(world, [A, again], [*new, *old], "anchored_judgements")
    assert {r["judgement_id"]: r["standing"] for r in found} == {"j0": "superseded", "j1": "applied"}


def test_a_judgement_of_before_evidence_was_kept_goes_by_the_record_number(world: World) -> None:
    judged = judgements(world, [A, B], ("same", "police:1", "health:1"))
    rows = [r | {"seen_l": None, "seen_r": None} for r in judged]
    for tonight, expected in ((changed(name="张维"), "applied"), (renumbered(B, "health:9"), "stale")):
        (found,) = settled(world, [A, tonight], rows, "anchored_judgements")
        assert found["standing"] == expected


FOUR = [row(f"{source}:1", name=f"人{source}") for source in ("civil", "grid", "health", "police")]
C, G, H, P = (r["record_key"] for r in FOUR)


@pytest.mark.parametrize(
    ("name", "verdicts", "expected", "persons"),
    [
        ("a newer one corrects an older", [("same", C, G), ("different", G, C)], ["superseded", "applied"], 4),
        ("a withdrawal takes back", [("same", C, G), ("withdrawn", C, G)], ["withdrawn", "recorded"], 4),
        ("and may itself be followed", [("same", C, G), ("withdrawn", C, G), ("same", C, G)], ["withdrawn", "recorded", "applied"], 3),
        ("what it had replaced is in force again", [("same", C, G), ("different", C, G), ("withdrawn", C, G)], ["applied", "withdrawn", "recorded"], 3),
        ("one after the other", [("same", C, G), ("different", C, G), ("withdrawn", C, G), ("withdrawn", C, G)], ["withdrawn", "withdrawn", "recorded", "recorded"], 4),
        ("an unsure that is taken back too", [("same", C, G), ("unsure", C, G), ("withdrawn", C, G)], ["applied", "withdrawn", "recorded"], 3),
        ("unsure takes back too, and constrains nothing", [("same", C, G), ("unsure", C, G)], ["superseded", "recorded"], 4),
        ("a chain joins", [("same", C, G), ("same", G, H)], ["applied", "applied"], 2),
        ("different wins over the oldest link of a chain", [("same", C, G), ("same", G, H), ("different", C, H)], ["contradicted", "applied", "contradicted"], 3),
        ("however old it is", [("different", C, H), ("same", C, G), ("same", G, H)], ["contradicted", "contradicted", "applied"], 3),
        ("a withdrawn different bars nothing", [("different", C, H), ("withdrawn", C, H), ("same", C, G), ("same", G, H)], ["withdrawn", "recorded", "applied", "applied"], 2),
        ("a longer chain", [("same", C, G), ("same", G, H), ("same", H, P), ("different", C, P)], ["contradicted", "applied", "applied", "contradicted"], 2),
    ],
)  # fmt: skip
def test_judgements_together(
    world: World, name: str, verdicts: list[tuple[str, str, str]], expected: list[str], persons: int
) -> None:
    rows = judgements(world, FOUR, *verdicts)
    world.night(NIGHT_1, FOUR, [], rows)
    assert list(status(world).values()) == expected
    assert len({r["person_id"] for r in world.table("links")}) == persons
    assert [kind for kind, _ in cases(world)] == ["contradicted_judgement"] * ("contradicted" in expected)
    in_force = world.engine.rows("SELECT * FROM judgements ORDER BY ALL")
    assert settled(world, FOUR[::-1], rows[::-1], "judgements") == in_force


def test_what_was_taken_back_while_it_was_replaced_does_not_come_back(world: World) -> None:
    rows = judgements(world, FOUR, ("same", C, G), ("different", C, G), ("withdrawn", C, G), ("withdrawn", C, G))
    rows[2]["takes_back"], rows[3]["takes_back"] = "j0", "j1"
    for judged, told in (
        (rows[:3], ["withdrawn", "applied", "recorded"]),
        (rows, ["withdrawn", "withdrawn", "recorded", "recorded"]),
    ):
        found = settled(world, FOUR, judged, "anchored_judgements")
        assert [r["standing"] for r in sorted(found, key=lambda r: str(r["judgement_id"]))] == told


def test_a_same_that_other_evidence_bars_is_told_as_contradicted(world: World) -> None:
    """Two good numbers never meet by way of a third record; of the two judgements one must give way."""
    records = [A, row("grid:1", name="张伟"), B]
    rows = judgements(world, records, ("same", "police:1", "grid:1"), ("same", "grid:1", "health:1"))
    world.night(NIGHT_1, records, [], rows)
    assert sorted(status(world).values()) == ["applied", "contradicted"]
    assert world.person("police:1") != world.person("health:1")
    (told,) = [r for r in world.table("judgement_status") if r["status"] == "contradicted"]
    assert (told["reason_en"], told["in_force"]) == ("two different good numbers", False)


@pytest.mark.parametrize("seed", range(20))
def test_in_any_world_no_different_is_broken_and_only_what_must_gives_way(seed: int) -> None:
    chance = random.Random(seed)
    pairs = list(itertools.combinations("abcdefgh", 2))
    chance.shuffle(pairs)
    same = {f"s{i}": pair for i, pair in enumerate(pairs[:9])}
    different = {f"d{i}": pair for i, pair in enumerate(pairs[9:14])}
    broken = broken_chains(same, different)

    def together(held: dict[str, tuple[str, str]]) -> set[frozenset[str]]:
        groups = [{letter} for letter in "abcdefgh"]
        for left, right in held.values():
            joined = next(g for g in groups if left in g) | next(g for g in groups if right in g)
            groups = [g for g in groups if not g & joined] + [joined]
        return {frozenset(pair) for g in groups for pair in itertools.combinations(sorted(g), 2)}

    barred = {frozenset(pair): judgement for judgement, pair in different.items()}
    held = {judgement: pair for judgement, pair in same.items() if judgement not in broken}
    assert not together(held) & set(barred)
    for judgement in broken:
        newer = {j: held[j] for j in same if j in held and int(j[1:]) < int(judgement[1:])}
        violated = together(newer | {judgement: same[judgement]}) & set(barred)
        assert broken[judgement] in {barred[pair] for pair in violated}


@pytest.mark.slow
def test_ten_nights_of_new_numbers_new_weights_and_any_order_keep_what_was_judged(world: World) -> None:
    """Judged before the first of them: two that the model never joins, two that it always joins, one record out of a person."""
    names = ("张伟", "张卫", "王强", "王墙", "李梅", "李梅梅", "李每")
    sources = ("police", "health", "police", "health", "police", "health", "civil")
    records = [row(f"{s}:{i}", name=n, birth=BORN + timedelta(days=i)) for i, (s, n) in enumerate(zip(sources, names, strict=True))]  # fmt: skip
    key = [r["record_key"] for r in records]
    rows = judgements(
        world, records, ("same", key[0], key[1]), ("different", key[2], key[3]),
        ("different", key[6], key[4]), ("different", key[6], key[5]),
    )  # fmt: skip
    joins = [(2, 3), (4, 5), (5, 6), (4, 6)]
    for seed in range(10):
        chance = random.Random(seed)
        numbers = {source: iter(chance.sample(range(100), 7)) for source in set(sources)}
        tonight = [renumbered(r, f"{r['source']}:{next(numbers[r['source']])}") for r in records]
        now = [r["record_key"] for r in tonight]
        pairs: Pairs = [(now[a], now[b], chance.uniform(9.0, 30.0), []) for a, b in joins]
        world.night(NIGHT_2 + timedelta(days=seed), chance.sample(tonight, 7), pairs, chance.sample(rows, 4))
        assert set(status(world).values()) == {"applied"}
        person = [world.person(k) for k in now]
        assert person[0] == person[1] and person[2] != person[3] and person[4] == person[5] != person[6]


def test_departments_are_told_what_an_unlinking_did_with_the_id_they_hold(world: World) -> None:
    records = [A, row("health:1", name="张伟"), row("health:2", name="张伟"), row("grid:1", name="张伟")]
    pairs: Pairs = [("police:1", k, 12.0, []) for k in ("health:1", "health:2", "grid:1")]
    old = world.night(NIGHT_1, records, pairs).person("police:1")
    apart = judgements(world, records, *(("different", "health:2", k) for k in ("police:1", "health:1", "grid:1")))
    world.night(NIGHT_2, records, pairs, apart)
    new = world.person("health:2")
    told = [(n["source"], n["person_id"], n["new_person_id"], n["kind"], n["records"]) for n in world.table("notices")]
    assert sorted(told) == sorted(
        [
            ("grid", old, old, "split", ["1"]),
            ("health", old, old, "split", ["1"]),
            ("health", old, new, "split", ["2"]),
            ("police", old, old, "split", ["1"]),
        ]
    )
    assert (new, "split_from", old) in world.events()
    world.night(date(2026, 3, 4), records, pairs, apart)
    assert world.table("notices") == [], "told in the night it takes effect, not again"


def test_new_numbers_are_no_news_of_a_judgement(world: World) -> None:
    """The old number of a judged record stands for somebody else tonight: that changes who has it, not what was judged."""
    records = [A, B, row("health:2", name="王强", birth=OTHER_BORN)]
    apart = judgements(world, records, ("different", "police:1", "health:2"), ("same", "police:1", "health:1"))
    world.night(NIGHT_1, records, [], apart)
    world.night(NIGHT_2, [A, renumbered(B, "health:2"), renumbered(records[2], "health:1")], [], apart)
    assert set(status(world).values()) == {"applied"}
    assert world.table("notices") == []


def test_who_had_the_number_of_a_judged_record_for_a_while_is_not_told_of_it(world: World) -> None:
    """The judgement is stale while a stranger has the number; the record comes back under it, the stranger under another."""
    joined = judgements(world, [A, B], ("same", "police:1", "health:1"))
    world.night(NIGHT_1, [A, STRANGER], [], joined)
    assert status(world) == {"j0": "stale"}
    stranger = world.person("health:1")
    world.night(NIGHT_2, [A, B, renumbered(STRANGER, "health:5")], [], joined)
    assert world.person("police:1") == world.person("health:1") and world.person("health:5") == stranger
    assert world.table("notices") == []


def test_departments_are_told_of_a_merge_by_judgement_and_of_its_withdrawal(world: World) -> None:
    joined = judgements(world, [A, B], ("same", "police:1", "health:1"))
    world.night(NIGHT_1, [A, B])
    before = {world.person("police:1"), world.person("health:1")}
    world.night(NIGHT_2, [A, B], [], joined)
    assert {n["person_id"] for n in world.table("notices")} == before
    assert {n["kind"] for n in world.table("notices")} == {"merged"}
    undone = judgements(world, [A, B], ("same", "police:1", "health:1"), ("withdrawn", "police:1", "health:1"))
    world.night(date(2026, 3, 4), [A, B], [], undone)
    assert {n["kind"] for n in world.table("notices")} == {"split"}


def test_a_record_that_a_judgement_draws_to_another_person_splits_the_one_it_leaves(world: World) -> None:
    left_behind = row("grid:1", name="李梅", number=NUMBER, birth=BORN)
    drawn = row("civil:1", name="李梅", birth=BORN)
    records = [left_behind, drawn, B]
    pairs: Pairs = [("civil:1", "grid:1", 12.0, [])]
    left = world.night(NIGHT_1, records, pairs).person("civil:1")
    world.night(NIGHT_2, records, pairs, judgements(world, records, ("same", "civil:1", "health:1")))
    joined = world.person("health:1")
    assert world.person("civil:1") == joined != world.person("grid:1") == left
    assert {(n["source"], n["person_id"], n["new_person_id"], n["kind"]) for n in world.table("notices")} == {
        ("civil", left, joined, "split"),
        ("grid", left, left, "split"),
        ("health", joined, joined, "merged"),
    }


def test_what_data_alone_does_is_no_notice(world: World) -> None:
    world.night(NIGHT_1, [A, B])
    world.night(NIGHT_2, [A, B | {"identity_number": None}], [("police:1", "health:1", 12.0, [])])
    assert world.person("police:1") == world.person("health:1")
    assert world.table("notices") == []
