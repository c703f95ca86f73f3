"""Landings: read-only copies of what a department delivered for a night, each file hashed.

``state/landings/night=<date>/<source>/<sha12>/`` holds the files as they were named, and ``landing.json``. A delivery is
landed once however often it is offered; a different delivery for the same night lands beside it and the newest wins.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from linkage.kernel.errors import ConfigurationError, UnreadableInput
from linkage.kernel.run import State, commit_directory, write_json
from linkage.kernel.source_config import Database, Feed, SourceConfig

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


def land(exports: Path, state: State, night: date, config: SourceConfig) -> Landing:
    """Copy the department's files into the state. Raises UnreadableInput when it delivered nothing."""
    folder = state.landings / f"night={night.isoformat()}" / config.source
    unfinished = folder / f".unfinished-{os.getpid()}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        files = [_copy(path, exports, unfinished) for path in find_files(exports, config)]
        files += [_dump(feed, feed.database, unfinished) for feed in config.feeds if feed.database]
        if not files:
            patterns = ", ".join(p for feed in config.feeds for p in feed.files)
            raise UnreadableInput(
                f"Department {config.source!r} ({config.title.zh}) delivered nothing for {night}: no file in {exports} matches {patterns}.",
                remedy=f"Ask {config.owner}, or correct the patterns in config/sources/{config.source}.yaml.",
            )
        return _commit(unfinished, folder, config.source, night, files)
    finally:
        _remove(unfinished)


def find_files(exports: Path, config: SourceConfig) -> list[Path]:
    """Files that a feed claims, and every other file beside them: an unclaimed one must be seen, not overlooked."""
    claimed = {
        path for feed in config.feeds for pattern in feed.files for path in exports.glob(pattern) if path.is_file()
    }
    beside = {
        p for folder in {path.parent for path in claimed} for p in folder.iterdir() if p.is_file() and folder != exports
    }
    return sorted(p for p in claimed | beside if not p.name.startswith((".", "~$")))


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
    found = [_read(path) for path in folder.glob(f"*/{LANDING_FILE}") if not path.parent.name.startswith(".")]
    return sorted(found, key=lambda landing: landing.sequence)


def _read(path: Path) -> Landing:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    files = tuple(LandedFile(**f) for f in data["files"])
    return Landing(
        path.parent, data["source"], date.fromisoformat(data["night"]), data["sha256"], data["sequence"], files
    )


def _copy(path: Path, exports: Path, target: Path) -> LandedFile:
    relative = path.relative_to(exports)
    destination = target / relative
    destination.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("rb") as source, destination.open("wb") as copy:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            copy.write(chunk)
    return LandedFile(relative.as_posix(), digest.hexdigest(), destination.stat().st_size)


def _dump(feed: Feed, database: Database, target: Path) -> LandedFile:
    """A database view as a Parquet file of text columns."""
    url = os.environ.get(database.url_env)
    if not url:
        raise ConfigurationError(
            f"Feed {feed.feed}: the environment variable {database.url_env} is not set.",
            remedy="Set it to the SQLAlchemy URL of the department's database.",
        )
    try:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            result = connection.execute(sa.text(database.query))
            names, rows = list(result.keys()), result.fetchall()
        engine.dispose()
    except sa.exc.SQLAlchemyError as error:
        raise UnreadableInput(
            f"Feed {feed.feed}: the database could not be read ({type(error).__name__}).",
            remedy=f"Check {database.url_env} and the query in the department's YAML.",
        ) from None
    columns = {
        n: pa.array([None if r[i] is None else str(r[i]) for r in rows], pa.string()) for i, n in enumerate(names)
    }
    path = target / "database" / f"{feed.feed}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return LandedFile(
        f"database/{feed.feed}.parquet", hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
    )


def _commit(unfinished: Path, folder: Path, source: str, night: date, files: list[LandedFile]) -> Landing:
    sha256 = hashlib.sha256("".join(f"{f.path}\n{f.sha256}\n" for f in files).encode()).hexdigest()
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


def claimed_by(path: str, feeds: Iterable[Feed]) -> Feed | None:
    """The feed whose pattern a landed path matches; database dumps are named after their feed."""
    for feed in feeds:
        if path == f"database/{feed.feed}.parquet" or any(Path(path).match(pattern) for pattern in feed.files):
            return feed
    return None
