"""The dry run for connecting a department: what a file maps to, what it does not, why rows would be refused.

Nothing is written to disk, and values are shown by their shape only.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.errors import UnreadableInput
from linkage.kernel.masking import mask_shape
from linkage.kernel.source_config import Column, Feed, SourceConfig
from linkage.sources.claims import claimed_by_name
from linkage.sources.database import write_view
from linkage.sources.header import Mapping, find_mapping, shown_header
from linkage.sources.intake import make_incoming, take_in
from linkage.sources.readers import UnreadableMember, open_members, read_tables
from linkage.sources.rules import REMEDIES
from linkage.sources.table import RawTable

SAMPLE_ROWS = 1000
SHAPES_SHOWN = 3
UNKNOWN_CODES_SHOWN = 20
CodeQuestion = Callable[[str, str, str], str | None]


def nothing_is_unknown(feed: str, field: str, text: str) -> str | None:
    """The answer of somebody who does not know codes."""
    return None


@dataclass
class TableCheck:
    """What one table of the file would become."""

    label: str
    encoding: str
    feed: Feed | None
    mapping: Mapping | None
    name_matches: bool
    counted: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    shapes: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    unknown_codes: dict[str, Counter[str]] = field(default_factory=dict)


@dataclass
class CheckReport:
    """The dry run of one file."""

    config: SourceConfig
    file: Path
    tables: list[TableCheck]


def check_file(config: SourceConfig, file: Path, unknown_as: CodeQuestion = nothing_is_unknown) -> CheckReport:
    """Read ``file`` as the department's YAML says. Raises UnreadableInput when there is nothing to read.

    ``unknown_as(feed, field, text)`` says how a text may be shown whose code nobody knows; None for all others.
    """
    if not file.is_file():
        raise UnreadableInput(f"{file} does not exist.", remedy="Give one file as the department delivers it.")
    try:
        members = open_members(file.read_bytes(), file.name, file.name)
        tables = [(table, member) for member in members for table in read_tables(member)]
    except UnreadableMember as error:
        raise UnreadableInput(
            f"{error.label} cannot be read as a table ({error.reason}).",
            remedy="Deliver CSV, XLSX, XLS, DBF, Parquet, or a zip of these.",
        ) from None
    if not any(table.first_rows for table, _ in tables):
        raise UnreadableInput(f"{file.name} holds no rows.", remedy="Ask the department for a file with data.")
    names = [(table, (file.name, member.name)) for table, member in tables if table.first_rows]
    return CheckReport(config, file, [_check_table(config, *named, unknown_as) for named in names])


def check_view(config: SourceConfig, feed: Feed, unknown_as: CodeQuestion = nothing_is_unknown) -> CheckReport:
    """Read the feed's database view as the night would. Raises as ``write_view`` and ``check_file`` do."""
    assert feed.database is not None
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{feed.feed}.parquet"
        write_view(feed, feed.database, path)
        return check_file(config.model_copy(update={"feeds": (feed,)}), path, unknown_as)


def _check_table(config: SourceConfig, table: RawTable, names: Sequence[str], unknown_as: CodeQuestion) -> TableCheck:
    candidates = [(feed, mapping) for feed in config.feeds if (mapping := find_mapping(table.first_rows, feed))]
    if not candidates:
        return TableCheck(table.label, table.encoding, None, None, False, counted=table.count_rows_below(0))
    feed, mapping = max(candidates, key=lambda found: len(found[1].positions) - len(found[1].unknown))
    matches = feed.database is not None or any(claimed_by_name(name, [feed]) for name in names)
    check = TableCheck(
        table.label, table.encoding, feed, mapping, matches, counted=table.count_rows_below(mapping.header_row)
    )
    if "record_id" not in mapping.positions:
        check.rejects["no_header"] = check.counted
        return check
    with Engine() as engine:
        make_incoming(engine)
        intake = take_in(engine, config.source, feed, table, mapping, date.min)
        check.counted -= intake.continued_lines
        distinct = engine.scalar("SELECT count(DISTINCT trim(record_id)) FROM incoming")
        check.accepted, check.duplicates = distinct, intake.accepted - distinct
        check.rejects.update(bad.rule for bad in intake.rejects)
        for fieldname in mapping.positions:
            check.shapes[fieldname] = _shapes(engine, fieldname)
            check.unknown_codes[fieldname] = _unknown_codes(engine, feed, fieldname, unknown_as)
    return check


