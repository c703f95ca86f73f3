"""What happened to a person or a household, in words; names no person and no field that the viewer does not see."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from linkage.explain.phrases import Language, field_name, speaker
from linkage.portal.desk import Desk


@dataclass(frozen=True)
class Moment:
    """What one night changed, and why."""

    night: date
    cause: str
    sentences: tuple[str, ...]


def timeline(desk: Desk, subject: str, persons: list[str], fields: Iterable[str]) -> list[Moment]:
    """Newest first. ``persons``: the person itself, or who is or was in the household; ``fields``: golden fields that are shown."""
    view = desk.view_or_none("history")
    if view is None or not {"subject_id", "kind", "related_id", "field", "night", "cause", "sequence"} <= set(
        view.columns
    ):
        return []
    rows = view.rows(
        desk.register.con, "subject_id = $subject", "ORDER BY sequence DESC, kind, related_id, field LIMIT 400",
        about=persons, subject=subject,
    )  # fmt: skip
    shown = set(fields)
    rows = [row for row in rows if row["kind"] != "field_changed" or row["field"] in shown]
    rows = _of_visible_persons(desk, rows)
    desk.saw("history", rows, view)
    language: Language = "en" if desk.language == "en" else "zh"
    say = speaker(language)
    moments = []
    for (_, night, cause), together in groupby(rows, key=lambda row: (row["sequence"], row["night"], row["cause"])):
        sentences = []
        for (kind, other), same in groupby(together, key=lambda row: (row["kind"], row["related_id"])):
            side = "_household" if kind == "ended" and subject.startswith("H") else ""
            names = say("word.comma").join(field_name(row["field"], language) for row in same if row["field"])
            sentences.append(say(f"event.{kind}{side}", subject=subject, other=other, fields=names))
        moments.append(Moment(night, say(f"cause.{cause}"), tuple(sentences)))
    return moments


def _of_visible_persons(desk: Desk, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what tells of persons whom the viewer may not see: that somebody moved in would say that they exist."""
    view = desk.view("persons")
    named = sorted({row["related_id"] for row in rows if row["related_id"].startswith("P")})
    if view.everything or not named:
        return rows
    seen = {row.get("person_id") for row in view.rows(desk.register.con, about=named)}
    return [row for row in rows if not row["related_id"].startswith("P") or row["related_id"] in seen]
