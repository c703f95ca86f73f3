"""What is deleted by policy: old runs and landings, and releases that have outlived their term.

The current release is never deleted, nor is any landing or run that belongs to the current night.
Every deletion is recorded in ``state/retention.jsonl``.
"""

import json
import shutil
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from linkage.kernel.run import State


def apply_retention(
    state: State, night: date, *, runs_days: int, landings_days: int, releases_days: int
) -> dict[str, Any]:
    """Delete folders older than their term, counted in days back from ``night``; returns the deleted names by kind."""
    current = state.current_release()
    keep = {current.name, current.name[:10]} if current else set()
    deleted = {
        "runs": _delete_older(state.runs.glob("*"), night - timedelta(days=runs_days), keep),
        "landings": _delete_older(state.landings.glob("night=*"), night - timedelta(days=landings_days), keep),
        "releases": _delete_older(state.releases.glob("*"), night - timedelta(days=releases_days), keep),
    }
    if any(deleted.values()):
        with (state.root / "retention.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps({"night": night.isoformat(), "deleted": deleted}, ensure_ascii=False) + "\n")
    return deleted


def _delete_older(folders: Iterable[Path], before: date, keep: set[str]) -> list[str]:
    """Delete the folders whose name carries a date older than ``before``; names in ``keep`` stay."""
    deleted: list[str] = []
    for folder in sorted(folders):
        name = folder.name.removeprefix("night=")
        try:
            of_night = date.fromisoformat(name[:10])
        except ValueError:
            continue
        if of_night < before and name not in keep and name[:10] not in keep:
            _make_writable(folder)
            shutil.rmtree(folder)
            deleted.append(folder.name)
    return deleted


def _make_writable(folder: Path) -> None:
    """Landings and releases are read-only; deleting needs the folders writable again."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
