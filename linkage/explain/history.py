"""What happened to an id since when, and since when a record is with its person."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import groupby
from pathlib import Path

from linkage.explain.evidence import Evidence, Row
from linkage.explain.story import Event, Since


def history(evidence: Evidence, subject: str) -> tuple[Event, ...]:
    """Events of the id ``subject`` and of others that name it, since the first release, oldest first."""
    return _grouped(evidence.rows("events", id=subject))


def _grouped(rows: list[Row]) -> tuple[Event, ...]:
    """One event for all fields that changed together for the same cause."""

    def together(row: Row) -> tuple[object, ...]:
        return (
            row["sequence"], row["night"], row["kind"], row["subject_id"], row["related_id"], row["cause"], row["cause_detail"],
        )  # fmt: skip

    found = []
    for _, group in groupby(rows, key=together):
        same = list(group)
        first = same[0]
        found.append(
            Event(
                night=first["night"],
                kind=first["kind"],
                subject_id=first["subject_id"],
                related_id=first["related_id"],
                fields=tuple(row["field"] for row in same if row["field"]),
                cause=first["cause"],
                cause_detail=first["cause_detail"],
                records=tuple(dict.fromkeys(key for row in same for key in row["records"] or ())),
            )
        )
    return tuple(found)


def since_when(evidence: Evidence, person_id: str, content_of: Mapping[str, str]) -> dict[str, Since]:
    """From which release on each record is with the person without a break, also under another number; content by record key."""
    found = dict.fromkeys(content_of, _since(evidence.release, evidence.manifest))
    waiting = {record: (record, content) for record, content in content_of.items()}
    for release, manifest in evidence.earlier():
        rows = evidence.rows_of(release, "earlier_records", id=person_id)
        earlier = {row["record_key"]: row["content"] for row in rows}
        key_of = {row["content"]: row["record_key"] for row in rows}
        for record, (key, content) in list(waiting.items()):
            before = key if earlier.get(key) == content else key_of.get(content, key)
            if before in earlier:
                waiting[record] = before, earlier[before]
                found[record] = _since(release, manifest)
            else:
                del waiting[record]
        if not waiting:
            break
    else:
        found |= {r: replace(found[r], exact=found[r].is_first_release) for r in waiting}
    return found


def _since(release: Path, manifest: Row) -> Since:
    night = date.fromisoformat(manifest["night"])
    return Since(release.name, night, is_first_release=manifest["previous_release"] is None, exact=True)


def last_release_with(evidence: Evidence, subject: str) -> str | None:
    """The newest earlier release that holds ``subject``, a person or household that ended."""
    return next((r.name for r, _ in evidence.earlier() if evidence.rows_of(r, "earlier_subject", id=subject)), None)
