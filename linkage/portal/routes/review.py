"""The review desk: the queue, one case after the other, decisions and their undoing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response
from starlette.responses import RedirectResponse

from linkage.kernel.database import open_database
from linkage.portal.desk import AtDesk, Desk, NotThere, Refused
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.pages import page
from linkage.portal.review.casefile import CaseFile, foresee, read_casefile, read_weights, review_match_weight
from linkage.portal.review.decide import Said, decide, undo
from linkage.portal.review.kinds import KINDS, REASONS, VERDICTS, reason_text
from linkage.portal.review.locks import Lock, held_by_others, release_lock, take_lock
from linkage.portal.review.queue import Filters, choices, find_cases, kinds_of, read_cases, reasons
from linkage.portal.review.readings import counting, read_on, read_readings
from linkage.portal.review.sheet import SPOKEN, title_of
from linkage.portal.review.verdicts import NotDecidable
from linkage.portal.review.work import FIRST, QUEUES, Work, link, open_case, own_reading, read_work
from linkage.portal.routes import review_apply, review_more

router = APIRouter(route_class=GuardedRoute)
CaseId = Annotated[str, Path(pattern="^C[0-9a-f]{16}$")]
Short = Annotated[str, Query(max_length=100)]
PAGE = 25
SHOWS = ("open", "decided", "mine", "all")


def _filters(
    kind: Short = "", street: Short = "", community: Short = "", source: Short = "", reason: Short = ""
) -> Filters:
    return Filters(kind, street, community, source, reason)


def _form_filters(
    kind: Annotated[str, Form(max_length=100)] = "",
    street: Annotated[str, Form(max_length=100)] = "",
    community: Annotated[str, Form(max_length=100)] = "",
    source: Annotated[str, Form(max_length=100)] = "",
    reason: Annotated[str, Form(max_length=8, alias="by_reason")] = "",
) -> Filters:
    return Filters(kind, street, community, source, reason)


ByFilters = Annotated[Filters, Depends(_filters)]
ByFormFilters = Annotated[Filters, Depends(_form_filters)]


@router.get("/review")
@guarded("review_queue", "review", "second_read")
def queue(
    request: Request,
    desk: AtDesk,
    filters: ByFilters,
    show: Short = "open",
    number: Annotated[int, Query(ge=1, le=100_000, alias="page")] = 1,
    done: Short = "",
) -> Response:
    """The queue of review cases."""
    if "review" not in desk.who.permissions:
        return RedirectResponse("/review/second", status_code=303)
    work = read_work(desk)
    locks = held_by_others(desk.settings.state, desk.who.user_id)
    ids = _wanted(desk, work, filters, show)
    pages = max(1, -(-len(ids) // PAGE))
    number = min(number, pages)
    mine = read_readings(desk.settings.state, user_id=desk.who.user_id)
    open_ids = set(work.open_cases(Filters()))
    kinds = {kind: (len(open_ids & set(found)), len(found)) for kind, found in kinds_of(desk, filters).items()}
    return page(
        request,
        "review.html",
        cases=read_cases(desk, ids[(number - 1) * PAGE : number * PAGE]),
        work=work,
        locks=locks,
        filters=filters,
        show=show,
        number=number,
        pages=pages,
        found=len(ids),
        kinds=kinds,
        choices=choices(desk),
        reasons=reasons(desk),
        KINDS=KINDS,
        VERDICTS=VERDICTS,
        before=own_reading(desk, done),
        today=read_on(mine, desk.who.user_id, datetime.now(UTC).date()),
        link=link,
        query=_query(filters),
    )


def _wanted(desk: Desk, work: Work, filters: Filters, show: str) -> list[str]:
    if show == "open":
        return work.open_cases(filters)
    if show == "decided":
        return find_cases(desk, filters, only=[k for k, s in work.states.items() if s.standing != "open"])
    if show == "mine":
        return find_cases(desk, filters, only=[k for k, s in work.states.items() if desk.who.user_id in s.readers])
    return find_cases(desk, filters)


def _query(filters: Filters) -> str:
    return link("", "", filters).removeprefix("/review/")


@router.get("/review/next")
@guarded("review_next", "review", "second_read", on_record=False)
def next_case(desk: AtDesk, filters: ByFilters, queue: Short = FIRST, after: Short = "", done: Short = "") -> Response:
    """The next case that nobody else has; the queue when there is none."""
    if queue not in QUEUES:
        raise NotThere
    found = read_work(desk).after(queue, filters, after)
    if found is None:
        where = f"/review/{queue}" if queue else "/review"
        return RedirectResponse(where + (f"?done={done}" if done else ""), status_code=303)
    return RedirectResponse(link(found, queue, filters, done=done), status_code=303)


@router.get("/review/history")
@guarded("review_history", "review", "second_read")
def history(
    request: Request, desk: AtDesk, number: Annotated[int, Query(ge=1, le=100_000, alias="page")] = 1
) -> Response:
    """One's own readings, newest first."""
    mine = read_readings(desk.settings.state, user_id=desk.who.user_id)
    left = {reading.reading_id for reading in counting(mine)}
    newest = [reading for reading in reversed(mine) if reading.kind != "undo"]
    pages = max(1, -(-len(newest) // PAGE))
    number = min(number, pages)
    return page(
        request,
        "review_history.html",
        readings=newest[(number - 1) * PAGE : number * PAGE],
        left=left,
        number=number,
        pages=pages,
        KINDS=KINDS,
        VERDICTS=VERDICTS,
    )


@router.post("/review/undo")
@guarded("review_undo", "review", "second_read")
def take_back(desk: AtDesk, reading_id: Annotated[str, Form(max_length=16)] = "") -> Response:
    """Take back a reading of one's own: the one named, else the newest."""
    if not reading_id:
        left = counting(read_readings(desk.settings.state, user_id=desk.who.user_id))
        if not left:
            raise Refused(404, "您没有可撤销的裁定。", "There is no reading of yours to take back.")
        reading_id = left[-1].reading_id
    taken_back = undo(desk, reading_id)
    desk.details |= {"case_id": taken_back.case_id, "undoes": reading_id}
    return RedirectResponse(f"/review/{taken_back.case_id}?undone=1", status_code=303)


router.include_router(review_more.router)
router.include_router(review_apply.router)


@router.get("/review/{case_id}")
@guarded("review_case", "review", "second_read", needs_purpose=True)
def case(
    request: Request,
    desk: AtDesk,
    case_id: CaseId,
    filters: ByFilters,
    queue: Short = FIRST,
    scores: Short = "",
    foresight: Short = "",
    done: Short = "",
    undone: Short = "",
) -> Response:
    """One case, which is the viewer's for a while."""
    work = read_work(desk)
    file = _open(desk, work, case_id, with_surroundings=True)
    lock = _lock(desk, work, case_id)
    return _show(
        request, desk, work, file, lock, queue, filters, scores=scores,
        foreseen=_both(desk, file) if foresight else None, before=own_reading(desk, done), undone=bool(undone),
    )  # fmt: skip


@router.get("/review/{case_id}/foresight")
@guarded("review_foresight", "review", "second_read", needs_purpose=True)
def both(request: Request, desk: AtDesk, case_id: CaseId) -> Response:
    """What the verdicts would do, as a part of the page of the case."""
    file = _open(desk, read_work(desk), case_id)
    return page(request, "review_foresight.html", foreseen=_both(desk, file), VERDICTS=VERDICTS)


@router.post("/review/{case_id}/foresight")
@guarded("review_foresight_groups", "review", "second_read", needs_purpose=True)
def groups_foreseen(
    request: Request,
    desk: AtDesk,
    case_id: CaseId,
    filters: ByFormFilters,
    verdict: Annotated[str, Form(max_length=10)],
    group: Annotated[list[int] | None, Form()] = None,
    moved: Annotated[list[int] | None, Form()] = None,
    reason: Annotated[str, Form(max_length=20)] = "as_shown",
    note: Annotated[str, Form(max_length=500)] = "",
    queue: Annotated[str, Form(max_length=10)] = FIRST,
) -> Response:
    """What these groups, or this move, would do: the page of the case again, nothing is decided."""
    work = read_work(desk)
    file = _open(desk, work, case_id, with_surroundings=True)
    groups = _groups(file, verdict, group or [], moved or [])
    return _show(
        request, desk, work, file, _lock(desk, work, case_id), queue, filters, foreseen=foresee(desk, file, {verdict: groups}),
        proposed=verdict, group=group, moved=moved or [], reason=reason, note=note,
    )  # fmt: skip


@router.post("/review/{case_id}")
@guarded("review_decide", "review", "second_read", needs_purpose=True)
def decide_case(
    desk: AtDesk,
    case_id: CaseId,
    filters: ByFormFilters,
    verdict: Annotated[str, Form(max_length=10)],
    release: Annotated[str, Form(max_length=60)],
    group: Annotated[list[int] | None, Form()] = None,
    moved: Annotated[list[int] | None, Form()] = None,
    reason: Annotated[str, Form(max_length=20)] = "as_shown",
    note: Annotated[str, Form(max_length=500)] = "",
    queue: Annotated[str, Form(max_length=10)] = FIRST,
) -> Response:
    """Decide, and go on with the next case."""
    if release != desk.register.release.name:
        raise Refused(
            409, "其间发布了新的总库，请重新打开此件。", "A new release was published meanwhile; open the case again."
        )
    work = read_work(desk)
    step = work.step(case_id)
    if step is None or not work.may(case_id):
        raise Refused(409, "此件已有人裁定，请看下一件。", "This case has been read by now; take the next one.")
    file = _open(desk, work, case_id)
    why = reason_text(reason, note)
    if why is None or (verdict == "move" and reason == "as_shown" and not note.strip()):
        raise Refused(422, "请选择原因；“其他”与移出须说明。", "Choose a reason; for “other” and for moving records out, say which.")  # fmt: skip
    if verdict not in file.may_say:
        raise Refused(422, "此裁定对此件没有意义。", "This verdict says nothing about this case.")
    groups = _groups(file, verdict, group or [], moved or [])
    try:
        pairs = file.pairs_of(verdict, groups, review_match_weight(desk))
    except NotDecidable:
        raise Refused(422, "这样的裁定什么也没说：请检查分组或移出的记录。", "This decides nothing: look at the groups, or at what is moved out.") from None  # fmt: skip
    said = Said(
        verdict, tuple(pairs), why, tuple(tuple(sorted(g)) for g in groups if g) if groups else None, file.pattern
    )
    reading = decide(desk, file.case, step, said)
    desk.details |= {"case_id": case_id, "step": step, "verdict": verdict, "decision_id": reading.decision_id}
    where = link("next", queue, filters, after=case_id, done=reading.reading_id)
    return RedirectResponse(where, status_code=303)


@router.post("/review/{case_id}/leave")
@guarded("review_leave", "review", "second_read", on_record=False)
def leave(
    desk: AtDesk,
    case_id: CaseId,
    filters: ByFormFilters,
    queue: Annotated[str, Form(max_length=10)] = FIRST,
    then: Annotated[str, Form(max_length=10)] = "queue",
) -> Response:
    """Let the case go, undecided."""
    with open_database(desk.settings.state).begin() as connection:
        release_lock(connection, case_id, desk.who.user_id)
    if then == "next":
        return RedirectResponse(link("next", queue, filters, after=case_id), status_code=303)
    return RedirectResponse(f"/review/{queue}" if queue in QUEUES and queue else "/review", status_code=303)


def _open(desk: Desk, work: Work, case_id: str, *, with_surroundings: bool = False) -> CaseFile:
    found = open_case(desk, work, case_id)
    desk.details["case_id"] = case_id
    step = work.step(case_id) if work.may(case_id) else None
    return read_casefile(desk, found, work.state(case_id), step=step, with_surroundings=with_surroundings)


def _lock(desk: Desk, work: Work, case_id: str) -> Lock | None:
    """The lock of a case that the viewer could decide."""
    if not work.may(case_id):
        return None
    return take_lock(desk.settings.state, case_id, desk.who.user_id, desk.settings.portal.review.lock_minutes)


def _both(desk: Desk, file: CaseFile) -> Any:
    if file.blind:
        return {}
    asked: dict[str, Sequence[Sequence[str]]] = {
        word: () for word in ("same", "different", "unsure") if word in file.may_say
    }
    return foresee(desk, file, asked)


def _groups(file: CaseFile, verdict: str, group: list[int], moved: list[int]) -> list[list[str]]:
    """Record keys of each group: as numbered on the page, in the order of the columns; or those to be moved out and the rest."""
    keys = [column.key for column in file.sheet.columns]
    if verdict == "groups":
        if len(group) != len(keys):
            raise Refused(409, "记录有变，请重新打开此件。", "The records changed; open the case again.")
        return [[k for k, n in zip(keys, group, strict=True) if n == number] for number in sorted(set(group))]
    if verdict == "move":
        chosen = [keys[place] for place in sorted(set(moved)) if 0 <= place < len(keys)]
        return [chosen, [key for key in keys if key not in chosen]]
    return []


def _show(
    request: Request,
    desk: Desk,
    work: Work,
    file: CaseFile,
    lock: Lock | None,
    queue: str,
    filters: Filters,
    *,
    scores: str = "",
    foreseen: Any = None,
    before: Any = None,
    undone: bool = False,
    proposed: str = "",
    group: list[int] | None = None,
    moved: Sequence[int] = (),
    reason: str = "as_shown",
    note: str = "",
) -> Response:
    case_id = file.case.case_id
    mine = counting(read_readings(desk.settings.state, user_id=desk.who.user_id))
    columns = file.sheet.columns
    return page(
        request, "review_case.html", file=file, case=file.case, kind=KINDS[file.case.kind], state=work.state(case_id),
        step=work.step(case_id), may=work.may(case_id), lock=lock, is_mine=lock is not None and lock.user_id == desk.who.user_id,
        weights=read_weights(desk, file, every_pair=scores == "all") if scores and not file.blind else None, scores=scores,
        foreseen=foreseen, before=before, undone=undone, proposed=proposed, moved=set(moved), reason=reason, note=note, queue=queue,
        groups=list(group) if group and len(group) == len(columns) else [file.groups[c.key] for c in columns], filters=filters,
        KINDS=KINDS, VERDICTS=VERDICTS, REASONS=REASONS, SPOKEN=SPOKEN, title_of=title_of, link=link, release=desk.register.release.name,
        last=mine[-1] if mine else None, today=read_on(mine, desk.who.user_id, datetime.now(UTC).date()),
        left=len(work.open_cases(filters)) if queue == FIRST and "review" in desk.who.permissions else len(work.waiting(queue or "second")),
    )  # fmt: skip
