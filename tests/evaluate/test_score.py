"""Scores worked out by hand on a world of six persons.

Truth: A = r1 r2 r3, B = r4 r5, C = r6, D = r7 r8, E = r9, F = r10.
A and B are twins, C lives with them; E lodges with D.
Release: X1 = r1 r2, X2 = r3 r4 r5, X3 = r6, X4 = r7 r8 r9, and r99, which the truth does not know; r10 is not held.
"""

from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linkage.evaluate.measures import Evaluation, PairScore
from linkage.evaluate.score import evaluate, evaluate_links
from linkage.kernel.errors import ConfigurationError

NIGHT = date(2026, 3, 2)
HOME, LODGING = (
    "浙江省杭州市西湖区翠苑街道清河社区保俶巷3号和睦府1幢2单元301室",
    "浙江省杭州市西湖区翠苑街道清河社区保俶巷3号和睦府2幢1单元101室",
)
OF_PERSON = {"A": "r1 r2 r3", "B": "r4 r5", "C": "r6", "D": "r7 r8", "E": "r9", "F": "r10"}
PREDICTED = {"X1": "r1 r2", "X2": "r3 r4 r5", "X3": "r6", "X4": "r7 r8 r9", "X5": "r99"}


def truth_person(key: str, **values: Any) -> dict[str, Any]:
    return {
        "true_person_id": key,
        "name": "张三",
        "former_name": "",
        "sex": "男",
        "dob": date(1990, 1, 1),
        "id_no": f"33010619900101{ord(key):04d}",
        "other_document": "",
        "ethnicity": "汉族",
        "phone": "13900000001",
        "alive": True,
        "present": True,
        "hukou_household_id": None,
        "hukou_collective": False,
        "hukou_address": HOME,
        "actual_household_id": None,
        "actual_collective": False,
        "actual_address": HOME,
        "house_code": "",
    } | values


def golden(key: str, **values: Any) -> dict[str, Any]:
    return {
        "person_id": key,
        "identity_number": None,
        "full_name": "张三",
        "sex": "1",
        "birth_date": date(1990, 1, 1),
        "birth_date_precision": "day",
        "ethnicity": "01",
        "phone": None,
        "hukou_address": None,
        "residence_address": None,
    } | values


def put(path: Path, rows: list[dict[str, Any]], schema: dict[str, pa.DataType] | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows)
    for name, kind in (schema or {}).items():
        table = table.set_column(table.column_names.index(name), name, table[name].cast(kind))
    pq.write_table(table, path)


def record_rows(groups: dict[str, str], column: str) -> list[dict[str, Any]]:
    return [
        {"source": "police", "record_id": r, column: key} for key, records in groups.items() for r in records.split()
    ]


@pytest.fixture
def world(tmp_path: Path) -> tuple[Path, Path]:
    truth, release = tmp_path / "truth", tmp_path / "2026-03-02-00000000"
    family = {"hukou_household_id": "H1", "actual_household_id": "A1"}
    put(truth / f"night={NIGHT}" / "records.parquet", record_rows(OF_PERSON, "true_person_id"))
    put(
        truth / f"night={NIGHT}" / "persons.parquet",
        [
            truth_person("A", dob=date(2015, 5, 5), **family | {"alive": False}),
            truth_person("B", dob=date(2015, 5, 5), **family),
            truth_person("C", name="买买提·吐尔逊", ethnicity="维吾尔族", **family),
            truth_person(
                "D", dob=date(1940, 1, 1), hukou_household_id="H2", actual_household_id="A2", actual_address=LODGING
            ),
            truth_person("E", dob=date(2025, 6, 1), id_no="", actual_household_id="A2", actual_address=LODGING),
            truth_person("F", name="JOHN SMITH", other_document="E12345678"),
        ],
    )
    put(release / "crosswalk.parquet", record_rows(PREDICTED, "person_id"))
    put(
        release / "persons.parquet",
        [
            golden(
                "X1", birth_date=date(2015, 5, 5), identity_number="330106199001010065", hukou_address="和睦府1-2-301"
            ),
            golden("X2", birth_date=date(2015, 5, 6), identity_number="330106199001010065", full_name="张 三"),
            golden("X3", full_name="买买提•吐尔逊", ethnicity="01", hukou_address="西湖区和睦府9幢2单元301"),
            golden("X4", birth_date=date(1940, 1, 1), birth_date_precision="year", phone="13900000002"),
            golden("X5"),
        ],
        {"birth_date": pa.date32()},
    )
    put(
        release / "households.parquet",
        [
            {"household_id": "h1", "kind": "hukou", "household_number": "1"},
            {"household_id": "q1", "kind": "residence", "household_number": None},
        ],
    )
    put(
        release / "values.parquet",
        [
            {"person_id": "X1", "field": "residence_address", "value": "和睦府1幢2单元301"},
            {"person_id": "X2", "field": "hukou_address", "value": "和睦府1-2-301"},
            {"person_id": "X3", "field": "residence_address", "value": "和睦府9幢2单元301"},
            {"person_id": "X4", "field": "residence_address", "value": "和睦府2幢1单元101"},
        ],
    )
    member = {"valid_to": None}
    put(
        release / "members.parquet",
        [{"household_id": "h1", "person_id": p, **member} for p in ("X1", "X2", "X3")]
        + [{"household_id": "q1", "person_id": p, **member} for p in ("X1", "X2", "X4")]
        + [{"household_id": "q1", "person_id": "X3", "valid_to": date(2026, 1, 1)}],
    )
    return release, truth


