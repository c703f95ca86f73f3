"""Makes a marked copy. It runs in a process of its own (``python -m linkage.portal.downloads.prepare``, the job as JSON on standard input), so that a
large table neither holds up the pages nor takes their memory.

A job reads a department's slice as it was released, or, for a granted request, the release's own tables; it puts the rows in the copy's
order, adds the mark, and writes one format. The same job gives the same bytes.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from linkage.kernel.contracts import contract
from linkage.kernel.engine import Engine, quote_name, quote_text
from linkage.kernel.run import write_json
from linkage.portal.downloads.hiding import hiding_sql
from linkage.portal.downloads.marks import MARK_COLUMN, MARK_TITLE, key_columns, order_sql, row_key_sql
from linkage.release.manifest import check_table, file_hash, read_manifest
from linkage.release.shown import safe_sql, shown_sql
from linkage.release.slices import write_csv, write_xlsx

SQL_PACKAGE = "linkage.release"
RELEASE_INPUTS = ("persons", "households", "members", "restricted")
MEMORY_LIMIT, THREADS = "1GB", 1
NICE = 10
DESCRIPTION = ".prepared.json"


@dataclass(frozen=True)
class Job:
    """One copy to make. ``source`` is a Parquet file of the release; ``unmasked``: instead the release's own table, these slice columns unmasked."""

    release_dir: str
    source: str
    table: str
    columns: tuple[str, ...]
    """Columns delivered, in the order of the slice; others are left out."""
    format: str
    mark: str
    order_key: str
    target: str
    """File to write; beside it ``<file>.prepared.json`` when it is complete."""
    masks: Mapping[str, str] | None = None
    """For a granted request: masks that remain; None: the slice as released."""
    hidden: tuple[str, ...] = ()
    """Persons restricted since the release, who are left out."""


def prepare(job: Job, spill: Path) -> None:
    """Write the copy and its description, each complete or not at all. Raises VerificationFailed when the source is not what was signed."""
    release, target = Path(job.release_dir), Path(job.target)
    manifest = read_manifest(release)
    check_table(release, manifest, job.source)
    target.parent.mkdir(parents=True, exist_ok=True)
    with Engine(threads=THREADS, memory_limit=MEMORY_LIMIT, temp_dir=spill) as engine:
        engine.read("sliced", release / job.source)
        all_columns = tuple(row[0] for row in engine.con.execute("DESCRIBE sliced").fetchall())
        key = key_columns(job.table, all_columns)
        if job.masks is not None:
            _read_unmasked(engine, release, manifest, job, key)
        if job.hidden:
            _leave_out(engine, release, manifest, job)
        rows = _write(engine, job, key, target)
    write_json(
        target.with_name(target.name + DESCRIPTION),
        {
            "bytes": target.stat().st_size,
            "sha256": file_hash(target),
            "rows": rows,
            "mark": job.mark,
            "columns": [*job.columns, MARK_COLUMN],
            "unmasked": job.masks is not None,
            "made_from": {"file": job.source, "sha256": manifest["files"][job.source]["sha256"]},
        },
    )


def _read_unmasked(
    engine: Engine, release: Path, manifest: Mapping[str, object], job: Job, key: tuple[str, ...]
) -> None:
    """Make ``sliced`` the rows that the slice has, of the release's own table, with the masks that remain."""
    for table in RELEASE_INPUTS:
        check_table(release, dict(manifest), f"{table}.parquet")
        engine.read(table, release / f"{table}.parquet")
    for view in ("shared_persons", "shared_households"):
        engine.run_sql(SQL_PACKAGE, view)
    engine.read("released", release / job.source)
    masks = job.masks or {}
    shown = ", ".join(f"{shown_sql(name, masks.get(name))} AS {quote_name(name)}" for name in job.columns)
    whose = f"SELECT {row_key_sql(key)} FROM released"
    engine.con.execute(
        f"CREATE OR REPLACE TEMP VIEW sliced AS SELECT {shown} FROM shared_{job.table} WHERE {row_key_sql(key)} IN ({whose})"
    )


def _leave_out(engine: Engine, release: Path, manifest: Mapping[str, object], job: Job) -> None:
    """Make ``kept`` the rows of ``sliced`` without persons who are restricted by now."""
    if job.table == "households":
        for table in ("members", "restricted"):
            check_table(release, dict(manifest), f"{table}.parquet")
            engine.read(table, release / f"{table}.parquet")
    columns = [row[0] for row in engine.con.execute("DESCRIBE sliced").fetchall()]
    engine.con.execute(f"CREATE OR REPLACE TEMP VIEW kept AS {hiding_sql(job.table, columns, job.hidden)}")


def _write(engine: Engine, job: Job, key: tuple[str, ...], target: Path) -> int:
    """Write the rows of ``sliced`` (of ``kept``, where somebody is left out) in the copy's order; returns how many."""
    chosen = ", ".join(quote_name(name) for name in job.columns)
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE marked AS SELECT row_number() OVER (ORDER BY {order_sql(job.order_key, key)}) AS place, "
        f"{chosen}, {quote_text(job.mark)} AS {MARK_COLUMN} FROM {'kept' if job.hidden else 'sliced'}"
    )
    unfinished = target.with_name(f".{os.getpid()}.{target.name}")
    titles = {f.name: f.zh for f in contract(job.table).fields} | {MARK_COLUMN: MARK_TITLE, "change": "变化"}
    names = (*job.columns, MARK_COLUMN)
    safe = ", ".join(f"{safe_sql(name)} AS {quote_name(titles[name])}" for name in names)
    cells = f"SELECT {safe} FROM marked ORDER BY place"
    match job.format:
        case ".parquet":
            _write_parquet(engine, job, unfinished)
        case ".xlsx":
            write_xlsx(engine, cells, [titles[name] for name in names], unfinished, {MARK_COLUMN: job.mark})
        case _:
            _write_csv(engine, cells, unfinished, gb18030=job.format == ".gb18030.csv")
    count = int(engine.scalar("SELECT count(*) FROM marked"))
    os.replace(unfinished, target)
    return count


def _write_parquet(engine: Engine, job: Job, path: Path) -> None:
    engine.con.execute("SET preserve_insertion_order = true")
    engine.con.execute(
        f"COPY (SELECT * EXCLUDE (place) FROM marked ORDER BY place) TO {quote_text(path)} "
        f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{MARK_COLUMN}: {quote_text(job.mark)}}})"
    )


def _write_csv(engine: Engine, cells: str, path: Path, *, gb18030: bool) -> None:
    """One of the two files that slices are written as."""
    both = path.with_name(f"{path.name}.both.csv")
    other = both.with_name(both.stem + ".gb18030.csv")
    write_csv(engine, cells, both)
    wanted, unwanted = (other, both) if gb18030 else (both, other)
    os.replace(wanted, path)
    unwanted.unlink()


def job_json(job: Job) -> bytes:
    """The job as the worker reads it."""
    return TypeAdapter(Job).dump_json(job)


def main() -> int:
    """Prepare the job on standard input. What goes wrong is told by its kind alone: an exception's text may hold a value."""
    job = TypeAdapter(Job).validate_json(sys.stdin.buffer.read())
    os.nice(NICE)
    os.umask(0o077)
    try:
        prepare(job, Path(job.target).parent)
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}\n")
        return 1
    return 0


if __name__ == "__main__":
    # DuckDB's bindings may print leak notes on a normal ending.
    code = main()
    sys.stderr.flush()
    os._exit(code)
