"""A night's feeds as wholes: empty, half or swollen ones, files that used to come, and counts that must agree."""

from collections.abc import Iterable, Mapping

from linkage.kernel.engine import Engine
from linkage.kernel.source_config import ExpectedRows, Feed, SourceConfig
from linkage.sources.collected import Collected
from linkage.sources.recurring_names import missing_files
from linkage.sources.signals import Signal


def move_duplicates(engine: Engine, collected: Collected) -> None:
    """Count the rows that repeat a record number as duplicates of their file, not as accepted."""
    by_file = {
        row["file"]: row
        for row in engine.rows(
            "SELECT file, count(*) AS rows, count(*) FILTER (conflicting) AS conflicting FROM duplicate_rows GROUP BY file"
        )
    }
    for account in collected.accounting:
        row = by_file.get(account["file"])
        if row:
            account["accepted_rows"] -= row["rows"]
            account["duplicate_rows"] = row["rows"]
            if row["conflicting"]:
                _signal_file(collected, account, "conflicting_duplicate", "info", "", row["conflicting"])


def signal_shared_numbers(engine: Engine, configs: Mapping[str, SourceConfig], collected: Collected) -> None:
    """Two tables of a department that use the same record numbers."""
    feeds = {feed.feed: feed for config in configs.values() for feed in config.feeds}
    for row in engine.rows("SELECT * FROM shared_numbers ORDER BY ALL"):
        feed, other, count = feeds[row["feed"]], row["other_feed"], row["rows"]
        collected.signal(row["source"], feed, "", "shared_record_number", "stop", other, count=count)


def check_counts(collected: Collected) -> None:
    """The independent count must agree, file by file; if it does not, rows were lost and the night stops."""
    for account in collected.accounting:
        ended = account["accepted_rows"] + account["rejected_rows"] + account["duplicate_rows"]
        if ended != account["counted_rows"]:
            value = f"counted {account['counted_rows']}, accounted {ended}"
            _signal_file(collected, account, "row_counts_disagree", "stop", value, abs(account["counted_rows"] - ended))


def check_feeds(engine: Engine, configs: Mapping[str, SourceConfig], collected: Collected) -> None:
    """Each feed against the range in its YAML and against the run before (``previous_accounting``)."""
    before = {
        row["feed"]: row
        for row in engine.rows(
            "SELECT feed, sum(accepted_rows + coalesce(carried_rows, 0)) AS records, "
            "list(file) FILTER (coalesce(carried_rows, 0) = 0) AS files FROM previous_accounting GROUP BY feed"
        )
    }
    for config in configs.values():
        for feed in config.feeds:
            earlier = before.get(feed.feed, {"records": 0, "files": []})
            _check_feed(config.source, feed, int(earlier["records"]), earlier["files"] or [], collected)


def _check_feed(
    source: str, feed: Feed, records_before: int, files_before: Iterable[str], collected: Collected
) -> None:
    accounts = [a for a in collected.accounting if a["feed"] == feed.feed and not a["carried_rows"]]
    if not accounts:
        severity = "stop" if not feed.optional else "warn" if records_before and feed.delivery == "full" else "info"
        collected.signal(source, feed, "", "feed_missing", severity, count=0)
        return
    rows = sum(a["accepted_rows"] for a in accounts)
    if problem := _out_of_range(rows, records_before, feed.expected_rows, feed.delivery == "full"):
        collected.signal(source, feed, "", "row_count_out_of_range", "stop", problem, count=rows)
    if feed.delivery == "delta":
        return
    for file in missing_files(files_before, [a["file"] for a in accounts]):
        collected.signal(source, feed, file, "file_missing", "warn")


def _out_of_range(rows: int, before: int, expected: ExpectedRows, full: bool) -> str:
    if not expected.minimum <= rows <= expected.maximum:
        return f"{rows} rows, expected {expected.minimum} to {expected.maximum}"
    if full and rows < before * (1 - expected.maximum_drop_percent / 100):
        return f"{rows} rows after {before} the night before, a drop of more than {expected.maximum_drop_percent:g} %"
    return ""


def _signal_file(
    collected: Collected, account: Mapping[str, str], kind: str, severity: str, value: str, count: int
) -> None:
    source, feed, file = account["source"], account["feed"], account["file"]
    collected.signals.append(Signal(source, feed, file, "", kind, severity, value, count))
