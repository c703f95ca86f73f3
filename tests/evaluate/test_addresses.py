"""Ways to write one dwelling, and dwellings that only look alike."""

import pytest

from linkage.evaluate.addresses import same_dwelling

TRUTH = "浙江省杭州市西湖区翠苑街道花园东社区望江巷552号和睦府12幢4单元401室"
VILLAGE = "安徽省阜阳市临泉县双河乡龙潭村21组60号"


@pytest.mark.parametrize(
    ("written", "truth"),
    [
        (TRUTH, TRUTH),
        ("西湖区和睦府12-4-401", TRUTH),
        ("和睦府１２幢４单元４０１", TRUTH),
        ("西湖区和睦府十二号楼4单元401", TRUTH),
        ("西湖区和睦府12栋4单元401室", TRUTH),
        ("杭州市望江巷552号12幢401室", TRUTH),
        ("浙江省杭州市 西湖区望江巷552号和睦府12幢4单元401室", TRUTH),
        ("西湖区花园东府12栋4单元401室", TRUTH),
        ("临泉县双河乡龙潭村21组60号", VILLAGE),
    ],
)
def test_same(written: str, truth: str) -> None:
    assert same_dwelling(written, truth)


@pytest.mark.parametrize(
    ("written", "truth"),
    [
        ("", TRUTH),
        (None, TRUTH),
        ("和睦府", TRUTH),
        ("和睦府12幢4单", TRUTH),
        ("和睦府12幢4单元402室", TRUTH),
        ("和睦府12幢3单元401室", TRUTH),
        ("云栖府12幢4单元401室", TRUTH),
        ("杭州市望江巷55号12幢401室", TRUTH),
        ("浙江省杭州市西湖区翠苑街道花园东社区德胜路205号新金都家园12幢4单元401室", TRUTH),
        ("安徽省阜阳市临泉县双河乡龙潭村21组61号", VILLAGE),
        ("安徽省阜阳市临泉县双河乡高桥村21组60号", VILLAGE),
    ],
)
def test_different(written: str | None, truth: str) -> None:
    assert not same_dwelling(written, truth)
