"""Restricting what is done with a person's data: checked here, recorded for ever, applied from the next night on."""

from dataclasses import dataclass

import pyarrow.compute as pc
import pyarrow.parquet as pq

from linkage.kernel.errors import ConfigurationError
from linkage.kernel.masking import mask_record_key
from linkage.kernel.run import State
from linkage.release.sharing import cites_a_law
from linkage.review.restrictions import append_restriction, read_restrictions


@dataclass(frozen=True)
class Restriction:
    """A recorded decision: its id, the living id of the person, and the departments that hold records of them."""

    action_id: str
    person_id: str
    departments: tuple[str, ...]


def restrict(state: State, person_id: str, action: str, *, reason: str, decided_by: str, basis: str) -> Restriction:
    """Record a decision to restrict, end or lift. Raises ConfigurationError when the person is unknown, the basis names no law
    and article, or there is nothing to lift."""
    living, departments = _find(state, person_id)
    if not cites_a_law(basis):
        raise ConfigurationError(
            f"The basis {basis!r} names no law with its article.",
            remedy="Write it like 《个人信息保护法》第四十七条: 《…法》, 《…条例》 or 国务院…决定, and the article.",
        )
    if action == "lift" and not _is_restricted(state, person_id):
        raise ConfigurationError(
            f"{person_id} is not restricted.",
            remedy="Name the id that was restricted, as `linkage restrictions` shows it.",
        )
    action_id = append_restriction(state, person_id, action, reason=reason, decided_by=decided_by, basis=basis)
    return Restriction(action_id, living, departments)


def _find(state: State, person_id: str) -> tuple[str, tuple[str, ...]]:
    """The living id behind ``person_id`` (itself, when it ended without a successor) and the departments that know the person."""
    current = state.current_release()
    if current is None:
        raise ConfigurationError("Nothing is published yet.", remedy="Run a night first.")
    retired = pq.read_table(current / "retired_ids.parquet", columns=["id", "successor_id", "kind"])
    is_asked = pc.and_(pc.equal(retired["id"], person_id), pc.equal(retired["kind"], "person"))
    leads = retired.filter(is_asked)["successor_id"].to_pylist()
    living = (leads[0] or person_id) if leads else person_id
    persons = pq.read_table(current / "persons.parquet", columns=["person_id", "sources"])
    found = persons.filter(pc.equal(persons["person_id"], living))["sources"].to_pylist()
    if not found and not leads:
        raise ConfigurationError(
            f"There is no person {mask_record_key(person_id)!r} in the current release {current.name}.",
            remedy="Give a person_id as in persons.parquet or retired_ids.parquet.",
        )
    return living, tuple(found[0]) if found else ()


def _is_restricted(state: State, person_id: str) -> bool:
    """Whether the last decision about the id is not to lift, or the current release restricts the person for another's sake."""
    decisions = [row["action"] for row in read_restrictions(state).to_pylist() if row["person_id"] == person_id]
    if decisions:
        return bool(decisions[-1] != "lift")
    current = state.current_release()
    table = current / "restricted.parquet" if current else None
    if table is None or not table.exists():
        return False
    return person_id in pq.read_table(table, columns=["person_id"])["person_id"].to_pylist()
