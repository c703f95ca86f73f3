"""From what a steward says of a case to verdicts about pairs of records. Pure functions."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from linkage.review.decisions import pairs_of_groups

Pair = tuple[str, str]
PairVerdict = tuple[str, str, str]
MOST_RECORDS = 40
"""A case with more records is decided piece by piece: the pairs of so many are 780 judgements."""
PAIR_KINDS = frozenset(("weight_between_thresholds", "twins", "duplicate_in_feed", "quality_sample", "stale_judgement"))
"""The case asks about its first two records."""
CONSTRAINT_KINDS = frozenset(("constraint_conflict", "two_good_numbers", "duplicate_in_feed"))
"""Something forbids that the two persons are one: saying that they are must say it of all their records."""


class NotDecidable(ValueError):
    """This verdict says nothing about this case."""


def may_say(kind: str, persons: Sequence[str], records: Sequence[str]) -> frozenset[str]:
    """Which verdicts have a meaning for a case: 'different' needs two sides, so several records of one person are split into groups."""
    words = {"unsure", "same"}
    if kind in PAIR_KINDS or kind == "constraint_conflict" or len(records) == 2:
        words.add("different")
    if kind != "quality_sample":
        words |= {"groups", "move"}
    return frozenset(words)


def pairs_decided(
    verdict: str,
    records: Sequence[str],
    person_of: Mapping[str, str],
    *,
    groups: Sequence[Sequence[str]] = (),
    near: Sequence[Pair] = (),
) -> list[PairVerdict]:
    """The judgements of a verdict.

    ``records`` are the case's own, ``person_of`` all records of all persons concerned. ``same``: the case's records are one person;
    of two persons only across, since what each holds already is not asked. ``different``: they are not. ``near``: pairs across the same
    persons of which the verdict holds too (for 'different' what the next night would ask about one by one; for 'same' what a constraint
    forbids). ``groups``: same within, different across. ``move``: the first
    group is different from the rest of its persons. Raises NotDecidable when it says nothing.
    """
    if verdict == "groups":
        return pairs_of_groups([group for group in groups if group])
    if verdict == "move":
        return _moved(groups[0] if groups else (), person_of)
    chosen = list(records)
    across = [(a, b) for a, b in combinations(chosen, 2) if person_of.get(a) != person_of.get(b)]
    asked = across or list(combinations(chosen, 2))
    if verdict == "different" and not across and len(chosen) != 2:
        raise NotDecidable("several records of one person")
    asked = asked[:1] if verdict == "unsure" else list(dict.fromkeys(_sorted(pair) for pair in [*asked, *near]))
    if not asked:
        raise NotDecidable("no two records")
    return [(a, b, verdict) for a, b in map(_sorted, asked)]


def _moved(moved: Sequence[str], person_of: Mapping[str, str]) -> list[PairVerdict]:
    chosen = set(moved)
    persons = {person_of[key] for key in chosen}
    rest = [key for key, person in person_of.items() if person in persons and key not in chosen]
    pairs = [(a, b) for a in sorted(chosen) for b in sorted(rest) if person_of[a] == person_of[b]]
    if not pairs:
        raise NotDecidable("nothing would stay behind")
    return [(a, b, "different") for a, b in map(_sorted, pairs)]


def _sorted(pair: Pair) -> Pair:
    return (pair[0], pair[1]) if pair[0] < pair[1] else (pair[1], pair[0])
