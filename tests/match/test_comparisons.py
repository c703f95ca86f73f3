"""How two records compare: each level of each comparison, and each guard, by name and on the real engine."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine
from linkage.kernel.run import write_json
from linkage.match import stage
from linkage.match.config import BlockingRuleConfig, MatchConfig, gamma_of
from linkage.match.splink_adapter import comparison_settings
from tests.builders import REPOSITORY, record, stage_context, write_rows

CONFIG = read_config(REPOSITORY / "config" / "match.yaml", MatchConfig)
A, B, TYPO, KIN = "330106198503121234", "110105194912310025", "330106198503121243", "330106195801012345"
DAY = date(1985, 3, 12)


def named(name: str, **more: Any) -> dict[str, Any]:
    return {
        k: v for k, v in record("police:1", name=name).items() if k not in ("source", "feed", "record_id", "record_key")
    } | more


def numbered(number: str, grade: str = "A") -> dict[str, Any]:
    if grade in "EF":
        return {"identity_grade": grade, "identity_kind": "resident_id", "identity_partial": number}
    return {"identity_number": number, "identity_grade": grade, "identity_kind": "resident_id"}


def born(day: date, precision: str = "day", **more: Any) -> dict[str, Any]:
    return {"birth_date": day, "birth_date_precision": precision} | more


LEVELS = [
    ("number: nothing to compare is missing", "number", {}, numbered(A), "missing"),
    ("number: equal", "number", numbered(A), numbered(A), "equal"),
    ("number: an upgraded 15-digit number equals its 18 digits", "number", numbered(A, "D"), numbered(A), "equal"),
    ("number: 15 digits that Excel left agree", "number", numbered(A[:15] + "___", "E"), numbered(A), "pattern"),
    ("number: a masked number agrees", "number", numbered(A[:4] + "__________" + A[14:], "E"), numbered(A), "pattern"),
    ("number: one digit wrong", "number", numbered("330106198503121235", "F"), numbered(A), "one_edit"),
    ("number: neighbours swapped", "number", numbered(TYPO, "F"), numbered(A), "one_edit"),
    ("number: a damaged one that does not agree", "number", numbered(B[:15] + "___", "E"), numbered(A), "damaged_other"),
    ("number: two good ones", "number", numbered(A), numbered(B), "different"),
    ("name: a placeholder is missing, not different", "name", named("张小宝", name_kind="newborn_placeholder"), named("张伟"), "missing"),
    ("name: how neighbours call somebody agrees with the surname", "name", named("王师傅", feed="grid_visit"), named("王强"), "nickname"),
    ("name: how neighbours call somebody is another surname", "name", named("老李", feed="grid_visit"), named("王强"), "other_nickname"),
    ("name: two nicknames are no names to compare", "name", named("王师傅", feed="grid_visit"), named("老王", feed="grid_visit"), "missing"),
    ("name: Latin against characters is missing", "name", named("BROWN ROBERT", name_kind="latin"), named("罗伯特布朗"), "missing"),
    ("name: equal", "name", named("张伟"), named("张伟"), "equal"),
    ("name: equals a former name", "name", named("张伟", former_name_key="张建国"), named("张建国"), "former"),
    ("name: masked", "name", named("张*", name_kind="masked"), named("张伟"), "masked"),
    ("name: one character unreadable", "name", named("张?国"), named("张建国"), "masked"),
    ("name: same sound", "name", named("张伟", name_sound="zhang wei"), named("章炜", name_sound="zhang wei"), "sound"),
    ("name: surname written last", "name", named("彦濛朱"), named("朱彦濛"), "reordered"),
    ("name: zh and z, ing and in", "name", named("张明", name_sound="zhang ming"), named("臧民", name_sound="zang min"), "heard"),
    ("name: a character left out", "name", named("耿芸"), named("耿晨芸"), "dropped"),
    ("name: one segment of a minority name", "name", named("买买提吐尔逊", full_name="买买提·吐尔逊"), named("买买提艾力", full_name="买买提·艾力"), "segment"),
    ("name: one character differs", "name", named("李建国"), named("李建强"), "replaced"),
    ("name: one character looks alike", "name", named("玉建航"), named("王建航"), "shape"),
    ("name: the given name under another surname", "name", named("朱建强"), named("李建强"), "given"),
    ("name: two characters, one differs: only the surname", "name", named("李强", name_sound="li qiang"), named("李娜", name_sound="li na"), "surname"),
    ("name: different", "name", named("李强", name_sound="li qiang"), named("王芳", name_sound="wang fang"), "different"),
    ("birth: missing", "birth", {}, born(DAY), "missing"),
    ("birth: same day", "birth", born(DAY), born(DAY), "day"),
    ("birth: a date out of the same number is no second witness", "birth", numbered(A) | {"identity_birth_date": DAY}, numbered(A) | born(DAY), "missing"),
    ("birth: only the month known", "birth", born(date(1985, 3, 1), "month"), born(DAY), "month"),
    ("birth: only the year known", "birth", born(date(1985, 1, 1), "year"), born(DAY), "year"),
    ("birth: lunar", "birth", born(date(1985, 1, 22), birth_date_lunar=DAY), born(DAY), "lunar"),
    ("birth: month and day swapped", "birth", born(date(1985, 12, 3)), born(DAY), "swapped"),
    ("birth: one digit", "birth", born(date(1986, 3, 12)), born(DAY), "slip"),
    ("birth: only the year agrees", "birth", born(date(1985, 7, 28)), born(DAY), "year_only"),
    ("birth: different", "birth", born(date(1962, 11, 30)), born(DAY), "different"),
    ("sex: missing", "sex", {"sex": "9"}, {"sex": "1"}, "missing"),
    ("sex: different", "sex", {"sex": "2"}, {"sex": "1"}, "different"),
    ("phone: one of several", "phone", {"phones": ["13911112222", "13733334444"]}, {"phones": ["13733334444"]}, "shared"),
    ("phone: different", "phone", {"phones": ["13911112222"]}, {"phones": ["13733334444"]}, "different"),
    ("place: home here is hukou there", "place", {"residence_dwelling_key": "K1"}, {"hukou_dwelling_key": "K1"}, "dwelling"),
    ("place: same building", "place", {"residence_building_key": "B1"}, {"residence_building_key": "B1"}, "building"),
    ("place: same road", "place", {"residence_building_key": "B1", "residence_road": "江城路"}, {"residence_building_key": "B2", "residence_road": "江城路"}, "estate"),
    ("place: elsewhere", "place", {"residence_dwelling_key": "K1"}, {"residence_dwelling_key": "K2"}, "different"),
    ("family: the same head", "family", {"head_name_key": "王强"}, {"head_name_key": "王强"}, "same"),
    ("family: the head is the mother of the other record", "family", {"head_name_key": "李娜"}, {"mother_name_key": "李娜"}, "same"),
    ("family: other heads", "family", {"head_name_key": "王强"}, {"head_name_key": "赵亮"}, "different"),
    ("family: nothing to compare is missing", "family", {"head_name_key": "王强"}, {}, "missing"),
    ("ethnicity: the same minority", "ethnicity", {"ethnicity": "05"}, {"ethnicity": "05"}, "minority"),
    ("ethnicity: both Han", "ethnicity", {"ethnicity": "01"}, {"ethnicity": "01"}, "han"),
]  # fmt: skip


TWIN = named("樊诗玥", name_sound="fan shi yue") | born(DAY) | {"residence_dwelling_key": "K1", "sex": "2"}
OTHER_TWIN = named("樊明宇", name_sound="fan ming yu") | born(DAY) | {"residence_dwelling_key": "K1", "sex": "1"}
GUARDS = [
    ("a relative's number: same number, other name, other birth date", named("杨霞") | numbered(A) | born(DAY), named("刘祥水") | numbered(A) | born(date(1969, 9, 3)), ["relatives_number"]),
    ("a new name with the same number and birth date is one person", named("杨霞") | numbered(A) | born(DAY), named("刘祥水") | numbered(A) | born(DAY), []),
    ("namesakes born on one day, two good numbers, elsewhere", named("张伟") | numbered(A) | born(DAY), named("张伟") | numbered(B) | born(DAY), ["two_good_numbers"]),
    ("a wrong number, but name, birth date and home agree", named("张伟") | numbered(A) | born(DAY) | {"residence_dwelling_key": "K1"}, named("张伟") | numbered(B) | born(DAY) | {"hukou_dwelling_key": "K1"}, []),
    ("twins", TWIN, OTHER_TWIN, ["twins"]),
    ("twins of whom one has a number", TWIN | numbered(A), OTHER_TWIN, ["twins"]),
    ("a newborn without a name yet may be either twin", TWIN, OTHER_TWIN | {"name_kind": "newborn_placeholder"}, []),
    ("father and son of the same name", named("陈航") | born(DAY), named("陈航") | born(date(2009, 12, 9)), ["other_generation"]),
    ("father and son of like names", named("陈航") | born(DAY), named("陈行", name_sound="陈 航") | born(date(2009, 12, 9)), ["other_generation"]),
    ("one wrong digit in the year does not make a generation", named("陈航") | born(DAY), named("陈航") | born(date(1935, 3, 12)), []),
    ("a date out of a number does not make a generation", named("陈航") | born(DAY), named("陈航") | numbered(KIN) | {"identity_birth_date": date(1958, 1, 1)}, []),
]  # fmt: skip


Outcome = tuple[dict[str, str], list[str]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Every case in one run of the stage: each pair shares only the number of its case."""
    pairs = [(case, left, right) for case, _, left, right, _ in LEVELS] + [
        (case, left, right) for case, left, right, _ in GUARDS
    ]
    with Engine() as engine:
        context = stage_context(tmp_path_factory.mktemp("pairs"), engine, "match")
        rows = [
            row
            for i, (_, left, right) in enumerate(pairs)
            for row in (record(f"police:{i}") | left, record(f"health:{i}") | right)
        ]
        write_rows(engine, "common_records", rows, context.run_dir / "gate_incoming" / "common_records.parquet")
        _write_neutral_model(engine, context.run_dir / "model")
        same_case = BlockingRuleConfig(name="case", zh="", en="", columns=("split_part(record_key, ':', 2)",))
        folder = context.run_dir / "config"
        folder.mkdir()
        config = CONFIG.model_copy(update={"blocking": (same_case,)})
        (folder / "match.yaml").write_text(json.dumps(config.model_dump(mode="json")), encoding="utf-8")
        stage.run(replace(context, config_dir=folder))
        found = engine.rows(
            f"SELECT record_key_l, levels, guards FROM read_parquet('{context.output('scored_pairs')}')"
        )
    names = {c.name: {number: name for name, number in gamma_of(c).items()} for c in CONFIG.comparisons}
    return {
        pairs[int(pair["record_key_l"].split(":")[1])][0]: (
            {c: names[c][number] for c, number in pair["levels"].items()},
            pair["guards"],
        )
        for pair in found
    }


