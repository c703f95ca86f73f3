"""Match call: give a record, get the person or candidates, each with the weight that the night would give."""

import json
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from linkage.explain.pairs import thresholds
from linkage.match.config import gamma_of
from linkage.match.given_record import GIVEN_KEY, RecordMatcher, make_record_index
from linkage.portal.desk import Desk, Refused
from linkage.portal.people.given import GIVEN, Night, read_given
from linkage.portal.people.granted import granted
from linkage.portal.people.guessing import counted
from linkage.portal.people.keys import hits
from linkage.portal.people.reader import reader
from linkage.portal.people.search import sees_records_of
from linkage.portal.views import View

Side = Literal["join", "review", "below", "kept_apart"]
# What may be given -> golden field that the viewer must see: a comparison tells whether the other side has the same value.
FIELDS: dict[str, str] = {
    "identity_number": "identity_number", "full_name": "full_name", "former_name": "former_name", "birth_date": "birth_date", "sex": "sex",
    "phone": "phone", "residence_address": "residence_address", "hukou_address": "hukou_address", "dwelling_code": "dwelling_code",
    "ethnicity": "ethnicity",
}  # fmt: skip
# Shown in part they are not enough: an address could be found piece by piece, as by searching (kinds.py). Tries of numbers are counted.
IN_FULL = frozenset(("residence_address", "hukou_address"))
# Of relatives: no golden field, so only for who sees every row.
FIELDS_OF_RELATIVES = ("mother_name", "mother_identity_number", "head_name", "contact_phone")


@dataclass(frozen=True)
class Step:
    """What one comparison adds, in bits; ``level`` by its name in match.yaml."""

    comparison: str
    level: str
    match_weight: float


@dataclass(frozen=True)
class Candidate:
    """A person and the heaviest pair of the given record with one of the person's records."""

    person: dict[str, Any]
    match_weight: float
    probability: float
    side: Side
    join_match_weight: float
    prior_match_weight: float
    steps: tuple[Step, ...]
    """Empty, like rule and guards, for who does not see every row."""
    blocking_rule: str | None
    guards: tuple[str, ...]
    record: str | None
    """The person's record; only for who may see record numbers of that department."""


@dataclass(frozen=True)
class Matched:
    """``candidates``, heaviest first. ``person_id``: the one person who is certain enough, if there is exactly one."""

    candidates: tuple[Candidate, ...]
    person_id: str | None
    as_that_night: bool
    compared: int
    model_id: str
    thresholds: dict[str, float]


class Matchers:
    """One matcher per process, for the release that is asked; the index of an earlier one is deleted."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._open: RecordMatcher | None = None

    def of(self, run: Path, folder: Path) -> RecordMatcher:
        """The matcher of ``run``; makes its index first where there is none (some seconds for each 100,000 persons)."""
        if self._open is None or self._open.run_dir != run:
            index = make_record_index(run, folder)
            if self._open is not None:
                self._open.close()
            self._open = RecordMatcher(run, index)
            for other in folder.iterdir():
                if other.name != run.name:
                    shutil.rmtree(other, ignore_errors=True)
        return self._open


MATCHERS = Matchers()


def fields_for(desk: Desk) -> tuple[str, ...]:
    """What the viewer may give: what their view shows, so that no answer tells of a value that it does not show."""
    view = desk.view("persons")
    own = tuple(
        name
        for name, golden in FIELDS.items()
        if (view.sees_in_full(golden) if name in IN_FULL else view.shows(golden))
    )
    return own + (FIELDS_OF_RELATIVES if view.everything else ())


def match_record(desk: Desk, fields: Mapping[str, str], feed: str = GIVEN) -> Matched:
    """Candidates for a record. Raises Refused when a field may not be given, nothing is given, or the run is deleted."""
    given = {name: text for name, text in fields.items() if text.strip()}
    refused = sorted(set(given) - set(fields_for(desk)))
    if refused:
        names = ", ".join(refused)
        raise Refused(
            403,
            f"您的权限不含这些项目（地址须全部可见），不能用来比对：{names}",
            f"Your view does not show these (addresses: not in full), so they cannot be compared: {names}",
        )
    if not given:
        raise Refused(422, "请至少填一项。", "Give at least one field.")
    if desk.register.run is None:
        raise Refused(
            409,
            "该夜的工作表已删除，暂不能比对；下一夜之后可用。",
            "The working tables of that night are deleted; match calls work again after the next night.",
        )
    night = Night(desk.register.run, desk.settings.state, date.fromisoformat(desk.register.manifest["night"]))
    asked = json.dumps(given, sort_keys=True, ensure_ascii=False)
    desk.details |= {"kind": "match", "query_hash": desk.settings.audit.keyed_hash(asked), "fields": sorted(given)}
    numbers, phones = _guessable(desk, given, night.night)
    with counted(desk, numbers) as by_number, counted(desk, phones) as by_phone, MATCHERS.lock:
        matcher = MATCHERS.of(night.run, desk.settings.state.root / "match_index")
        call = matcher.score(read_given(night, matcher, given, feed))
        best: dict[str, dict[str, Any]] = {}
        for pair in call.pairs:
            key = pair["record_key_l"] if pair["record_key_r"] == GIVEN_KEY else pair["record_key_r"]
            best.setdefault(key, pair)
        candidates = _candidates(desk, matcher, best, feed)
        # A weight tells whether the number fits, also where name and birth date alone make a candidate.
        people = {str(candidate.person.get("person_id")) for candidate in candidates}
        by_number.fits = _is_theirs(desk, "identity_number", numbers, people)
        by_phone.fits = _is_theirs(desk, "phone", phones, people)
    certain = [c for c in candidates if c.side == "join"]
    desk.details["count"] = len(candidates)
    limits = matcher.config.thresholds
    return Matched(
        candidates=tuple(candidates),
        person_id=certain[0].person.get("person_id") if len(certain) == 1 else None,
        as_that_night=call.as_that_night,
        compared=call.compared,
        model_id=str(desk.register.manifest["model"]["id"]),
        thresholds={
            "join": limits.join_match_weight,
            "review": limits.review_match_weight,
            "floor": limits.floor_match_weight,
        },
    )


def _guessable(desk: Desk, given: Mapping[str, str], night: date) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of what is given, the identity numbers and the phones that the viewer does not see in full, in their one spelling."""
    grant = granted(desk)
    number = None if grant.in_full("identity_number") else reader().number(given.get("identity_number", ""), night)
    phones = () if grant.in_full("phone") else reader().phones(given.get("phone", ""))
    return (number,) if number else (), phones


