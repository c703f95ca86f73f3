"""What became of requests, read off the current release: a function of the release and the requests that are not settled.

Nobody says that a value was corrected; the releases show it. It may be asked again and again: what is known already adds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from linkage.kernel.run import State
from linkage.portal.corrections.life import OUTCOMES, REGISTER, WATCHED, Correction, Status
from linkage.portal.corrections.proposals import normal
from linkage.portal.corrections.store import StepRefused, read_corrections, take_step
from linkage.portal.register import Register
from linkage.release.chain import published_releases


@dataclass(frozen=True)
class Now:
    """What the current release says: the person's value, and the values that the owner's record gives."""

    golden: str | None
    record_values: tuple[str, ...]


def record_outcomes(state: State, register: Register, *, patience_releases: int) -> int:
    """Append the steps that the release shows; returns how many."""
    watched = [c for c in read_corrections(state, statuses=WATCHED) if c.release != register.release.name]
    if not watched:
        return 0
    names = [release.name for release in published_releases(state)]
    found = look_up(register, watched)
    taken = 0
    for correction in watched:
        accepted_in = correction.steps[-1].release
        since = names.index(accepted_in) if accepted_in in names else len(names)
        outcome = outcome_of(correction, found[correction.correction_id], since, patience_releases)
        if outcome is None:
            continue
        status, note = outcome
        try:
            take_step(state, correction, status, note=note, release=register.release.name, by=REGISTER)
            taken += 1
        except StepRefused:
            continue  # another process read the same release
    return taken


def outcome_of(
    correction: Correction, now: Now, releases_since: int, patience_releases: int
) -> tuple[Status, str] | None:
    """The step that ``now`` shows and its note (a key of OUTCOMES); None when nothing is settled yet."""
    field = correction.field
    before, proposed = normal(field, correction.value_before), normal(field, correction.value_proposed)
    golden = normal(field, now.golden)
    if proposed is not None and golden == proposed != before:
        return _outcome("corrected", "as_proposed")
    if before not in {normal(field, value) for value in now.record_values}:
        return _outcome("corrected", "record_changed_value_stays" if golden == before else "record_changed")
    if proposed is None and golden != before:
        return _outcome("corrected", "value_changed")
    if correction.status == "accepted" and releases_since >= patience_releases:
        return _outcome("not_corrected", "still_the_same")
    return None


def _outcome(status: Status, note: str) -> tuple[Status, str]:
    assert note in OUTCOMES
    return status, note


def look_up(register: Register, corrections: Sequence[Correction]) -> dict[str, Now]:
    """What the release says about each request, by its id. A person who was merged is looked for under the successor."""
    sql = (files("linkage.portal") / "sql" / "correction_values.sql").read_text(encoding="utf-8")
    rows = register.rows(
        sql,
        correction_ids=[c.correction_id for c in corrections],
        person_ids=current_ids(register, [c.person_id for c in corrections]),
        fields=[c.field for c in corrections],
        owners=[c.owner for c in corrections],
        record_ids=[c.record_id for c in corrections],
        values=[c.value_before for c in corrections],
    )
    return {row["correction_id"]: Now(row["golden"], tuple(row["record_values"])) for row in rows}


def current_ids(register: Register, person_ids: Sequence[str]) -> list[str]:
    """The ids under which these persons stand now, in order; one that ended without a successor stays as it is."""
    rows = register.rows(
        "SELECT id, successor_id FROM retired_ids WHERE kind = 'person' AND successor_id IS NOT NULL AND list_contains($ids, id)",
        ids=sorted(set(person_ids)),
    )
    leads_to = {row["id"]: row["successor_id"] for row in rows}
    return [leads_to.get(person_id, person_id) for person_id in person_ids]
