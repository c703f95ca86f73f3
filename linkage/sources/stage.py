"""The stage ``sources``: landed files become raw records, and every physical row is accounted for."""

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.run import StageContext, Summary
from linkage.kernel.source_config import ExpectedRows, Feed, SourceConfig, raw_field_names, read_source_configs
from linkage.sources.carry_over import carried_accounting, carry_over, landing_label, read_previous_accounting
from linkage.sources.header import Mapping, find_mapping
from linkage.sources.intake import make_incoming, take_in
from linkage.sources.landing import LANDING_FILE, claimed_by
from linkage.sources.readers import UnreadableMember, read_tables
from linkage.sources.rules import REMEDIES
from linkage.sources.signals import Signal
from linkage.sources.table import BadRow, RawTable
from linkage.sources.tables import fill_table

SQL_PACKAGE = "linkage.sources"
WORKING_TABLES = (
    "raw_records", "ranked_rows", "hashed_rows", "duplicate_rows", "shared_numbers", "carried_records", "carried_files",
    "previous_records", "previous_accounting", "previous_landings",
)  # fmt: skip
# A line of the accounting in the order of its contract, before anything is counted.
NO_ROWS: dict[str, Any] = {
    "source": "",
    "feed": "",
    "delivery": None,
    "file": "",
    "sha256": "",
    "bytes": 0,
    "encoding": None,
    "header_row": None,
    "counted_rows": 0,
    "accepted_rows": 0,
    "rejected_rows": 0,
    "duplicate_rows": 0,
    "carried_rows": 0,
    "stale": False,
    "landed_night": None,
}


@dataclass
class Collected:
    """What reading the files leaves behind, besides the rows in the engine."""

    accounting: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[tuple[Any, ...]] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)


@dataclass(frozen=True)
class Delivery:
    """One file of a landing, as accounting needs it; ``label`` names it in every table."""

    source: str
    path: str
    label: str
    sha256: str
    bytes: int
    stale: bool
    landed_night: date


def run(context: StageContext) -> Summary:
    """Write raw_records, file_accounting, rejects and signals."""
    configs = read_source_configs(context.config_dir)
    plan = json.loads((context.run_dir / "run.json").read_text(encoding="utf-8"))
    collected = Collected()
    make_incoming(context.engine)
    for source, entry in sorted(plan["landings"].items()):
        for missed in entry.get("missed", []):
            _read_missed_deltas(context, configs[source], missed, collected)
        _read_landing(context, configs[source], entry, collected)
    _hash_rows(context.engine, configs)
    read_previous_accounting(context)
    carry_over(context, configs)
    context.engine.run_sql(SQL_PACKAGE, "raw_records")
    collected.accounting.extend(NO_ROWS | line for line in carried_accounting(context))
    _move_duplicates(context.engine, collected)
    _signal_shared_numbers(context.engine, collected)
    _check_counts(collected)
    _check_feeds(context, configs, collected)
    return _write(context, collected)


def _deliveries(context: StageContext, config: SourceConfig, entry: dict[str, Any], prefix: str) -> list[Delivery]:
    """The files of a planned landing."""
    landed = json.loads((context.state.root / entry["path"] / LANDING_FILE).read_text(encoding="utf-8"))
    night, stale = date.fromisoformat(entry["night"]), entry["stale"]
    return [
        Delivery(config.source, f["path"], prefix + f["path"], f["sha256"], f["bytes"], stale, night)
        for f in landed["files"]
    ]


def _read_missed_deltas(
    context: StageContext, config: SourceConfig, entry: dict[str, Any], collected: Collected
) -> None:
    """A landing that no published night has used: its changes count, its whole tables are superseded."""
    changes = [feed for feed in config.feeds if feed.delivery == "delta"]
    for delivery in _deliveries(context, config, entry, f"{landing_label(entry)}/"):
        if feed := claimed_by(delivery.path, changes):
            context.note(f"sources: {delivery.label}")
            _read_file(context.engine, feed, delivery, context.state.root / entry["path"] / delivery.path, collected)


def _read_landing(context: StageContext, config: SourceConfig, entry: dict[str, Any], collected: Collected) -> None:
    if entry["stale"]:
        collected.signals.append(Signal(config.source, "", "", "", "late_source", "warn", entry["night"], 1))
    for delivery in _deliveries(context, config, entry, ""):
        feed = claimed_by(delivery.path, config.feeds)
        context.note(f"sources: {delivery.label}")
        if feed is None:
            collected.signals.append(Signal(config.source, "", delivery.label, "", "unclaimed_file", "warn", "", 1))
            collected.accounting.append(_account(delivery, None, delivery.label))
        else:
            _read_file(context.engine, feed, delivery, context.state.root / entry["path"] / delivery.path, collected)


