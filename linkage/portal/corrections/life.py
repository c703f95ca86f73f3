"""The life of a request: its statuses, which may follow which, and how they are called."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args

Status = Literal["open", "accepted", "refused", "withdrawn", "corrected", "not_corrected"]
STATUSES: tuple[Status, ...] = get_args(Status)
# A value that was given up as not corrected may still be corrected later: releases go on.
MAY_FOLLOW: dict[str, tuple[Status, ...]] = {
    "open": ("accepted", "refused", "withdrawn", "corrected"),
    "accepted": ("withdrawn", "corrected", "not_corrected"),
    "not_corrected": ("corrected",),
    "refused": (),
    "withdrawn": (),
    "corrected": (),
}
UNSETTLED: tuple[Status, ...] = ("open", "accepted")
WATCHED: tuple[Status, ...] = ("open", "accepted", "not_corrected")
ANSWERS: tuple[Status, ...] = ("accepted", "refused")
STATUS_WORDS: dict[str, tuple[str, str]] = {
    "open": ("待答复", "open"),
    "accepted": ("已受理，待更正", "accepted, to be corrected"),
    "refused": ("不予更正", "refused"),
    "withdrawn": ("已撤回", "withdrawn"),
    "corrected": ("已更正", "corrected"),
    "not_corrected": ("受理后未更正", "accepted, not corrected"),
}
REASONS: dict[str, tuple[str, str]] = {
    "typing": ("录入错误", "typed wrongly"),
    "outdated": ("情况已变，未更新", "out of date"),
    "other_person": ("是另一个人的信息", "belongs to another person"),
    "unreachable": ("无法联系或查无此处", "does not exist or cannot be reached"),
    "other": ("其他（请说明）", "other (say what)"),
}
# Notes of the steps that the register takes by itself; people write their own.
OUTCOMES: dict[str, tuple[str, str]] = {
    "as_proposed": ("总库的值已与所提一致", "the register shows the proposed value"),
    "value_changed": ("总库的值已改变", "the register shows another value"),
    "record_changed": ("归口部门的记录已改变", "the owner's record says something else"),
    "record_changed_value_stays": (
        "归口部门的记录已改变，但总库的值现由另一部门（户的归属也可能由家人）的记录提供，仍未变；可再次反馈",
        "the owner's record says something else, but another department's record (of a household perhaps the family's) still gives the value; send it back again",
    ),
    "still_the_same": ("受理后的各次发布仍是原值", "the releases since it was accepted show the same value"),
}
REGISTER = ""
"""Who takes the steps that no person takes: the outcome is read off the releases."""


@dataclass(frozen=True)
class Step:
    """One step of a request; ``at`` is UTC."""

    position: int
    status: Status
    note: str
    release: str
    due_on: date | None
    by: str
    at: datetime


@dataclass(frozen=True)
class Correction:
    """A request with its steps, oldest first. The values are personal data: show them through ``rights.py`` only."""

    correction_id: str
    person_id: str
    field: str
    release: str
    value_before: str
    value_proposed: str | None
    reason_code: str
    reason: str
    basis: str | None
    legal_basis: str
    owner: str
    record_id: str
    raised_by: str
    raised_department: str
    raised_at: datetime
    due_on: date
    steps: tuple[Step, ...]

    @property
    def status(self) -> Status:
        return self.steps[-1].status

    @property
    def answer(self) -> Step | None:
        """The owner's answer, if there is one."""
        return next((step for step in self.steps if step.status in ANSWERS), None)

    def is_overdue(self, today: date) -> bool:
        """Whether the owner should have answered before ``today``."""
        return self.status == "open" and today > self.due_on
