"""A copy says whose it is, in every format, after whatever is usually done to files; and says nothing but the truth about residents."""

import csv
import io
import json
import random
import shutil
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from linkage.cli import app
from linkage.kernel.contracts import contract
from linkage.kernel.engine import Engine
from linkage.portal.downloads.leak import read_leak
from linkage.portal.downloads.marks import MARK, MARK_COLUMN, MARK_TITLE, Copy
from linkage.portal.downloads.prepare import Job, prepare
from linkage.portal.downloads.releases import published
from linkage.portal.downloads.trace import Finding, trace
from linkage.release.manifest import file_hash
from tests.portal.conftest import Portal, add_person

Rows = list[list[str]]


@pytest.fixture(scope="module")
def two_readers(portal: Portal) -> tuple[str, str]:
    """Two downloaders of one department: their copies hold the same values."""
    for name in ("grid_one", "grid_two"):
        portal.users[name] = add_person(portal, name, "grid", ("downloader",))
    return "grid_one", "grid_two"


def take(portal: Portal, username: str, path: str, *, night: int = 0) -> bytes:
    release = published(portal.state)[night].name
    answer = portal.client(username).get(f"/downloads/{release}/{path}")
    assert answer.status_code == 200, answer.text
    return answer.content


def cells(content: bytes, encoding: str = "utf-8-sig") -> Rows:
    return list(csv.reader(io.StringIO(content.decode(encoding))))


def write_csv(path: Path, rows: Rows) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out).writerows(rows)
    return path


def found(portal: Portal, path: Path) -> list[Finding]:
    return trace(portal.state, read_leak(path))


# a copy is true


@pytest.mark.parametrize("table", ["persons", "households", "notices", "deltas/persons"])
def test_a_copy_has_the_rows_and_values_of_the_signed_slice(
    portal: Portal, two_readers: tuple[str, str], table: str
) -> None:
    release = published(portal.state)[0].path
    signed = pq.read_table(release / f"slices/grid/{table}.parquet")
    copy = pq.read_table(pa.BufferReader(take(portal, two_readers[0], f"slices/grid/{table}.parquet")))
    assert copy.column_names == [*signed.column_names, MARK_COLUMN]
    assert copy.drop_columns([MARK_COLUMN]).schema.types == signed.schema.types
    as_rows = [sorted(map(repr, t.to_pylist())) for t in (signed, copy.drop_columns([MARK_COLUMN]))]
    assert as_rows[0] == as_rows[1]


def test_all_formats_hold_the_same_rows_in_the_same_order(portal: Portal, two_readers: tuple[str, str]) -> None:
    one, stem = two_readers[0], "slices/grid/persons"
    text = cells(take(portal, one, f"{stem}.csv"))
    assert cells(take(portal, one, f"{stem}.gb18030.csv"), "gb18030") == text
    sheet = openpyxl.load_workbook(io.BytesIO(take(portal, one, f"{stem}.xlsx"))).active
    assert sheet is not None
    assert [["" if v is None else str(v) for v in row] for row in sheet.iter_rows(values_only=True)] == text
    ids = pq.read_table(pa.BufferReader(take(portal, one, f"{stem}.parquet")), columns=["person_id"])
    assert ids.column(0).to_pylist() == [row[0] for row in text[1:]]


@pytest.mark.parametrize(
    "path", ["persons.csv", "persons.gb18030.csv", "persons.xlsx", "persons.parquet", "notices.xlsx"]
)
def test_a_copy_made_again_has_the_same_bytes(portal: Portal, two_readers: tuple[str, str], path: str) -> None:
    before = take(portal, two_readers[0], f"slices/grid/{path}")
    shutil.rmtree(portal.settings.copies.folder / published(portal.state)[0].name / portal.users[two_readers[0]])
    assert take(portal, two_readers[0], f"slices/grid/{path}") == before


def test_no_two_users_get_the_same_bytes(portal: Portal, two_readers: tuple[str, str]) -> None:
    for path in ("persons.csv", "persons.xlsx", "persons.parquet", "households.csv"):
        one, two = (take(portal, who, f"slices/grid/{path}") for who in two_readers)
        assert one != two


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "　=1", "\u200b=1", "=cmd|' /C calc'!A0")


