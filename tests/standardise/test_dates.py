"""Dates: every form seen in exports, how precise it is, and when there is none."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.kernel.engine import Engine
from linkage.standardise.dates import lunar_months, parse_dates

NIGHT = date(2026, 3, 2)
DAY = date(1985, 3, 12)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(threads=1) as running:
        yield running


def parse(engine: Engine, texts: list[str], *, number_cell: bool = False, form: str = "auto") -> dict[str, Any]:
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE date_inputs AS SELECT DISTINCT unnest($texts::VARCHAR[]) AS text, "
        "$number_cell::BOOLEAN AS from_number_cell, $form::VARCHAR AS format",
        {"texts": texts, "number_cell": number_cell, "form": form},
    )
    parse_dates(engine, NIGHT)
    return {row["text"]: row for row in engine.rows("SELECT * FROM parsed_dates LEFT JOIN lunar_dates USING (day)")}


CASES = [
    ("eight digits", "19850312", DAY, "day"),
    ("hyphens", "1985-03-12", DAY, "day"),
    ("hyphens, short", "1985-3-12", DAY, "day"),
    ("points", "1985.3.12", DAY, "day"),
    ("slashes", "1985/3/12", DAY, "day"),
    ("Chinese", "1985年3月12日", DAY, "day"),
    ("Chinese with 号", "1985年3月12号", DAY, "day"),
    ("remark behind", "1985年3月12日生", DAY, "day"),
    ("blanks", "1985 03 12", DAY, "day"),
    ("full-width", "１９８５－３－１２", DAY, "day"),
    ("blank and tab around", " 1985-3-12\t", DAY, "day"),
    ("with seconds", "1985-03-12 09:30:00", DAY, "day"),
    ("with minutes", "1985/3/12 9:03", DAY, "day"),
    ("ISO with T", "1985-03-12T00:00:00", DAY, "day"),
    ("fourteen digits", "19850312093000", DAY, "day"),
    ("twelve digits", "198503120930", DAY, "day"),
    ("Excel serial", "31118", DAY, "day"),
    ("Excel serial with time", "31118.5", DAY, "day"),
    ("Excel serial before 1927", "9298", date(1925, 6, 15), "day"),
    ("two-digit year", "85-3-12", DAY, "day"),
    ("two-digit year, points", "85.03.12", DAY, "day"),
    ("two-digit year, six digits", "850312", DAY, "day"),
    ("two-digit year of this century", "26-3-1", date(2026, 3, 1), "day"),
    ("two-digit year after the night is last century", "26-3-3", date(1926, 3, 3), "day"),
    ("month first", "3/12/1985", DAY, "day"),
    ("day first", "31/12/1985", date(1985, 12, 31), "day"),
    ("English", "12-Mar-85", DAY, "day"),
    ("English, long", "Mar 12, 1985", DAY, "day"),
    ("Chinese numerals", "一九八五年三月十二日", DAY, "day"),
    ("Chinese numerals, tens", "一九八五年十月二十三日", date(1985, 10, 23), "day"),
    ("Chinese numerals, thirty", "二〇〇三年十二月三十日", date(2003, 12, 30), "day"),
    ("month only, digits", "198503", date(1985, 3, 1), "month"),
    ("month only, point", "1985.3", date(1985, 3, 1), "month"),
    ("month only, October with a point", "1985.10", date(1985, 10, 1), "month"),
    ("month only, slash", "1985/3", date(1985, 3, 1), "month"),
    ("month only, Chinese", "1985年3月", date(1985, 3, 1), "month"),
    ("day 00", "19850300", date(1985, 3, 1), "month"),
    ("day 00 with hyphens", "1985-03-00", date(1985, 3, 1), "month"),
    ("year only", "1985", date(1985, 1, 1), "year"),
    ("year only, Chinese", "1985年", date(1985, 1, 1), "year"),
    ("month 00", "1985-00-00", date(1985, 1, 1), "year"),
    ("leap day", "2024-02-29", date(2024, 2, 29), "day"),
]
PROBLEMS = [
    ("filler 1900-01-01", "1900-01-01", "filler"),
    ("filler, points", "1900.1.1", "filler"),
    ("filler, Chinese", "1900年1月1日", "filler"),
    ("filler year", "1900", "filler"),
    ("filler month", "190001", "filler"),
    ("end of time", "9999-12-31", "filler"),
    ("Excel zero", "1899-12-30", "filler"),
    ("no such day", "1985-02-30", "invalid"),
    ("no such leap day", "2023-02-29", "invalid"),
    ("no such month", "1985-13-01", "invalid"),
    ("month 13 in six digits", "201813", "invalid"),
    ("a telephone number", "13800138000", "invalid"),
    ("words", "记不清", "invalid"),
    ("before 1850", "1823-05-01", "invalid"),
    ("tomorrow", "2026-03-03", "future"),
    ("zeros", "0000-00-00", "missing"),
    ("eight zeros", "00000000", "missing"),
    ("zero", "0", "missing"),
    ("word for nothing", "无", "missing"),
    ("slash", "/", "missing"),
    ("blank", "　", "missing"),
]


@pytest.fixture(scope="module")
def parsed(engine: Engine) -> dict[str, Any]:
    return parse(engine, [c[1] for c in CASES] + [c[1] for c in PROBLEMS])


@pytest.mark.parametrize(("text", "day", "precision"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_forms(parsed: dict[str, Any], text: str, day: date, precision: str) -> None:
    assert (parsed[text]["day"], parsed[text]["fineness"], parsed[text]["problem"]) == (day, precision, None)


@pytest.mark.parametrize(("text", "problem"), [c[1:] for c in PROBLEMS], ids=[c[0] for c in PROBLEMS])
def test_what_is_no_date(parsed: dict[str, Any], text: str, problem: str) -> None:
    assert (parsed[text]["day"], parsed[text]["fineness"], parsed[text]["problem"]) == (None, None, problem)


def test_the_declared_format_decides(engine: Engine) -> None:
    assert parse(engine, ["201803"], form="year_month")["201803"]["day"] == date(2018, 3, 1)
    assert parse(engine, ["1985"], form="excel")["1985"]["day"] == date(1905, 6, 7)


def test_number_cells_are_serials_or_dates(engine: Engine) -> None:
    rows = parse(engine, ["31118", "1985-03-12", "1985"], number_cell=True)
    assert [rows[t]["day"] for t in ("31118", "1985-03-12", "1985")] == [DAY, DAY, date(1985, 1, 1)]


@pytest.mark.parametrize(
    ("text", "solar"),
    [
        ("1985-03-12", date(1985, 5, 1)),
        ("1961-12-30", date(1962, 2, 4)),
        ("1985-02-30", None),  # no solar day, so nothing to confuse
        ("1985-03-31", None),  # lunar months have at most 30 days
        ("1985-03", None),
    ],
)
def test_the_solar_day_that_a_lunar_date_means(engine: Engine, text: str, solar: date | None) -> None:
    assert parse(engine, [text])[text]["solar_day"] == solar


def test_said_to_be_lunar(engine: Engine) -> None:
    row = parse(engine, ["农历一九八五年腊月廿三"])["农历一九八五年腊月廿三"]
    assert row["says_lunar"] and row["day"] == date(1985, 12, 23) and row["solar_day"] == date(1986, 2, 1)


def test_lunar_months_follow_each_other() -> None:
    rows = sorted(lunar_months().to_pylist(), key=lambda row: row["first_day"])
    gaps = {(later["first_day"] - row["first_day"]).days - row["days"] for row, later in pairwise(rows)}
    assert gaps == {0, 29, 30}  # 29 or 30 where a leap month lies between


FORMS = ["%Y%m%d", "%Y-%m-%d", "%Y.%m.%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S"]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.dates(date(1901, 1, 3), NIGHT), st.sampled_from(FORMS)), min_size=1, max_size=60))
def test_every_form_of_a_day_is_that_day(engine: Engine, days: list[tuple[date, str]]) -> None:
    rows = parse(engine, [day.strftime(form) for day, form in days])
    assert all(rows[day.strftime(form)]["day"] == day for day, form in days)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(alphabet="0123456789-/.年月日 :T一十廿", max_size=16), min_size=1, max_size=60))
def test_any_text_is_a_day_or_has_a_problem(engine: Engine, texts: list[str]) -> None:
    for row in parse(engine, texts).values():
        assert (row["day"] is None) == (row["problem"] is not None)
        assert row["day"] is None or date(1850, 1, 1) <= row["day"] <= NIGHT
