"""Every sentence exists in both languages, and everything that can be said has a sentence."""

import re
from datetime import date
from pathlib import Path
from string import Formatter

import pytest
import yaml

import linkage.explain
from linkage.explain.phrases import sentences, speaker, tenure_in_words
from linkage.explain.story import EndedStory, Event, Notes
from linkage.explain.text import render
from linkage.explain.words import Words
from linkage.kernel.contracts import contract
from linkage.register.survivorship import REASONS
from tests.builders import REPOSITORY

PACKAGE = Path(linkage.explain.__file__).parent
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted(PACKAGE.glob("*.py")))
ALL = [(group, name) for group, named in sentences().items() for name in named]


def words(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def listed(table: str, field: str) -> set[str]:
    """The values that a contract lists for a field, without what it says about them in brackets."""
    said = re.sub(r"\([^)]*\)", "", contract(table).field(field).en)
    return set(re.findall(r"[a-z]+(?:_[a-z]+)*", said.split(":")[-1]))


@pytest.mark.parametrize(("group", "name"), ALL)
def test_a_sentence_has_two_languages(group: str, name: str) -> None:
    both = sentences()[group][name]
    assert set(both) == {"zh", "en"}
    assert re.search(r"[\u4e00-\u9fff{、]", both["zh"])
    assert not re.search(r"[\u4e00-\u9fff]", both["en"])


@pytest.mark.parametrize(("group", "name"), [key for key in ALL if key != ("household", "relation")])
def test_both_languages_have_the_same_words_to_fill_in(group: str, name: str) -> None:
    both = sentences()[group][name]
    assert words(both["zh"]) == words(both["en"])


WINNING = {*REASONS.values(), "only_value", "tie_break"}
LOSING = {*REASONS.values(), "same_as_winner", "tie_break"}


@pytest.mark.parametrize(
    ("group", "needed"),
    [
        ("link", listed("crosswalk", "link_kind") | {"shown_above"}),
        ("reason_won", WINNING),
        ("reason_lost", LOSING),
        ("cause", listed("events", "cause") | {"night", "other_records", "detail", "records"}),
        ("status", {"alive", "deceased", "moved_away", "unknown"}),
        ("tenure", {"own", "rent", "other"}),
    ],
)
def test_each_value_has_its_sentence(group: str, needed: set[str]) -> None:
    assert set(sentences()[group]) == needed


@pytest.mark.parametrize(
    ("group", "table", "field", "prefix"),
    [
        ("event", "events", "kind", ""),
        ("case", "review_cases", "kind", ""),
        ("household", "households", "kind", "kind_"),
        ("household", "household_links", "basis", "basis_"),
    ],
)
def test_each_kind_has_its_sentence(group: str, table: str, field: str, prefix: str) -> None:
    assert {prefix + kind for kind in listed(table, field)} <= set(sentences()[group])


def test_every_reason_of_values_is_in_the_contract() -> None:
    assert listed("values", "reason") == WINNING | LOSING


def test_each_barrier_has_its_sentence() -> None:
    assert set(re.findall(r'Barrier\(\s*"(\w+)"', CODE)) == set(sentences()["barrier"])


def test_no_sentence_is_dead_and_none_is_missing() -> None:
    literal = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', CODE))
    composed = set(re.findall(r"""f["']([a-z_]+)\.[a-z_]*\{""", CODE))
    known = {f"{group}.{name}" for group, name in ALL}
    assert {key for key in literal if key.split(".")[0] in sentences()} <= known
    assert {key for key in known if key.split(".")[0] not in composed} <= literal


def test_every_comparison_level_guard_and_rule_has_a_name_in_both_languages() -> None:
    match = yaml.safe_load((REPOSITORY / "config" / "match.yaml").read_text(encoding="utf-8"))
    named = [
        *match["comparisons"],
        *(lv for c in match["comparisons"] for lv in c["levels"]),
        *match["guards"],
        *match["blocking"],
    ]
    assert len(named) > 50
    assert [entry["name"] for entry in named if not (entry.get("zh") and entry.get("en"))] == []


def test_a_sentence_is_filled_in() -> None:
    assert speaker("zh")("event.merged_into", other="P2", subject="P1") == "并入 P2，编号停用。"
    assert speaker("en")("event.merged_into", other="P2", subject="P1") == "Merged into P2; the id was retired."


def test_an_id_that_was_merged_before_its_successor_ended_did_not_end_itself() -> None:
    notes = Notes("r", date(2026, 3, 6), "P1", masked=True, run_is_kept=True, retired_on=date(2026, 3, 5))
    kinds = ("appeared", ""), ("ended", ""), ("revived", ""), ("merged_into", "P2")
    events = [Event(date(2026, 3, day), kind, "P1", other, (), "source_data", None, ()) for day, (kind, other) in enumerate(kinds, 2)]  # fmt: skip
    for told, expected in ((events, "并入 P2，后者也已终止"), (events[:2], "已于 2026-03-05 终止，没有继任编号")):
        story = EndedStory(notes, "P1", "person", None, tuple(told))
        assert expected in render(story, Words({}, {}, {}, {}, {}, {}, {}), "zh")


def test_a_code_without_words_is_told_as_it_stands() -> None:
    say = speaker("en")
    assert (tenure_in_words(say, "rent"), tenure_in_words(say, "squat")) == ("rent", "squat")
