"""Stage standardise: raw records -> common records.

Every field is parsed once per distinct text (``*_inputs`` -> ``parsed_*``) and looked up per record while the result is
written. Nothing is repaired here: what a department wrote stays beside what it was read as.
"""

from collections.abc import Mapping

from linkage.kernel.contracts import contract
from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.run import StageContext, Summary
from linkage.kernel.source_config import SourceConfig, read_source_configs
from linkage.standardise.addresses import parse_addresses
from linkage.standardise.codes import map_codes
from linkage.standardise.dates import parse_dates
from linkage.standardise.identity import parse_identities
from linkage.standardise.names import parse_names
from linkage.standardise.phones import parse_phones
from linkage.standardise.tables import create_text_table

PACKAGE = "linkage.standardise"
REGISTRATION_SOURCES = ("police",)  # an end date of theirs ends a person's registration, not a benefit or a file
WORKING_TABLES = (
    "address_inputs", "code_inputs", "code_map", "date_cells", "date_fillers", "date_formats", "date_inputs", "field_labels", "filler_years",
    "identity_inputs", "known_areas", "known_countries", "lunar_dates", "lunar_months", "missing_words", "name_inputs", "night_parameters",
    "parsed_addresses", "parsed_dates", "parsed_identities", "parsed_names", "parsed_phones", "phone_inputs", "placeholder_numbers",
    "record_dates", "signals",
)  # fmt: skip


def run(context: StageContext) -> Summary:
    """Write ``common_records`` and ``signals``; the summary counts records by grade, kind and precision."""
    engine = context.engine
    engine.read("raw_records", context.input("sources", "raw_records"))
    parse_fields(context, read_source_configs(context.config_dir))
    engine.run_sql(PACKAGE, "common_records")
    context.write("common_records")
    engine.run_sql(PACKAGE, "signals")
    signals = context.write("signals")
    summary = summarise(context, signals)
    drop_working_tables(engine)
    return summary


def parse_fields(context: StageContext, configs: Mapping[str, SourceConfig]) -> None:
    """Fill the ``parsed_*`` tables, ``code_map`` and ``record_dates`` from ``raw_records``."""
    engine = context.engine
    create_text_table(engine, "field_labels", ["field", "zh"], [[f.name, f.zh] for f in contract("raw_records").fields])
    create_text_table(engine, "date_formats", ["feed", "field", "format"], date_formats(configs))
    engine.run_sql(PACKAGE, "night_parameters", {"night": context.night, "registration_sources": list(REGISTRATION_SOURCES)})
    engine.run_sql(PACKAGE, "code_inputs")
    map_codes(engine, configs)
    engine.run_sql(PACKAGE, "date_cells")
    parse_dates(engine, context.night)
    engine.run_sql(PACKAGE, "record_dates")
    engine.run_sql(PACKAGE, "identity_inputs")
    parse_identities(engine, context.night)
    engine.run_sql(PACKAGE, "name_inputs")
    parse_names(engine)
    engine.run_sql(PACKAGE, "phone_inputs")
    parse_phones(engine)
    engine.run_sql(PACKAGE, "address_inputs")
    parse_addresses(engine)


def date_formats(configs: Mapping[str, SourceConfig]) -> list[list[str | None]]:
    """(feed, field, format) of every column whose configuration declares more than ``auto``."""
    return [
        [feed.feed, column.field, column.date_format]
        for config in configs.values()
        for feed in config.feeds
        for column in feed.columns
        if column.field is not None and column.date_format != "auto"
    ]


def summarise(context: StageContext, signals: int) -> Summary:
    """Counts for the report; no values."""
    engine = context.engine
    engine.read("written_records", context.output("common_records"))
    summary: Summary = {"signals": signals, "records": engine.scalar("SELECT count(*) FROM written_records")}
    for column in ("identity_grade", "identity_kind", "name_kind", "birth_date_precision", "hukou_address_grade", "residence_address_grade"):
        rows = engine.rows(
            f"SELECT source, coalesce({quote_name(column)}, 'missing') AS value, count(*) AS records "
            "FROM written_records GROUP BY ALL ORDER BY ALL"
        )
        summary[column] = nested(rows)
    engine.con.execute("DROP VIEW written_records")
    return summary


def nested(rows: list[dict[str, object]]) -> dict[str, dict[str, object]]:
    """Rows of (source, value, records) as source -> value -> records."""
    out: dict[str, dict[str, object]] = {}
    for row in rows:
        out.setdefault(str(row["source"]), {})[str(row["value"])] = row["records"]
    return out


def drop_working_tables(engine: Engine) -> None:
    """Give the memory back to the stages behind."""
    engine.con.execute("DROP VIEW common_records")
    engine.con.execute("DROP VIEW raw_records")
    for table in WORKING_TABLES:
        engine.con.execute(f"DROP TABLE IF EXISTS {quote_name(table)}")
