"""Codes: the department's own map, then synonyms, then the standard's table; the unknown is empty and signalled."""

from collections.abc import Iterator

import pytest

from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.reference import reference_rows
from linkage.kernel.source_config import Bilingual, Column, Feed, SourceConfig
from linkage.standardise.codes import CODE_FIELDS, map_codes, vocabulary

TEXTS = [
    ("sex", "男", "1"),
    ("sex", "女 ", "2"),
    ("sex", "女性", "2"),
    ("sex", "Ｍ", "1"),
    ("sex", "f", "2"),
    ("sex", "9", "9"),
    ("sex", " ", ""),
    ("sex", "其他", None),
    ("ethnicity", "汉", "01"),
    ("ethnicity", "汉族", "01"),
    ("ethnicity", "05", "05"),
    ("ethnicity", "维吾尔", "05"),
    ("ethnicity", "土", "30"),
    ("ethnicity", "土家", "15"),
    ("ethnicity", "其他", "97"),
    ("ethnicity", "火星族", None),
    ("marital_status", "20", "20"),
    ("marital_status", "已婚", "20"),
    ("marital_status", "离异", "40"),
    ("marital_status", "3", "30"),
    ("relation_to_head", "户主", "02"),
    ("relation_to_head", "本人", "01"),
    ("relation_to_head", "妻", "12"),
    ("relation_to_head", "老婆", "12"),
    ("relation_to_head", "夫", "11"),
    ("relation_to_head", "老公", "11"),
    ("relation_to_head", "配偶", "10"),
    ("relation_to_head", "独生子", "21"),
    ("relation_to_head", "长子", "22"),
    ("relation_to_head", "二子", "23"),
    ("relation_to_head", "次子", "23"),
    ("relation_to_head", "二女", "33"),
    ("relation_to_head", "儿媳", "38"),
    ("relation_to_head", "媳妇", "38"),
    ("relation_to_head", "女婿", "28"),
    ("relation_to_head", "外孙子", "43"),
    ("relation_to_head", "外孙", "43"),
    ("relation_to_head", "妈妈", "52"),
    ("relation_to_head", "爸爸", "51"),
    ("relation_to_head", "公婆岳父母", "59"),
    ("relation_to_head", "父母", "50"),
    ("relation_to_head", "孙子女", "40"),
    ("relation_to_head", "子女", "20/30"),
    ("relation_to_head", "非亲属", "99"),
    ("relation_to_head", "室友", "99"),
    ("relation_to_head", "租客", "99"),
    ("relation_to_head", "合租", "99"),
    ("relation_to_head", "亲戚", "97"),
    ("education", "大专", "30"),
    ("education", "普通高级中学教育", "60"),
    ("nationality", "中国", "CHN"),
    ("nationality", "156", "CHN"),
    ("nationality", "kr", "KOR"),
    ("nationality", "香港", "HKG"),
    ("identity_kind", "01", "resident_id"),
    ("identity_kind", "居民身份证", "resident_id"),
    ("identity_kind", "414", "passport"),
    ("identity_kind", "99", "unknown"),
    ("identity_kind", "04", "unknown"),
    ("identity_kind", "外国人永久居留身份证", "foreign_permanent_resident"),
    ("person_status", "正常", "alive"),
    ("person_status", "死亡注销", "deceased"),
    ("person_status", "死亡", "deceased"),
    ("person_status", "迁出", "moved_out"),
    ("person_status", "注销", "cancelled"),
    ("person_status", "活动", ""),
    ("presence", "人户一致", "present_with_hukou"),
    ("presence", "人在户不在", "present_without_hukou"),
    ("presence", "户在人不在", "hukou_without_presence"),
    ("tenure", "自有", "own"),
    ("tenure", "租住", "rent"),
    ("household_kind", "家庭户", "family"),
    ("household_kind", "集体户", "collective"),
]


@pytest.mark.parametrize(("field", "text", "code"), TEXTS)
def test_texts(field: str, text: str, code: str | None) -> None:
    assert vocabulary(field).code(text) == code