@pytest.fixture
def scored(world: tuple[Path, Path]) -> Evaluation:
    return evaluate(*world)


def test_records_that_only_one_side_knows_are_counted_apart(scored: Evaluation) -> None:
    assert (scored.records, scored.records_missing, scored.records_unknown) == (9, 1, 1)


def test_pairs_and_b_cubed(scored: Evaluation) -> None:
    everyone = scored.groups["all"]
    assert everyone.pairs == PairScore(right=3, wrong=4, missed=2)
    assert (everyone.pairs.precision, everyone.pairs.recall) == (3 / 7, 3 / 5)
    assert everyone.b_cubed_precision == pytest.approx(float(Fraction(19, 27)))
    assert everyone.b_cubed_recall == pytest.approx(float(Fraction(23, 27)))


def test_a_person_is_exactly_right_when_its_records_are_all_of_one_register_person(scored: Evaluation) -> None:
    assert (scored.groups["all"].persons, scored.groups["all"].exact_persons) == (5, 1)
    assert scored.groups["minority"].exact_share == 1.0


@pytest.mark.parametrize(
    ("group", "persons", "pairs"),
    [
        ("minority", 1, PairScore(0, 0, 0)),
        ("twins", 2, PairScore(2, 2, 2)),
        ("around_twins", 3, PairScore(2, 2, 2)),
        ("over_80", 1, PairScore(1, 2, 0)),
        ("under_1", 1, PairScore(0, 2, 0)),
        ("migrant", 1, PairScore(0, 2, 0)),
        ("lives_elsewhere", 1, PairScore(1, 2, 0)),
        ("without_number", 3, PairScore(1, 2, 0)),
    ],
)
def test_a_pair_counts_for_a_subgroup_when_one_of_the_two_is_in_it(
    scored: Evaluation, group: str, persons: int, pairs: PairScore
) -> None:
    assert (scored.groups[group].persons, scored.groups[group].pairs) == (persons, pairs)


def test_a_subgroup_that_the_release_knows_nobody_of_is_left_out(scored: Evaluation) -> None:
    assert "foreign" not in scored.groups


def test_households_compare_pairs_of_the_persons_their_members_stand_for(scored: Evaluation) -> None:
    """X1, X2, X3 stand for A, B, C and X4 for D. q1 holds A B D; A1 is A B C, A2 is D E; C has left q1."""
    households = scored.groups["all"].households
    assert households["hukou"] == PairScore(right=3, wrong=0, missed=0)
    assert households["residence"] == PairScore(right=1, wrong=2, missed=3)
    assert scored.groups["minority"].households["residence"] == PairScore(right=0, wrong=0, missed=2)


def test_who_died_and_whose_home_nobody_recorded_can_be_left_out(scored: Evaluation) -> None:
    """A died: of the household A B C, B and C are left. Nobody recorded C's home: of A B D, A and B are a family and D is not."""
    households = scored.groups["all"].households
    assert households["hukou_living"] == PairScore(right=1, wrong=0, missed=0)
    assert households["residence_recorded"] == PairScore(right=1, wrong=2, missed=0)


@pytest.mark.parametrize(
    ("field", "persons", "filled", "correct"),
    [
        ("full_name", 4, 4, 4),
        ("birth_date", 4, 3, 2),
        ("identity_number", 4, 2, 1),
        ("sex", 4, 4, 4),
        ("ethnicity", 4, 4, 3),
        ("phone", 4, 1, 0),
        ("hukou_address", 4, 2, 1),
    ],
)
def test_golden_fields_right_of_filled(scored: Evaluation, field: str, persons: int, filled: int, correct: int) -> None:
    score = scored.groups["all"].fields[field]
    assert (score.persons, score.filled, score.correct) == (persons, filled, correct)


def test_links_alone_give_pairs_and_exact_persons(world: tuple[Path, Path]) -> None:
    release, truth = world
    links = evaluate_links(release / "crosswalk.parquet", truth, NIGHT)
    assert links.groups["all"].pairs == PairScore(3, 4, 2)
    assert links.groups["all"].exact_persons == 1
    assert links.groups["without_number"].persons == 1
    assert not links.groups["all"].households


def test_a_release_that_is_the_truth_scores_one_everywhere(world: tuple[Path, Path], tmp_path: Path) -> None:
    links = tmp_path / "links.parquet"
    put(links, record_rows(OF_PERSON, "person_id"))
    for group in evaluate_links(links, world[1], NIGHT).groups.values():
        assert (group.pairs.f1, group.b_cubed_f1, group.exact_share) == (1.0, 1.0, 1.0)


def test_json_holds_every_measure(scored: Evaluation) -> None:
    everyone = scored.as_dict()["groups"]["all"]
    assert everyone["pairs"]["precision"] == round(3 / 7, 5)
    assert everyone["persons_exactly_right"] == 0.2
    assert everyone["fields"]["ethnicity"]["right_of_filled"] == 0.75


def test_what_is_not_there_is_named_with_a_remedy(world: tuple[Path, Path], tmp_path: Path) -> None:
    release, truth = world
    with pytest.raises(ConfigurationError, match=r"records\.parquet"):
        evaluate(release, tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match="begin with a night"):
        evaluate(truth, truth)
    (release / "members.parquet").unlink()
    with pytest.raises(ConfigurationError, match=r"members\.parquet"):
        evaluate(release, truth)
