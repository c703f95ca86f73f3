"""Why a row is refused and what to do: one place for rule, remedy in Chinese and in English."""

REMEDIES: dict[str, tuple[str, str]] = {
    "cell_count": (
        "该行单元格数与表头不符，多半是内容中有未加引号的逗号或换行；请在来源系统改正后重新导出",
        "The row has more or fewer cells than the header, mostly an unquoted comma or line break; correct it at the source",
    ),
    "joined_to_previous": (
        "该行是上一行被换行截断的后半，已与上一行拼合接收；请在来源系统去掉内容中的换行",
        "The second half of the row above, cut by a line break; both were joined and accepted; remove the line break at the source",
    ),
    "unreadable_bytes": (
        "该列含无法识别的字节（乱码或空字符）；请在来源系统改正该值",
        "The column holds bytes that are no text (junk or NUL); correct the value at the source",
    ),
    "record_id_missing": (
        "记录编号为空，无法追踪该行；请补上编号",
        "The record number is empty, so the row cannot be followed; add it",
    ),
    "unclosed_quote": (
        "该行引号未闭合；请在来源系统改正引号",
        "A quote in this row is never closed; correct it at the source",
    ),
    "note_row": (
        "表尾合计或说明行，不是数据，无需处理",
        "A total or a note below the table, not data; nothing to do",
    ),
    "repeated_header": (
        "该行重复了表头，不是数据；多半由多个文件拼接而成，无需处理",
        "The header once more, not data, mostly because files were glued together; nothing to do",
    ),
    "no_header": (
        "文件中找不到表头；请核对文件是否正确，或在该部门的 YAML 中补充列名同义词",
        "No header row was found; check that it is the right file, or add column synonyms to the department's YAML",
    ),
}