def _read_file(engine: Engine, feed: Feed, delivery: Delivery, path: Path, collected: Collected) -> None:
    """Read every table of a file that its feed wants."""

    def signal(kind: str, severity: str, label: str, value: str = "", column: str = "", count: int = 1) -> None:
        collected.signals.append(Signal(delivery.source, feed.feed, label, column, kind, severity, value, count))

    try:
        tables = read_tables(path.read_bytes(), delivery.label)
    except UnreadableMember as error:
        signal("unreadable_member", "stop", error.label, error.reason)
        collected.accounting.append(_account(delivery, feed, error.label))
        return
    if feed.sheet:
        tables = [t for t in tables if t.label.endswith(f"#{feed.sheet}")]
    if not tables or not any(t.first_rows for t in tables):
        signal("empty_file", "stop", delivery.label)
        collected.accounting.append(_account(delivery, feed, delivery.label))
        return
    mapped = [(table, find_mapping(table.first_rows, feed)) for table in tables]
    if not any(mapping for _, mapping in mapped):
        _refuse_file(feed, delivery, mapped[0][0], collected)
        return
    for table, mapping in mapped:
        if mapping is None:
            signal("ignored_sheet", "info", delivery.label, table.label.rsplit("#", 1)[-1])
        else:
            _read_table(engine, feed, delivery, table, mapping, collected)


def _read_table(
    engine: Engine, feed: Feed, delivery: Delivery, table: RawTable, mapping: Mapping, collected: Collected
) -> None:
    def signal(kind: str, severity: str, value: str = "", column: str = "", count: int = 1) -> None:
        collected.signals.append(Signal(delivery.source, feed.feed, table.label, column, kind, severity, value, count))

    for column in mapping.missing:
        signal("missing_column", "stop" if column.required else "warn", column.column, column.column)
    for column_name, name in mapping.by_synonym.items():
        signal("renamed_column", "info", name, column_name)
    for name in mapping.unknown:
        signal("new_column", "info", name, name)
    if "record_id" not in mapping.positions:
        _refuse_file(feed, delivery, table, collected)
        return
    intake = take_in(engine, delivery.source, feed, table, mapping, delivery.landed_night)
    counted = table.count_rows_below(mapping.header_row)
    if table.undecodable_rows:
        signal("encoding_mixed", "info", count=table.undecodable_rows)
    if intake.joined:
        signal("joined_rows", "info", count=intake.joined)
    if not intake.accepted:
        signal("empty_file", "info" if feed.delivery == "delta" else "stop")
    collected.rejects.extend(_reject(delivery.source, feed.feed, table.label, bad, mapping) for bad in intake.rejects)
    collected.accounting.append(
        _account(delivery, feed, table.label)
        | {
            "encoding": table.encoding,
            "header_row": mapping.header_row,
            "counted_rows": counted,
            "accepted_rows": intake.accepted,
            "rejected_rows": len(intake.rejects),
        }
    )


def _refuse_file(feed: Feed, delivery: Delivery, table: RawTable, collected: Collected) -> None:
    """No header, or none that names the record number: every row of the file is refused at once."""
    counted = table.count_rows_below(0)
    collected.signals.append(Signal(delivery.source, feed.feed, table.label, "", "no_header", "stop", "", counted))
    collected.rejects.append(_reject(delivery.source, feed.feed, table.label, BadRow(0, "no_header"), None))
    collected.accounting.append(
        _account(delivery, feed, table.label)
        | {"encoding": table.encoding, "counted_rows": counted, "rejected_rows": counted}
    )


def _account(delivery: Delivery, feed: Feed | None, label: str) -> dict[str, Any]:
    return NO_ROWS | {
        "source": delivery.source,
        "feed": feed.feed if feed else "",
        "delivery": feed.delivery if feed else None,
        "file": label,
        "sha256": delivery.sha256,
        "bytes": delivery.bytes,
        "stale": delivery.stale,
        "landed_night": delivery.landed_night,
    }


def _reject(source: str, feed: str, label: str, bad: BadRow, mapping: Mapping | None) -> tuple[Any, ...]:
    column = mapping.names[bad.column] if mapping and bad.column is not None else ""
    zh, en = REMEDIES[bad.rule]
    return (source, feed, label, bad.row_number, column, bad.rule, bad.shape, zh, en, "sources")


def _hash_rows(engine: Engine, configs: dict[str, SourceConfig]) -> None:
    """Make record numbers unique in their department, and add the content hash: SHA-256 over all mapped values, not
    over where they stood."""
    own_numbering = [feed.feed for config in configs.values() for feed in config.feeds if feed.own_numbering]
    values = ", ".join(f"coalesce({quote_name(n)}, chr(1))" for n in raw_field_names() if n != "record_id")
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE hashed_rows AS SELECT * REPLACE ("
        f"CASE WHEN list_contains(CAST($own_numbering AS VARCHAR[]), feed) THEN feed || '/' ELSE '' END || trim(record_id) AS record_id), "
        f"false AS carried, sha256(concat_ws(chr(31), {values}, CAST(extra AS VARCHAR), CAST(numeric_cells AS VARCHAR))) AS content_hash FROM incoming",
        {"own_numbering": own_numbering},
    )
    engine.con.execute("DROP TABLE incoming")


