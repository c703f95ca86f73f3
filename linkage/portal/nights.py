"""Reports of published nights, as the runs that are kept hold them."""

import json
from pathlib import Path
from typing import Any

from linkage.kernel.run import State
from linkage.release.chain import published_releases
from linkage.report.measures import MEASURES


def reported_nights(state: State) -> list[str]:
    """Published releases whose run, and with it the report, is kept; newest first."""
    names = (release.name for release in published_releases(state))
    return [name for name in names if _path(state, name).exists()]


def read_measures(state: State, release: str) -> dict[str, Any]:
    """The measures of one of ``reported_nights``."""
    measures: dict[str, Any] = json.loads(_path(state, release).read_text(encoding="utf-8"))
    return measures


def _path(state: State, release: str) -> Path:
    return state.runs / release / "report" / MEASURES
