"""The stage ``sources``: landed files become raw records, and every physical row is accounted for."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.run import StageContext, Summary
from linkage.kernel.source_config import SourceConfig, raw_field_names, read_source_configs
from linkage.kernel.tables import fill_table
from linkage.sources.carry_over import carried_accounting, carry_over, landing_label, read_previous_accounting
from linkage.sources.claims import claimed_by
from linkage.sources.collected import NO_ROWS, Collected, Delivery
from linkage.sources.feed_checks import check_counts, check_feeds, move_duplicates, signal_shared_numbers
from linkage.sources.intake import drop_incoming, make_incoming
from linkage.sources.landing import LANDING_FILE
from linkage.sources.reading import read_file

SQL_PACKAGE = "linkage.sources"
WORKING_TABLES = (
    "ranked_rows", "repeated_numbers", "hashed_rows", "duplicate_rows", "shared_numbers", "carried_records", "carried_files",
    "previous_records", "previous_accounting", "previous_landings",
)  # fmt: skip
TOTALS = ("counted_rows", "accepted_rows", "rejected_rows", "duplicate_rows", "carried_rows")


def run(context: StageContext) -> Summary:
    """Write raw_records, file_accounting, rejects and signals."""
    engine, configs = context.engine, read_source_configs(context.config_dir)
    plan = json.loads((context.run_dir / "run.json").read_text(encoding="utf-8"))
    collected = Collected()
    make_incoming(engine)
    for source, entry in sorted(plan["landings"].items()):
        for missed in entry.get("missed", []):
            _read_missed_deltas(context, configs[source], missed, collected)
        _read_landing(context, configs[source], entry, collected)
    _report_strangers(context, plan["landings"], collected)
    _hash_rows(engine, configs)
    read_previous_accounting(context)
    carry_over(context, configs)
    engine.run_sql(SQL_PACKAGE, "raw_records")
    collected.accounting.extend(NO_ROWS | line for line in carried_accounting(context))
    move_duplicates(engine, collected)
    signal_shared_numbers(engine, configs, collected)
    check_counts(collected)
    check_feeds(engine, configs, collected)
    return _write(context, collected)


def _read_landing(context: StageContext, config: SourceConfig, entry: Mapping[str, Any], collected: Collected) -> None:
    if entry["stale"]:
        collected.signal(config.source, None, "", "late_source", "warn", entry["night"])
    for delivery in _deliveries(context, config, entry, ""):
        context.note(f"sources: {delivery.label}")
        path = context.state.root / entry["path"] / delivery.path
        read_file(context.engine, config.feeds, delivery, path, collected)


def _read_missed_deltas(
    context: StageContext, config: SourceConfig, entry: Mapping[str, Any], collected: Collected
) -> None:
    """A landing that no published night has used: its changes count, its whole tables are superseded."""
    changes = [feed for feed in config.feeds if feed.delivery == "delta"]
    for delivery in _deliveries(context, config, entry, f"{landing_label(entry)}/"):
        if claimed_by(delivery.path, changes):
            context.note(f"sources: {delivery.label}")
            path = context.state.root / entry["path"] / delivery.path
            read_file(context.engine, changes, delivery, path, collected)


def _deliveries(context: StageContext, config: SourceConfig, entry: Mapping[str, Any], prefix: str) -> list[Delivery]:
    """The files of a planned landing."""
    night, stale = date.fromisoformat(entry["night"]), entry["stale"]
    return [
        Delivery(config.source, f["path"], prefix + f["path"], f["sha256"], f["bytes"], stale, night)
        for f in _landed(context, entry)["files"]
    ]


def _landed(context: StageContext, entry: Mapping[str, Any]) -> dict[str, Any]:
    landed: dict[str, Any] = json.loads((context.state.root / entry["path"] / LANDING_FILE).read_text(encoding="utf-8"))
    return landed


def _report_strangers(context: StageContext, landings: Mapping[str, Mapping[str, Any]], collected: Collected) -> None:
    """Files of the night that lie in no department's folder: whose they are nobody knows, so they were not copied."""
    seen = {
        stranger["path"]: Delivery(
            stranger["path"].split("/")[0] if "/" in stranger["path"] else "exports",
            stranger["path"], stranger["path"], "", stranger["bytes"], False, date.fromisoformat(entry["night"]),
        )
        for entry in landings.values() if not entry["stale"]
        for stranger in _landed(context, entry).get("strangers", [])
    }  # fmt: skip
    for path in sorted(seen):
        collected.signal(seen[path].source, None, path, "unclaimed_file", "warn")
        collected.account(seen[path], None, path)


def _hash_rows(engine: Engine, configs: Mapping[str, SourceConfig]) -> None:
    """Make record numbers unique in their department, and add the content hash: SHA-256 over all mapped values, not
    over where they stood."""
    own_numbering = [feed.feed for config in configs.values() for feed in config.feeds if feed.own_numbering]
    values = ", ".join(f"coalesce({quote_name(n)}, chr(1))" for n in raw_field_names() if n != "record_id")
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE hashed_rows AS SELECT * REPLACE ("
        "CASE WHEN list_contains(CAST($own_numbering AS VARCHAR[]), feed) THEN feed || '/' ELSE '' END || trim(record_id) AS record_id), "
        f"false AS carried, sha256(concat_ws(chr(31), {values}, CAST(extra AS VARCHAR), CAST(numeric_cells AS VARCHAR))) AS content_hash "
        "FROM incoming",
        {"own_numbering": own_numbering},
    )
    drop_incoming(engine)


def _write(context: StageContext, collected: Collected) -> Summary:
    engine = context.engine
    fill_table(engine, "file_accounting", list(NO_ROWS), [tuple(line.values()) for line in collected.accounting])
    fill_table(
        engine,
        "rejects",
        ["source", "feed", "file", "row_number", "column", "rule", "value_masked", "remedy", "remedy_en", "stage"],
        collected.rejects,
    )
    names = ["source", "feed", "file", "column", "kind", "severity", "value_masked", "count", "message", "message_en"]
    fill_table(engine, "signals", names, [s.row() for s in collected.signals])
    counts = {table: context.write(table) for table in ("raw_records", "file_accounting", "rejects", "signals")}
    engine.con.execute("DROP VIEW raw_records")
    for table in WORKING_TABLES:
        engine.con.execute(f"DROP TABLE IF EXISTS {table}")
    totals = {key: sum(a[key] for a in collected.accounting) for key in TOTALS}
    stops = sum(s.severity == "stop" for s in collected.signals)
    return totals | {"files": counts["file_accounting"], "signals": counts["signals"], "stop_signals": stops}
