"""The waterfall in text and the masks of values."""

import pytest
from rich.cells import cell_len

from linkage.explain.bars import waterfall_lines
from linkage.explain.veil import show


def test_each_bar_begins_where_the_one_before_ended() -> None:
    lines = waterfall_lines([("先验", "", -10.0), ("姓名", "相同", 15.0), ("sex", "不同", -1.0)], ("合计", 4.0))

    assert [line.rstrip().count("░") for line in lines] == [27, 0, 3, 0]
    assert [line.count("█") for line in lines] == [0, 40, 0, 10]

    first, second, _, _ = [next(i for i, c in enumerate(line) if c in "█░") for line in lines]
    assert cell_len(lines[0][:first]) == cell_len(lines[1][:second]), "both begin at the lowest weight reached"
    assert cell_len(lines[2]) == cell_len(lines[1]), "what falls ends at the height that was reached"


@pytest.mark.parametrize(
    ("field", "value", "masked", "unmasked"),
    [
        ("full_name", "张小明", "张**", "张小明"),
        ("identity_number", "330106198503121234", "330**************4", "330106198503121234"),
        ("birth_date", "1985-03-12 day", "1985-**-**", "1985-03-12"),
        ("birth_date", "1985-01-01 year", "1985-**-**", "1985-01-01 year"),
        ("sex", "1", "**", "男性"),
        ("marital_status", "10", "**", "未婚"),
        ("nationality", "CHN", "中国", "中国"),
        (
            "residence_address",
            "浙江省杭州市西湖区翠苑街道1幢101室",
            "浙江省***室",
            "浙江省杭州市西湖区翠苑街道1幢101室",
        ),
        ("address", "翠苑一区1幢101室", "翠苑一***室", "翠苑一区1幢101室"),
        ("phone", "13911112222", "139*******2", "13911112222"),
        ("tenure", "own", "own", "own"),
        ("former_name", None, "", ""),
    ],
)
def test_values_show_their_shape_by_default(field: str, value: str | None, masked: str, unmasked: str) -> None:
    assert show(field, value, unmasked=False) == masked
    assert show(field, value, unmasked=True) == unmasked
