"""What a person should know about an input: each kind of signal and its sentence in Chinese and English."""

from dataclasses import dataclass

SENTENCES: dict[str, tuple[str, str]] = {
    "missing_column": ("缺少列 {value}", "column {value} is missing"),
    "renamed_column": ("列 {column} 以同义词 {value} 出现", "column {column} arrived under its synonym {value}"),
    "new_column": ("出现未登记的列 {value}，未读取", "unknown column {value}, not read"),
    "empty_file": ("文件没有数据行", "the file has no data rows"),
    "row_count_out_of_range": ("行数异常：{value}", "row count out of range: {value}"),
    "row_counts_disagree": ("清点不符：{value}", "row counts disagree: {value}"),
    "unclaimed_file": ("文件不属于任何已登记的表，未读取", "no feed claims this file; it was not read"),
    "late_source": ("部门未按时交数，沿用 {value} 的数据", "the department is late; its landing of {value} is used"),
    "unreadable_member": ("文件无法读取（{value}）", "the file cannot be read ({value})"),
    "encoding_mixed": ("{count} 行含无法解码的字节", "{count} lines hold bytes that cannot be decoded"),
    "no_header": ("找不到表头，整个文件未接收", "no header row found; nothing of the file was accepted"),
    "unread_table": (
        "{value} 没有可识别的表头，{count} 行未读取；若是数据，请部门补上表头",
        "{value} has no known header; its {count} rows were not read; if they are data, ask the department for a header",
    ),
    "file_missing": (
        "上次有此文件，这次没有，其中的记录将被当作已终止；请向部门核实",
        "this file came the last time and did not now, as if its records had ended; ask the department",
    ),
    "joined_rows": ("{count} 行被换行截断，已自动拼合", "{count} rows were cut by a line break and joined again"),
    "conflicting_duplicate": (
        "{count} 行与已接收记录编号相同而内容不同，取最后一行",
        "{count} rows repeat a record number with other content; the last one counts",
    ),
    "shared_record_number": (
        "{count} 个编号在表 {value} 中也有，其中一张表的记录会丢失；若两表各自编号，请在该部门的 YAML 中给本表写上 own_numbering: true",
        "{count} record numbers also stand in table {value}, and one of each pair is lost; if the tables number separately, write own_numbering: true for this feed in the department's YAML",
    ),
    "feed_missing": ("来源表没有任何文件", "no file of this feed arrived"),
}


@dataclass(frozen=True)
class Signal:
    """One row of the table ``signals``; ``value`` is a column name, count or kind, never personal."""

    source: str
    feed: str
    file: str
    column: str
    kind: str
    severity: str
    value: str
    count: int

    def row(self) -> tuple[str | int, ...]:
        """The signal with its two sentences, in the order of the contract."""
        zh, en = (text.format(column=self.column, value=self.value, count=self.count) for text in SENTENCES[self.kind])
        return (
            self.source,
            self.feed,
            self.file,
            self.column,
            self.kind,
            self.severity,
            self.value,
            self.count,
            zh,
            en,
        )
