"""What a delta feed does not send again stays: its records are carried over from the run behind the release before."""

import json
from collections.abc import Mapping
from typing import Any

from linkage.kernel.engine import quote_name, quote_text
from linkage.kernel.errors import LinkageError
from linkage.kernel.run import StageContext
from linkage.kernel.source_config import SourceConfig
from linkage.kernel.tables import create_table

SQL_PACKAGE = "linkage.sources"


def read_previous_accounting(context: StageContext) -> None:
    """``previous_accounting``: the files of the run behind the release before; empty when that run is not kept."""
    create_table(context.engine, "file_accounting", "previous_accounting")
    path = context.previous_run / "sources" / "file_accounting.parquet" if context.previous_run else None
    if path is not None and path.exists():
        context.engine.con.execute(f"INSERT INTO previous_accounting BY NAME FROM read_parquet({quote_text(path)})")


def carry_over(context: StageContext, configs: Mapping[str, SourceConfig]) -> None:
    """Add to ``hashed_rows`` the records that tonight's delta feeds did not bring again.

    Leaves ``carried_files`` for the accounting. Raises LinkageError when the run before is needed and not kept.
    """
    delta_feeds = [feed.feed for config in configs.values() for feed in config.feeds if feed.delivery == "delta"]
    engine = context.engine
    create_table(engine, "raw_records", "previous_records")
    landings: dict[str, Any] = {}
    before = json.loads((context.run_dir / "run.json").read_text(encoding="utf-8")).get("night_before")
    if delta_feeds and before is not None:
        run = context.state.runs / before
        path = run / "sources" / "raw_records.parquet"
        if not path.exists():
            raise LinkageError(
                f"Feeds {', '.join(delta_feeds)} bring changes only, and the run behind release {before}, "
                "which holds their other records, is not there any more.",
                remedy=f"Restore {run} from a backup, or ask the "
                "department for one whole export and set delivery: full for that night.",
            )
        engine.con.execute(f"INSERT INTO previous_records BY NAME FROM read_parquet({quote_text(path)})")
        landings = json.loads((run / "run.json").read_text(encoding="utf-8"))["landings"]
    engine.con.execute("CREATE OR REPLACE TEMP TABLE previous_landings (source VARCHAR, folder VARCHAR)")
    for source, entry in landings.items():
        engine.con.execute("INSERT INTO previous_landings VALUES (?, ?)", [source, landing_label(entry)])
    engine.run_sql(SQL_PACKAGE, "carried_records", {"delta_feeds": delta_feeds})


def landing_label(entry: Mapping[str, Any]) -> str:
    """The folder of a planned landing below landings/: how files of earlier nights are named."""
    return str(entry["path"]).removeprefix("landings/")


def carried_accounting(context: StageContext) -> list[dict[str, Any]]:
    """One line per earlier file that still holds records of a delta feed, in the columns of the accounting."""
    names = ", ".join(f"f.{quote_name(n)}" for n in ("source", "feed", "file", "sha256", "bytes", "encoding"))
    return context.engine.rows(
        f"SELECT {names}, 'delta' AS delivery, f.header_row, f.landed_night, count(*) AS carried_rows "
        "FROM carried_files AS f JOIN raw_records AS r USING (source, file) GROUP BY ALL ORDER BY f.source, f.file"
    )
