"""The stage ``release``: an immutable, signed directory that holds the register of one night."""

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb

from linkage.kernel.config import read_config
from linkage.kernel.contracts import TableContract, contract
from linkage.kernel.engine import Engine, quote_name, quote_text, read_sql
from linkage.kernel.run import StageContext, Summary, commit_directory, write_bytes, write_json
from linkage.release.deltas import table_contract, write_deltas, write_slice_deltas
from linkage.release.manifest import (
    DERIVED,
    DERIVED_SIGNATURE,
    MANIFEST,
    PUBLIC_KEY,
    SIGNATURE,
    describe_files,
    file_hash,
    list_files,
)
from linkage.release.sharing import SharingConfig
from linkage.release.signing import public_pem, signing_key
from linkage.release.slices import write_slices

SQL_PACKAGE = "linkage.release"
# Table of the release -> (stage, table) it comes from.
TABLES = {
    "persons": ("register", "persons"),
    "households": ("register", "households"),
    "members": ("register", "members"),
    "values": ("register", "values"),
    "statements": ("register", "statements"),
    "events": ("register", "events"),
    "crosswalk": ("resolve", "links"),
    "retired_ids": ("resolve", "retired_ids"),
    "former_records": ("resolve", "former_records"),
    "former_households": ("resolve", "former_households"),
    "review_cases": ("estimate", "review_cases"),
    "judgement_status": ("resolve", "judgement_status"),
    "notices": ("resolve", "notices"),
}
RELEASE_TABLES = (*TABLES, "history", "accounting", "restricted")
ACCOUNTED = ("counted_rows", "accepted_rows", "rejected_rows", "duplicate_rows", "carried_rows")
LOOKUP = "register.duckdb"
LOOKUP_TABLES = ("persons", "households", "members", "crosswalk", "retired_ids", "events", "history", "restricted")
INDEXES = {
    "persons": ("person_id",),
    "households": ("household_id",),
    "members": ("household_id", "person_id"),
    "crosswalk": ("person_id", "record_id"),
    "retired_ids": ("id",),
    "history": ("subject_id",),
}


def run(context: StageContext) -> Summary:
    """Build ``state/releases/<run id>`` (not yet current); an unfinished one is replaced, a finished one is kept."""
    final = context.state.releases / context.run_id
    if not (final / SIGNATURE).exists():
        config = read_config(context.config_dir / "sharing.yaml", SharingConfig)
        unfinished = context.state.releases / f".{context.run_id}.unfinished"
        _remove(unfinished)
        _remove(final)
        unfinished.mkdir(parents=True)
        rows = _write_tables(context, unfinished)
        rows |= _write_restricted(context, unfinished)
        rows |= {f"slices/{name}": n for name, n in write_slices(context.engine, config, unfinished / "slices").items()}
        if context.previous_release is not None:
            rows |= write_deltas(context.engine, RELEASE_TABLES, context.previous_release, unfinished)
            rows |= write_slice_deltas(context.engine, config, context.previous_release, unfinished)
        _write_lookup(context.engine, unfinished, context.input("gate_incoming", "common_records"))
        write_json(unfinished / "datapackage.json", _datapackage(context, rows))
        _sign(context, unfinished, rows)
        for path in unfinished.rglob("*"):
            if path.is_file():
                path.chmod(0o444)
        commit_directory(unfinished, final)
    sizes = [path.stat().st_size for path in list_files(final)]
    write_json(
        context.out_dir / "release.json", {"release": context.run_id, "manifest_sha256": file_hash(final / MANIFEST)}
    )
    accounted = context.engine.rows(
        "SELECT "
        + ", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in ACCOUNTED)
        + f" FROM read_parquet({quote_text(final / 'accounting.parquet')})"
    )[0]
    restricted = context.engine.scalar(
        f"SELECT count(DISTINCT person_id) FROM read_parquet({quote_text(final / 'restricted.parquet')}) "
        f"WHERE person_id IN (SELECT person_id FROM read_parquet({quote_text(final / 'persons.parquet')}))"
    )
    return {
        "release": context.run_id,
        "files": len(sizes),
        "bytes": sum(sizes),
        "persons_restricted": restricted,
    } | accounted


