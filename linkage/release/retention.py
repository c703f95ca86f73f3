"""What is deleted by policy: old runs, landings and releases, counted in days back from a night.

Whatever its age, this stays:
- the current release, and the one of the night before it, with their runs: the next night continues them, compares with
  them, and lays delta feeds upon their raw records;
- the landings that the current release was made from, and the newest landing of every department: one that is late is
  represented by it;
- the manifest, signature and public key of every published release: the chain can be walked and verified for ever, when the
  tables, which are personal data, have outlived their term.
Every deletion is recorded in ``state/retention.jsonl`` before it is begun, line chained to line (``linkage.kernel.ledger``): what is
not there any more is either in the record, or was not deleted by policy, and ``linkage verify --chain`` says so.
"""

import json
import shutil
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from linkage.kernel.ledger import append_entry, read_entries
from linkage.kernel.run import State
from linkage.release.chain import is_emptied, night_before, published_releases
from linkage.release.manifest import CHAIN_FILES, read_manifest

LANDING_FILE = "landing.json"
RECORD = "retention.jsonl"


def apply_retention(
    state: State, night: date, *, runs_days: int, landings_days: int, releases_days: int
) -> dict[str, Any]:
    """Delete what is older than its term in days, seen from ``night``; returns the deleted names by kind.

    ``emptied`` are published releases that lost their tables and kept their manifests.
    """
    needed = _needed_releases(state)
    published = {release.name for release in published_releases(state)}
    old_runs = _older(state.runs.glob("*"), night - timedelta(days=runs_days), needed)
    old_landings = _older_landings(state, night - timedelta(days=landings_days), _needed_landings(state))
    old_releases = _older(state.releases.glob("*"), night - timedelta(days=releases_days), needed)
    unpublished = [path for path in old_releases if path.name not in published]
    full = [path for path in old_releases if path.name in published and not is_emptied(path)]
    deleted = {
        "runs": _names(old_runs, state.runs),
        "landings": _names(old_landings, state.landings),
        "releases": _names(unpublished, state.releases),
        "emptied": _names(full, state.releases),
    }
    if any(deleted.values()):
        terms = {"runs_days": runs_days, "landings_days": landings_days, "releases_days": releases_days}
        append_entry(state.root / RECORD, {"night": night.isoformat(), "deleted": deleted, "policy": terms})
    _delete(old_runs, state.runs)
    _delete(old_landings, state.landings)
    _delete(unpublished, state.releases)
    for release in full:
        _empty(release)
    return deleted


def emptied_by_policy(record: Path) -> frozenset[str]:
    """Published releases that lost their tables by policy. Raises VerificationFailed when the record was changed."""
    return frozenset(name for entry in read_entries(record) for name in entry["deleted"]["emptied"])


def _needed_releases(state: State) -> frozenset[str]:
    """The current release and the one of the night before it."""
    current = state.current_release()
    if current is None:
        return frozenset()
    before = night_before(state, date.fromisoformat(current.name[:10]))
    return frozenset(release.name for release in (current, before) if release is not None)


def _needed_landings(state: State) -> frozenset[str]:
    """Paths below the state folder: the inputs of the current release, and the newest landing of each department."""
    current = next(published_releases(state), None)
    inputs = read_manifest(current)["inputs"] if current else {}
    newest: dict[str, tuple[str, int, str]] = {}
    for path in state.landings.glob(f"night=*/*/*/{LANDING_FILE}"):
        found = json.loads(path.read_text(encoding="utf-8"))
        entry = (found["night"], found["sequence"], path.parent.relative_to(state.root).as_posix())
        newest[found["source"]] = max(newest.get(found["source"], entry), entry)
    return frozenset((*(entry["path"] for entry in inputs.values()), *(path for _, _, path in newest.values())))


def _older(folders: Iterable[Path], before: date, keep: frozenset[str]) -> list[Path]:
    """The folders named ``YYYY-MM-DD...`` of a date before ``before``, but for those in ``keep``."""
    return [path for path in sorted(folders) if _is_older(path.name, before) and path.name not in keep]


def _older_landings(state: State, before: date, keep: frozenset[str]) -> list[Path]:
    return [
        path
        for path in sorted(state.landings.glob("night=*/*/*"))
        if _is_older(path.relative_to(state.landings).parts[0].removeprefix("night="), before)
        and path.relative_to(state.root).as_posix() not in keep
    ]


def _is_older(name: str, before: date) -> bool:
    try:
        return date.fromisoformat(name[:10]) < before
    except ValueError:
        return False


def _names(folders: list[Path], root: Path) -> list[str]:
    return [folder.relative_to(root).as_posix() for folder in folders]


def _delete(folders: list[Path], root: Path) -> None:
    """Delete the folders, and what above them (below ``root``) is left empty."""
    for folder in folders:
        _make_writable(folder)
        shutil.rmtree(folder)
        for parent in folder.relative_to(root).parents:
            if parent.parts and not any((root / parent).iterdir()):
                (root / parent).rmdir()


def _empty(release: Path) -> None:
    """Delete everything in a release but its manifest, signature and key."""
    _make_writable(release)
    for path in release.iterdir():
        if path.name not in CHAIN_FILES:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _make_writable(folder: Path) -> None:
    """Landings and releases are read-only; deleting needs the folders writable again."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