def _unknown_codes(engine: Engine, feed: Feed, fieldname: str, unknown_as: CodeQuestion) -> Counter[str]:
    """Rows per text that no code map knows, as the texts may be shown."""
    name = quote_name(fieldname)
    counted: Counter[str] = Counter()
    for row in engine.rows(f"SELECT {name} AS v, count(*) AS n FROM incoming WHERE {name} IS NOT NULL GROUP BY ALL"):
        if shown := unknown_as(feed.feed, fieldname, row["v"]):
            counted[shown] += row["n"]
    return counted


def _shapes(engine: Engine, fieldname: str) -> list[tuple[str, int]]:
    """The commonest shapes of a column's values."""
    values = engine.rows(
        f"SELECT {quote_name(fieldname)} AS v FROM incoming ORDER BY file, row_number LIMIT {SAMPLE_ROWS}"
    )
    counted = Counter("(空 empty)" if row["v"] is None else mask_shape(row["v"])[:40] for row in values)
    return counted.most_common(SHAPES_SHOWN)


def render(report: CheckReport) -> Group:
    """The dry run as tables for the terminal, Chinese first."""
    parts: list[object] = [f"[bold]{report.config.title.zh}[/bold] {report.config.title.en}  {report.file.name}"]
    for check in report.tables:
        parts.extend(_render_table(check))
    parts.append("只是试读，没有改动任何数据。 A dry run: nothing was changed.")
    return Group(*parts)  # type: ignore[arg-type]


def _render_table(check: TableCheck) -> list[object]:
    if check.feed is None or check.mapping is None:
        return [
            f"[red]{check.label}：找不到任何已登记表的表头，{check.counted} 行都不会接收。[/red] No known header; none of its rows would be accepted."
        ]
    mapping, feed = check.mapping, check.feed
    lines: list[object] = [
        f"{check.label}: [bold]{feed.title.zh}[/bold] ({feed.feed})  编码 encoding {check.encoding}  表头在第 {mapping.header_row} 行 header in row {mapping.header_row}"
    ]
    if not check.name_matches:
        lines.append(
            f"[yellow]文件名不符合 {', '.join(feed.files)}，夜间不会被认领。[/yellow] The name matches no pattern of the feed."
        )
    lines.append(_columns(check))
    for column in mapping.missing:
        colour = "red" if column.required else "yellow"
        lines.append(
            f"[{colour}]缺少列 missing column: {column.column}{'（必需 required）' if column.required else ''}[/{colour}]"
        )
    for name in mapping.unknown:
        lines.append(
            f"[yellow]未登记的列 unknown column: {shown_header(name) or '(空 empty)'}[/yellow]  -> 写入 columns 或 ignored"
        )
    for name, codes in check.unknown_codes.items():
        for shown, count in sorted(codes.items(), key=lambda item: (-item[1], item[0]))[:UNKNOWN_CODES_SHOWN]:
            lines.append(
                f"[yellow]{name} 未知代码 unknown code: {escape(shown)} ×{count}[/yellow]  -> 写入该列的 codes"
            )
    rejected = sum(check.rejects.values())
    lines.append(
        f"行 rows: 清点 counted {check.counted} = 接收 accepted {check.accepted} + 拒收 rejected {rejected} + 重复 duplicate {check.duplicates}"
    )
    for rule, count in check.rejects.most_common():
        zh, en = REMEDIES[rule]
        lines.append(f"  {rule} {count}: {zh} ({en})")
    return lines


def _columns(check: TableCheck) -> Table:
    assert check.feed is not None and check.mapping is not None
    table = Table(title="对应关系 what maps")
    for title in ("列 column", "字段 field", "值的样子 shapes (9 数字 a 字母)"):
        table.add_column(title)
    by_field: dict[str, Column] = {c.field: c for c in check.feed.columns if c.field}
    for name in check.mapping.positions:
        column = by_field[name].column
        synonym = check.mapping.by_synonym.get(column)
        shapes = "  ".join(f"{shape}×{count}" for shape, count in check.shapes.get(name, []))
        table.add_row(f"{synonym}（{column} 的同义词）" if synonym else column, name, shapes)
    for name in check.mapping.extra:
        table.add_row(name, "(extra)", "")
    return table