def _write_tables(context: StageContext, folder: Path) -> dict[str, int]:
    """The Parquet tables; returns rows by file name."""
    engine = context.engine
    rows: dict[str, int] = {}
    for table, (stage, name) in TABLES.items():
        engine.read(table, context.input(stage, name))
        if table == "crosswalk":
            columns = ", ".join(quote_name(c) for c in contract("crosswalk").column_names)
            engine.con.execute(f"CREATE OR REPLACE TEMP VIEW crosswalk_rows AS SELECT {columns} FROM crosswalk")
            rows["crosswalk.parquet"] = engine.write_table(
                "crosswalk", folder / "crosswalk.parquet", source="crosswalk_rows"
            )
        else:
            shutil.copyfile(context.input(stage, name), folder / f"{table}.parquet")
            rows[f"{table}.parquet"] = engine.scalar(f"SELECT count(*) FROM {quote_name(table)}")
    engine.read_or_empty("previous_history", "history", context.previous_release)
    engine.run_sql(SQL_PACKAGE, "history")
    rows["history.parquet"] = engine.write_table("history", folder / "history.parquet")
    engine.read("file_accounting", context.input("sources", "file_accounting"))
    engine.read("set_aside", context.input("gate_incoming", "set_aside"))
    engine.run_sql(SQL_PACKAGE, "accounting")
    rows["accounting.parquet"] = engine.write_table(
        "file_accounting", folder / "accounting.parquet", source="accounting"
    )
    return rows


def _write_restricted(context: StageContext, folder: Path) -> dict[str, int]:
    """The table ``restricted``; leaves the views shared_persons, shared_households and shared_notices, which slices are made of."""
    engine = context.engine
    engine.read("restrictions", context.run_dir / "restrictions.parquet")
    engine.read_or_empty("previous_restricted", "restricted", context.previous_release)
    engine.read_or_empty("previous_former_records", "former_records", context.previous_release)
    engine.read("record_changes", context.input("resolve", "record_changes"))
    engine.run_sql(SQL_PACKAGE, "restricted", {"night": context.night})
    rows = engine.write_table("restricted", folder / "restricted.parquet")
    for view in ("shared_persons", "shared_households", "shared_notices"):
        engine.run_sql(SQL_PACKAGE, view)
    return {"restricted.parquet": rows}


def _write_lookup(engine: Engine, folder: Path, common_records: Path) -> None:
    """``register.duckdb``: the same tables, indexed, closed and without a write-ahead log; persons have one column more,
    ``restriction`` (restrict, end, or null), which whoever shows them to a department must heed. Besides them stand
    ``search_keys`` and ``search_addresses``, by which persons are found. Threads and memory are limited as those of
    ``engine`` are, whose own tables stay in memory meanwhile."""
    path = folder / LOOKUP
    limits = {name: engine.scalar(f"SELECT current_setting('{name}')") for name in ("threads", "memory_limit")}
    spills = Path(engine.scalar("SELECT current_setting('temp_directory')")) / "lookup"
    con = duckdb.connect(str(path), config=limits | {"temp_directory": str(spills)})
    try:
        con.execute("SET enable_progress_bar = false")
        for table in LOOKUP_TABLES:
            con.execute(
                f"CREATE TABLE {quote_name(table)} AS SELECT * FROM read_parquet({quote_text(folder / f'{table}.parquet')})"
            )
        # Of two decisions that reach one person the stronger is shown: end comes before restrict.
        con.execute("ALTER TABLE persons ADD COLUMN restriction VARCHAR")
        con.execute(
            "UPDATE persons SET restriction = r.action FROM "
            "(SELECT person_id, min(action) AS action FROM restricted GROUP BY person_id) r WHERE r.person_id = persons.person_id"
        )
        paths = {"values": str(folder / "values.parquet"), "common_records": str(common_records)}
        for statement in con.extract_statements(read_sql(SQL_PACKAGE, "search_keys")):
            bound = {name: path for name, path in paths.items() if name in statement.named_parameters}
            con.execute(statement, bound or None)
        for table, columns in INDEXES.items():
            for column in columns:
                con.execute(
                    f"CREATE INDEX {quote_name(f'{table}_{column}')} ON {quote_name(table)} ({quote_name(column)})"
                )
        con.execute("CHECKPOINT")
    finally:
        con.close()


