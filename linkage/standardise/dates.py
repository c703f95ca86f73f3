"""Dates as departments write them, and the solar date a lunar birthday would mean.

The forms stand in ``sql/parsed_dates.sql``. Lunar candidates come from one row per lunar month (borax), so 40,000
dates cost one join and not 40,000 conversions; the common month is taken, never the leap month of the same number.
"""

from datetime import date
from functools import cache

import pyarrow as pa
from borax.calendars.lunardate import LCalendars, LunarDate

from linkage.kernel.engine import Engine
from linkage.standardise.tables import create_table, create_text_table
from linkage.standardise.vocabulary import data_file, missing_words

PACKAGE = "linkage.standardise"
LUNAR_YEARS = range(1900, 2100)


def parse_dates(engine: Engine, night: date) -> None:
    """Read every row of ``date_inputs(text, from_number_cell, format)`` into ``parsed_dates``; make ``lunar_dates``.

    ``format`` is the ``date_format`` of the source configuration: auto, year_month or excel.
    """
    fillers = data_file("date_fillers")
    create_table(engine, "date_fillers", pa.table({"day": [date.fromisoformat(day) for day in fillers["days"]]}))
    create_text_table(engine, "filler_years", ["year"], [[year] for year in fillers["years"]])
    create_text_table(engine, "missing_words", ["word"], [[word] for word in sorted(missing_words())])
    engine.run_sql(PACKAGE, "parsed_dates", {"night": night})
    create_table(engine, "lunar_months", lunar_months())
    engine.run_sql(PACKAGE, "lunar_dates")


@cache
def lunar_months() -> pa.Table:
    """One row per common month of the lunar years 1900-2099: year, month, first solar day, days (29 or 30)."""
    rows = [
        {"year": year, "month": month, "first_day": LunarDate(year, month, 1).to_solar_date(), "days": days}
        for year in LUNAR_YEARS
        for month, days, leap in LCalendars.iter_year_month(year)
        if not leap
    ]
    return pa.Table.from_pylist(rows)
