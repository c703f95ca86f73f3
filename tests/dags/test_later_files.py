"""What a department adds while the night waits for others is taken before the night is planned, in its own time only."""

import importlib
import os
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from linkage.kernel.run import State
from linkage.night import land_source
from linkage.schedule import Places, PullWindow
from linkage.sources.landing import latest_landing
from tests.builders import REPOSITORY

NIGHT = date(2026, 3, 2)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def dag_file() -> Any:
    sys.path.insert(0, str(REPOSITORY / "dags"))
    try:
        return importlib.import_module("gridroll_night")
    finally:
        sys.path.pop(0)


def deliver(folder: Path, name: str) -> None:
    path = folder / "police" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(name.encode())
    os.utime(path, (time.time() - 3600,) * 2)


@pytest.mark.parametrize(("closes_in", "files"), [(HOUR, 3), (-HOUR, 2)], ids=["its time", "its time is up"])
def test_files_that_arrive_before_planning(
    tmp_path: Path, dag_file: Any, monkeypatch: pytest.MonkeyPatch, closes_in: timedelta, files: int
) -> None:
    places = Places(tmp_path / "exports", tmp_path / "state", REPOSITORY / "config")
    folder = places.night_folder(NIGHT)
    for name in ("户籍常住人口_20260302.csv", "流动人口登记_20260302.csv"):
        deliver(folder, name)
    land_source(folder, places.state, NIGHT, places.config, "police")
    deliver(folder, "流动人口登记_20260302_补.csv")
    now = datetime.now(UTC)
    monkeypatch.setattr(dag_file, "pull_window", lambda *about: PullWindow(now - 2 * HOUR, now + closes_in))
    dag_file.take_later_files(places, NIGHT)
    landed = latest_landing(State(places.state), NIGHT, "police")
    assert landed is not None and len(landed.files) == files