def _sign(context: StageContext, folder: Path, rows: dict[str, int]) -> None:
    plan = json.loads((context.run_dir / "run.json").read_text(encoding="utf-8"))
    card = json.loads((context.run_dir / "model" / "card.json").read_text(encoding="utf-8"))
    previous = context.previous_release
    files = describe_files(folder, rows)
    manifest: dict[str, Any] = {
        "release": context.run_id,
        "night": context.night.isoformat(),
        "district": plan["district"],
        "files": {name: entry for name, entry in files.items() if name != LOOKUP},
        "inputs": plan["landings"],
        "model": _model_entry(context, card),
        "configuration_sha256": plan.get("configuration_sha256"),
        "judgements_sha256": plan.get("judgements_sha256"),
        "restrictions_sha256": plan.get("restrictions_sha256"),
        "code_version": plan.get("code_version"),
        "code_sha256": plan.get("code_sha256"),
        "previous_release": previous.name if previous else None,
        "previous_manifest_sha256": file_hash(previous / MANIFEST) if previous else None,
        "derived": {LOOKUP: [f"{table}.parquet" for table in (*LOOKUP_TABLES, "values")]},
    }
    derived = {"release": context.run_id, "files": {LOOKUP: files[LOOKUP]}}
    key = signing_key(context.state)
    for content, name, signature in ((manifest, MANIFEST, SIGNATURE), (derived, DERIVED, DERIVED_SIGNATURE)):
        write_json(folder / name, content)
        write_bytes(folder / signature, key.sign((folder / name).read_bytes()))
    write_bytes(folder / PUBLIC_KEY, public_pem(key.public_key()))


def _model_entry(context: StageContext, card: dict[str, Any]) -> dict[str, Any]:
    """Which model linked the night, which one the release before, and whether it was switched in between."""
    pinned = context.summary("model")
    return {
        "id": card["model_id"],
        "sha256": card["sha256"],
        "previous_id": pinned.get("previous_model_id"),
        "changed": bool(pinned.get("changed")),
    }


def _datapackage(context: StageContext, rows: dict[str, int]) -> dict[str, Any]:
    """Frictionless Data Package: every table with its fields, from the contracts."""
    tables = [(table, table_contract(table)) for table in RELEASE_TABLES]
    return {
        "name": f"gridroll-{context.run_id}".lower(),
        "title": "网格人户一本账 register of persons and households",
        "created": f"{context.night.isoformat()}T00:00:00Z",
        "profile": "data-package",
        "resources": [_resource(name, spec, rows[f"{name}.parquet"]) for name, spec in tables],
    }


FRICTIONLESS_TYPES = {
    "VARCHAR": "string",
    "DATE": "date",
    "TIMESTAMP": "datetime",
    "INTEGER": "integer",
    "BIGINT": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
}


def _resource(name: str, spec: TableContract, rows: int) -> dict[str, Any]:
    return {
        "name": name,
        "path": f"{name}.parquet",
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "title": spec.zh,
        "description": spec.en,
        "rows": rows,
        "schema": {
            "primaryKey": list(spec.key),
            "fields": [
                {
                    "name": f.name,
                    "type": FRICTIONLESS_TYPES.get(f.type, "array"),
                    "title": f.zh,
                    "description": f.en,
                    "constraints": {"required": not f.nullable},
                    "sharing": f.sharing,
                    "sensitive": f.sensitive,
                }
                | ({"standard": f.standard} if f.standard else {})
                for f in spec.fields
            ],
        },
    }


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def open_lookup(release: Path) -> duckdb.DuckDBPyConnection:
    """The release's ``register.duckdb``, read-only."""
    return duckdb.connect(str(release / LOOKUP), read_only=True)