@pytest.mark.parametrize("format", [".csv", ".gb18030.csv", ".xlsx"])
def test_cells_that_a_spreadsheet_would_run_stay_protected(tmp_path: Path, format: str) -> None:
    release = tmp_path / "releases" / "2026-03-02-0000"
    (release / "slices/grid").mkdir(parents=True)
    source = "slices/grid/persons.parquet"
    table = pa.table({"person_id": [f"P{i}" for i in range(len(FORMULAS))], "full_name": list(FORMULAS)})
    pq.write_table(table, release / source)
    listed = {"files": {source: {"sha256": file_hash(release / source)}}}
    (release / "manifest.json").write_text(json.dumps(listed))
    target = tmp_path / f"persons{format}"
    job = Job(str(release), source, "persons", ("person_id", "full_name"), format, "AAAA-BBBB-CCCC", "00", str(target))
    prepare(job, tmp_path)
    if format == ".xlsx":
        sheet = openpyxl.load_workbook(target).active
        assert sheet is not None
        values = {str(row[1]) for row in sheet.iter_rows(min_row=2, values_only=True)}
        assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}
    else:
        encoding = "gb18030" if "gb18030" in format else "utf-8-sig"
        values = {row[1] for row in csv.reader(io.StringIO(target.read_bytes().decode(encoding), newline=""))} - {
            "姓名"
        }
    assert len(values) == len(FORMULAS)
    assert all(value.startswith("'") for value in values)


def test_a_slice_that_is_not_what_was_signed_is_not_copied(tmp_path: Path) -> None:
    from linkage.kernel.errors import VerificationFailed

    release = tmp_path / "releases" / "2026-03-02-0000"
    (release / "slices/grid").mkdir(parents=True)
    source = "slices/grid/persons.parquet"
    pq.write_table(pa.table({"person_id": ["P1"]}), release / source)
    (release / "manifest.json").write_text(json.dumps({"files": {source: {"sha256": "0" * 64}}}))
    job = Job(
        str(release), source, "persons", ("person_id",), ".csv", "AAAA-BBBB-CCCC", "00", str(tmp_path / "out.csv")
    )
    with pytest.raises(VerificationFailed):
        prepare(job, tmp_path)
    assert not (tmp_path / "out.csv").exists()


# a copy is found again


def whole(rows: Rows, chance: random.Random) -> Rows:
    return rows


def one_row(rows: Rows, chance: random.Random) -> Rows:
    return [rows[0], chance.choice(rows[1:])]


def shuffled_part(rows: Rows, chance: random.Random) -> Rows:
    return [rows[0], *chance.sample(rows[1:], 30)]


def sorted_by_name(rows: Rows, chance: random.Random) -> Rows:
    return [rows[0], *sorted(rows[1:], key=lambda row: row[1])]


def without_the_header(rows: Rows, chance: random.Random) -> Rows:
    return rows[1:]


def without_the_mark(rows: Rows, chance: random.Random) -> Rows:
    return [row[:-1] for row in rows]


def part_without_the_mark(rows: Rows, chance: random.Random) -> Rows:
    kept = sorted(chance.sample(range(1, len(rows)), 80))
    return [rows[0][:-1], *(rows[i][:-1] for i in kept)]


def names_and_phones_alone(rows: Rows, chance: random.Random) -> Rows:
    kept = [rows[0].index(title) for title in ("姓名", "联系电话", "出生日期")]
    return [[row[i] for i in kept] for row in rows]


