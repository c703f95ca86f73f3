"""Addresses: elements of one text, what a night's records teach each other, keys only without doubt."""

import random
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from linkage.kernel.engine import Engine
from linkage.standardise.address_aliases import AddressAliases, EstateAlias, RoadRename
from linkage.standardise.addresses import parse_addresses, with_digits

COLUMNS = (
    *("record_key", "kind", "text", "division_code", "province", "city", "county", "street", "community"),
    *("estate", "building", "unit", "room", "dwelling_code"),
)
Row = Mapping[str, str | None]


def parse(rows: Iterable[Row | str], aliases: AddressAliases | None = None) -> dict[str, dict[str, Any]]:
    """Rows of ``address_inputs`` (a text alone is a residence) -> parsed rows by record key (0, 1, 2 ... unless given)."""
    with Engine() as engine:
        engine.con.execute(f"CREATE TEMP TABLE address_inputs ({', '.join(f'{c} VARCHAR' for c in COLUMNS)})")
        for number, row in enumerate(rows):
            values = {"record_key": str(number), "kind": "residence"} | (
                {"text": row} if isinstance(row, str) else dict(row)
            )
            marks = ", ".join("?" for _ in COLUMNS)
            engine.con.execute(f"INSERT INTO address_inputs VALUES ({marks})", [values.get(c) for c in COLUMNS])
        parse_addresses(engine, aliases)
        return {
            f"{r['record_key']}{'' if r['kind'] == 'residence' else ' hukou'}": r
            for r in engine.rows("FROM parsed_addresses")
        }


WHOLE = {"street": "翠苑街道", "estate": "翠苑一区", "building": "3", "unit": "2", "room": "301"}
ELEMENTS: list[tuple[str, str, dict[str, str | None]]] = [
    (
        "everything",
        "浙江省杭州市西湖区翠苑街道文三路259号翠苑一区3幢2单元301室",
        WHOLE | {"division_code": "330106", "road": "文三路", "road_number": "259"},
    ),
    ("chained with hyphens", "西湖区翠苑街道翠苑一区3-2-301", WHOLE),
    ("栋 and no 室", "翠苑街道翠苑一区3栋2单元301", WHOLE),
    ("号楼", "翠苑街道翠苑一区3号楼2单元301室", WHOLE),
    ("Han numerals before signs", "翠苑街道翠苑一区三号楼二单元三〇一室", WHOLE),
    ("sign #", "翠苑街道翠苑一区3#2-301", WHOLE),
    ("full-width digits", "翠苑街道翠苑一区３幢２单元３０１室", WHOLE),
    ("full-width hyphens", "翠苑街道翠苑一区3－2－301", WHOLE),
    ("digit in an estate's name", "翠苑街道翠苑1区3幢2单元301室", WHOLE),
    ("leading zeros", "翠苑街道翠苑一区03幢02单元0301室", WHOLE),
    ("remark in brackets", "翠苑街道翠苑一区3幢2单元301室（已核实）", WHOLE),
    ("unit in brackets", "翠苑街道翠苑一区3幢(2单元)301室", WHOLE),
    ("blanks", " 翠苑街道 翠苑一区 3幢 2单元 301室", WHOLE),
    ("community", "翠苑街道九莲社区翠苑一区3幢2单元301室", WHOLE | {"community": "九莲社区"}),
    (
        "building with a letter",
        "西溪花园A幢1单元1203室",
        {"estate": "西溪花园", "building": "A", "unit": "1", "room": "1203"},
    ),
    ("lane", "上海市浦东新区张杨路100弄5号楼302室", {"division_code": "310115", "building": "5", "room": "302"}),
    (
        "village group",
        "余杭区良渚街道勾庄村三组8号",
        {"division_code": "330110", "street": "良渚街道", "community": "勾庄村", "road": "3组", "road_number": "8"},
    ),
    (
        "village house",
        "三墩镇华联村12号",
        {"street": "三墩镇", "community": "华联村", "road_number": "12", "building": None},
    ),
    (
        "road and number only",
        "西湖区文三路259号",
        {"road": "文三路", "road_number": "259", "estate": None, "building": None},
    ),
    ("street only", "翠苑街道", {"street": "翠苑街道", "estate": None}),
    ("province without its ending", "浙江杭州西湖区翠苑街道翠苑一区3幢2单元301室", WHOLE | {"division_code": "330106"}),
    ("city written twice", "杭州市杭州市西湖区翠苑街道翠苑一区3幢2单元301室", WHOLE | {"division_code": "330106"}),
    ("former county", "浙江省杭州市下城区潮鸣街道文三路1号", {"division_code": "330105", "street": "潮鸣街道"}),
    ("nothing said", "无", {"street": None, "dwelling_key": None, "address_grade": "none"}),
    ("as registered, but nothing registered", "同户籍地址", {"street": None, "address_grade": "none"}),
]
GRADES = [
    ("浙江省杭州市西湖区翠苑街道翠苑一区3幢2单元301室", "room"),
    ("翠苑一区3幢", "building"),
    ("翠苑街道翠苑一区", "estate"),
    ("文三路259号", "estate"),
    ("翠苑街道九莲社区", "community"),
    ("浙江省杭州市西湖区", "region"),
    ("三墩镇华联村12号", "room"),
    ("不详", "none"),
]


