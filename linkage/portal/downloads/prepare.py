"""Makes a marked copy. It runs in a process of its own (``python -m linkage.portal.downloads.prepare``, the job as JSON on standard input), so that a
large table neither holds up the pages nor takes their memory.

A job reads a department's slice as it was released, or, for a granted request, the release's own tables; it puts the rows in the copy's
order, adds the mark, and writes one format. The same job gives the same bytes.

What today's rules would not give is left out (kept_rows.py) and masked, whatever the slice was released with; to a value that is masked already a
mask does nothing.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from linkage.kernel.contracts import contract
from linkage.kernel.engine import Engine, quote_name, quote_text
from linkage.kernel.run import write_json
from linkage.portal.downloads.kept_rows import INPUTS, allowed_sql, hiding_sql, read_allowed, read_shared
from linkage.portal.downloads.marks import MARK_COLUMN, MARK_TITLE, key_columns, order_sql, row_key_sql
from linkage.release.manifest import check_table, file_hash, read_manifest
from linkage.release.scope import Scope
from linkage.release.shown import safe_sql, shown_sql
from linkage.release.slices import write_csv, write_xlsx

MEMORY_LIMIT, THREADS = "1GB", 1
NICE = 10
DESCRIPTION = ".prepared.json"


@dataclass(frozen=True)
class Job:
    """One copy to make. ``source`` is a Parquet file of the release, a slice."""

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
    masks: Mapping[str, str] = field(default_factory=dict)
    """Columns shown in part today."""
    unmasked: bool = False
    """For a granted request: values come from the release's own table, so that columns without a mask are in full."""
    hidden: tuple[str, ...] = ()
    """Persons restricted since the release, who are left out."""
    scope: Scope | None = None
    """The rows given today; None: all that the slice has."""


def prepare(job: Job, spill: Path) -> None:
    """Write the copy and its description, each complete or not at all. Raises VerificationFailed when the source is not what was signed."""
    release, target = Path(job.release_dir), Path(job.target)
    manifest = read_manifest(release)
    check_table(release, manifest, job.source)
    target.parent.mkdir(parents=True, exist_ok=True)
    with Engine(threads=THREADS, memory_limit=MEMORY_LIMIT, temp_dir=spill) as engine:
        engine.read("released", release / job.source)
        released = tuple(row[0] for row in engine.con.execute("DESCRIBE released").fetchall())
        key = key_columns(job.table, released)
        rows = _write(engine, job, key, target, _kept(engine, release, manifest, job, key))
    write_json(
        target.with_name(target.name + DESCRIPTION),
        {
            "bytes": target.stat().st_size,
            "sha256": file_hash(target),
            "rows": rows,
            "mark": job.mark,
            "columns": [*job.columns, MARK_COLUMN],
            "unmasked": job.unmasked,
            "made_from": {"file": job.source, "sha256": manifest["files"][job.source]["sha256"]},
        },
    )


def _kept(engine: Engine, release: Path, manifest: dict[str, Any], job: Job, key: tuple[str, ...]) -> str:
    """The view of the rows to give, before masks; what else of the release is read for it is checked against the manifest."""
    view = "released"
    if job.unmasked or job.scope or (job.hidden and job.table == "households"):
        for table in INPUTS:
            check_table(release, manifest, f"{table}.parquet")
        read_shared(engine, release)
    if job.unmasked:
        whose = f"SELECT {row_key_sql(key)} FROM released"
        view = _view(engine, "in_full", f"SELECT * FROM shared_{job.table} WHERE {row_key_sql(key)} IN ({whose})")
    columns = [row[0] for row in engine.con.execute(f"DESCRIBE {view}").fetchall()]
    if job.scope:
        read_allowed(engine, release, job.scope, job.table, job.hidden)
        view = _view(engine, "within", allowed_sql(job.table, view, is_delta="change" in columns))
    if job.hidden:
        view = _view(engine, "kept", hiding_sql(job.table, columns, job.hidden, view))
    return view


def _view(engine: Engine, name: str, select: str) -> str:
    engine.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {select}")
    return name


def _write(engine: Engine, job: Job, key: tuple[str, ...], target: Path, view: str) -> int:
    """Write the rows of ``view``, masked, in the copy's order; returns how many."""
    chosen = ", ".join(f"{shown_sql(name, job.masks.get(name))} AS {quote_name(name)}" for name in job.columns)
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE marked AS SELECT row_number() OVER (ORDER BY {order_sql(job.order_key, key)}) AS place, "
        f"{chosen}, {quote_text(job.mark)} AS {MARK_COLUMN} FROM {view}"
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
