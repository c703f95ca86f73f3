"""Which feed a file belongs to: by its path below the night's folder, or, inside an archive, by the member's own name."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from linkage.kernel.source_config import Feed, SourceConfig


def claimed_by(path: str, feeds: Iterable[Feed]) -> Feed | None:
    """The feed whose pattern a landed path matches; database dumps are named after their feed."""
    for feed in feeds:
        if path == f"database/{feed.feed}.parquet" or any(PurePosixPath(path).match(p) for p in feed.files):
            return feed
    return None


def claimed_by_name(name: str, feeds: Iterable[Feed]) -> Feed | None:
    """The feed one of whose patterns fits the file name ``name``, wherever it stands."""
    for feed in feeds:
        if any(fnmatchcase(PurePosixPath(name).name, PurePosixPath(pattern).name) for pattern in feed.files):
            return feed
    return None


def folders_of(config: SourceConfig) -> frozenset[str]:
    """The department's folders below the night's folder, e.g. ``police``: all it delivers is looked for there."""
    parents = {PurePosixPath(pattern).parent for feed in config.feeds for pattern in feed.files}
    plain = {_before_wildcard(parent) for parent in parents}
    return frozenset(str(folder) for folder in plain if folder.parts)


def _before_wildcard(folder: PurePosixPath) -> PurePosixPath:
    parts = folder.parts
    wild = next((i for i, part in enumerate(parts) if set(part) & set("*?[")), len(parts))
    return PurePosixPath(*parts[:wild])
