"""Stage standardise: raw records -> common records.

Every field is parsed once per distinct text (``*_inputs`` -> ``parsed_*``) and looked up per record while the result is
written. Nothing is repaired here: what a department wrote stays beside what it was read as. Rules: ``RULES.md``.
"""

from collections.abc import Mapping

from linkage.kernel.contracts import contract
from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.errors import LinkageError
from linkage.kernel.run import StageContext, Summary
from linkage.kernel.source_config import SourceConfig, read_source_configs
from linkage.standardise.address_aliases import read_address_aliases
from linkage.standardise.addresses import parse_addresses
from linkage.standardise.codes import map_codes
from linkage.standardise.dates import parse_dates
from linkage.standardise.identity import parse_identities
from linkage.standardise.names import parse_names
from linkage.standardise.phones import parse_phones
from linkage.standardise.tables import create_text_table

PACKAGE = "linkage.standardise"
REGISTRATION_SOURCES = ("police",)  # an end date of theirs ends a person's registration, not a benefit or a file
SUMMARISED = (
    "identity_grade", "identity_kind", "name_kind", "birth_date_precision",
    "hukou_address_grade", "residence_address_grade",
)  # fmt: skip
# What writing still looks into; the rest is dropped before the large sort.
NEEDED_TO_WRITE = frozenset({
    "raw_records", "night_parameters", "field_labels", "missing_words", "code_inputs", "code_map", "record_dates",
    "lunar_dates", "parsed_identities", "parsed_names", "parsed_phones", "parsed_addresses",
})  # fmt: skip


def run(context: StageContext) -> Summary:
    """Write ``common_records`` and ``signals``; the summary counts records by grade, kind and precision."""
    engine = context.engine
    before = relations(engine)
    engine.read("raw_records", context.input("sources", "raw_records"))
    parse_fields(context, read_source_configs(context.config_dir))
    drop_relations(engine, {made for made in relations(engine) - before if made[1] not in NEEDED_TO_WRITE})
    engine.run_sql(PACKAGE, "common_records")
    written = context.write("common_records")
    check_complete(written, engine.scalar("SELECT count(*) FROM raw_records"))
    engine.run_sql(PACKAGE, "signals")
    signals = context.write("signals")
    engine.read("written_records", context.output("common_records"))
    summary = {"records": written, "signals": signals} | {column: counts(engine, column) for column in SUMMARISED}
    drop_relations(engine, relations(engine) - before)
    return summary


def parse_fields(context: StageContext, configs: Mapping[str, SourceConfig]) -> None:
    """Fill the ``parsed_*`` tables, ``code_map`` and ``record_dates`` from ``raw_records``."""
    engine, night = context.engine, context.night
    labels = [[field.name, field.zh] for field in contract("raw_records").fields]
    create_text_table(engine, "field_labels", ["field", "zh"], labels)
    create_text_table(engine, "date_formats", ["feed", "field", "format"], date_formats(configs))
    parameters = {"night": night, "registration_sources": list(REGISTRATION_SOURCES)}
    engine.run_sql(PACKAGE, "night_parameters", parameters)
    engine.run_sql(PACKAGE, "code_inputs")
    map_codes(engine, configs)
    engine.run_sql(PACKAGE, "date_cells")
    parse_dates(engine, night)
    engine.run_sql(PACKAGE, "record_dates")
    engine.run_sql(PACKAGE, "identity_inputs")
    parse_identities(engine, night)
    engine.run_sql(PACKAGE, "name_inputs")
    parse_names(engine)
    engine.run_sql(PACKAGE, "phone_inputs")
    parse_phones(engine)
    engine.run_sql(PACKAGE, "address_inputs")
    parse_addresses(engine, read_address_aliases(context.config_dir))


def date_formats(configs: Mapping[str, SourceConfig]) -> list[list[str | None]]:
    """(feed, field, format) of every column whose configuration declares more than ``auto``."""
    return [
        [feed.feed, column.field, column.date_format]
        for config in configs.values()
        for feed in config.feeds
        for column in feed.columns
        if column.field is not None and column.date_format != "auto"
    ]


def check_complete(written: int, raw: int) -> None:
    """Every raw record is one common record. Raises LinkageError otherwise."""
    if written != raw:
        raise LinkageError(
            f"Standardising made {written} common records of {raw} raw records.",
            remedy="A look-up table holds a text twice, a fault in linkage/standardise: report it with the run's id.",
        )


def counts(engine: Engine, column: str) -> dict[str, dict[str, int]]:
    """Records per source and value of ``column``; no personal values."""
    rows = engine.rows(
        f"SELECT source, coalesce({quote_name(column)}, 'missing') AS value, count(*) AS records "
        "FROM written_records GROUP BY ALL ORDER BY ALL"
    )
    out: dict[str, dict[str, int]] = {}
    for row in rows:
        out.setdefault(row["source"], {})[row["value"]] = row["records"]
    return out


def relations(engine: Engine) -> set[tuple[str, str]]:
    """(TABLE or VIEW, name) of everything temporary in the engine."""
    rows = engine.rows(
        "SELECT 'TABLE' AS kind, table_name AS name FROM duckdb_tables() WHERE temporary "
        "UNION SELECT 'VIEW', view_name FROM duckdb_views() WHERE temporary AND NOT internal"
    )
    return {(row["kind"], row["name"]) for row in rows}


def drop_relations(engine: Engine, made: set[tuple[str, str]]) -> None:
    """Give the memory back to the stages behind."""
    for kind, name in sorted(made, reverse=True):
        engine.con.execute(f"DROP {kind} {quote_name(name)}")
