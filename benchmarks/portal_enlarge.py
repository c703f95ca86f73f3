"""Make a register for load tests larger: copies of every person under new ids and with other numbers, phones and places.

    python benchmarks/portal_enlarge.py FROM_STATE TO_STATE --copies 3.34

What comes out serves look-ups alone. It is no release: it is not signed, nothing matched it, names are borne by as many more persons as there
are copies, and the run behind it is not there (so no match calls).
"""

import argparse
import json
import shutil
from pathlib import Path

import duckdb

from linkage.kernel.engine import read_sql
from linkage.release.stage import INDEXES, LOOKUP

DISTRICTS = ("西湖区", "拱墅区", "上城区", "滨江区", "萧山区", "余杭区", "临平区", "钱塘区")
AREAS = ("330106", "330105", "330102", "330108", "330109", "330110", "330113", "330114")
ID = "left({0}, 1) || upper(substr(md5({0} || $copy), 1, 16))"
CHANGED = {
    "identity_number": "CASE WHEN length(identity_number) = 18 THEN renumbered(identity_number) ELSE identity_number || $copy END",
    "phone": "left(phone, 3) || lpad(CAST((TRY_CAST(substr(phone, 4) AS BIGINT) + 12345 * $copy) % 100000000 AS VARCHAR), 8, '0')",
    "hukou_address": "moved(hukou_address)", "residence_address": "moved(residence_address)", "address": "moved(address)",
    "dwelling_code": "dwelling_code || $copy", "household_number": "household_number || $copy", "record_id": "record_id || '-' || $copy",
}  # fmt: skip
IDS = ("person_id", "household_id", "head_person_id", "subject_id")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("source", type=Path)
    asked.add_argument("target", type=Path)
    asked.add_argument("--copies", type=float, default=3.34)
    given = asked.parse_args()
    name = (given.source / "CURRENT").read_text(encoding="utf-8").strip()
    old, new = given.source / "releases" / name, given.target / "releases" / name
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for file in ("manifest.json", "review_cases.parquet", "judgement_status.parquet", "accounting.parquet"):
        shutil.copy(old / file, new / file)
    manifest = json.loads((old / "manifest.json").read_text(encoding="utf-8"))
    con = duckdb.connect(str(new / LOOKUP), config={"threads": 2, "memory_limit": "6GB"})
    for statement in con.extract_statements(read_sql("linkage.standardise", "identity_macros")):
        con.execute(statement)
    con.execute(f"ATTACH '{old / LOOKUP}' AS old (READ_ONLY)")
    con.execute(f"CREATE TEMP VIEW old_values AS FROM read_parquet('{old / 'values.parquet'}')")
    for table in ("persons", "households", "members", "crosswalk", "retired_ids", "history", "restricted"):
        _copy(con, f"old.{table}", table, given.copies)
    _copy(con, "old_values", "all_values", given.copies)
    con.execute(
        f"COPY (FROM all_values ORDER BY person_id, field) TO '{new / 'values.parquet'}' (FORMAT parquet, COMPRESSION zstd)"
    )
    con.execute("DROP TABLE all_values")
    # The names of the copies are those of the night.
    parameters = {
        "values": str(new / "values.parquet"),
        "common_records": str(given.source / "runs" / name / "gate_incoming" / "common_records.parquet"),
    }
    for statement in con.extract_statements(read_sql("linkage.release", "search_keys")):
        con.execute(statement, {k: v for k, v in parameters.items() if k in statement.named_parameters} or None)
    for table, columns in INDEXES.items():
        for column in columns:
            con.execute(f"CREATE INDEX {table}_{column} ON {table} ({column})")
    con.execute("DETACH old")
    con.execute("CHECKPOINT")
    print(
        f"{con.execute('SELECT count(*) FROM persons').fetchall()[0][0]:,} persons of district {manifest['district']}"
    )
    con.close()
    (given.target / "CURRENT").write_text(name, encoding="utf-8")


def _copy(con: duckdb.DuckDBPyConnection, source: str, target: str, copies: float) -> None:
    """All rows of ``source`` as they are, and ``copies`` - 1 times more with other ids and values."""
    con.execute(f"CREATE TABLE {target} AS FROM {source} LIMIT 0")
    columns = [row[0] for row in con.execute(f"DESCRIBE {target}").fetchall()]
    who = next((name for name in ("household_id", "person_id", "subject_id", "id") if name in columns), columns[0])
    for copy in range(int(copies + 0.999)):
        con.execute(f"CREATE OR REPLACE TEMP MACRO moved(a) AS replace(a, '西湖区', '{DISTRICTS[copy]}')")
        con.execute(
            f"CREATE OR REPLACE TEMP MACRO renumbered(n) AS '{AREAS[copy]}' || substr(n, 7, 11) || check_character(CAST('{AREAS[copy]}' || substr(n, 7, 11) AS BIGINT))"
        )
        chosen = ", ".join(_column(name, columns, copy) for name in columns)
        part = min(copies - copy, 1)
        # A household's members stay together where the last copy is one in part only; persons are spread over all of them.
        where = f"hash({who}) % 1000 < {int(part * 1000)}" if part < 1 else "true"
        con.execute(f"INSERT INTO {target} SELECT {chosen} FROM {source} WHERE {where}".replace("$copy", f"'{copy}'"))
    con.execute(f"CREATE OR REPLACE TABLE {target} AS FROM {target} ORDER BY {columns[0]}")


def _column(name: str, columns: list[str], copy: int) -> str:
    if copy == 0:
        return name
    if name in IDS:
        return f"{ID.format(name)} AS {name}"
    if name == "value" and "field" in columns:
        cases = " ".join(
            f"WHEN field = '{field}' THEN {CHANGED[field].replace(field, 'value')}"
            for field in ("identity_number", "phone", "hukou_address", "residence_address")
        )
        return f"CASE {cases} ELSE value END AS value"
    return f"{CHANGED[name]} AS {name}" if name in CHANGED else name


if __name__ == "__main__":
    main()
