"""The review desk: second readers, what is to be discussed, agreement and advice, deciding cases alike together."""

from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request, Response
from starlette.responses import RedirectResponse

from linkage.portal.accounts import new_id
from linkage.portal.desk import AtDesk, Desk, NotThere, Refused
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.pages import page
from linkage.portal.review.advice import LEAST_PAIRS, read_advice
from linkage.portal.review.agreement import agreement, read_twice
from linkage.portal.review.bulk import Offer, read_offers
from linkage.portal.review.casefile import read_casefile, review_match_weight, words_of
from linkage.portal.review.component import CannotForesee, open_component
from linkage.portal.review.decide import Said, decide, undo_batch
from linkage.portal.review.foresight import summary
from linkage.portal.review.kinds import KINDS, VERDICTS, reason_text
from linkage.portal.review.queue import Filters, read_cases
from linkage.portal.review.run_config import pair_rules_of
from linkage.portal.review.verdicts import PairVerdict
from linkage.portal.review.work import DISCUSS, SECOND, link, open_case, own_reading, read_work

router = APIRouter(route_class=GuardedRoute)
PatternId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Done = Annotated[str, Query(max_length=100)]
BatchId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]


@router.get("/review/second")
@guarded("review_second", "second_read")
def second(request: Request, desk: AtDesk, done: Done = "") -> Response:
    """Cases that wait for the viewer as second reader; nothing of the first reading is told."""
    return _waiting(request, desk, SECOND, done)


@router.get("/review/discuss")
@guarded("review_discuss", "review", "second_read")
def discuss(request: Request, desk: AtDesk, done: Done = "") -> Response:
    """Cases on which two readers differ, for a third."""
    return _waiting(request, desk, DISCUSS, done)


def _waiting(request: Request, desk: Desk, queue: str, done: str) -> Response:
    work = read_work(desk)
    ids = work.waiting(queue)
    known = {case.case_id: case for case in read_cases(desk, ids)}
    gone = [case_id for case_id in ids if case_id not in known]
    for case_id in gone:
        try:
            known[case_id] = open_case(desk, work, case_id)
        except NotThere:
            continue  # a record of it is gone, or not in the viewer's area
    cases = [known[case_id] for case_id in ids if case_id in known]
    return page(
        request, "review_waiting.html", cases=cases, queue=queue, KINDS=KINDS, link=link, filters=Filters(), work=work,
        VERDICTS=VERDICTS, before=own_reading(desk, done),
    )  # fmt: skip


@router.get("/review/agreement")
@guarded("review_agreement", "review", "second_read", "report")
def readers_agree(request: Request, desk: AtDesk) -> Response:
    """How far two readers agree, and what judged pairs say about the join threshold."""
    work = read_work(desk)
    run = desk.register.run
    joins = pair_rules_of(run).join_match_weight if run is not None else None
    return page(
        request, "review_agreement.html", found=agreement(read_twice(work.states.values())), advice=read_advice(desk.register),
        joins=joins, least=LEAST_PAIRS, VERDICTS=VERDICTS,
    )  # fmt: skip


@router.get("/review/bulk")
@guarded("review_bulk", "review")
def bulk(request: Request, desk: AtDesk) -> Response:
    """Proven patterns with open cases."""
    offers = read_offers(desk)
    return page(
        request, "review_bulk.html", offers=offers, levels={o.proven.pattern: _in_words(desk, o) for o in offers}, chosen=None, foreseen=None,
        cases=(), KINDS=KINDS, VERDICTS=VERDICTS, least=desk.settings.portal.review.bulk_after, link=link, filters=Filters(),
        batches=_batches(desk),
    )  # fmt: skip


@router.get("/review/bulk/{pattern}")
@guarded("review_bulk_pattern", "review", needs_purpose=True)
def bulk_pattern(request: Request, desk: AtDesk, pattern: PatternId) -> Response:
    """One pattern: its open cases, and what deciding them together would do."""
    offer = _offer(desk, pattern)
    pairs = [pair for _, decided in _pairs_of(desk, offer) for pair in decided]
    try:
        with open_component(desk.settings.state, desk.register, [key for a, b, _ in pairs for key in (a, b)]) as found:
            foreseen = summary(found.outcome(pairs))
    except CannotForesee:
        foreseen = None
    return page(
        request, "review_bulk.html", offers=[offer], levels={pattern: _in_words(desk, offer)}, chosen=offer, foreseen=foreseen,
        cases=read_cases(desk, list(offer.case_ids)), KINDS=KINDS, VERDICTS=VERDICTS, least=desk.settings.portal.review.bulk_after, link=link,
        filters=Filters(), batches=(),
    )  # fmt: skip