@pytest.mark.parametrize("text, expected", [c[1:] for c in ELEMENTS], ids=[c[0] for c in ELEMENTS])
def test_elements(text: str, expected: dict[str, str | None]) -> None:
    row = parse([text])["0"]
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize("text, grade", GRADES)
def test_grade_says_how_far_an_address_reaches(text: str, grade: str) -> None:
    assert parse([text])["0"]["address_grade"] == grade


NUMERALS = [
    ("新金都小区十号楼", "新金都小区10号楼"),
    ("十二幢一百零三室", "12幢103室"),
    ("三〇一室", "301室"),
    ("二十组", "20组"),
    ("翠苑一区", "翠苑一区"),
    ("一号路", "一号路"),
    ("三社区", "三社区"),
]


@pytest.mark.parametrize("text, digits", NUMERALS)
def test_numerals_become_digits_before_signs_only(text: str, digits: str) -> None:
    assert with_digits(text) == digits


def test_every_input_row_comes_out_once() -> None:
    rows = [
        {"record_key": k, "kind": kind, "text": t}
        for k, t in (("a", None), ("b", "x"), ("c", "翠苑街道"))
        for kind in ("hukou", "residence")
    ]
    assert len(parse(rows)) == 6


class TestAsRegistered:
    """同上 and the like mean the record's own registered address."""

    @pytest.mark.parametrize("words", ["同上", "同户籍地址", "与户籍地一致", "同户口", "现住址同户籍所在地"])
    def test_it_is_taken_from_the_same_record(self, words: str) -> None:
        rows = parse([
            {"record_key": "a", "kind": "hukou", "text": "翠苑街道翠苑一区3幢2单元301室"},
            {"record_key": "a", "kind": "residence", "text": words},
            {"record_key": "b", "kind": "residence", "text": words},
        ])  # fmt: skip
        assert rows["a"]["dwelling_key"] == rows["a hukou"]["dwelling_key"] == "翠苑街道|翠苑一区|3|2|301"
        assert rows["b"]["dwelling_key"] is None


PARTS: Row = {
    "county": "西湖区", "street": "翠苑街道", "community": "九莲社区",
    "estate": "翠苑一区", "building": "3幢", "unit": "2单元", "room": "0301",
}  # fmt: skip


class TestColumns:
    """A department that keeps elements in columns of their own."""

    def test_they_give_the_same_key_as_one_text(self) -> None:
        rows = parse([PARTS, "西湖区翠苑街道翠苑一区3-2-301"])
        assert rows["0"]["dwelling_key"] == rows["1"]["dwelling_key"] == "翠苑街道|翠苑一区|3|2|301"

    def test_the_text_fills_gaps_of_the_same_building(self) -> None:
        rows = parse([{"text": "翠苑一区3幢2单元301室", "street": "翠苑街道", "estate": "翠苑一区", "building": "3"}])
        assert (rows["0"]["unit"], rows["0"]["room"]) == ("2", "301")

    def test_the_text_of_another_building_fills_nothing(self) -> None:
        rows = parse([{"text": "翠苑一区7幢2单元301室", "street": "翠苑街道", "estate": "翠苑一区", "building": "3"}])
        assert (rows["0"]["building"], rows["0"]["unit"], rows["0"]["room"]) == ("3", None, None)


FULL = "西湖区翠苑街道文三路259号翠苑一区3幢2单元301室"


