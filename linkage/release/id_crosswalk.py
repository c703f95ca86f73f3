"""What became of the ids: from any release to any other, by id and by record."""

from pathlib import Path

from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError
from linkage.release.chain import is_emptied
from linkage.release.manifest import MANIFEST, check_table, read_manifest

SQL_PACKAGE = "linkage.release"
INPUTS = ("crosswalk", "persons", "households", "members", "retired_ids")


def write_id_crosswalk(engine: Engine, before: Path, after: Path, out: Path) -> list[dict[str, object]]:
    """Write ``ids.parquet`` (contract id_crosswalk) and ``records.parquet`` (record_crosswalk) into ``out``.

    Returns how many ids of each kind met which fate. Raises ConfigurationError when a release has no tables.
    """
    for prefix, release in (("before", before), ("after", after)):
        if not (release / MANIFEST).exists() or is_emptied(release):
            raise ConfigurationError(
                f"{release} is no release with its tables.",
                remedy="Name two releases in state/releases whose tables are kept (config/night.yaml, retention).",
            )
        manifest = read_manifest(release)
        for table in INPUTS:
            check_table(release, manifest, f"{table}.parquet")
            engine.read(f"{prefix}_{table}", release / f"{table}.parquet")
    engine.con.execute("CREATE OR REPLACE TEMP VIEW records_before AS SELECT * FROM before_crosswalk")
    engine.con.execute("CREATE OR REPLACE TEMP VIEW records_now AS SELECT * FROM after_crosswalk")
    engine.run_sql("linkage.kernel", "renumbered_records")
    engine.run_sql(SQL_PACKAGE, "record_crosswalk")
    engine.run_sql(SQL_PACKAGE, "id_crosswalk", {"gone": "not_yet" if _is_earlier(after, before) else "ended"})
    out.mkdir(parents=True, exist_ok=True)
    engine.write_table("id_crosswalk", out / "ids.parquet")
    engine.write_table("record_crosswalk", out / "records.parquet")
    return engine.rows(
        "SELECT kind, fate, count(DISTINCT id) AS ids FROM id_crosswalk GROUP BY ALL "
        "UNION ALL SELECT 'record', fate, count(*) FROM record_crosswalk GROUP BY ALL ORDER BY ALL"
    )


def _is_earlier(one: Path, other: Path) -> bool:
    """Whether ``one`` is the earlier release: of a night published twice the one that the other continues, over however many."""
    night, manifest = read_manifest(one)["night"], read_manifest(other)
    while manifest["night"] == night and (before := manifest.get("previous_release")):
        if before == one.resolve().name:
            return True
        folder = other.resolve().parent / before
        if not (folder / MANIFEST).exists():
            break
        manifest = read_manifest(folder)
    return bool(night < manifest["night"])