def _move_duplicates(engine: Engine, collected: Collected) -> None:
    by_file = {
        row["file"]: row
        for row in engine.rows(
            "SELECT file, any_value(feed) AS feed, count(*) AS rows, count(*) FILTER (conflicting) AS conflicting "
            "FROM duplicate_rows GROUP BY file"
        )
    }
    for account in collected.accounting:
        row = by_file.get(account["file"])
        if row:
            account["accepted_rows"] -= row["rows"]
            account["duplicate_rows"] = row["rows"]
            if row["conflicting"]:
                collected.signals.append(
                    Signal(
                        account["source"],
                        account["feed"],
                        account["file"],
                        "",
                        "conflicting_duplicate",
                        "info",
                        "",
                        row["conflicting"],
                    )
                )


def _signal_shared_numbers(engine: Engine, collected: Collected) -> None:
    for row in engine.rows("SELECT * FROM shared_numbers ORDER BY ALL"):
        collected.signals.append(
            Signal(row["source"], row["feed"], "", "", "shared_record_number", "stop", row["other_feed"], row["rows"])
        )


def _check_counts(collected: Collected) -> None:
    """The independent count must agree, file by file; if it does not, rows were lost and the night stops."""
    for account in collected.accounting:
        ended = account["accepted_rows"] + account["rejected_rows"] + account["duplicate_rows"]
        if ended != account["counted_rows"]:
            value = f"counted {account['counted_rows']}, accounted {ended}"
            collected.signals.append(
                Signal(
                    account["source"],
                    account["feed"],
                    account["file"],
                    "",
                    "row_counts_disagree",
                    "stop",
                    value,
                    abs(account["counted_rows"] - ended),
                )
            )


def _check_feeds(context: StageContext, configs: dict[str, SourceConfig], collected: Collected) -> None:
    """Empty, half or swollen feeds, against the range in the YAML and against the night before."""
    before = _accepted_before(context)
    for config in configs.values():
        for feed in config.feeds:
            accounts = [a for a in collected.accounting if a["feed"] == feed.feed and not a["carried_rows"]]
            rows = sum(a["accepted_rows"] for a in accounts)
            if not accounts:
                collected.signals.append(Signal(config.source, feed.feed, "", "", "feed_missing", "stop", "", 0))
            elif problem := _out_of_range(rows, before.get(feed.feed), feed.expected_rows, feed.delivery == "full"):
                collected.signals.append(
                    Signal(config.source, feed.feed, "", "", "row_count_out_of_range", "stop", problem, rows)
                )


def _out_of_range(rows: int, before: int | None, expected: ExpectedRows, full: bool) -> str:
    if not expected.minimum <= rows <= expected.maximum:
        return f"{rows} rows, expected {expected.minimum} to {expected.maximum}"
    if full and before and rows < before * (1 - expected.maximum_drop_percent / 100):
        return f"{rows} rows after {before} the night before, a drop of more than {expected.maximum_drop_percent:g} %"
    return ""


def _accepted_before(context: StageContext) -> dict[str, int]:
    """Records per feed the night before, if that run is still kept."""
    counted = context.engine.rows(
        "SELECT feed, sum(accepted_rows + coalesce(carried_rows, 0)) AS n FROM previous_accounting GROUP BY feed"
    )
    return {row["feed"]: int(row["n"]) for row in counted}


def _write(context: StageContext, collected: Collected) -> Summary:
    engine = context.engine
    accounting = [tuple(a.values()) for a in collected.accounting]
    fill_table(engine, "file_accounting", list(NO_ROWS), accounting)
    fill_table(
        engine,
        "rejects",
        ["source", "feed", "file", "row_number", "column", "rule", "value_masked", "remedy", "remedy_en", "stage"],
        collected.rejects,
    )
    names = ["source", "feed", "file", "column", "kind", "severity", "value_masked", "count", "message", "message_en"]
    fill_table(engine, "signals", names, [s.row() for s in collected.signals])
    counts = {table: context.write(table) for table in ("raw_records", "file_accounting", "rejects", "signals")}
    for table in WORKING_TABLES:
        engine.con.execute(f"DROP TABLE IF EXISTS {table}")
    totals = {
        key: sum(a[key] for a in collected.accounting)
        for key in ("counted_rows", "accepted_rows", "rejected_rows", "duplicate_rows", "carried_rows")
    }
    stops = sum(s.severity == "stop" for s in collected.signals)
    return totals | {"files": counts["file_accounting"], "signals": counts["signals"], "stop_signals": stops}
