"""Identity numbers: every kind, every grade, every way in which departments damage them."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.kernel.engine import Engine
from linkage.kernel.reference import reference_rows
from linkage.standardise.identity import parse_identities

NIGHT = date(2026, 3, 2)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
AREAS = sorted(row["code"] for row in reference_rows("gb2260_current") if not row["code"].endswith("00"))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(threads=1) as running:
        yield running


def parse(
    engine: Engine, texts: Sequence[str], *, number_cell: bool = False, kind: str | None = None
) -> dict[str, Any]:
    """Text -> its row of parsed_identities."""
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE identity_inputs AS SELECT DISTINCT unnest($texts::VARCHAR[]) AS text, "
        "$number_cell::BOOLEAN AS from_number_cell, $kind::VARCHAR AS declared_kind",
        {"texts": list(texts), "number_cell": number_cell, "kind": kind},
    )
    parse_identities(engine, NIGHT)
    return {row["text"]: row for row in engine.rows("SELECT * FROM parsed_identities")}


def test_a_disability_card_keeps_its_kind_and_level(engine: Engine) -> None:
    rows = parse(engine, ["33010619831123939043", "33010619831123939012B1", "330106198311239390"])
    kept = [(row["disability_kind"], row["disability_level"]) for _, row in sorted(rows.items())]
    assert kept == [(None, None), ("1", "2"), ("4", "3")]


def with_check(digits17: str) -> str:
    return digits17 + "10X98765432"[sum(int(d) * w for d, w in zip(digits17, WEIGHTS, strict=True)) % 11]


CASES = [
    # name, text, kind, grade, number or partial
    ("good", "330106198311239390", "resident_id", "A", "330106198311239390"),
    ("good with X", "33012719550530163X", "resident_id", "A", "33012719550530163X"),
    ("unknown area is B", with_check("33999919850312123"), "resident_id", "B", with_check("33999919850312123")),
    ("lower-case x", "33012719550530163x", "resident_id", "A", "33012719550530163X"),
    ("full-width X", "33012719550530163Ｘ", "resident_id", "A", "33012719550530163X"),
    ("full-width digits", "３３０１２７１９５５０５３０１６３Ｘ", "resident_id", "A", "33012719550530163X"),
    ("leading apostrophe", "'330106198311239390", "resident_id", "A", "330106198311239390"),
    ("leading backtick", "`330106198311239390", "resident_id", "A", "330106198311239390"),
    ("trailing tab", "330106198311239390\t", "resident_id", "A", "330106198311239390"),
    ("blanks inside", "330106 19831123 9390", "resident_id", "A", "330106198311239390"),
    ("ideographic blank", "330106198311239390　", "resident_id", "A", "330106198311239390"),
    ("hyphens", "330106-19831123-9390", "resident_id", "A", "330106198311239390"),
    ("label in front", "身份证号：330106198311239390", "resident_id", "A", "330106198311239390"),
    ("remark behind", "330106198311239390（本人）", "resident_id", "A", "330106198311239390"),
    ("* typed for X", "33012719550530163*", "resident_id", "A", "33012719550530163X"),
    ("* hides the check digit", "33010619831123939*", "resident_id", "E", "33010619831123939_"),
    (".0 behind", "330106198311239390.0", "resident_id", "A", "330106198311239390"),
    ("15 digits upgrade", "330106831123939", "resident_id", "D", "330106198311239390"),
    ("15 digits, no such day", "330106831323939", "resident_id", "F", "330106831323939"),
    ("centenarian sequence means 18xx", "330106831123998", "resident_id", "F", "330106831123998"),
    ("Hong Kong", with_check("81000019980930023"), "hmt_residence_permit", "A", with_check("81000019980930023")),
    ("Macao", with_check("82000019980930023"), "hmt_residence_permit", "A", with_check("82000019980930023")),
    ("Taiwan", "83000019830308248X", "hmt_residence_permit", "A", "83000019830308248X"),
    ("foreign resident, new", "933392198702234989", "foreign_permanent_resident", "A", "933392198702234989"),
    (
        "foreign resident, unknown country",
        with_check("93399919870223498"),
        "foreign_permanent_resident",
        "B",
        with_check("93399919870223498"),
    ),
    ("foreign resident, old", "KOR330194080563", "foreign_permanent_resident_old", "A", "KOR330194080563"),
    ("old card, unknown country", "QQQ330194080563", "unknown", "F", "QQQ330194080563"),
    ("Hong Kong pass", "H91499067", "hm_travel_permit", "A", "H91499067"),
    ("Macao pass with issue count", "M4875213601", "hm_travel_permit", "A", "M4875213601"),
    ("Taiwan pass", "12584180", "tw_travel_permit", "A", "12584180"),
    ("a birth date is no Taiwan pass", "19850312", "unknown", "F", "19850312"),
    ("passport", "E18685670", "passport", "A", "E18685670"),
    ("passport, two letters", "EA1234567", "passport", "A", "EA1234567"),
    ("birth certificate", "P330123456", "birth_certificate", "A", "P330123456"),
    ("disability card", "33010619831123939043", "disability_card", "A", "330106198311239390"),
    ("disability card, reissued", "33010619831123939043B1", "disability_card", "A", "330106198311239390"),
    ("20 digits, no such disability", "33010619831123939099", "unknown", "F", "33010619831123939099"),
    ("Excel text, scientific", "3.30106198503121E+17", "resident_id", "E", "330106198503121___"),
    ("Excel text, few digits shown", "3.30106E+17", "resident_id", "E", "33010_____________"),
    ("Excel text, zeros at the end", "330106198503121000", "resident_id", "E", "330106198503121___"),
    ("Excel text, thousands separators", "330,106,198,503,121,000.00", "resident_id", "E", "330106198503121___"),
    ("masked, six and four", "330106********3826", "resident_id", "E", "330106________3826"),
    ("masked, four and four", "3301**********594X", "resident_id", "E", "3301__________594X"),
    ("masked, ten and four", "1504291983****8452", "resident_id", "E", "1504291983____8452"),
    ("masked, one star for many", "330106*3826", "resident_id", "E", "330106________3826"),
    ("masked with X", "330106XXXXXXXX3826", "resident_id", "E", "330106________3826"),
    ("masked with ？", "330106？？？？？？？？3826", "resident_id", "E", "330106________3826"),
    ("masked, 15 digits", "330106******939", "resident_id", "E", "33010619______939_"),
    ("masked, two runs of unknown length", "3301***12*34", "resident_id", "F", "3301***12*34"),
    ("nearly all hidden", "33**************", "unknown", "F", "33**************"),
    ("check fails", "330106198311239391", "resident_id", "F", "330106198311239391"),
    ("no such day, check holds", with_check("33010619831323939"), "resident_id", "F", with_check("33010619831323939")),
    ("born after the night", with_check("33010620260303939"), "resident_id", "F", with_check("33010620260303939")),
    ("older than 125", "110101190001011009", "resident_id", "F", "110101190001011009"),
    ("lost digit", "33010619831123939", "resident_id", "F", "33010619831123939"),
    ("doubled digit", "3301061983112393900", "resident_id", "F", "3301061983112393900"),
    ("two X", "83000019830308248XX", "unknown", "F", "83000019830308248XX"),
    ("sample of the standard", "11010519491231002X", "unknown", "X", None),
    ("sample of the standard, 1880", "440524188001010014", "unknown", "X", None),
    ("sample of the standard, 15 digits", "110105491231002", "unknown", "X", None),
    ("sample of the foreign card", "932682198501010017", "unknown", "X", None),
    ("666666666666666666 passes the check sum", "666666666666666666", "unknown", "X", None),
    ("zeros", "000000000000000000", "unknown", "X", None),
    ("ones", "111111111111111111", "unknown", "X", None),
    ("eights", "888888888888888888", "unknown", "X", None),
    ("nines", "999999999999999999", "unknown", "X", None),
    ("counting", "123456789012345678", "unknown", "X", None),
    ("area and nothing", "330106000000000000", "unknown", "X", None),
    ("sequence 000 on 1 January", "330105199001010000", "unknown", "X", None),
    ("15 digits, sequence 000", "330105900101000", "unknown", "X", None),
    ("word for nothing", "无", "unknown", "X", None),
    ("slash", "/", "unknown", "X", None),
    ("zero", "0", "unknown", "X", None),
    ("blank", " 　", None, None, None),
]


@pytest.fixture(scope="module")
def parsed(engine: Engine) -> dict[str, Any]:
    return parse(engine, [text for _, text, *_ in CASES])


@pytest.mark.parametrize(("text", "kind", "grade", "value"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_kind_and_grade(parsed: dict[str, Any], text: str, kind: str, grade: str, value: str | None) -> None:
    row = parsed[text]
    assert (row["kind"], row["grade"]) == (kind, grade)
    assert (row["number"] or row["partial"]) == value
    assert (row["number"] is not None) == (grade in ("A", "B", "D"))


@pytest.mark.parametrize(
    ("text", "birth_date", "sex", "area"),
    [
        ("330106198311239390", date(1983, 11, 23), "1", "330106"),
        ("330106831123939", date(1983, 11, 23), "1", "330106"),
        ("3.30106198503121E+17", date(1985, 3, 12), None, "330106"),
        ("3301**********594X", None, "2", None),
        ("83000019830308248X", date(1983, 3, 8), "2", "830000"),
        ("933392198702234989", date(1987, 2, 23), "2", None),
        ("KOR330194080563", None, None, None),
        ("330106198311239391", None, None, None),
    ],
)
def test_what_a_number_says(engine: Engine, text: str, birth_date: date | None, sex: str, area: str) -> None:
    row = parse(engine, [text])[text]
    assert (row["birth_date"], row["sex"], row["area_code"]) == (birth_date, sex, area)


@pytest.mark.parametrize(
    ("name", "text", "partial"),
    [
        ("scientific", "3.30106198503121E+17", "330106198503121___"),
        ("scientific, zeros lost at the end", "3.301061985031e+17", "330106198503100___"),
        ("all 18 digits", "330106198503121000", "330106198503121___"),
        ("through binary", "330106198503121024", "330106198503121___"),
        ("through binary, rounded down", "330106198503120960", "330106198503121___"),
    ],
)
def test_a_number_cell_keeps_15_digits(engine: Engine, name: str, text: str, partial: str) -> None:
    row = parse(engine, [text], number_cell=True)[text]
    assert (row["grade"], row["partial"]) == ("E", partial)


def test_15_digits_survive_a_number_cell(engine: Engine) -> None:
    assert parse(engine, ["330106831123939"], number_cell=True)["330106831123939"]["grade"] == "D"
    assert parse(engine, ["3.30106831123939E+14"], number_cell=True)["3.30106831123939E+14"]["grade"] == "D"


@pytest.mark.parametrize(
    ("declared", "text", "kind", "grade"),
    [
        ("passport", "M35330540", "passport", "A"),
        ("passport", "330106198311239390", "resident_id", "A"),
        ("tw_travel_permit", "20010312", "tw_travel_permit", "A"),
        ("tw_travel_permit", "0123456701(B)", "tw_travel_permit", "A"),
        ("health_file_number", "33010600100100123", "health_file_number", "A"),
        ("birth_certificate", "330123", "birth_certificate", "F"),
        ("resident_id", "无", "resident_id", "X"),
    ],
)
def test_a_declared_kind_decides_where_forms_coincide(
    engine: Engine, declared: str, text: str, kind: str, grade: str
) -> None:
    row = parse(engine, [text], kind=declared)[text]
    assert (row["kind"], row["grade"]) == (kind, grade)


@st.composite
def valid_numbers(draw: st.DrawFn) -> str:
    day = NIGHT - timedelta(days=draw(st.integers(0, 120 * 365)))
    return with_check(f"{draw(st.sampled_from(AREAS))}{day:%Y%m%d}{draw(st.integers(1, 999)):03}")


@settings(max_examples=15, deadline=None)
@given(st.lists(valid_numbers(), min_size=1, max_size=80))
def test_every_valid_number_is_graded_a(engine: Engine, numbers: list[str]) -> None:
    placeholders = {"11010519491231002X"}
    rows = parse(engine, numbers)
    assert all(rows[n]["grade"] == "A" and rows[n]["number"] == n for n in numbers if n not in placeholders)


def with_error(number: str, position: int, shift: int) -> str:
    """``number`` with another character at ``position``."""
    alphabet = "0123456789X" if position == 17 else "0123456789"
    wrong = alphabet[(alphabet.index(number[position]) + shift) % len(alphabet)]
    return number[:position] + wrong + number[position + 1 :]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(valid_numbers(), st.integers(0, 17), st.integers(1, 9)), min_size=1, max_size=80))
def test_no_single_wrong_digit_passes(engine: Engine, errors: list[tuple[str, int, int]]) -> None:
    wrong = [with_error(number, position, shift) for number, position, shift in errors]
    rows = parse(engine, wrong)
    assert {rows[w]["grade"] for w in wrong} <= {"E", "F", "X"}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(alphabet="0123456789Xx*' E+.,／HK张无", max_size=22), min_size=1, max_size=80))
def test_normalising_twice_changes_nothing(engine: Engine, texts: list[str]) -> None:
    first = parse(engine, texts)
    partials = [row["partial"] for row in first.values() if row["grade"] == "E"]
    assert all(len(p) == 18 and set(p) <= set("0123456789X_") for p in partials)
    numbers = {row["number"] for row in first.values() if row["number"] and row["kind"] == "resident_id"}
    if numbers:
        again = parse(engine, sorted(numbers))
        assert all(again[n]["number"] == n for n in numbers)