@router.post("/review/bulk/{pattern}")
@guarded("review_bulk_decide", "review", needs_purpose=True)
def bulk_decide(
    desk: AtDesk,
    pattern: PatternId,
    count: Annotated[int, Form(ge=1, le=1000)],
    reason: Annotated[str, Form(max_length=20)] = "as_shown",
    note: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Decide all of them as the pattern always was, but for those that another steward took meanwhile; one batch, reversible as a whole."""
    offer = _offer(desk, pattern)
    if count != len(offer.case_ids):
        raise Refused(409, "其间件数有变，请重新查看。", "The number of cases changed meanwhile; look again.")
    why = reason_text(reason, note)
    if why is None:
        raise Refused(422, "请填写原因。", "Give a reason.")
    desk.details |= {"batch": (batch := new_id()), "cases": 0, "verdict": offer.proven.verdict}
    for case_id, pairs in _pairs_of(desk, offer):
        (case,) = read_cases(desk, [case_id])
        try:
            decide(desk, case, "first", Said(offer.proven.verdict, tuple(pairs), why, pattern=pattern), batch=batch)
        except Refused:
            continue  # another steward has taken or decided it since: it is theirs, and the rest goes on
        desk.details["cases"] += 1
    if not desk.details["cases"]:
        raise Refused(
            409,
            "这些事项其间都已由他人处理，未作裁定。",
            "Others have taken all of these meanwhile; nothing was decided.",
        )
    return RedirectResponse("/review/bulk", status_code=303)


@router.post("/review/batch/{batch}/undo")
@guarded("review_batch_undo", "review")
def batch_undo(desk: AtDesk, batch: BatchId) -> Response:
    """Take back all of a bulk decision, but for cases that somebody has read since or has open."""
    desk.details |= {"batch": batch, "cases": 0}
    desk.details["cases"] = undo_batch(desk, batch)
    return RedirectResponse("/review/bulk", status_code=303)


def _offer(desk: Desk, pattern: str) -> Offer:
    found = next((offer for offer in read_offers(desk) if offer.proven.pattern == pattern), None)
    if found is None:
        raise NotThere
    return found


def _pairs_of(desk: Desk, offer: Offer) -> list[tuple[str, list[PairVerdict]]]:
    work, limit = read_work(desk), review_match_weight(desk)
    found = []
    for case_id in offer.case_ids:
        file = read_casefile(
            desk, open_case(desk, work, case_id), work.state(case_id), step="first", with_surroundings=False
        )
        found.append((case_id, file.pairs_of(offer.proven.verdict, (), limit)))
    return found


def _in_words(desk: Desk, offer: Offer) -> list[tuple[str, str]]:
    """The comparison levels of a pattern, in words; those that say nothing are left out."""
    from linkage.explain.evidence import match_config_of
    from linkage.match.config import gamma_of

    if desk.register.run is None:
        return []
    words = words_of(desk)
    found = []
    for comparison in match_config_of(desk.register.run).comparisons:
        names = {number: name for name, number in gamma_of(comparison).items()}
        level = names[offer.levels[comparison.name]]
        if not next(lv.missing for lv in comparison.levels if lv.name == level):
            found.append(words.level(comparison.name, level))
    return found


def _batches(desk: Desk) -> list[tuple[str, int, str]]:
    """One's own bulk decisions that still count: batch, cases, verdict."""
    from linkage.portal.review.readings import counting, read_readings

    mine = [r for r in counting(read_readings(desk.settings.state, user_id=desk.who.user_id)) if r.batch]
    ids = dict.fromkeys(str(r.batch) for r in mine)
    return [(b, sum(r.batch == b for r in mine), next(r.verdict for r in mine if r.batch == b)) for b in ids]
