"""Landings: read-only copies of what a department delivered for a night, each file hashed.

``state/landings/night=<date>/<source>/<sha12>/`` holds the files as they were named, and ``landing.json``. A delivery is
landed once however often it is offered; a different delivery for the same night lands beside it and the newest wins.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from linkage.kernel.errors import UnreadableInput
from linkage.kernel.run import State, commit_directory, write_json
from linkage.kernel.source_config import Database, Feed, SourceConfig
from linkage.sources.claims import claimed_by, claimed_by_name, folders_of
from linkage.sources.database import write_view
from linkage.sources.readers import LITTER, read_member_names
from linkage.sources.recurring_names import missing_files

LANDING_FILE = "landing.json"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class LandedFile:
    """One file of a landing; ``path`` is relative to the landing."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Landing:
    """One department's delivery for one night."""

    path: Path
    source: str
    night: date
    sha256: str
    sequence: int
    files: tuple[LandedFile, ...]


def land(
    exports: Path,
    state: State,
    night: date,
    config: SourceConfig,
    *,
    known_folders: Collection[str] = (),
    patient: bool = False,
) -> Landing:
    """Copy the department's files into the state.

    ``known_folders`` are the folders of all departments: files elsewhere are noted as strangers. ``patient``: the
    caller comes again, so a delivery that may still grow is not taken (see ``_refuse_unfinished``). Raises
    UnreadableInput when a table that must come every night is not there, or a file changes while it is copied.
    """
    folder = state.landings / f"night={night.isoformat()}" / config.source
    unfinished = folder / f".unfinished-{os.getpid()}"
    found = find_files(exports, config)
    _refuse_incomplete(exports, found, night, config)
    if patient:
        _refuse_unfinished(exports, found, latest_landing(state, night, config.source), config)
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        files = [_copy(path, exports, unfinished) for path in found]
        files += [_dump(feed, feed.database, unfinished) for feed in config.feeds if feed.database]
        strangers = find_strangers(exports, {*known_folders, *folders_of(config)}, config) if known_folders else []
        return _commit(unfinished, folder, config.source, night, files, strangers)
    finally:
        _remove(unfinished)


def find_files(exports: Path, config: SourceConfig) -> list[Path]:
    """Files that a feed claims, and every other file in the department's folders: an unclaimed one must be seen."""
    claimed = {path for feed in config.feeds for pattern in feed.files for path in exports.glob(pattern)}
    beside = {path for folder in folders_of(config) for path in (exports / folder).rglob("*")}
    return sorted(path for path in claimed | beside if path.is_file() and not _is_litter(path.relative_to(exports)))


def find_strangers(exports: Path, folders: Collection[str], config: SourceConfig) -> list[dict[str, Any]]:
    """Files of the night that lie in none of ``folders``: path and bytes."""
    return [
        {"path": relative.as_posix(), "bytes": path.stat().st_size}
        for path in sorted(exports.rglob("*"))
        if path.is_file()
        and not _is_litter(relative := path.relative_to(exports))
        and not any(relative.is_relative_to(folder) for folder in folders)
        and claimed_by(relative.as_posix(), config.feeds) is None
    ]


def _is_litter(relative: Path) -> bool:
    return any(part.startswith(LITTER) for part in relative.parts)


def _refuse_incomplete(exports: Path, found: Iterable[Path], night: date, config: SourceConfig) -> None:
    """Raise UnreadableInput when a table that must come every night has no file."""
    there = {feed.feed for feed in config.feeds if feed.database}
    for path in found:
        names = read_member_names(path) if path.suffix.lower() == ".zip" else []
        claims = [claimed_by(path.relative_to(exports).as_posix(), config.feeds)]
        claims += [claimed_by_name(name, config.feeds) for name in names]
        there |= {feed.feed for feed in claims if feed}
    missing = [feed for feed in config.feeds if feed.feed not in there]
    if not there or any(not feed.optional for feed in missing):
        what = "has delivered nothing" if not there else "has not delivered everything"
        wanted = "; ".join(
            f"{feed.feed} ({', '.join(feed.files)})" for feed in missing if not feed.optional or not there
        )
        raise UnreadableInput(
            f"Department {config.source!r} ({config.title.zh}) {what} for {night}: no file in {exports} for {wanted}.",
            remedy=f"Ask {config.owner}, or correct config/sources/{config.source}.yaml: the patterns, or optional: true "
            "for a table that does not come every night.",
        )