def _is_theirs(desk: Desk, field: str, values: tuple[str, ...], people: set[str]) -> bool:
    return bool(values and hits(desk.register, field, values, (field,), values.__contains__, about=people))


def _candidates(desk: Desk, matcher: RecordMatcher, best: Mapping[str, dict[str, Any]], feed: str) -> list[Candidate]:
    """The heaviest pair of each person whom the viewer may see."""
    owners = _owners(desk, list(best))
    view: View = desk.view("persons")
    people = {owner["person_id"] for owner in owners.values()}
    rows = {row["person_id"]: row for row in view.rows(desk.register.con, about=sorted(people)) if "person_id" in row}
    found: dict[str, Candidate] = {}
    for key, pair in best.items():  # heaviest first
        owner = owners.get(key)
        if owner is None or owner["person_id"] not in rows or owner["person_id"] in found:
            continue
        if len(found) == desk.settings.portal.search_results:
            break
        candidate = _candidate(desk, matcher, pair, key, owner, rows[owner["person_id"]], feed)
        if view.everything or candidate.side in ("join", "review"):
            found[owner["person_id"]] = candidate
    desk.saw("persons", [candidate.person for candidate in found.values()], view)
    return list(found.values())


def _owners(desk: Desk, keys: list[str]) -> dict[str, dict[str, Any]]:
    rows = desk.register.rows(
        "SELECT source, record_id, feed, person_id FROM crosswalk WHERE record_id IN (SELECT unnest($ids))",
        ids=[key.split(":", 1)[1] for key in keys] or [""],
    )
    return {f"{row['source']}:{row['record_id']}": row for row in rows}


def _candidate(
    desk: Desk,
    matcher: RecordMatcher,
    pair: Mapping[str, Any],
    key: str,
    owner: Mapping[str, Any],
    person: dict[str, Any],
    feed: str,
) -> Candidate:
    config = matcher.config
    join, _ = thresholds(config, feed, owner["feed"])
    weight = float(pair["match_weight"])
    forbidding = {guard.name for guard in config.guards if guard.effect == "cannot_link"}
    side: Side = "below"
    if forbidding & set(pair["guards"]):
        side = "kept_apart"
    elif weight >= join:
        side = "join"
    elif weight >= config.thresholds.review_match_weight:
        side = "review"
    steps = []
    # Which comparison agrees would tell departments of values that their view does not show: of other departments, and of those that lost.
    told = desk.view("persons").everything
    for comparison in config.comparisons if told else ():
        names = {number: name for name, number in gamma_of(comparison).items()}
        steps.append(Step(comparison.name, names[pair["levels"][comparison.name]], pair["weights"][comparison.name]))
    return Candidate(
        person=person, match_weight=weight, probability=1 / (1 + 2 ** -max(min(weight, 1000.0), -1000.0)), side=side, join_match_weight=join, prior_match_weight=matcher.prior_match_weight,
        steps=tuple(steps), blocking_rule=pair["blocking_rule"] if told else None, guards=tuple(pair["guards"]) if told else (),
        record=key if sees_records_of(desk, owner["source"]) else None,
    )  # fmt: skip
