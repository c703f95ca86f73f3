"""Delta files: what changed from the release before, table by table, so that whoever holds that one needs nothing else.

``deltas/<table>.parquet`` has the table's columns and ``change``: ``added`` and ``changed`` rows stand there whole, of an ``ended`` row
only its key. Applied to release n it gives release n+1, the same bytes: rows stand in key order and the same writer writes them.
"""

import filecmp
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from linkage.kernel.contracts import TableContract, contract
from linkage.kernel.engine import Engine, quote_name, quote_text
from linkage.kernel.errors import ConfigurationError, VerificationFailed
from linkage.release.manifest import MANIFEST, SIGNATURE, check_table, file_hash, read_manifest
from linkage.release.sharing import SECTIONS, SharingConfig

SQL_PACKAGE = "linkage.release"
FOLDER = "deltas"
# Tables of a release that do not bear the name of their contract.
CONTRACTS = {"accounting": "file_accounting"}


def table_contract(table: str) -> TableContract:
    """Contract of a table of a release."""
    return contract(CONTRACTS.get(table, table))


def write_deltas(engine: Engine, tables: Iterable[str], previous: Path, release: Path) -> dict[str, int]:
    """Write ``deltas/`` in ``release``: from ``previous`` to it; returns rows by path in the release."""
    rows = {}
    for table in tables:
        spec = table_contract(table)
        name = f"{FOLDER}/{table}.parquet"
        rows[name] = write_delta(
            engine,
            spec.key,
            {f.name: f.type for f in spec.fields},
            previous / f"{table}.parquet",
            release / f"{table}.parquet",
            release / name,
        )
    return rows


def write_slice_deltas(engine: Engine, config: SharingConfig, previous: Path, release: Path) -> dict[str, int]:
    """Write ``deltas/`` in every department's slice whose rows it can tell apart; returns rows by path in the release."""
    rows = {}
    for department in config.departments:
        for table in SECTIONS:
            spec, fields = contract(table), department.fields(table)
            slice_path = f"slices/{department.source}/{table}.parquet"
            if set(spec.key) <= set(fields) and (previous / slice_path).exists():
                name = f"slices/{department.source}/{FOLDER}/{table}.parquet"
                columns = {field: spec.field(field).type for field in fields}
                rows[name] = write_delta(
                    engine, spec.key, columns, previous / slice_path, release / slice_path, release / name
                )
    return rows


def write_delta(engine: Engine, key: tuple[str, ...], columns: dict[str, str], old: Path, new: Path, path: Path) -> int:
    """Write the delta from the Parquet file ``old`` to ``new`` (``columns``: type by name); returns its rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    equal = old.exists() and filecmp.cmp(old, new, shallow=False)
    _read_rows(engine, "delta_old", old, key, columns, none=equal)
    _read_rows(engine, "delta_new", new, key, columns, none=equal)
    engine.run_sql(SQL_PACKAGE, "delta")
    order = ", ".join(quote_name(name) for name in key)
    engine.write_query(f"SELECT * EXCLUDE (row_key) FROM delta ORDER BY {order}", path)
    return int(engine.scalar("SELECT count(*) FROM delta"))


def apply_deltas(engine: Engine, base: Path, following: Iterable[Path], out: Path) -> str:
    """Write into ``out`` the tables of the last release of ``following``, from those in ``base`` and the deltas alone.

    Of each following release only ``manifest.json`` and ``deltas/`` are read. Returns the name of the last one.
    Raises ConfigurationError when one does not follow or ``out`` would overwrite a release, VerificationFailed when a file is not what its
    manifest says or a table does not come out as it was released.
    """
    following = list(following)
    if (out / SIGNATURE).exists() or out.resolve() in {folder.resolve() for folder in (base, *following)}:
        raise ConfigurationError(
            f"{out} is itself a release, or one of the folders read; it would be overwritten.",
            remedy="Give --out a new folder, and put it in the place of the old one when it is complete.",
        )
    name = ""
    for step, release in enumerate(following):
        name = _apply(engine, base if step == 0 else out, release, out)
    return name


def _apply(engine: Engine, base: Path, release: Path, out: Path) -> str:
    manifest = read_manifest(release)
    _require_following(base, release, manifest)
    held = read_manifest(base)
    tables = sorted(Path(name).stem for name in manifest["files"] if Path(name).parent.as_posix() == FOLDER)
    out.mkdir(parents=True, exist_ok=True)
    for table in tables:
        spec = table_contract(table)
        columns = {f.name: f.type for f in spec.fields}
        check_table(base, held, f"{table}.parquet")
        check_table(release, manifest, f"{FOLDER}/{table}.parquet")
        _read_rows(engine, "delta_old", base / f"{table}.parquet", spec.key, columns)
        engine.con.execute(
            f"CREATE OR REPLACE TEMP TABLE delta AS SELECT *, {_key_sql(spec.key)} AS row_key "
            f"FROM read_parquet({quote_text(release / FOLDER / f'{table}.parquet')})"
        )
        engine.run_sql(SQL_PACKAGE, "applied")
        written = out / f"{table}.parquet"
        engine.write_table(spec.table, written, source="applied")
        if file_hash(written) != manifest["files"][f"{table}.parquet"]["sha256"]:
            raise VerificationFailed(
                f"{table}.parquet does not come out as in the release {release.name}.",
                remedy=f"Check that {base} and the deltas are unchanged, and use the version of gridroll that made the release; "
                "or take the whole table from the release.",
            )
    # The result can be a base in its turn.
    shutil.copyfile(release / MANIFEST, out / MANIFEST)
    return str(manifest["release"])


def _require_following(base: Path, release: Path, manifest: dict[str, Any]) -> None:
    if not (base / MANIFEST).exists():
        raise ConfigurationError(
            f"{base} has no {MANIFEST}.",
            remedy="Give the folder of a release, or one that `linkage apply-delta` wrote.",
        )
    if manifest["previous_manifest_sha256"] != file_hash(base / MANIFEST):
        raise ConfigurationError(
            f"{release.name} follows {manifest['previous_release'] or 'no release'}, not {read_manifest(base)['release']}.",
            remedy="Give every release between the two, in order.",
        )


def _read_rows(
    engine: Engine, view: str, path: Path, key: tuple[str, ...], columns: dict[str, str], *, none: bool = False
) -> None:
    """Make the rows of a table as ``view``, with row_key and hashes. What an older release did not have yet, a column or the
    whole table, is null or empty; ``none`` leaves the rows out."""
    source = f"read_parquet({quote_text(path)})"
    have = (
        {row[0] for row in engine.con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()} if path.exists() else ()
    )
    named = [
        f"CAST({quote_name(name) if name in have else 'NULL'} AS {kind}) AS {quote_name(name)}"
        for name, kind in columns.items()
    ]
    names = [quote_name(name) for name in columns]
    where = f"FROM {source}" if have else ""
    engine.con.execute(
        f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT *, {_key_sql(key)} AS row_key, hash({', '.join(names)}) AS hash_1, "
        f"hash('second', {', '.join(names)}) AS hash_2 "
        f"FROM (SELECT {', '.join(named)} {where} {'WHERE false' if none or not have else ''})"
    )


def _key_sql(key: tuple[str, ...]) -> str:
    return "struct_pack(" + ", ".join(f"{quote_name(name)} := {quote_name(name)}" for name in key) + ")"
