"""Administrative divisions: names in front of an address, codes that were abolished."""

from collections.abc import Iterator

import pytest

from linkage.kernel.engine import Engine
from linkage.standardise.divisions import DivisionNames, load_divisions


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        load_divisions(engine)
        yield engine


@pytest.fixture(scope="module")
def names(engine: Engine) -> DivisionNames:
    return DivisionNames.of(engine.con.execute("SELECT name, level, code FROM division_names").fetchall())


SPLITS = [
    # what, text, province, city, county, code, rest
    ("whole", "浙江省杭州市西湖区文三路", "浙江省", "杭州市", "西湖区", "330106", "文三路"),
    ("short names", "浙江杭州西湖区文三路", "浙江省", "杭州市", "西湖区", "330106", "文三路"),
    ("no province", "杭州市西湖区文三路", None, "杭州市", "西湖区", "330106", "文三路"),
    ("county of one city only", "余杭区良渚街道", None, None, "余杭区", "330110", "良渚街道"),
    ("county name that several cities have", "西湖区文三路", None, None, "西湖区", None, "文三路"),
    ("municipality", "上海市浦东新区张杨路", "上海市", None, "浦东新区", "310115", "张杨路"),
    ("filler between", "上海市市辖区浦东新区张杨路", "上海市", None, "浦东新区", "310115", "张杨路"),
    ("city without counties", "广东省东莞市南城街道", "广东省", "东莞市", None, "441900", "南城街道"),
    ("county-level city", "浙江省义乌市稠城街道", "浙江省", None, "义乌市", "330782", "稠城街道"),
    ("former name", "浙江省杭州市余杭县良渚镇", "浙江省", "杭州市", "余杭县", "330110", "良渚镇"),
    ("a road named after a city", "南京路100号", None, None, None, None, "南京路100号"),
    ("an estate named after a province", "浙江新村", None, None, None, None, "浙江新村"),
    ("nothing", "", None, None, None, None, ""),
]


@pytest.mark.parametrize(
    "text, province, city, county, code, rest", [c[1:] for c in SPLITS], ids=[c[0] for c in SPLITS]
)
def test_names_in_front(
    names: DivisionNames,
    text: str,
    province: str | None,
    city: str | None,
    county: str | None,
    code: str | None,
    rest: str,
) -> None:
    found = names.split(text)
    assert (found.province, found.city, found.county, found.code, found.rest) == (province, city, county, code, rest)


CODES = [
    ("still there", "330106", "330106", False),
    ("merged", "330103", "330105", False),
    ("followed twice: 崇文区", "110103", "110101", False),
    ("split: stays", "330104", "330104", True),
]


@pytest.mark.parametrize("code, current, is_split", [c[1:] for c in CODES], ids=[c[0] for c in CODES])
def test_codes_are_followed_to_their_successors(engine: Engine, code: str, current: str, is_split: bool) -> None:
    rows = engine.con.execute("SELECT current_code, is_split FROM division_codes WHERE code = ?", [code]).fetchall()
    assert rows == [(current, is_split)]


def test_a_code_is_listed_once(engine: Engine) -> None:
    assert engine.scalar("SELECT count(*) - count(DISTINCT code) FROM division_codes") == 0


def test_successors_are_codes_that_the_history_knows(engine: Engine) -> None:
    """But for two: 沙湾市 is younger than the history, and one code of 1997 Chongqing is in the successor table only."""
    unknown = "SELECT DISTINCT c.current_code FROM division_codes c ANTI JOIN division_codes k ON k.code = c.current_code ORDER BY ALL"
    assert engine.con.execute(unknown).fetchall() == [("500201",), ("654281",)]
