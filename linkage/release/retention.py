"""What is deleted by policy: old runs, landings and releases, counted in days back from a night.

Whatever its age, this stays:
- the current release, and the one of the night before it, with their runs: the next night continues them, compares with
  them, and lays delta feeds upon their raw records;
- the landings that the current release was made from, and the newest landing of every department: one that is late is
  represented by it;
- the manifest, signature and public key of every published release: the chain can be walked and verified for ever, when the
  tables, which are personal data, have outlived their term.
Every deletion is recorded in ``state/retention.jsonl``.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from linkage.kernel.run import State
from linkage.release.manifest import CHAIN_FILES, MANIFEST, read_manifest
from linkage.release.verify import night_before

LANDING_FILE = "landing.json"


def apply_retention(
    state: State, night: date, *, runs_days: int, landings_days: int, releases_days: int
) -> dict[str, Any]:
    """Delete what is older than its term in days, seen from ``night``; returns the deleted names by kind.

    ``emptied`` are published releases that lost their tables and kept their manifests.
    """
    needed = _needed_releases(state)
    published = {release.name for release in _chain(state)}
    old_releases = _older(state.releases.glob("*"), night - timedelta(days=releases_days), needed)
    deleted = {
        "runs": _delete(_older(state.runs.glob("*"), night - timedelta(days=runs_days), needed), state.runs),
        "landings": _delete(
            _older_landings(state, night - timedelta(days=landings_days), _needed_landings(state)), state.landings
        ),
        "releases": _delete([path for path in old_releases if path.name not in published], state.releases),
        "emptied": [path.name for path in old_releases if path.name in published and _empty(path)],
    }
    if any(deleted.values()):
        with (state.root / "retention.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps({"night": night.isoformat(), "deleted": deleted}, ensure_ascii=False) + "\n")
    return deleted


def _chain(state: State) -> Iterator[Path]:
    """The published releases, from the current one back along the manifests."""
    release = state.current_release()
    while release is not None and (release / MANIFEST).exists():
        yield release
        before = read_manifest(release)["previous_release"]
        release = state.releases / before if before else None


def _needed_releases(state: State) -> frozenset[str]:
    """The current release and the one of the night before it."""
    current = state.current_release()
    if current is None:
        return frozenset()
    before = night_before(state, date.fromisoformat(current.name[:10]))
    return frozenset(release.name for release in (current, before) if release is not None)


def _needed_landings(state: State) -> frozenset[str]:
    """Paths below the state folder: the inputs of the current release, and the newest landing of each department."""
    current = next(_chain(state), None)
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


def _delete(folders: list[Path], root: Path) -> list[str]:
    """Delete the folders, and what above them (below ``root``) is left empty; returns their names below ``root``."""
    for folder in folders:
        _make_writable(folder)
        shutil.rmtree(folder)
        for parent in folder.relative_to(root).parents:
            if parent.parts and not any((root / parent).iterdir()):
                (root / parent).rmdir()
    return [folder.relative_to(root).as_posix() for folder in folders]


def _empty(release: Path) -> bool:
    """Delete everything in a release but its manifest, signature and key; whether there was anything."""
    content = [path for path in release.iterdir() if path.name not in CHAIN_FILES]
    _make_writable(release)
    for path in content:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return bool(content)


def _make_writable(folder: Path) -> None:
    """Landings and releases are read-only; deleting needs the folders writable again."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
