"""Who sees which request, and what of it.

- the data office (permission ``review``) and the owning department's handlers see it whole: the value stands in the owner's own record, and
  the right one is told for that record;
- the raising department sees it as its members see the person: values under their masks;
- others who may send back, and see this value of this person (or its status, or its household), see that a request is on its way, and nothing that was written in it.
A person who is not within the viewer's rights (area, scope, restriction) hides the request with them: it is not there. A token shows no value
of a field that its scope does not name.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from linkage.kernel.engine import quote_name
from linkage.portal.corrections.fields import readable_values, shown_fields
from linkage.portal.corrections.life import Correction
from linkage.portal.corrections.outcomes import current_ids
from linkage.portal.desk import Desk, NotThere
from linkage.release.shown import shown_sql

Standing = Literal["office", "owner", "raiser", "other"]


@dataclass(frozen=True)
class Shown:
    """A request as one viewer sees it; ``None`` where a value is not shown or was not given."""

    correction: Correction
    standing: Standing
    person_id: str
    value_before: str | None
    value_proposed: str | None
    may_answer: bool
    may_withdraw: bool

    @property
    def shows_texts(self) -> bool:
        """Whether reason, basis, notes and names are shown."""
        return self.standing != "other"


def standing_of(desk: Desk, correction: Correction) -> Standing | None:
    """How the viewer stands to a request, persons apart."""
    viewer = desk.who
    if "review" in viewer.permissions:
        return "office"
    if "answer_corrections" in viewer.permissions and viewer.department == correction.owner:
        return "owner"
    if "send_back" in viewer.permissions and correction.field in shown_fields(desk):
        return "raiser" if viewer.department == correction.raised_department else "other"
    return None


def visible(desk: Desk, corrections: Iterable[Correction]) -> list[Shown]:
    """Those of ``corrections`` that the viewer may see, in their order."""
    standings = [(c, found) for c in corrections if (found := standing_of(desk, c))]
    ids = dict(
        zip(
            (c.correction_id for c, _ in standings),
            current_ids(desk.register, [c.person_id for c, _ in standings]),
            strict=True,
        )
    )
    seen = seen_persons(desk, sorted(set(ids.values())))
    return [
        _shown(desk, c, standing, ids[c.correction_id])
        for c, standing in standings
        # A person who ended without a successor is in no view any more; the office of the whole district still sees what was asked.
        if ids[c.correction_id] in seen or (standing == "office" and desk.who.area is None)
    ]


def one_visible(desk: Desk, correction: Correction) -> Shown:
    """The request as the viewer sees it, put on record. Raises NotThere when they may not."""
    found = visible(desk, [correction])
    if not found:
        raise NotThere
    desk.persons.add(found[0].person_id)
    desk.columns |= {"corrections.value_before", "corrections.value_proposed"}
    desk.rows += 1
    return found[0]


def seen_persons(desk: Desk, person_ids: Sequence[str]) -> set[str]:
    """Those of ``person_ids`` whose rows the viewer may see."""
    view = desk.view_or_none("persons")
    if view is None or not person_ids or not view.shows("person_id"):
        return set()
    only_ids = replace(view, columns={"person_id": None})
    rows = only_ids.rows(desk.register.con, "list_contains($asked, person_id)", asked=list(person_ids))
    return {row["person_id"] for row in rows}


def _shown(desk: Desk, correction: Correction, standing: Standing, person_id: str) -> Shown:
    before: str | None = correction.value_before
    proposed = correction.value_proposed
    field, fields = correction.field, readable_values(desk)
    if standing in ("raiser", "other") or (desk.who.token_id is not None and field not in fields):
        before = _masked(desk, field, fields[field], before) if field in fields else None
        proposed = _masked(desk, field, fields[field], proposed) if field in fields and standing == "raiser" else None
    is_raiser = correction.raised_by == desk.who.user_id
    return Shown(
        correction, standing, person_id, before, proposed,
        # Nobody answers what they asked themselves.
        may_answer=standing == "owner" and not is_raiser and correction.status == "open",
        may_withdraw=is_raiser and correction.status in ("open", "accepted"),
    )  # fmt: skip


def _masked(desk: Desk, field: str, mask: str | None, value: str | None) -> str | None:
    if value is None or mask is None:
        return value
    sql = f"SELECT {shown_sql(field, mask)} FROM (SELECT CAST($value AS VARCHAR) AS {quote_name(field)})"
    found = desk.register.con.execute(sql, {"value": value}).fetchone()
    return str(found[0]) if found and found[0] is not None else None
