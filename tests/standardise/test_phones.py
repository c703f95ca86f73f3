"""Telephone cells: several numbers, prefixes, remarks, extensions; numbers that mean nothing are none."""

import pytest

from linkage.kernel.engine import Engine
from linkage.standardise.phones import parse_phones

MOBILE, OTHER, LANDLINE = "13912345670", "13712345670", "057188886666"
CELLS: list[tuple[str, str, list[str]]] = [
    ("mobile", "13912345670", [MOBILE]),
    ("hyphens", "139-1234-5670", [MOBILE]),
    ("blanks", "139 1234 5670", [MOBILE]),
    ("+86", "+86 13912345670", [MOBILE]),
    ("86", "8613912345670", [MOBILE]),
    ("0086", "008613912345670", [MOBILE]),
    ("full-width", "１３９１２３４５６７０", [MOBILE]),
    ("through Excel", "13912345670.0", [MOBILE]),
    ("remark in brackets", "13912345670(子)", [MOBILE]),
    ("remark in full-width brackets", "13912345670（儿子）", [MOBILE]),
    ("two with a slash", "13912345670/13712345670", [MOBILE, OTHER]),
    ("two with an enumeration comma", "13912345670、13712345670", [MOBILE, OTHER]),
    ("two with a full-width semicolon", "13912345670；13712345670", [MOBILE, OTHER]),
    ("two with a blank", "13912345670 13712345670", [MOBILE, OTHER]),
    ("two with a word", "13712345670或13912345670", [OTHER, MOBILE]),
    ("twice the same", "13912345670,13912345670", [MOBILE]),
    ("landline", "0571-88886666", [LANDLINE]),
    ("area code in brackets", "(0571)88886666", [LANDLINE]),
    ("extension by hyphen", "0571-88886666-801", [LANDLINE]),
    ("extension by word", "0571-88886666转801", [LANDLINE]),
    ("Beijing", "010-62785001", ["01062785001"]),
    ("mobile and landline", "13912345670、0571-88886666", [MOBILE, LANDLINE]),
    ("lost a digit", "1391234567", []),
    ("a digit too many", "139123456701", []),
    ("no mobile range", "12912345670", []),
    ("landline without area code", "88886666", []),
    ("zeros", "13900000000", []),
    ("one digit repeated", "13999999999", []),
    ("digits in order", "13912345678", []),
    ("words", "无", []),
    ("one usable, one not", "13800138000/13912345670", [MOBILE]),
]


@pytest.mark.parametrize("cell, phones", [c[1:] for c in CELLS], ids=[c[0] for c in CELLS])
def test_phones_of_a_cell(cell: str, phones: list[str]) -> None:
    assert parse([cell])[cell] == phones


def test_cells_do_not_touch_each_other() -> None:
    assert parse([c[1] for c in CELLS]) == {c[1]: c[2] for c in CELLS}


def parse(cells: list[str]) -> dict[str, list[str]]:
    with Engine() as engine:
        engine.con.execute("CREATE TEMP TABLE phone_inputs (text VARCHAR)")
        engine.con.executemany("INSERT INTO phone_inputs VALUES (?)", [[cell] for cell in cells])
        parse_phones(engine)
        return {row["text"]: row["phones"] for row in engine.rows("FROM parsed_phones")}
