"""A reading becomes a row and, where it decides, a judgement: both in one transaction, behind the case's lock, or neither."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.state_tables import readings_table
from linkage.portal.accounts import new_id, now
from linkage.portal.desk import Desk, NotThere, Refused
from linkage.portal.review.locks import LockHeld, hold_lock, release_lock, taken_at
from linkage.portal.review.queue import Case
from linkage.portal.review.readings import (
    READINGS,
    CaseState,
    Groups,
    Reading,
    case_state,
    counting,
    settles,
    to_reading,
    write_reading,
)
from linkage.portal.review.second import is_sampled, may_read
from linkage.portal.review.verdicts import PairVerdict
from linkage.review.decisions import verdicts_of_pairs, withdraw
from linkage.review.judgements import Verdict, append_judgements, read_rows

TAKEN_BACK = "撤销自己的裁定 the reader took it back"


@dataclass(frozen=True)
class Said:
    """What a steward says of a case: the verdict, the judgements that it means, and why."""

    verdict: str
    pairs: tuple[PairVerdict, ...]
    reason: str
    groups: Groups | None = None
    pattern: str | None = None


def decide(desk: Desk, case: Case, step: str, said: Said, *, batch: str | None = None) -> Reading:
    """Record the reading ``step`` (first, second, third) of a case and return it.

    The first reading of a high-harm case becomes a judgement only with a second that agrees. Raises Refused when another steward has
    the case, or when it no longer waits for this reading.
    """
    settings, user_id = desk.settings, desk.who.user_id
    release = desk.register.release.name
    verdicts = verdicts_of_pairs(settings.state, said.pairs)
    try:
        with open_database(settings.state).begin() as connection:
            hold_lock(connection, case.case_id, user_id, settings.portal.review.lock_minutes)
            state = settles(_read_state(connection, case.case_id), case.kind, release)
            sampled = is_sampled(settings.audit, case.case_id, settings.portal.review.second_reader_percent)
            if not may_read(state, user_id, step, sampled=sampled):
                raise Refused(409, "此件已有人裁定，请看下一件。", "This case has been read by now; take the next one.")
            reading = Reading(
                reading_id=new_id(),
                case_id=case.case_id,
                case_kind=case.kind,
                records=case.records,
                release=release,
                user_id=user_id,
                kind=step,
                verdict=said.verdict,
                groups=said.groups,
                reason=said.reason,
                decision_id=_judge(desk, connection, case, state, step, said, verdicts),
                undoes=None,
                batch=batch,
                pattern=said.pattern,
                seconds=_seconds(connection, case.case_id, user_id),
                read_at=now(),
            )
            write_reading(connection, reading)
            release_lock(connection, case.case_id, user_id)
    except LockHeld:
        raise Refused(
            409, "另一位专员正在处理此件，未作裁定。", "Another steward has this case; nothing was decided."
        ) from None
    return reading


def _judge(
    desk: Desk,
    connection: sa.Connection,
    case: Case,
    state: CaseState,
    step: str,
    said: Said,
    verdicts: Sequence[Verdict],
) -> str | None:
    """Append the judgement if this reading decides; None where the case waits for another reader, or the same stands already."""
    standing = next((r for r in reversed(state.readings) if r.decision_id), None)
    if step == "first" and case.is_high_harm:
        return None
    if step == "second":
        first = state.readings[0]
        agrees = first.says == (said.verdict, frozenset(frozenset(group) for group in said.groups or ()))
        if not agrees or standing is not None:
            return None
    if step == "third" and standing is not None:
        if standing.says == (said.verdict, frozenset(frozenset(group) for group in said.groups or ())):
            return None
        verdicts = [*verdicts, *_let_go(desk, str(standing.decision_id), verdicts)]
    return append_judgements(
        desk.settings.state, verdicts, reader=desk.who.username, reason=said.reason, connection=connection
    )


def _let_go(desk: Desk, decision_id: str, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Of the pairs that the decision ``decision_id`` spoke of, those that ``verdicts`` say nothing of, left to the machine.

    Replaced, not withdrawn: when the newer decision is taken back, the older one holds again, pair by pair.
    """
    spoken = {frozenset(verdict.record_keys) for verdict in verdicts}
    left = [
        (row["record_key_l"], row["record_key_r"], row["evidence"])
        for row in read_rows(desk.settings.state, decision_id)
    ]
    return [Verdict((a, b), "unsure", evidence) for a, b, evidence in left if frozenset((a, b)) not in spoken]


