"""Only one process at a time: a lock that ends with the process that holds it, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from linkage.kernel.errors import LinkageError


@contextmanager
def only_one(path: Path, doing: str) -> Iterator[None]:
    """Hold the lock file ``path`` while the block runs. Raises LinkageError when another process holds it.

    The file stays; what counts is the kernel's lock on it (flock), which a killed process does not leave behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise LinkageError(
                f"Another process ({file.read().strip() or 'unknown'}) is {doing}.",
                remedy="Wait until it has finished, then run the command again: finished stages are kept.",
            ) from None
        file.truncate(0)
        file.write(f"pid {os.getpid()}\n")
        file.flush()
        yield
