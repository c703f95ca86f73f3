"""From a value on a page to a request: what the viewer sees of it, who owns it, and whether what they propose can be meant."""

from dataclasses import dataclass

from linkage.portal.corrections.clock import due_on, today
from linkage.portal.corrections.fields import correctable, shown_fields
from linkage.portal.corrections.life import REASONS, Correction
from linkage.portal.corrections.proposals import is_acceptable, normal
from linkage.portal.corrections.store import raise_correction
from linkage.portal.desk import Desk, Refused


@dataclass(frozen=True)
class Proposal:
    """What the viewer wrote."""

    person_id: str
    field: str
    value: str
    reason_code: str
    reason: str
    basis: str


def send_back(desk: Desk, proposal: Proposal) -> tuple[Correction, bool]:
    """Raise the request, or find the one that is on its way (then False). Raises Refused when it is not filled in, NotThere when the viewer
    does not see the value: they cannot say that it is wrong."""
    correctable(desk, proposal.person_id, proposal.field)
    desk.details["field"] = proposal.field
    value, reason, basis = proposal.value.strip(), proposal.reason.strip(), proposal.basis.strip()
    if proposal.reason_code not in REASONS or (proposal.reason_code == "other" and not reason):
        raise Refused(422, "请选择原因；选“其他”时须写明。", "Choose a reason; with “other” say which.")
    if value and not is_acceptable(proposal.field, value):
        raise Refused(
            422,
            "所提的值不是该字段可用的值，请按说明填写，或留空（户的归属一律留空，另一处住址写在说明里）。",
            "The proposed value cannot be one of this field; write it as described, or leave it empty (of a household always: say in the remarks where the person lives).",
        )
    # The owner's record number and the whole value are kept for the owner; the viewer is not shown them.
    (owned,) = desk.register.rows(
        "SELECT value, source, record_id FROM given_values WHERE person_id = $person AND field = $field AND won",
        person=proposal.person_id,
        field=proposal.field,
    )
    sees_in_full = shown_fields(desk).get(proposal.field, "hidden") is None
    # Under a mask this refusal would tell the hidden value to whoever guesses it.
    if value and sees_in_full and normal(proposal.field, value) == normal(proposal.field, owned["value"]):
        raise Refused(422, "所提的值与现值相同。", "The proposed value is the one that is shown.")
    settings = desk.settings
    raised, is_new = raise_correction(
        settings.state,
        {
            "person_id": proposal.person_id, "field": proposal.field, "release": desk.register.release.name, "value_before": owned["value"],
            "value_proposed": value or None, "reason_code": proposal.reason_code, "reason": reason, "basis": basis or None,
            "legal_basis": settings.portal.corrections.legal_basis, "owner": owned["source"], "record_id": owned["record_id"],
            "raised_by": desk.who.user_id, "raised_department": desk.who.department, "due_on": due_on(settings, today(settings)),
        },
        by=desk.who.username,
    )  # fmt: skip
    desk.details |= {"correction": raised.correction_id, "is_new": is_new, "owner": raised.owner}
    return raised, is_new
