"""Append-only records of what was done, one JSON object a line, each with the SHA-256 of the line before it.

A line that was changed, moved or taken out of the middle breaks the chain and is found on reading. A tail that was cut off is not: whoever
reads compares what the ledger says with what is there. A line without its end was never written: the machine stopped in the middle of it.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from linkage.kernel.errors import VerificationFailed
from linkage.kernel.run import fsync_directory

LINK = "previous_sha256"


def append_entry(path: Path, entry: dict[str, Any]) -> None:
    """Append ``entry`` to the ledger ``path``; it is on the disk when this returns. Raises VerificationFailed on a broken ledger."""
    read_entries(path)
    lines = _lines(path)
    line = json.dumps(entry | {LINK: _hash(lines[-1]) if lines else None}, ensure_ascii=False, sort_keys=True)
    with path.open("r+b" if path.exists() else "wb") as file:
        file.truncate(sum(len(written) + 1 for written in lines))
        file.seek(0, os.SEEK_END)
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    fsync_directory(path.parent)


def read_entries(path: Path) -> list[dict[str, Any]]:
    """All entries, oldest first (none when there is no ledger). Raises VerificationFailed when the chain is broken.

    Entries at the beginning may lack a link: they are of before the ledgers were chained.
    """
    entries: list[dict[str, Any]] = []
    before, chained = None, False
    for number, line in enumerate(_lines(path), start=1):
        try:
            read = json.loads(line)
        except ValueError:
            read = None
        entry: dict[str, Any] = read if isinstance(read, dict) else {LINK: "unreadable"}
        chained = chained or LINK in entry
        if chained and entry.get(LINK, "missing") != before:
            raise VerificationFailed(
                f"{path}: line {number} does not follow the line before it; the record was changed.",
                remedy="Restore the file from a back-up; it is only ever appended to.",
            )
        entries.append({key: value for key, value in entry.items() if key != LINK})
        before = _hash(line)
    return entries


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
