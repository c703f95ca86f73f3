"""The published releases, newest first, for choosing one: by name, or by the day that it was the register of."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from linkage.kernel.run import State
from linkage.portal.desk import Refused
from linkage.release.chain import is_emptied, publication_moments, published_releases
from linkage.release.manifest import MANIFEST, file_hash, read_manifest

WRITTEN_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Published:
    """A published release; ``published_at`` in UTC, None for one of before the record of publications."""

    path: Path
    night: date
    published_at: datetime | None
    manifest_sha256: str

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_emptied(self) -> bool:
        """Whether its tables were deleted when their term was over."""
        return is_emptied(self.path)


def published(state: State) -> tuple[Published, ...]:
    """All published releases, newest first; none before the first night. Raises VerificationFailed when the chain is broken."""
    current = state.current_release()
    return _published(state, current.name) if current else ()


@lru_cache(maxsize=8)
def _published(state: State, current: str) -> tuple[Published, ...]:
    """The chain behind ``current``: it never changes, so it is walked once."""
    moments = publication_moments(state)
    return tuple(
        Published(
            path, date.fromisoformat(read_manifest(path)["night"]), moments.get(path.name), file_hash(path / MANIFEST)
        )
        for path in published_releases(state)
    )


def named(state: State, name: str) -> Published | None:
    """The published release of this name."""
    return next((release for release in published(state) if release.name == name), None)


def register_of(state: State, day: date) -> Published | None:
    """The release that is the register of ``day`` (linkage/release/chain.py)."""
    return next((release for release in published(state) if release.night <= day), None)


def read_day(text: str) -> date:
    """A day written 2026-03-02. Raises Refused for anything else."""
    try:
        if WRITTEN_DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Refused(422, "日期请写成 2026-03-02。", "Write the date as 2026-03-02.")