def _write_neutral_model(engine: Engine, folder: Path) -> None:
    """A model in which every level weighs nothing: only levels and guards are looked at here."""
    comparisons = [
        comparison_settings(c, {level.name: (0.5, 0.5) for level in c.levels if not level.missing})
        for c in CONFIG.comparisons
    ]
    write_json(
        folder / "model.json",
        {
            "splink": {
                "link_type": "dedupe_only",
                "comparisons": comparisons,
                "probability_two_random_records_match": 0.5,
            }
        },
    )
    frequencies = "SELECT * FROM (VALUES ('name', 'x', 0.5), ('name_sound', 'x', 0.5)) t(feature, value, frequency)"
    engine.write_query(frequencies, folder / "term_frequencies.parquet")


@pytest.mark.parametrize(
    ("case", "comparison", "level"), [(c[0], c[1], c[4]) for c in LEVELS], ids=[c[0] for c in LEVELS]
)
def test_levels(outcomes: dict[str, Outcome], case: str, comparison: str, level: str) -> None:
    assert outcomes[case][0][comparison] == level


@pytest.mark.parametrize(("case", "guards"), [(c[0], c[3]) for c in GUARDS], ids=[c[0] for c in GUARDS])
def test_guards(outcomes: dict[str, Outcome], case: str, guards: list[str]) -> None:
    assert outcomes[case][1] == guards
