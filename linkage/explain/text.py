"""A story as sentences, in Chinese or English, line by line."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby

from linkage.explain.bars import waterfall_lines
from linkage.explain.phrases import Language, Say, field_name, speaker, tenure_in_words
from linkage.explain.story import (
    Barrier,
    Candidate,
    Case,
    EndedStory,
    Event,
    Golden,
    Household,
    HouseholdStory,
    LinkedRecord,
    Member,
    Notes,
    PairStory,
    PersonStory,
    Since,
    Story,
    Waterfall,
)
from linkage.explain.veil import decoded, in_english
from linkage.explain.words import Words

DAYS_A_MONTH, DAYS_A_YEAR = 30.44, 365.25
MANY_MONTHS = 24
"""Ages from here are told in years."""


def render(story: Story, words: Words, language: Language) -> str:
    """The whole story; ``words`` knows what departments, comparisons and guards are called."""
    teller = _Teller(words, language, story.notes)
    if isinstance(story, PersonStory):
        lines = teller.person(story)
    elif isinstance(story, HouseholdStory):
        lines = teller.household_story(story)
    elif isinstance(story, EndedStory):
        lines = teller.ended(story)
    else:
        lines = teller.pair_story(story)
    return "\n".join(lines)


class _Teller:
    """One story in one language."""

    def __init__(self, words: Words, language: Language, notes: Notes) -> None:
        self.say: Say = speaker(language)
        self.words, self.language, self.notes = words, language, notes

    def person(self, story: PersonStory) -> Iterator[str]:
        yield from self._head("person", story.person_id)
        yield self.say(
            "head.golden",
            name=story.golden["full_name"] or self.say("word.unknown"),
            birth=story.golden["birth_date"] or self.say("word.unknown"),
            status=self.say(f"status.{story.status}"),
            records=len(story.records),
            sources=len(story.sources),
            first_night=story.first_night,
            confidence=f"{story.confidence:.4f}",
        )
        yield from self._section("records")
        shown: set[frozenset[str]] = set()
        for position, record in enumerate(story.records, 1):
            yield from self._record(position, record, shown)
        if story.notes.run_is_kept:
            yield from self._section("kept_out")
            if not story.kept_out:
                yield self.say("kept_out.none")
            for near in story.kept_out:
                yield "- " + self.say(
                    "kept_out.line",
                    record=near.record,
                    person=near.person_id,
                    own=near.own_record,
                    weight=f"{near.match_weight:.2f}",
                    barrier=self._barrier(near.barrier),
                )
            if story.more_kept_out:
                yield self.say("kept_out.more", count=story.more_kept_out)
        yield from self._cases(story.cases)
        yield from self._section("values")
        for golden in story.values:
            yield from self._golden(golden)
        if not story.values:
            yield self.say("value.none")
        yield from self._section("households")
        for household in story.households:
            yield from self._home(household, story.person_id)
        if not story.households:
            yield self.say("household.none")
        for member in story.former:
            yield self.say(
                "household.former_line", id=member.household_id, since=member.valid_from, until=member.valid_to
            )
        yield from self._history(story.history, story.person_id)

    def household_story(self, story: HouseholdStory) -> Iterator[str]:
        home = story.household
        yield from self._head("household", home.household_id)
        yield self.say(
            "household.golden",
            kind=self.say(f"household.kind_{home.kind}"),
            count=sum(member.valid_to is None for member in home.members),
            head=home.head_person_id or self.say("household.unknown_head"),
            address=home.address or self.say("word.unknown"),
        )
        if home.basis:
            yield self.say(f"household.basis_{home.basis}")
        yield from self._section("members")
        yield from self._members(home.members)
        yield from self._history(story.history, home.household_id)

    def ended(self, story: EndedStory) -> Iterator[str]:
        yield from self._head(story.kind, story.id)
        fates = [e for e in story.history if e.subject_id == story.id and e.kind in ("ended", "merged_into")]
        if fates and fates[-1].kind == "merged_into":
            yield self.say(
                "head.ended_after_merging", id=story.id, date=fates[-1].night, successor=fates[-1].related_id
            )
        else:
            yield self.say(f"head.ended_{story.kind}", id=story.id, date=story.notes.retired_on)
        if story.last_release:
            yield self.say("head.last_seen", id=story.id, release=story.last_release)
        yield from self._history(story.history, story.id)

    def pair_story(self, story: PairStory) -> Iterator[str]:
        yield self.say("head.pair", left=story.left, right=story.right)
        yield from self._release()
        together = story.left_person == story.right_person
        if together:
            yield self.say("pair.one_person", id=story.left_person)
        else:
            yield self.say("pair.two_persons", left_person=story.left_person, right_person=story.right_person)
        if story.barrier:
            yield self._barrier(story.barrier)
        if story.judged_same:
            yield self.say("pair.judged_same", judgement=story.judged_same)
        if len(story.path) > 2:
            yield self.say("pair.path", path=" — ".join(story.path))
        if story.waterfall is None:
            yield self.say("pair.cannot_show_same" if together else "pair.cannot_show")
        else:
            fall = story.waterfall
            if {fall.record_l, fall.record_r} != {story.left, story.right}:
                yield self.say("pair.closest", left=fall.record_l, right=fall.record_r)
            if not story.scored_that_night:
                yield self.say("pair.not_scored_that_night")
            if not story.as_that_night:
                yield self.say("pair.not_exact")
            if fall.blocking_rule:
                yield self.say("pair.found_by", rule=self.words.blocking_rule(fall.blocking_rule))
            yield self.say("pair.weight", **self._weights(fall))
            yield from self._waterfall(fall, "  ")
        yield from self._cases(story.cases)

    def _head(self, kind: str, subject: str) -> Iterator[str]:
        yield self.say(f"head.{kind}", id=subject)
        notes = self.notes
        if ":" in notes.asked:
            yield self.say("head.asked_record", record=notes.asked, id=subject)
        if notes.successor_id:
            yield self.say("head.asked_retired", id=notes.asked, date=notes.retired_on, successor=notes.successor_id)
        yield from self._release()

    def _release(self) -> Iterator[str]:
        yield self.say("head.release", release=self.notes.release, night=self.notes.night)
        if self.notes.masked:
            yield self.say("head.masked")
        if not self.notes.run_is_kept:
            yield self.say("head.no_run")

    def _section(self, name: str) -> Iterator[str]:
        yield ""
        yield f"== {self.say(f'section.{name}')} =="

    def _record(self, position: int, record: LinkedRecord, shown: set[frozenset[str]]) -> Iterator[str]:
        yield f"{position}. " + self.say(
            "record.title",
            origin=self._origin(record.source, record.feed),
            record=record.record,
            since=self._since(record.since),
        )
        fall = record.waterfall
        weight = fall.match_weight if fall else record.link_match_weight
        yield "   " + self.say(
            f"link.{record.link_kind}",
            other=record.linked_to,
            rule=self.words.blocking_rule(record.link_rule or ""),
            weight=f"{weight or 0:.2f}",
        )
        if fall is None:
            return
        pair = frozenset((fall.record_l, fall.record_r))
        if pair in shown:
            yield "   " + self.say("link.shown_above")
            return
        shown.add(pair)
        yield from self._waterfall(fall, "     ")

    def _origin(self, source: str, feed: str) -> str:
        return self.say("word.of", source=self.words.title(source), feed=self.words.title(feed))

    def _since(self, since: Since) -> str:
        kind = "since_first" if since.is_first_release else "since" if since.exact else "since_at_least"
        return self.say(f"record.{kind}", night=since.night, release=since.release)

    def _waterfall(self, fall: Waterfall, indent: str) -> Iterator[str]:
        steps = [(self.say("pair.prior"), "", fall.prior_match_weight)]
        for step in fall.steps:
            if not step.is_missing:
                name, level = self.words.level(step.comparison, step.level)
                steps.append((name, level, step.match_weight))
        yield from (indent + line for line in waterfall_lines(steps, (self.say("pair.sum"), fall.match_weight)))
        missing = [self.words.level(step.comparison, step.level)[0] for step in fall.steps if step.is_missing]
        if missing:
            yield indent + self.say("pair.missing", names=self._listed(missing))
        for guard in fall.guards:
            yield indent + self.say("pair.guard", guard=guard, text=self.words.guard(guard))

    def _weights(self, fall: Waterfall) -> dict[str, str]:
        return {
            "weight": f"{fall.match_weight:.2f}",
            "join": f"{fall.join_match_weight:g}",
            "keep": f"{fall.keep_match_weight:g}",
        }

    def _barrier(self, barrier: Barrier) -> str:
        guard, feed = barrier.guard, barrier.feed
        return self.say(
            f"barrier.{barrier.kind}",
            guard=guard,
            judgement=barrier.judgement,
            text=self.words.guard(guard) if guard else self.words.feed_policy(feed) if feed else "",
            feed=self.words.title(feed) if feed else "",
            rules=self._listed([self.words.blocking_rule(rule) for rule in barrier.rules]),
            **self.words.thresholds(),
        )

    def _golden(self, golden: Golden) -> Iterator[str]:
        winner = golden.winner
        yield "- " + self.say(
            "value.won",
            field=field_name(golden.field, self.language),
            value=self._value(golden.field, winner),
            source=self._origin(winner.source, winner.feed),
            record=winner.record,
            age=self._age(winner),
            reason=self.say(f"reason_won.{winner.reason}"),
        )
        if golden.agreeing:
            yield "    " + self.say("value.agree", records=self._listed(golden.agreeing))
        for loser in golden.losers:
            yield "    " + self.say(
                "value.lost",
                value=self._value(golden.field, loser),
                source=self._origin(loser.source, loser.feed),
                record=loser.record,
                age=self._age(loser),
                reason=self.say(f"reason_lost.{loser.reason}"),
            )

    def _value(self, field: str, candidate: Candidate) -> str:
        if field == "tenure":
            return tenure_in_words(self.say, candidate.value)
        return in_english(field, candidate.value) if self.language == "en" else candidate.value

    def _age(self, candidate: Candidate) -> str:
        if candidate.observed_on is None:
            return self.say("value.age_unknown")
        return self._ago(candidate.observed_on)

    def _ago(self, day: date) -> str:
        days = (self.notes.night - day).days
        months, years = round(days / DAYS_A_MONTH), round(days / DAYS_A_YEAR)
        if days == 0:
            return self.say("value.age_today", date=day)
        if months < 2:
            return self.say("value.age_days", date=day, days=days)
        if months < MANY_MONTHS:
            return self.say("value.age_months", date=day, months=months)
        return self.say("value.age_years", date=day, years=years)

    def _home(self, home: Household, person_id: str) -> Iterator[str]:
        own = next(m for m in home.members if m.person_id == person_id and m.valid_to is None)
        yield "- " + self.say(
            "household.line",
            id=home.household_id,
            kind=self.say(f"household.kind_{home.kind}"),
            count=sum(member.valid_to is None for member in home.members),
            role=self._role(own),
            since=own.valid_from,
        )
        if home.basis:
            yield "    " + self.say(f"household.basis_{home.basis}")
        others = [m for m in home.members if m.person_id != person_id and m.valid_to is None]
        yield from ("    " + line for line in self._members(others))

    def _members(self, members: Iterable[Member]) -> Iterator[str]:
        for member in members:
            words = {"id": member.person_id, "role": self._role(member), "since": member.valid_from}
            if member.valid_to is None:
                yield self.say("household.member", **words)
            else:
                yield self.say("household.former", **words, until=member.valid_to)

    def _role(self, member: Member) -> str:
        if member.is_head:
            return self.say("household.head")
        code = member.relation_to_head
        if code is None:
            return self.say("household.no_relation")
        name = decoded("relation_to_head", code, english=self.language == "en")
        return self.say("household.relation", code=code, name=name)

    def _cases(self, cases: Iterable[Case]) -> Iterator[str]:
        cases = list(cases)
        if not cases:
            return
        yield from self._section("review")
        for case in cases:
            yield "- " + self.say(
                "review.line",
                case=self.say(f"case.{case.kind}"),
                records=self._listed(case.records),
                reason=(case.reason if self.language == "zh" else case.reason_en).rstrip("。."),
            )

    def _history(self, events: Iterable[Event], subject: str) -> Iterator[str]:
        yield from self._section("history")
        events = list(events)
        for (night, cause), together in groupby(events, key=lambda event: (event.night, self._cause(event))):
            yield self.say("event.line", night=night, cause=cause)
            for event in together:
                yield "    " + self._happened(event, subject)
        if not events:
            yield self.say("event.none")

    def _happened(self, event: Event, subject: str) -> str:
        side = "" if event.subject_id == subject else "_other"
        if event.kind == "ended" and subject.startswith("H"):
            side = "_household"
        return self.say(
            f"event.{event.kind}{side}",
            subject=event.subject_id,
            other=event.related_id or self.say("household.unknown_head"),
            fields=self._listed([field_name(field, self.language) for field in event.fields]),
        )

    def _cause(self, event: Event) -> str:
        said = self.say(f"cause.{event.cause}")
        if event.cause_detail == "other_records":
            said += self.say("cause.other_records")
        elif event.cause_detail:
            said += self.say("cause.detail", detail=event.cause_detail)
        if event.records:
            said += self.say("cause.records", records=self._listed(event.records))
        return said

    def _listed(self, items: Iterable[str]) -> str:
        return self.say("word.comma").join(items)