def _refuse_unfinished(exports: Path, found: Iterable[Path], before: Landing | None, config: SourceConfig) -> None:
    """Raise UnreadableInput when a file is still being written, or one that came the last time is not there yet."""
    now = time.time()
    for path in found:
        if now - path.stat().st_mtime < config.settle_seconds:
            raise UnreadableInput(
                f"{path.name} changed less than {config.settle_seconds} s ago and may still be written.",
                remedy="Come again later; settle_seconds in the department's YAML says how long a file must rest.",
            )
    paths = [path.relative_to(exports).as_posix() for path in found]
    for feed in (feed for feed in config.feeds if feed.files and feed.delivery == "full" and not feed.optional):
        last = [f.path for f in before.files if claimed_by(f.path, [feed])] if before else []
        if gone := missing_files(last, [path for path in paths if claimed_by(path, [feed])]):
            raise UnreadableInput(
                f"Feed {feed.feed}: {', '.join(gone)} came the last time and is not there yet.",
                remedy="Come again later; when the department's time is up, what is there is taken.",
            )


def latest_landing(state: State, night: date, source: str) -> Landing | None:
    """The newest landing of ``source`` for ``night`` or an earlier night."""
    nights = sorted(
        (p.name for p in state.landings.glob("night=*") if p.name <= f"night={night.isoformat()}"), reverse=True
    )
    for name in nights:
        found = _landings(state.landings / name / source)
        if found:
            return found[-1]
    return None


def landings_since(state: State, used: Path, used_night: date, until: Landing) -> list[Landing]:
    """The newest landing of each night that came after the landing ``used`` and before ``until``, oldest first."""
    nights = [date.fromisoformat(p.name.removeprefix("night=")) for p in state.landings.glob("night=*")]
    newest = [
        _landings(state.landings / f"night={night.isoformat()}" / until.source)[-1:]
        for night in sorted(nights)
        if used_night <= night <= until.night
    ]
    return [found for (found,) in filter(None, newest) if found.path not in (used, until.path)]


def _landings(folder: Path) -> list[Landing]:
    """Finished landings in ``folder``, oldest first."""
    found = [
        read_landing(path.parent) for path in folder.glob(f"*/{LANDING_FILE}") if not path.parent.name.startswith(".")
    ]
    return sorted(found, key=lambda landing: landing.sequence)


def read_landing(folder: Path) -> Landing:
    """What a finished landing holds."""
    data: dict[str, Any] = json.loads((folder / LANDING_FILE).read_text(encoding="utf-8"))
    files = tuple(LandedFile(**f) for f in data["files"])
    return Landing(folder, data["source"], date.fromisoformat(data["night"]), data["sha256"], data["sequence"], files)


def _copy(path: Path, exports: Path, target: Path) -> LandedFile:
    relative = path.relative_to(exports)
    destination = target / relative
    destination.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    before = path.stat()
    with path.open("rb") as source, destination.open("wb") as copy:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            copy.write(chunk)
    after = path.stat()
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise UnreadableInput(
            f"{relative} changed while it was copied.", remedy="Wait until the department has finished writing it."
        )
    return LandedFile(relative.as_posix(), digest.hexdigest(), destination.stat().st_size)


def _dump(feed: Feed, database: Database, target: Path) -> LandedFile:
    path = target / "database" / f"{feed.feed}.parquet"
    write_view(feed, database, path)
    return LandedFile(
        f"database/{feed.feed}.parquet", hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
    )


def _commit(
    unfinished: Path,
    folder: Path,
    source: str,
    night: date,
    files: list[LandedFile],
    strangers: list[dict[str, Any]],
) -> Landing:
    content = "".join(f"{f.path}\n{f.sha256}\n" for f in files) + "".join(f"{s['path']}\n" for s in strangers)
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    earlier = _landings(folder)
    if earlier and earlier[-1].sha256 == sha256:
        return earlier[-1]
    # The same bytes delivered again after others: they count as the newest, under a name of their own.
    sequence = earlier[-1].sequence + 1 if earlier else 1
    final = folder / (sha256[:12] if not any(e.sha256 == sha256 for e in earlier) else f"{sha256[:12]}-{sequence}")
    write_json(
        unfinished / LANDING_FILE,
        {
            "source": source,
            "night": night.isoformat(),
            "sha256": sha256,
            "sequence": sequence,
            "files": [f.__dict__ for f in files],
            "strangers": strangers,
        },
    )
    for path in unfinished.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
    commit_directory(unfinished, final)
    return Landing(final, source, night, sha256, sequence, tuple(files))


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
