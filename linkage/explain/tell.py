"""From an id, a record or a pair to its story: what ``linkage explain`` does, for the command line and for the portal."""

import re
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

from linkage.explain.evidence import Evidence, open_evidence
from linkage.explain.history import history, last_release_with
from linkage.explain.households import household
from linkage.explain.pair_story import Side, tell_pair
from linkage.explain.person_story import tell_person
from linkage.explain.phrases import Language
from linkage.explain.story import EndedStory, HouseholdStory, Notes, PairStory, PersonStory, Story
from linkage.explain.words import Words, read_words
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.masking import mask_number, mask_record_key
from linkage.kernel.run import State

KINDS = {PersonStory: "person", HouseholdStory: "household", EndedStory: "ended", PairStory: "pair"}
ID = re.compile("[PH][0-9A-Z]{16}")


def tell(
    state: Path,
    subject: str,
    other: str | None = None,
    *,
    release: str | None = None,
    unmasked: bool = False,
) -> Story:
    """The story of ``subject`` (a person or household id, or a record ``<source>:<record_id>``), or of the pair with ``other``.

    ``release``: as it was in that release; left out, in the current one. ``unmasked`` is for a steward's own screen only.
    Raises ConfigurationError when there is no such id, record or release.
    """
    with open_evidence(state, release) as evidence:
        notes = Notes(
            release=evidence.release.name,
            night=date.fromisoformat(evidence.manifest["night"]),
            asked=subject.strip(),
            masked=not unmasked,
            run_is_kept=evidence.run is not None,
        )
        if other is not None:
            return tell_pair(evidence, notes, _side(evidence, subject.strip()), _side(evidence, other.strip()))
        return _tell_one(evidence, notes)


def words_for(story: Story, state: Path, config_dir: Path, language: Language) -> Words:
    """What things are called in the story: as in the run it is about, or in ``config_dir`` when that is deleted."""
    run_config = State(state).runs / story.notes.release / "config"
    return read_words(run_config if run_config.is_dir() else config_dir, language)


def as_facts(story: Story) -> dict[str, Any]:
    """The story as plain values, with its ``kind``: person, household, ended or pair."""
    return {"kind": KINDS[type(story)]} | asdict(story)


def _tell_one(evidence: Evidence, notes: Notes) -> Story:
    if ":" in notes.asked:
        return tell_person(evidence, notes, _person_of(evidence, notes.asked))
    kind, successor, retired_on = _subject(evidence, notes.asked)
    notes = replace(notes, retired_on=retired_on, successor_id=successor)
    if kind == "retired" and successor is None:
        return _tell_ended(evidence, notes)
    subject = successor or notes.asked
    if kind == "household" or subject.startswith("H"):
        found = household(evidence, subject, unmasked=not notes.masked)
        return HouseholdStory(notes, found, history(evidence, subject))
    return tell_person(evidence, notes, subject)


def _tell_ended(evidence: Evidence, notes: Notes) -> EndedStory:
    kind = "household" if notes.asked.startswith("H") else "person"
    last = last_release_with(evidence, notes.asked)
    return EndedStory(notes, notes.asked, kind, last, history(evidence, notes.asked))


def _subject(evidence: Evidence, subject: str) -> tuple[str, str | None, date | None]:
    """``person``, ``household`` or ``retired``, with the successor and the date of a retired id."""
    found = evidence.rows("subject", id=subject)
    if not found:
        shown = subject if ID.fullmatch(subject) else mask_number(subject)
        raise ConfigurationError(
            f"The release {evidence.release.name} has no person, household or retired id {shown!r}.",
            remedy="Give an id as in persons.parquet (P or H and 16 characters) or a record as <source>:<record_id>; "
            "--release names another release. Identity numbers and names are not looked up.",
        )
    return str(found[0]["kind"]), found[0]["successor_id"], found[0]["retired_on"]


def _person_of(evidence: Evidence, record: str) -> str:
    source, record_id = record.split(":", 1)
    found = evidence.rows("record_person", source=source, record_id=record_id)
    if not found:
        raise ConfigurationError(
            f"The release {evidence.release.name} has no record {mask_record_key(record)}.",
            remedy="Write it as <source>:<record_id>, as in crosswalk.parquet; a record that was rejected or set aside is in the night's report.",
        )
    return str(found[0]["person_id"])


def _side(evidence: Evidence, subject: str) -> Side:
    """One side of a pair: a record, or all records of a person (of its successor, if the id is retired)."""
    if ":" in subject:
        return Side(subject, _person_of(evidence, subject), (subject,))
    kind, successor, _ = _subject(evidence, subject)
    person = successor or subject
    if kind == "household" or not person.startswith("P") or (kind == "retired" and successor is None):
        raise ConfigurationError(
            f"{subject} is no living person.",
            remedy="Give two records or two persons; linkage explain <id> tells of one.",
        )
    return Side(person, person, tuple(row["record_key"] for row in evidence.rows("person_records", id=person)))
