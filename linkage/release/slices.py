"""Department slices: each department's part of the register as CSV (UTF-8 with BOM and GB18030), XLSX and Parquet.

A cell that a spreadsheet would run as a formula (OWASP: CSV injection) gets an apostrophe in front.
"""

import codecs
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import xlsxwriter

from linkage.kernel.contracts import contract
from linkage.kernel.engine import Engine, quote_name, quote_text
from linkage.release.sharing import SECTIONS, DepartmentSharing, SharingConfig
from linkage.release.shown import safe_sql, shown_sql

NOTICE_FIELDS = tuple(name for name in contract("notices").column_names if name != "source")
CHUNK_BYTES = 1 << 20
FIXED_TIME = datetime(2026, 1, 1)


def write_slices(engine: Engine, config: SharingConfig, folder: Path) -> dict[str, int]:
    """Write every department's slice below ``folder``, from shared_persons, shared_households, shared_notices and members; returns rows by
    path relative to it."""
    rows: dict[str, int] = {}
    for department in config.departments:
        target = folder / department.source
        target.mkdir(parents=True)
        omitted: list[str] = []
        for table in (*SECTIONS, "notices"):
            if fields := NOTICE_FIELDS if table == "notices" else department.fields(table):
                count = _write_table(engine, department, table, fields, target, config.xlsx_maximum_rows)
                written = [p.name for p in target.glob(f"{table}.*")]
                rows |= {f"{department.source}/{name}": count for name in written}
                if f"{table}.xlsx" not in written:
                    omitted.append(f"{table}.xlsx ({count:,} 行，超过 {config.xlsx_maximum_rows:,} 行不出 Excel)")
        (target / "README.txt").write_text(_readme(config, department, omitted), encoding="utf-8-sig")
    return rows


def _write_table(
    engine: Engine, department: DepartmentSharing, table: str, fields: tuple[str, ...], target: Path, xlsx_rows: int
) -> int:
    columns = ", ".join(f"{shown_sql(f, department.mask.get(f))} AS {quote_name(f)}" for f in fields)
    where = department.rows().where_sql(table)
    # In the order of the table's key, whether the department sees it or not: the same rows always give the same bytes.
    key = ", ".join(quote_name(name) for name in contract(table).key)
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE slice AS SELECT row_number() OVER (ORDER BY {key}) AS slice_row, {columns} FROM shared_{table} WHERE {where}"
    )
    engine.write_query("SELECT * EXCLUDE (slice_row) FROM slice ORDER BY slice_row", target / f"{table}.parquet")
    count: int = engine.scalar("SELECT count(*) FROM slice")
    titles = {f.name: f.zh for f in contract(table).fields}
    safe = ", ".join(f"{safe_sql(f)} AS {quote_name(titles[f])}" for f in fields)
    ordered = f"SELECT {safe} FROM slice ORDER BY slice_row"
    write_csv(engine, ordered, target / f"{table}.csv")
    if count <= xlsx_rows:
        write_xlsx(engine, ordered, [titles[f] for f in fields], target / f"{table}.xlsx")
    engine.con.execute("DROP TABLE slice")
    return count


def write_csv(engine: Engine, query: str, path: Path) -> None:
    """UTF-8 with BOM for today's spreadsheets, and a GB18030 copy for the departments' older systems."""
    plain = path.with_suffix(".tmp")
    engine.con.execute("SET preserve_insertion_order = true")
    engine.con.execute(f"COPY ({query}) TO {quote_text(plain)} (FORMAT csv, HEADER, DELIMITER ',')")
    engine.con.execute("SET preserve_insertion_order = false")
    decoder = codecs.getincrementaldecoder("utf-8")()
    with (
        plain.open("rb") as source,
        path.open("wb") as utf8,
        path.with_name(path.stem + ".gb18030.csv").open("wb") as gb18030,
    ):
        utf8.write(codecs.BOM_UTF8)
        while chunk := source.read(CHUNK_BYTES):
            utf8.write(chunk)
            gb18030.write(decoder.decode(chunk).encode("gb18030"))
    plain.unlink()


def write_xlsx(
    engine: Engine, query: str, titles: list[str], path: Path, properties: Mapping[str, str] | None = None
) -> None:
    """Every cell as text: a number of 18 digits must not become 15 digits and three zeros. ``properties``: custom document properties."""
    book = xlsxwriter.Workbook(
        str(path),
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    book.set_properties({"created": FIXED_TIME})
    for name, value in (properties or {}).items():
        book.set_custom_property(name, value)
    sheet = book.add_worksheet("数据")
    bold = book.add_format({"bold": True})
    sheet.write_row(0, 0, titles, bold)
    sheet.freeze_panes(1, 0)
    cursor = engine.con.execute(query).fetchall()
    for number, row in enumerate(cursor, start=1):
        for column, value in enumerate(row):
            if value is not None:
                sheet.write_string(number, column, value)
    book.close()


def _readme(config: SharingConfig, department: DepartmentSharing, omitted: list[str]) -> str:
    scope = (
        "本部门掌握的人员 (persons the department has a record of)"
        if department.scope == "own"
        else "全部人员 (every person)"
    )
    conditional = [
        field
        for table in SECTIONS
        for field in department.fields(table)
        if config.sharing_class(table, field) == "conditional"
    ]
    lines = [
        f"用途 purpose: {department.purpose or '仅限无条件共享内容 unconditional fields only'}",
        f"范围 scope: {scope}",
        "persons.csv, households.csv: UTF-8 (BOM);  *.gb18030.csv: GB18030;  *.parquet: English column names",
        "deltas/*.parquet: 自上次发布以来的变化 what changed since the release before (change: added, changed, ended)",
        "notices.csv: 本部门所持人员编号今夜因人工判定拆分或合并 ids you hold whose person was taken apart or merged by judgement tonight",
        "以单引号开头的单元格：原值以公式符号开头，已防护。A cell that starts with an apostrophe began with a formula sign.",
        f"有条件共享，仅限上述用途 conditional, for this purpose only: {', '.join(dict.fromkeys(conditional)) or '无 none'}",
        f"脱敏 masked: {', '.join(department.mask) or '无 none'}",
        *(f"未提供 not delivered: {name}" for name in omitted),
    ]
    return "\r\n".join(lines) + "\r\n"
