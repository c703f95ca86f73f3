"""Approvals: who made which model the live one, and which nights it counts for."""

from datetime import date
from pathlib import Path

import pytest

from linkage.kernel.errors import LinkageError, VerificationFailed
from linkage.kernel.run import State, write_json
from linkage.match.models import approve, live_model_id, read_approvals

OLD, NEW = "model-2026-03-02-aaaaaaaa", "model-2026-03-09-bbbbbbbb"


@pytest.fixture
def state(tmp_path: Path) -> State:
    """Two trained models, none approved."""
    found = State(tmp_path)
    for model_id in (OLD, NEW):
        write_json(found.models / model_id / "card.json", {"model_id": model_id, "trained_night": model_id[6:16]})
    return found


def say_yes(state: State, model_id: str, after: date, reason: str = "估计召回率更高") -> None:
    approve(state, model_id, by="王五", reason=reason, at="2026-03-10T09:00:00+00:00", after_night=after)


APPROVED = [(OLD, date(2026, 3, 2)), (NEW, date(2026, 3, 9)), (OLD, date(2026, 3, 12))]


@pytest.mark.parametrize(
    ("night", "model_id"),
    [
        (date(2026, 3, 2), None),  # it trains the first model itself
        (date(2026, 3, 3), OLD),
        (date(2026, 3, 9), OLD),  # the night had begun when the new one was approved
        (date(2026, 3, 10), NEW),
        (date(2026, 3, 12), NEW),
        (date(2026, 3, 13), OLD),  # taken back
    ],
)
def test_a_night_keeps_the_model_that_was_live_when_it_began(state: State, night: date, model_id: str | None) -> None:
    for approved, after in APPROVED:
        say_yes(state, approved, after)
    assert live_model_id(state, before=night) == model_id


def test_an_approval_says_who_when_why_and_what_it_replaces(state: State) -> None:
    say_yes(state, OLD, date(2026, 3, 2))
    say_yes(state, NEW, date(2026, 3, 9), reason=" 新增社保来源 ")
    first, second = read_approvals(state)
    assert first["replaces"] is None
    assert second == {
        "model_id": NEW,
        "trained_night": "2026-03-09",
        "after_night": "2026-03-09",
        "approved_by": "王五",
        "reason": "新增社保来源",
        "approved_at": "2026-03-10T09:00:00+00:00",
        "replaces": OLD,
        "comparison_sha256": None,
    }


def test_approvals_are_only_ever_appended(state: State) -> None:
    log = state.models / "approved.jsonl"
    written = b""
    for approved, after in APPROVED:
        say_yes(state, approved, after)
        assert log.read_bytes().startswith(written)
        written = log.read_bytes()


def test_an_approval_that_was_changed_is_found_and_half_a_line_was_never_written(state: State) -> None:
    log = state.models / "approved.jsonl"
    for approved, after in APPROVED:
        say_yes(state, approved, after)
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"model_id": "mo')
    assert len(read_approvals(state)) == len(APPROVED)
    log.write_bytes(whole.replace(NEW.encode(), OLD.encode(), 1))
    with pytest.raises(VerificationFailed, match=r"approved\.jsonl: line \d"):
        live_model_id(state, before=date(2026, 4, 1))


@pytest.mark.parametrize(("by", "reason"), [("", "因为"), ("王五", "  ")])
def test_without_name_or_reason_nothing_is_approved(state: State, by: str, reason: str) -> None:
    with pytest.raises(LinkageError, match="name of who approves and a reason"):
        approve(state, NEW, by=by, reason=reason, at="2026-03-10T09:00:00+00:00", after_night=date(2026, 3, 9))
    assert read_approvals(state) == []


def test_a_model_that_does_not_exist_is_answered_with_those_that_do(state: State) -> None:
    with pytest.raises(LinkageError, match="no model") as told:
        say_yes(state, "model-x", date(2026, 3, 9))
    assert OLD in told.value.remedy and NEW in told.value.remedy
