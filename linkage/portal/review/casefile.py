"""All that the page of one case shows, gathered through the desk."""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from linkage.explain.phrases import Language
from linkage.explain.words import Words, read_words
from linkage.kernel.config import read_config
from linkage.kernel.pair_rules import read_pair_rules
from linkage.portal.desk import Desk
from linkage.portal.people.told import told_sentences
from linkage.portal.review.component import CannotForesee, Outcome, open_component
from linkage.portal.review.foresight import Sentence, sentences
from linkage.portal.review.lookups import of_records
from linkage.portal.review.queue import Case
from linkage.portal.review.readings import CaseState
from linkage.portal.review.run_config import pair_rules_of, resolve_config_of, words_of_run
from linkage.portal.review.sheet import Sheet, read_sheet
from linkage.portal.review.surroundings import Earlier, Home, read_earlier, read_homes
from linkage.portal.review.verdicts import (
    CONSTRAINT_KINDS,
    MOST_RECORDS,
    NotDecidable,
    PairVerdict,
    may_say,
    pairs_decided,
)
from linkage.portal.review.weights import (
    PairKey,
    Row,
    deciding_pair,
    odds_sentence,
    pattern_of,
    proposed_groups,
    read_all_pairs,
    read_pairs,
    read_waterfall,
)
from linkage.resolve.config import ResolveConfig

_one_at_a_time = threading.Lock()
"""To resolve a component takes a quarter of a second of a core. Stewards can wait for each other; people at a counter should not wait for them."""


@dataclass(frozen=True)
class Step:
    """One bar of the waterfall: from ``start`` to ``end`` in bits; ``is_missing``: the comparison could not be made."""

    name: str
    level: str
    weight: float
    start: float
    end: float
    is_missing: bool


@dataclass(frozen=True)
class Weights:
    """Scores of a case, shown when asked for. ``matrix``: (letter, weights to every column, None where not compared)."""

    steps: tuple[Step, ...]
    low: float
    high: float
    pair: tuple[str, str] | None
    sentence: tuple[str, str] | None
    guards: tuple[str, ...]
    matrix: tuple[tuple[str, tuple[float | None, ...]], ...]
    join: float


@dataclass(frozen=True)
class CaseFile:
    """The page of one case. ``blind``: neither whose the records are nor any weight is told."""

    case: Case
    blind: bool
    sheet: Sheet
    may_say: frozenset[str]
    groups: dict[str, int]
    homes: tuple[Home, ...]
    earlier: tuple[Earlier, ...]
    pairs: dict[PairKey, Row]
    pattern: str | None
    hidden: frozenset[str]
    """Decisions that this reader must not see, nor their effect."""
    replaced: frozenset[str]
    """Decisions that this reading would replace, or that are hidden: what it does is told without them."""

    def weight_of(self, pair: tuple[str, str]) -> float:
        """Match weight of a pair in bits; minus infinity where the night did not keep it."""
        row = self.pairs.get(frozenset(pair))
        return float(row["match_weight"]) if row else -math.inf

    def pairs_of(self, verdict: str, groups: Sequence[Sequence[str]], review_match_weight: float) -> list[PairVerdict]:
        """The judgements of a verdict on this case. Raises NotDecidable."""
        persons = self.sheet.person_of
        sides = [key for key in persons if persons[key] in {persons.get(k) for k in self.case.records}]
        near: list[tuple[str, str]] = []
        if len({persons[key] for key in sides}) == 2 and not self.blind:
            across = [(a, b) for a, b in combinations(sides, 2) if persons[a] != persons[b]]
            if verdict == "different":
                near = [p for p in across if self.weight_of(p) >= review_match_weight]
            elif self.case.kind in CONSTRAINT_KINDS and len(sides) <= MOST_RECORDS:
                near = across
        return pairs_decided(verdict, self.case.records, persons, groups=groups, near=near)


def read_casefile(
    desk: Desk, case: Case, state: CaseState, *, step: str | None, with_surroundings: bool = True
) -> CaseFile:
    """Gather it. A second reader is told nothing of the first reading, nor of what a release since made of it; of a question of the
    quality sample nobody is told whose the records are."""
    second = step == "second" and bool(state.readings)
    blind = case.is_blind or (second and state.readings[0].release != desk.register.release.name)
    sheet = read_sheet(desk, case.records, whole_persons=not blind)
    keys = [column.key for column in sheet.columns]
    pairs = read_pairs(desk.register, keys)
    persons = sorted({column.person_id for column in sheet.columns if column.person_id})
    decided = frozenset(r.decision_id for r in state.readings if r.decision_id)
    hidden = decided if second else frozenset[str]()
    words = may_say(case.kind, persons, case.records)
    decisive = deciding_pair(case.records, pairs)
    around = with_surroundings and not blind
    return CaseFile(
        case=case,
        blind=blind,
        sheet=sheet,
        may_say=words - {"groups"} if len(keys) > MOST_RECORDS else words,
        groups=_groups_now(desk, sheet, persons, pairs),
        homes=read_homes(desk, persons) if around else (),
        earlier=read_earlier(desk, keys, but=hidden) if around else (),
        pairs=pairs,
        pattern=pattern_of(case.kind, pairs.get(decisive) if decisive else None),
        hidden=hidden,
        replaced=decided if step == "third" else hidden,
    )