def edited_without_the_mark(rows: Rows, chance: random.Random) -> Rows:
    edited = [rows[0][:-1], *([row[0], "某某", *row[2:-1]] for row in rows[1:])]
    for _ in range(len(edited) // 10):
        edited.insert(chance.randrange(1, len(edited)), edited.pop(chance.randrange(1, len(edited))))
    return edited


def shuffled_without_the_mark(rows: Rows, chance: random.Random) -> Rows:
    return [rows[0][:-1], *(row[:-1] for row in chance.sample(rows[1:], len(rows) - 1))]


def few_rows_without_the_mark(rows: Rows, chance: random.Random) -> Rows:
    return [row[:-1] for row in rows[:15]]


SURVIVES = (
    whole, one_row, shuffled_part, sorted_by_name, without_the_header, without_the_mark, part_without_the_mark, names_and_phones_alone,
    edited_without_the_mark,
)  # fmt: skip
DOES_NOT_SURVIVE = (shuffled_without_the_mark, few_rows_without_the_mark)


@pytest.mark.parametrize("done", SURVIVES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("night", [0, 1])
def test_what_the_mark_survives(
    portal: Portal, two_readers: tuple[str, str], tmp_path: Path, done: object, night: int
) -> None:
    assert callable(done)
    for who in two_readers:
        rows = cells(take(portal, who, "slices/grid/persons.csv", night=night))
        leaked = write_csv(tmp_path / f"{who}.csv", done(rows, random.Random(7)))
        best = found(portal, leaked)[0]
        expected = Copy(published(portal.state)[night].name, "slices/grid/persons", portal.users[who])
        assert best.copy == expected, best.evidence
        assert {entry["actor"] for entry in best.downloads} == {who}


@pytest.mark.parametrize("done", DOES_NOT_SURVIVE, ids=lambda f: f.__name__)
def test_what_it_does_not_survive_accuses_nobody(
    portal: Portal, two_readers: tuple[str, str], tmp_path: Path, done: object
) -> None:
    assert callable(done)
    rows = cells(take(portal, two_readers[0], "slices/grid/persons.csv"))
    assert found(portal, write_csv(tmp_path / "leaked.csv", done(rows, random.Random(7)))) == []


def test_a_signed_slice_and_a_strangers_file_accuse_nobody(portal: Portal, tmp_path: Path) -> None:
    release = published(portal.state)[0].path
    assert found(portal, release / "slices/grid/persons.csv") == []
    assert found(portal, release / "slices/grid/persons.parquet") == []
    assert found(portal, release / "slices/grid/persons.xlsx") == []
    note = tmp_path / "note.txt"
    note.write_text("ABCD-EFGH-2345 没有这个码", encoding="utf-8")
    assert found(portal, note) == []


@pytest.mark.parametrize("end", ["gb18030.csv", "xlsx", "parquet"])
def test_each_format_is_traced_in_itself(
    portal: Portal, two_readers: tuple[str, str], tmp_path: Path, end: str
) -> None:
    leaked = tmp_path / f"leaked.{end}"
    leaked.write_bytes(take(portal, two_readers[1], f"slices/grid/households.{end}"))
    best = found(portal, leaked)[0]
    assert (best.username, best.copy.stem) == (two_readers[1], "slices/grid/households")
    assert len(best.evidence) == 2


def test_a_forged_mark_is_contradicted_by_the_order(
    portal: Portal, two_readers: tuple[str, str], tmp_path: Path
) -> None:
    one, two = (cells(take(portal, who, "slices/grid/persons.csv")) for who in two_readers)
    forged = [one[0], *([*row[:-1], two[1][-1]] for row in one[1:])]
    findings = {f.username: f.evidence for f in found(portal, write_csv(tmp_path / "forged.csv", forged))}
    assert set(findings) == set(two_readers)
    assert "order" in findings[two_readers[0]][0]
    assert [line for line in findings[two_readers[1]] if "order" in line] == []


def test_the_properties_of_a_file_carry_the_mark_too(
    portal: Portal, two_readers: tuple[str, str], tmp_path: Path
) -> None:
    content = take(portal, two_readers[0], "slices/grid/persons.parquet")
    mark = pq.read_schema(pa.BufferReader(content)).metadata[MARK_COLUMN.encode()].decode()
    assert MARK.fullmatch(mark)
    book = openpyxl.load_workbook(io.BytesIO(take(portal, two_readers[0], "slices/grid/persons.xlsx")))
    assert {p.name: p.value for p in book.custom_doc_props.props} == {MARK_COLUMN: mark}
    assert cells(take(portal, two_readers[0], "slices/grid/persons.csv"))[0][-1] == MARK_TITLE


def test_the_command_and_the_auditors_page_name_the_copy(
    portal: Portal, two_readers: tuple[str, str], tmp_path: Path
) -> None:
    rows = cells(take(portal, two_readers[0], "slices/grid/persons.csv"))
    leaked = write_csv(tmp_path / "leaked.csv", rows[:40])
    done = CliRunner().invoke(app, ["trace", str(leaked), "--state", str(portal.state.root)])
    assert done.exit_code == 0
    assert "grid_one (grid)" in done.output
    assert "bytes 0-" in done.output
    nothing = write_csv(tmp_path / "nothing.csv", [["a"], ["b"]])
    assert CliRunner().invoke(app, ["trace", str(nothing), "--state", str(portal.state.root)]).exit_code == 1
    auditor = portal.client("auditor")
    answer = auditor.post("/downloads/trace", data={"mark": f" {rows[1][-1].lower()} "})
    assert "<b>grid_one</b>" in answer.text
    assert "没有这样的副本" in auditor.post("/downloads/trace", data={"mark": "ABCD-EFGH-2345"}).text
    assert auditor.post("/downloads/trace", data={"mark": "<script>"}).status_code == 422
    assert portal.client("grid_downloader").post("/downloads/trace", data={"mark": rows[1][-1]}).status_code == 403
    assert portal.settings.audit.verify() > 0


def test_the_command_verifies_a_copy(portal: Portal, two_readers: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "persons.csv"
    file.write_bytes(take(portal, two_readers[0], "slices/grid/persons.csv"))
    (tmp_path / "persons.csv.proof.json").write_bytes(
        take(portal, two_readers[0], "slices/grid/persons.csv.proof.json")
    )
    command = ["verify-copy", str(file), "--state", str(portal.state.root)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "signature of the proof" in done.output
    (tmp_path / "persons.csv.proof.json").write_bytes(
        take(portal, two_readers[1], "slices/grid/persons.csv.proof.json")
    )
    assert CliRunner().invoke(app, command).exit_code != 0


def test_the_position_in_python_is_the_one_in_sql() -> None:
    from linkage.portal.downloads.marks import order_sql, position

    with Engine() as engine:
        engine.con.execute("CREATE TABLE t AS SELECT 'P1' AS person_id, '人' AS other")
        assert engine.scalar(f"SELECT {order_sql('ab', ('person_id', 'other'))} FROM t") == position("ab", ("P1", "人"))
    assert contract("persons").key == ("person_id",)
