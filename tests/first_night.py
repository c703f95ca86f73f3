"""A fictional district of 1,500 residents, and its first night, which trains the live model: dear, and the same for every file that begins with it."""

from datetime import date
from pathlib import Path

import pytest

from linkage.fiction.district import generate
from linkage.night import run_night
from tests.builders import REPOSITORY
from tests.once import made_once

FIRST, SECOND, THIRD = (date(2026, 3, day) for day in (2, 3, 4))


def exports_of_three_nights(factory: pytest.TempPathFactory) -> Path:
    """``night=<date>/<department>/...`` and ``truth/``. Shared: who changes anything copies it."""
    return made_once(factory, "district-1500", lambda folder: generate(1500, 3, 3, folder))


def state_after_the_first(factory: pytest.TempPathFactory) -> Path:
    """The state folder after the first night, published. Shared: who changes anything copies it."""
    exports = exports_of_three_nights(factory) / f"night={FIRST}"

    def run(folder: Path) -> None:
        run_night(exports, folder / "state", FIRST, REPOSITORY / "config", note=lambda text: None)

    return made_once(factory, "first-night-1500", run) / "state"