def undo(desk: Desk, reading_id: str) -> Reading:
    """Take back a reading of one's own and the judgement that it became; returns what was taken back.

    Raises NotThere when it is nobody's or another's, Refused when it is taken back already or somebody has read the case since.
    """
    with open_database(desk.settings.state).begin() as connection:
        row = connection.execute(sa.select(readings_table).where(READINGS.reading_id == reading_id)).mappings().first()
        if row is None or row["user_id"] != desk.who.user_id:
            raise NotThere
        reading = to_reading(row)
    return _undo(desk, reading)


def _undo(desk: Desk, reading: Reading) -> Reading:
    settings = desk.settings
    try:
        with open_database(settings.state).begin() as connection:
            hold_lock(connection, reading.case_id, desk.who.user_id, settings.portal.review.lock_minutes)
            found = counting(_read(connection, reading.case_id))
            if reading.reading_id not in {r.reading_id for r in found}:
                raise Refused(409, "这次裁定已经撤销。", "This reading is taken back already.")
            if found[-1].reading_id != reading.reading_id:
                raise Refused(
                    409,
                    "此后已有人复核此件，不能再单独撤销；请到“待商议”提出。",
                    "Somebody has read the case since, so it cannot be taken back alone; bring it up for discussion.",
                )
            if reading.decision_id:
                _withdraw(desk, connection, reading.decision_id)
            values = {"kind": "undo", "verdict": "undo", "decision_id": None, "undoes": reading.reading_id}
            taken_back = Reading(
                **{**vars(reading), **values}
                | {"reading_id": new_id(), "groups": None, "reason": TAKEN_BACK, "seconds": None, "read_at": now()}
            )
            write_reading(connection, taken_back)
            release_lock(connection, reading.case_id, desk.who.user_id)
    except LockHeld:
        raise Refused(409, "另一位专员正在处理此件。", "Another steward has this case.") from None
    return reading


def undo_batch(desk: Desk, batch: str) -> int:
    """Take back one's own bulk decision, but for cases that somebody has read since or has open; returns how many readings.

    Raises NotThere when there is none, and Refused when none can be taken back.
    """
    with open_database(desk.settings.state).connect() as connection:
        query = sa.select(readings_table).where(READINGS.batch == batch, READINGS.user_id == desk.who.user_id)
        rows = [to_reading(row) for row in connection.execute(query).mappings()]
    left = counting(rows)
    if not left:
        raise NotThere
    undone, refused = 0, None
    for reading in left:
        try:
            _undo(desk, reading)
            undone += 1
        except Refused as error:
            refused = error
    if refused is not None and not undone:
        raise refused
    return undone


def _withdraw(desk: Desk, connection: sa.Connection, decision_id: str) -> None:
    try:
        withdraw(desk.settings.state, decision_id, reader=desk.who.username, reason=TAKEN_BACK, connection=connection)
    except ConfigurationError:
        return  # it was taken back elsewhere


def _read_state(connection: sa.Connection, case_id: str) -> CaseState:
    return case_state(_read(connection, case_id))


def _read(connection: sa.Connection, case_id: str) -> list[Reading]:
    query = sa.select(readings_table).where(READINGS.case_id == case_id)
    return [to_reading(row) for row in connection.execute(query).mappings()]


def _seconds(connection: sa.Connection, case_id: str, user_id: str) -> int | None:
    since = taken_at(connection, case_id, user_id)
    return round((now() - since).total_seconds()) if since else None
