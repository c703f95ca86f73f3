"""Copies that are ready, and the making of those that are not: one at a time, each in a process of its own.

``state/portal/prepared/<release>/<user>/<shape>/<path>`` keeps a copy for as long as it is wanted: what nobody fetched for a week, or what is too
much for the disk, is deleted, the longest unfetched first, and made again, the same bytes, when somebody asks.
"""

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from linkage.kernel.errors import LinkageError
from linkage.kernel.run import State
from linkage.portal.downloads.marks import MARK_COLUMN, Copy, table_of, watermark_key
from linkage.portal.downloads.prepare import DESCRIPTION, Job, job_json
from linkage.release.scope import Scope

log = logging.getLogger(__name__)
WAIT_SECONDS = 4.0
"""A request waits so long for its copy before it is told to come again."""
PATIENT_REQUESTS = 8
"""So many requests may wait at once; others are told at once to come again, so that pages never lack a thread."""
QUEUED_PER_USER = 10
"""Copies of one user that may wait to be made; who asks for more asks again later, so that others get their turn."""
KEEP_DAYS, KEEP_BYTES = 7, 50 * 10**9
LIMIT_SECONDS = 3600


@dataclass(frozen=True)
class Order:
    """A copy that somebody asks for."""

    copy: Copy
    path: str
    """Path in the release, or ``unmasked/<request>/<table>.<format>``."""
    format: str
    source: str
    columns: tuple[str, ...]
    masks: Mapping[str, str] = field(default_factory=dict)
    """Columns shown in part."""
    unmasked: bool = False
    """Whether columns without a mask come in full, as the release has them, for a granted request."""
    hidden: tuple[str, ...] = ()
    """Persons whose processing has been restricted since the release: no row of them is delivered any more."""
    scope: Scope | None = None
    """The rows given today, of a slice that has more; None: all of it."""

    @property
    def shape(self) -> str:
        """What tells copies of one file for one user apart: columns, masks and rows as they are given now."""
        given = (*self.columns, str(sorted(self.masks.items())), str(self.unmasked), *self.hidden, str(self.scope))
        return hashlib.sha256("\x1f".join(given).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Prepared:
    """A copy that is ready: where it lies and what is said of it (bytes, sha256, rows, mark, columns, made_from)."""

    file: Path
    about: dict[str, Any]


@dataclass
class Copies:
    """All copies of one installation; safe for threads."""

    state: State
    key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.key = watermark_key(self.state)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="copies")
        self._lock = threading.Lock()
        self._waiting: dict[Path, Future[None]] = {}
        self._patience = threading.BoundedSemaphore(PATIENT_REQUESTS)

    @property
    def folder(self) -> Path:
        return self.state.root / "portal" / "prepared"

    def find(self, order: Order) -> Prepared | None:
        """The copy, if it is ready."""
        file = self._file(order)
        try:
            about: dict[str, Any] = json.loads(file.with_name(file.name + DESCRIPTION).read_text(encoding="utf-8"))
            if file.stat().st_size != about["bytes"]:
                return None
        except (OSError, ValueError):
            return None
        with suppress(OSError):
            os.utime(file)
        return Prepared(file, about)

    def get(self, order: Order, *, wait_seconds: float | None = None) -> Prepared | None:
        """The copy; None when it is still being made after ``wait_seconds`` (WAIT_SECONDS). Raises LinkageError when it cannot be made."""
        if found := self.find(order):
            return found
        making = self._begin(order)
        if making is None or not self._patience.acquire(blocking=False):
            return None
        try:
            making.result(timeout=WAIT_SECONDS if wait_seconds is None else wait_seconds)
        except TimeoutError:
            return None
        finally:
            self._patience.release()
        return self.find(order)

    def make(self, order: Order) -> None:
        """Make the copy, if it is not there, behind what others wait for. Raises LinkageError when it cannot be made."""
        if not self._file(order).exists() and (making := self._begin(order)):
            making.result()

    def fetched(self, release: str, user_id: str) -> set[tuple[str, tuple[str, ...]]]:
        """Path and columns of the user's copies of a release that somebody fetched; a copy that was made ahead and left lying is none of them."""
        found = set()
        for description in (self.folder / release / user_id).rglob(f"*{DESCRIPTION}"):
            file = description.with_name(description.name.removesuffix(DESCRIPTION))
            with suppress(OSError, ValueError):
                if file.stat().st_mtime_ns > description.stat().st_mtime_ns:
                    about = json.loads(description.read_text(encoding="utf-8"))
                    shape = self.folder / release / user_id / file.relative_to(self.folder / release / user_id).parts[0]
                    found.add((file.relative_to(shape).as_posix(), tuple(about["columns"])))
        return found

    def _begin(self, order: Order) -> Future[None] | None:
        """The making of the copy, begun or joined; None when its user has too many in the queue."""
        file = self._file(order)
        with self._lock:
            making = self._waiting.get(file)
            if making is None:
                if sum(order.copy.user_id in path.parts for path in self._waiting) >= QUEUED_PER_USER:
                    return None
                making = self._worker.submit(self._make, order, file)
                self._waiting[file] = making
        making.add_done_callback(lambda _: self._forget(file))
        return making

    def _forget(self, file: Path) -> None:
        with self._lock:
            self._waiting.pop(file, None)

    def _file(self, order: Order) -> Path:
        return self.folder / order.copy.release / order.copy.user_id / order.shape / order.path

    def _make(self, order: Order, file: Path) -> None:
        self.prune()
        file.parent.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        columns = tuple(name for name in order.columns if name != MARK_COLUMN)
        job = Job(
            str(self.state.releases / order.copy.release), order.source, table_of(order.copy.stem), columns, order.format, order.copy.mark(self.key),
            order.copy.order_key(self.key), str(file), order.masks, order.unmasked, order.hidden, order.scope,
        )  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "linkage.portal.downloads.prepare"],
            input=job_json(job),
            capture_output=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            kind = (done.stderr.decode(errors="replace").strip().splitlines() or ["?"])[-1]
            log.error("a copy of %s of %s could not be made: %s", order.path, order.copy.release, kind)
            raise LinkageError(
                f"{order.path} could not be prepared ({kind}).",
                remedy="Try again; if it stays so, call the administrator: `linkage verify` tells whether the release is whole.",
            )

    def prune(self) -> None:
        """Delete copies that nobody fetched for KEEP_DAYS, the longest unfetched beyond KEEP_BYTES, and all of releases whose tables are gone."""
        for release in self.folder.glob("*"):
            if not (self.state.releases / release.name / "persons.parquet").exists():
                shutil.rmtree(release, ignore_errors=True)
        oldest, kept = time.time() - KEEP_DAYS * 86_400, 0
        described = self.folder.rglob(f"*{DESCRIPTION}")
        files = {path: path.with_name(path.name.removesuffix(DESCRIPTION)) for path in described}
        for description, file in sorted(files.items(), key=lambda pair: -_fetched_at(pair[1])):
            kept += file.stat().st_size if file.exists() else 0
            if _fetched_at(file) < oldest or kept > KEEP_BYTES:
                description.unlink(missing_ok=True)
                file.unlink(missing_ok=True)


def _fetched_at(file: Path) -> float:
    """When a copy was last fetched, seconds since 1970; 0 when it is not there."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0
