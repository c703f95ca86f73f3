"""What a steward can decide: about two records or several at once, about the wrong records in a person, and that an earlier judgement was wrong."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from linkage.review.evidence import read_evidence
from linkage.review.judgements import VERDICTS, WITHDRAWN, Verdict, append_judgements, read_rows


def judge(state: State, record: str, other: str, verdict: str, *, reader: str, reason: str) -> str:
    """Record a verdict about two records of the current release and return its id. Raises ConfigurationError (see its causes
    in ``append_judgements`` and ``read_evidence``)."""
    if verdict not in VERDICTS:
        raise ConfigurationError(
            f"Verdict {verdict!r} is not known.",
            remedy=f"Use one of {', '.join(VERDICTS)}; `linkage withdraw` takes a judgement back.",
        )
    evidence = read_evidence(state, (record, other))
    verdicts = [Verdict((record, other), verdict, evidence.of_pair(record, other) if record != other else None)]
    return append_judgements(state, verdicts, reader=reader, reason=reason)


def judge_pairs(state: State, pairs: Sequence[tuple[str, str, str]], *, reader: str, reason: str) -> str:
    """Record several verdicts (record, other, verdict) as one decision and return its id.

    Raises ConfigurationError as ``judge`` does, and when there is none.
    """
    return append_judgements(state, verdicts_of_pairs(state, pairs), reader=reader, reason=reason)


def verdicts_of_pairs(state: State, pairs: Sequence[tuple[str, str, str]]) -> list[Verdict]:
    """(record, other, verdict) with what the current release shows of the records. Raises ConfigurationError as ``judge`` does."""
    if not pairs:
        raise ConfigurationError("Nothing is decided about any two records.", remedy="Name two records at least.")
    evidence = read_evidence(state, sorted({key for a, b, _ in pairs for key in (a, b)}))
    return [Verdict((a, b), verdict, evidence.of_pair(a, b)) for a, b, verdict in pairs]


def pairs_of_groups(groups: Sequence[Sequence[str]]) -> list[tuple[str, str, str]]:
    """What it means that each group of records is one person: same within each, different across.

    Raises ConfigurationError when a group is empty or a record stands twice.
    """
    records = [key for group in groups for key in group]
    if not all(groups) or len(set(records)) != len(records):
        raise ConfigurationError(
            "A group is empty, or a record stands in two groups.", remedy="Put each record into exactly one group."
        )
    place = {key: number for number, group in enumerate(groups) for key in group}
    ordered = sorted(records)
    return [
        (a, b, "same" if place[a] == place[b] else "different") for i, a in enumerate(ordered) for b in ordered[i + 1 :]
    ]


def unlink(state: State, records: Sequence[str], *, reader: str, reason: str) -> tuple[str, str, int]:
    """Take ``records`` out of their person: each is judged different from every other record of it.

    Returns the id of the decision, the person and the number of records that stay. About ``records`` among themselves nothing
    is said. Raises ConfigurationError when they are not of one person, or are all of it.
    """
    chosen = sorted(set(records))
    evidence = read_evidence(state, chosen, whole_persons=True)
    persons = {str(evidence.seen[key]["person_id"]) for key in chosen}
    if len(persons) != 1:
        raise ConfigurationError(
            f"These records are of {len(persons)} persons: {', '.join(sorted(persons))}.",
            remedy="Unlink the records of one person at a time.",
        )
    rest = [key for key in evidence.seen if key not in chosen]
    if not rest:
        raise ConfigurationError(
            f"Person {next(iter(persons))} has no other records.", remedy="Name only the records that do not belong."
        )
    verdicts = [Verdict((a, b), "different", evidence.of_pair(a, b)) for a in chosen for b in rest]
    return append_judgements(state, verdicts, reader=reader, reason=reason), persons.pop(), len(rest)


def withdraw(
    state: State, decision_id: str, *, reader: str, reason: str, connection: sa.Connection | None = None
) -> int:
    """Take back a judgement, or all of one decision, by rows of their own; returns how many were taken back. ``connection``: within
    its transaction.

    A row names the one it takes back and bears its evidence, so both always find the same records. Of the judgements about two records
    the newest that nobody took back is in force: what this one had replaced counts again; one that a newer one has replaced changes
    nothing now, and does not come back with it. Raises ConfigurationError when there is no such judgement, or all of it is taken back.
    """
    rows = [row for row in read_rows(state, decision_id) if row["verdict"] != WITHDRAWN]
    if not rows:
        raise ConfigurationError(
            f"There is no judgement {decision_id!r}.", remedy="`linkage judgements` lists them with their ids."
        )
    taken_back = {row["takes_back"] for row in read_rows(state)}
    rows = [row for row in rows if row["judgement_id"] not in taken_back]
    if not rows:
        raise ConfigurationError(
            f"Judgement {decision_id!r} is taken back already.", remedy="To decide anew, use `linkage judge`."
        )
    # Later than what it takes back, also where that was written by a clock that runs ahead.
    moment = max(
        datetime.now(UTC), *(row["decided_at"].replace(tzinfo=UTC) + timedelta(microseconds=1) for row in rows)
    )
    verdicts = [
        Verdict((row["record_key_l"], row["record_key_r"]), WITHDRAWN, row["evidence"], takes_back=row["judgement_id"])
        for row in rows
    ]
    append_judgements(state, verdicts, reader=reader, reason=reason, decided_at=moment, connection=connection)
    return len(rows)