class TestLearned:
    """What one writing leaves out, others of the same night say."""

    def test_estate_at_a_road_and_number(self) -> None:
        rows = parse([FULL, FULL, "西湖区翠苑街道文三路259号3幢2单元301室"])
        assert rows["2"]["estate"] == "翠苑一区"
        assert rows["2"]["dwelling_key"] == rows["0"]["dwelling_key"]

    def test_another_name_of_an_estate(self) -> None:
        other = "西湖区翠苑街道文三路259号益乐新村3幢2单元301室"
        rows = parse([*[FULL] * 8, other, other, "翠苑街道益乐新村5幢1单元101室"])
        assert rows["8"]["estate"] == rows["10"]["estate"] == "翠苑一区"

    def test_street_of_an_estate(self) -> None:
        rows = parse([FULL, FULL, "翠苑一区3幢2单元301室"])
        assert rows["2"]["street"] == "翠苑街道"
        assert rows["2"]["dwelling_key"] == rows["0"]["dwelling_key"]

    def test_one_name_in_two_streets_stays_in_doubt(self) -> None:
        there = "西湖区北山街道保俶路10号翠苑一区5幢2单元301室"
        rows = parse([FULL, FULL, there, there, "翠苑一区9幢2单元301室"])
        assert rows["0"]["dwelling_key"] != rows["2"]["dwelling_key"]
        assert rows["4"]["dwelling_key"] is None

    def test_the_unit_of_a_room_that_is_in_one_unit_only(self) -> None:
        rooms = [
            f"西湖区翠苑街道文三路259号翠苑一区3幢{unit}单元{room}室"
            for unit, room in ((1, 101), (1, 201), (2, 302), (2, 402))
        ]
        known = parse([*rooms[:2], "翠苑街道翠苑一区3幢201室"])
        assert known["2"]["unit"] == "1"
        doubtful = parse([*rooms, "翠苑街道翠苑一区3幢201室"])
        assert doubtful["4"]["unit"] is None
        assert doubtful["4"]["dwelling_key"] is None

    def test_a_building_without_units_needs_none(self) -> None:
        rows = parse(["翠苑街道翠苑一区3幢301室", "翠苑街道翠苑一区3幢302室"])
        assert rows["0"]["dwelling_key"] == "翠苑街道|翠苑一区|3||301"

    def test_a_room_cut_off_is_no_room(self) -> None:
        rows = parse(["翠苑街道翠苑一区3幢2单元1303室", "翠苑街道翠苑一区3幢2单元130"])
        assert rows["1"]["dwelling_key"] is None
        assert rows["1"]["building_key"] == rows["0"]["building_key"]

    def test_a_dwelling_code_tells_the_room(self) -> None:
        code = "330106012003010003" + "0021"
        whole = {"text": FULL, "dwelling_code": code}
        rows = parse([whole, whole, {"text": "西湖区翠苑街道文三路259号翠苑一区3幢", "dwelling_code": code}])
        assert rows["2"]["dwelling_key"] == rows["0"]["dwelling_key"] is not None


class TestStewardsNames:
    """``config/address_aliases.yaml`` counts before anything learned."""

    def test_an_estate_in_its_street_only(self) -> None:
        aliases = AddressAliases(estates=(EstateAlias(estate="武林新村", aliases=("武林里",), street="米市巷街道"),))
        rows = parse(["米市巷街道武林里1幢1单元101室", "翠苑街道武林里1幢1单元101室"], aliases)
        assert [rows[k]["estate"] for k in "01"] == ["武林新村", "武林里"]

    def test_a_road_with_a_former_name(self) -> None:
        aliases = AddressAliases(roads=(RoadRename(road="和睦路", old_names=("和睦巷",)),))
        assert parse(["西湖区和睦巷5号"], aliases)["0"]["road"] == "和睦路"


@pytest.mark.parametrize(
    "code, current",
    [("330103", "330105"), ("330104", "330104"), ("330106", "330106"), ("999999", None)],
    ids=["merged into another", "split: stays as it is", "still there", "never was"],
)
def test_a_former_county_code_lives_on_in_its_successor(code: str, current: str | None) -> None:
    assert parse([{"text": "文三路1号", "division_code": code}])["0"]["division_code"] == current


def test_the_order_of_input_does_not_matter() -> None:
    draw = random.Random(7)
    texts = [
        f"{head}{estate}{building}{sign}{unit}{room}"
        for head in ("西湖区翠苑街道文三路259号", "翠苑街道", "")
        for estate in ("翠苑一区", "益乐新村", "翠苑1区")
        for building, sign in (("3", "幢"), ("5", "栋"))
        for unit in ("2单元", "1单元", "")
        for room in ("301", "302室", "1303", "130")
    ]
    rows = [{"record_key": str(n), "text": text} for n, text in enumerate(texts)]
    expected = parse(rows)
    draw.shuffle(rows)
    assert parse(rows) == expected
