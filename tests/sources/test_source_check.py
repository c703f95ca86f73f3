"""The dry run as the command line puts it together: files, archives, database views, and codes nobody knows."""

import io
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from linkage.kernel.errors import ConfigurationError
from linkage.source_check import check_source
from linkage.sources.check import render

CONFIG: dict[str, Any] = {
    "source": "civil",
    "title": {"zh": "民政", "en": "Civil affairs"},
    "owner": "数据专管员",
    "description": "测试",
    "feeds": [
        {
            "feed": "people",
            "title": {"zh": "人员", "en": "people"},
            "description": "一行一人",
            "files": ["civil/人员*.csv"],
            "columns": [
                {"column": "编号", "field": "record_id"},
                {"column": "姓名", "field": "full_name"},
                {"column": "性别", "field": "sex", "codes": {"甲": "1"}},
            ],
        }
    ],
}
ROWS = [("1", "张伟", "甲"), ("2", "李强", "Q7"), ("3", "王芳", "Q7"), ("4", "女", "赵小明")]
DATA = "\n".join(",".join(row) for row in [("编号", "姓名", "性别"), *ROWS]).encode()


def shown(tmp_path: Path, config: dict[str, Any], file: Path | None) -> str:
    path = tmp_path / "civil.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    console = Console(record=True, width=200, file=io.StringIO())
    for report in check_source(path, file):
        console.print(render(report))
    return console.export_text()


def test_unknown_codes_are_reported_with_names_masked(tmp_path: Path) -> None:
    (tmp_path / "人员.csv").write_bytes(DATA)
    text = shown(tmp_path, CONFIG, tmp_path / "人员.csv")
    assert "Q7 ×2" in text and "汉汉汉 ×1" in text
    assert "赵小明" not in text and "甲 ×" not in text


def test_members_of_an_archive_go_by_their_own_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "全部.zip", "w") as archive:
        archive.writestr("人员_甲.csv", DATA)
    assert "matches no pattern" not in shown(tmp_path, CONFIG, tmp_path / "全部.zip")


def test_a_database_view_is_tried_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(tmp_path / "office.sqlite") as database:
        database.execute("CREATE TABLE people (编号 TEXT, 姓名 TEXT, 性别 TEXT)")
        database.executemany("INSERT INTO people VALUES (?, ?, ?)", ROWS)
    monkeypatch.setenv("OFFICE_URL", f"sqlite:///{tmp_path}/office.sqlite")
    source = {"url_env": "OFFICE_URL", "query": "SELECT * FROM people"}
    config = CONFIG | {"feeds": [CONFIG["feeds"][0] | {"files": [], "database": source}]}
    text = shown(tmp_path, config, None)
    assert "accepted 4" in text and "Q7 ×2" in text and "matches no pattern" not in text


def test_without_a_file_and_without_a_view_there_is_nothing_to_try(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no database"):
        shown(tmp_path, CONFIG, None)
