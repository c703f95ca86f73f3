"""The audit as JSON lines, for storage elsewhere: each entry as it is bound, with its mac; checked again with the installation's key."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.errors import ConfigurationError, VerificationFailed
from linkage.kernel.run import State
from linkage.kernel.state_tables import audit_table
from linkage.portal.audit import FIRST_HEAD, Audit
from linkage.portal.audit_check import Row, check_chain
from linkage.portal.audit_head import Head

BATCH = 5_000


def export_lines(state: State, first: int = 1, last: int | None = None) -> Iterator[bytes]:
    """A line that says behind which entry the export begins, then one for each entry from ``first`` to ``last``, then one that says where
    it ends."""
    end = _end_before(state, first)
    yield _line({"begins_behind": {"seq": end.seq, "mac": end.mac}})
    while True:
        wanted = (audit_table.c.seq > end.seq) & (audit_table.c.seq <= last if last is not None else sa.true())
        query = sa.select(audit_table).where(wanted).order_by(audit_table.c.seq).limit(BATCH)
        with open_database(state).connect() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            yield _line({"seq": row.seq, "entry": row.entry, "mac": row.mac})
        if len(rows) < BATCH:
            break
        end = Head(rows[-1].seq, rows[-1].mac)
    if rows:
        end = Head(rows[-1].seq, rows[-1].mac)
    yield _line({"ends_with": {"seq": end.seq, "mac": end.mac}})


def _end_before(state: State, first: int) -> Head:
    if first <= 1:
        return FIRST_HEAD
    with open_database(state).connect() as connection:
        row = connection.execute(sa.select(audit_table).where(audit_table.c.seq == first - 1)).first()
    if row is None:
        raise ConfigurationError(
            f"The audit has no entry {first - 1}.", remedy="Begin the export at a lower number, or at the beginning."
        )
    return Head(row.seq, row.mac)


def check_export(audit: Audit, path: Path) -> tuple[int, int]:
    """Check an exported file; returns the numbers of its first and last entry. Raises VerificationFailed at the first fault, and
    ConfigurationError when it is no export."""
    with path.open(encoding="utf-8") as lines:
        parsed = (_parsed(line, path) for line in lines)
        begin = _head(next(parsed, {}).get("begins_behind"), path)
        end = begin
        says: Head | None = None
        for one in parsed:
            if says is not None:
                raise _broken(path, "has lines behind its end")
            if "ends_with" in one:
                says = _head(one["ends_with"], path)
                continue
            row: Row = (one.get("seq"), str(one.get("entry")), one.get("mac"))
            (end,) = check_chain(audit, [row], end)
    if begin.seq == 0 and begin != FIRST_HEAD:
        raise _broken(path, "has another beginning")
    if says != end:
        raise _broken(path, "is cut off")
    return begin.seq + 1, end.seq


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass") + b"\n"


def _parsed(line: str, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _broken(path, "has a line that is no JSON object")
    return found


def _head(found: Any, path: Path) -> Head:
    if not isinstance(found, dict) or set(found) != {"seq", "mac"} or not isinstance(found["seq"], int):
        raise _broken(path, "is no export of an audit, or was changed")
    return Head(found["seq"], str(found["mac"]))


def _broken(path: Path, what: str) -> VerificationFailed:
    return VerificationFailed(f"The export {path} {what}.", remedy="Take another copy of it, or export again.")