@pytest.mark.parametrize("field", CODE_FIELDS)
def test_every_code_reads_as_itself(field: str) -> None:
    words = vocabulary(field)
    assert all(words.code(code) == code for code in words.codes)


@pytest.mark.parametrize(
    ("field", "table"),
    [
        ("sex", "gb2261_1_sex"),
        ("marital_status", "gb2261_2_marital"),
        ("ethnicity", "gb3304_nation"),
        ("education", "gb4658_education"),
        ("relation_to_head", "gb4761_family"),
    ],
)
def test_every_name_of_the_standard_is_known(field: str, table: str) -> None:
    assert all(vocabulary(field).code(row["name"]) == row["code"] for row in reference_rows(table))


def department(codes: dict[str, str], field: str = "sex") -> dict[str, SourceConfig]:
    name = Bilingual(zh="测试", en="test")
    columns = (Column(column="编号", field="record_id"), Column(column="列", field=field, codes=codes))
    feed = Feed(feed="clinic", title=name, description="-", files=("*.csv",), columns=columns)
    return {"health": SourceConfig(source="health", title=name, owner="-", description="-", feeds=(feed,))}


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(threads=1) as running:
        running.con.execute(
            "CREATE TEMP TABLE code_inputs(source VARCHAR, feed VARCHAR, field VARCHAR, text VARCHAR, rows BIGINT)"
        )
        yield running


def mapped(engine: Engine, configs: dict[str, SourceConfig], field: str, text: str) -> tuple[str | None, str | None]:
    engine.con.execute("INSERT INTO code_inputs VALUES ('health', 'clinic', ?, ?, 1)", [field, text])
    map_codes(engine, configs)
    (row,) = engine.rows("SELECT code, unknown_as FROM code_map")
    return row["code"], row["unknown_as"]


def test_a_departments_own_code_wins(engine: Engine) -> None:
    assert mapped(engine, department({"0": "1"}), "sex", "0") == ("1", None)


def test_a_departments_code_may_lead_to_a_word(engine: Engine) -> None:
    assert mapped(engine, department({"甲": "女性"}), "sex", "甲") == ("2", None)


def test_a_departments_code_may_be_ignored(engine: Engine) -> None:
    assert mapped(engine, department({"X": ""}), "sex", "X") == (None, None)


def test_an_unknown_code_is_empty_and_marked(engine: Engine) -> None:
    assert mapped(engine, department({}), "sex", "Q7") == (None, "Q7")


SHOWN = [
    ("a short code", "Q7", "Q7"),
    ("a full-width code", "４２", "４２"),
    ("a word of another standard", "土家族", "土家族"),
    ("a name in a swapped column", "张小明", "汉汉汉"),
    ("a foreign name", "Li Ming", "aa aaaa"),
    ("a number of a person", "330106198311239390", "9" * 18),
    ("a long remark", "住" * 60, "汉" * 40),
]


@pytest.mark.parametrize(("case", "text", "shown"), SHOWN, ids=[s[0] for s in SHOWN])
def test_an_unknown_code_is_shown_only_if_it_can_be_one(engine: Engine, case: str, text: str, shown: str) -> None:
    assert mapped(engine, department({}), "sex", text) == (None, shown)


def test_business_kinds_stay_the_departments_words(engine: Engine) -> None:
    assert mapped(engine, department({}, "event_kind"), "event_kind", " 结婚登记 ") == ("结婚登记", None)


def test_business_kinds_follow_the_departments_map(engine: Engine) -> None:
    assert mapped(engine, department({"J": "结婚登记"}, "event_kind"), "event_kind", "J") == ("结婚登记", None)


def test_a_map_to_a_code_that_does_not_exist_is_a_configuration_error(engine: Engine) -> None:
    with pytest.raises(ConfigurationError, match="clinic") as error:
        map_codes(engine, department({"A": "7"}))
    assert "0, 1, 2, 9" in error.value.remedy