def _groups_now(desk: Desk, sheet: Sheet, persons: Sequence[str], pairs: dict[PairKey, Row]) -> dict[str, int]:
    """The groups that the page begins with: by person, and within one person as strong pairs hold it together."""
    if not persons:  # blind: no suggestion either
        return dict.fromkeys((column.key for column in sheet.columns), 1)
    if len(persons) < 2:
        return proposed_groups([column.key for column in sheet.columns], pairs, _bridge_match_weight(desk))
    order = list(dict.fromkeys(column.person_id for column in sheet.columns))
    return {column.key: order.index(column.person_id) + 1 for column in sheet.columns}


def read_weights(desk: Desk, file: CaseFile, *, every_pair: bool) -> Weights | None:
    """Scores of the case; ``every_pair`` also of pairs that the night did not compare. None when the run is gone."""
    if desk.register.run is None:
        return None
    columns = file.sheet.columns
    pairs = read_all_pairs(desk.register, [c.key for c in columns]) if every_pair else file.pairs
    words = words_of(desk)
    matrix = tuple(
        (
            c.letter,
            tuple(
                pairs[frozenset((c.key, o.key))]["match_weight"] if frozenset((c.key, o.key)) in pairs else None
                for o in columns
            ),
        )
        for c in columns
    )
    join = pair_rules_of(desk.register.run).join_match_weight
    chosen = deciding_pair(file.case.records, pairs)
    if chosen is None or chosen not in pairs:
        return Weights((), 0, 1, None, None, (), matrix, join)
    feeds = {column.key: column.feed for column in columns}
    fall = read_waterfall(desk.settings.state, desk.register, pairs[chosen], feeds)
    steps = [Step(str(desk.t("先验", "prior")), "", fall.prior_match_weight, 0.0, fall.prior_match_weight, False)]
    for part in fall.steps:
        name, level = words.level(part.comparison, part.level)
        reached = steps[-1].end
        steps.append(
            Step(name, level, part.match_weight, reached, reached + part.match_weight, part.is_missing)
        )  # fmt: skip
    edges = [0.0, *(step.end for step in steps)]
    letters = sorted((file.sheet.letter(fall.record_l), file.sheet.letter(fall.record_r)))
    return Weights(
        tuple(steps),
        min(edges),
        max(*edges, min(edges) + 1),
        (letters[0], letters[1]),
        odds_sentence(fall),
        tuple(words.guard(guard) for guard in fall.guards),
        matrix,
        join,
    )


NOTHING_CHANGES = (
    "归属与编号都不变：留给机器，待有新的证据。",
    "Nothing changes: it is left to the machine until there is more evidence.",
)
"""What 'unsure' does where no judgement stands that it would take the place of."""


def foresee(desk: Desk, file: CaseFile, asked: dict[str, Sequence[Sequence[str]]]) -> dict[str, list[Sentence]] | None:
    """What each verdict would do, in words, by verdict; ``asked``: verdict -> groups. None when nobody can say."""
    limit = review_match_weight(desk)
    found: dict[str, list[Sentence]] = {}
    try:
        with (
            _one_at_a_time,
            open_component(desk.settings.state, desk.register, list(file.sheet.person_of)) as component,
        ):
            standing = [one for one in component.known if one.decision_id not in file.replaced]
            judged = {frozenset((one.record_key_l, one.record_key_r)) for one in standing}
            for verdict, groups in asked.items():
                if verdict == "unsure" and not any(pair <= file.sheet.person_of.keys() for pair in judged):
                    found[verdict] = [NOTHING_CHANGES]
                    continue
                try:
                    pairs = file.pairs_of(verdict, groups, limit)
                    outcome = component.outcome(pairs, without=file.replaced)
                except NotDecidable:
                    found[verdict] = [("对此件没有意义。", "This says nothing about this case.")]
                    continue
                told = sentences(outcome, _label(desk, file, outcome))
                found[verdict] = told_sentences(desk, told, outcome.before)
    except CannotForesee:
        return None
    return found


def _label(desk: Desk, file: CaseFile, outcome: Outcome) -> Any:
    """Records by their letter on the page; those that are not on it by their key where the viewer may see them."""
    shown = {column.key: column.letter for column in file.sheet.columns}
    others = [key for records in outcome.after.values() for key in records if key not in shown]
    named, bound = of_records(others)
    links = desk.look("crosswalk", named, **bound) if others else []
    known = {f"{row['source']}:{row['record_id']}" for row in links}
    return lambda key: (
        shown.get(key) or (key if key in known else str(desk.t("范围外的一条记录", "a record outside your area")))
    )


def words_of(desk: Desk) -> Words:
    """What comparisons, levels and guards are called, as the run of the current release was configured."""
    run = desk.register.run
    language: Language = "en" if desk.language == "en" else "zh"
    return words_of_run(run, language) if run is not None else read_words(desk.settings.config_dir, language)


def review_match_weight(desk: Desk) -> float:
    """Weight from which stewards are asked about a pair, in bits."""
    run = desk.register.run
    rules = pair_rules_of(run) if run is not None else read_pair_rules(desk.settings.config_dir / "match.yaml")
    return rules.review_match_weight


def _bridge_match_weight(desk: Desk) -> float:
    run = desk.register.run
    path = desk.settings.config_dir / "resolve.yaml"
    config = resolve_config_of(run) if run is not None else read_config(path, ResolveConfig)
    return config.persons.bridge_match_weight
