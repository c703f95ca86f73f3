"""Copies are made beside the pages, once, kept for a while, and whoever comes too early is told when to come again."""

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from linkage.kernel.errors import LinkageError
from linkage.portal.downloads import copies
from linkage.portal.downloads.copies import Copies, Order
from linkage.portal.downloads.marks import Copy
from linkage.portal.downloads.releases import published
from tests.portal.conftest import Portal

COLUMNS = ("person_id", "full_name")


@pytest.fixture
def fresh(portal: Portal) -> Copies:
    """The installation's copies, as another process sees them."""
    return Copies(portal.state)


def order(
    portal: Portal, user: str, path: str = "slices/grid/persons.csv", columns: tuple[str, ...] = COLUMNS
) -> Order:
    release = published(portal.state)[0].name
    return Order(Copy(release, "slices/grid/persons", user), path, ".csv", "slices/grid/persons.parquet", columns)


def test_whoever_comes_too_early_is_told_to_come_again(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    release = published(portal.state)[0].name
    client = portal.client("grid_downloader")
    monkeypatch.setattr(Copies, "get", lambda *a, **k: None)
    page = client.get(f"/downloads/{release}/slices/grid/persons.csv")
    assert (page.status_code, page.headers["retry-after"]) == (202, "3")
    assert '<meta http-equiv="refresh" content="3">' in page.text
    program = client.get(f"/api/v1/releases/{release}/files/slices/grid/persons.csv")
    assert (program.status_code, program.headers["retry-after"]) == (503, "3")
    assert program.headers["content-type"] == "application/problem+json"


def test_it_is_ready_a_little_later(portal: Portal, fresh: Copies) -> None:
    wanted = order(portal, "a" * 16)
    assert fresh.get(wanted, wait_seconds=0) is None
    for _ in range(200):
        if fresh.find(wanted):
            break
        time.sleep(0.05)
    ready = fresh.get(wanted, wait_seconds=0)
    assert ready is not None
    assert ready.about["columns"] == [*COLUMNS, "copy_mark"]
    assert oct(fresh.folder.stat().st_mode)[-3:] == "700"
    assert oct(ready.file.stat().st_mode)[-3:] == "600"


def test_many_who_ask_at_once_wait_for_one_making(
    portal: Portal, fresh: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    make = Copies._make

    def counted(self: Copies, wanted: Order, file: Path) -> None:
        made.append(file)
        make(self, wanted, file)

    monkeypatch.setattr(Copies, "_make", counted)
    wanted = order(portal, "b" * 16)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: fresh.get(wanted, wait_seconds=30), range(6)))
    assert len(made) == 1
    assert len({f.about["sha256"] for f in found if f}) == 1
    assert None not in found


def test_one_user_cannot_fill_the_queue(portal: Portal, fresh: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Copies, "_make", lambda *a: time.sleep(0.2))
    for i in range(copies.QUEUED_PER_USER + 5):
        fresh.get(order(portal, "c" * 16, columns=(*COLUMNS, str(i))), wait_seconds=0)
    assert len(fresh._waiting) <= copies.QUEUED_PER_USER
    fresh.get(order(portal, "d" * 16), wait_seconds=0)
    assert any("d" * 16 in path.parts for path in fresh._waiting)


def test_a_copy_that_cannot_be_made_says_so_without_a_value(portal: Portal, fresh: Copies) -> None:
    broken = order(portal, "e" * 16, columns=("no_such_column",))
    with pytest.raises(LinkageError) as raised:
        fresh.get(broken, wait_seconds=30)
    assert "BinderException" in str(raised.value)
    assert fresh.find(broken) is None


def test_what_nobody_fetched_and_what_is_too_much_goes(
    portal: Portal, fresh: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (fresh.get(order(portal, who * 16), wait_seconds=30) for who in "fg")
    assert old is not None
    assert new is not None
    long_ago = time.time() - (copies.KEEP_DAYS + 1) * 86_400
    os.utime(old.file, (long_ago, long_ago))
    gone: Any = fresh.folder / "2020-01-01-gone" / "user" / "file"
    gone.parent.mkdir(parents=True)
    gone.write_text("x")
    fresh.prune()
    assert (old.file.exists(), new.file.exists(), gone.exists()) == (False, True, False)
    digest = old.about["sha256"]
    again = fresh.get(order(portal, "f" * 16), wait_seconds=30)
    assert again is not None
    assert again.about["sha256"] == digest
    monkeypatch.setattr(copies, "KEEP_BYTES", 0)
    fresh.prune()
    assert list(fresh.folder.rglob("*.csv")) == []


def test_the_examples_of_the_help_page_run(portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = published(portal.state)[0].name
    client = portal.client("grid_downloader")
    (tmp_path / "deltas").mkdir()
    for name in ("persons.csv", "persons.gb18030.csv", "persons.parquet", "deltas/persons.parquet"):
        (tmp_path / name).write_bytes(client.get(f"/downloads/{release}/slices/grid/{name}").content)
    monkeypatch.chdir(tmp_path)
    text = client.get("/downloads/help").text.replace("&#39;", "'").replace("&#34;", '"')
    blocks = [re.sub(r"<[^>]+>", "", block) for block in re.findall(r"<pre>(.*?)</pre>", text, re.S)]
    python, sql = blocks[0], blocks[1]
    found: dict[str, Any] = {}
    exec(python, found)
    assert isinstance(found["persons"], pd.DataFrame)
    assert found["persons"]["公民身份号码"].dropna().str.len().ge(8).all()
    con = duckdb.connect()
    con.execute(sql)
    (counted,) = con.execute("SELECT count(*) FROM persons").fetchall()
    assert counted[0] == len(found["persons"])
