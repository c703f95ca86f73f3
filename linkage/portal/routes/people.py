"""Pages of the look-up: search, one person, one household, why a person is one."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi import Path as InPath
from starlette.responses import RedirectResponse

from linkage.explain.phrases import Language
from linkage.explain.tell import tell, words_for
from linkage.explain.text import render
from linkage.portal.desk import AtDesk, Desk
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.pages import page
from linkage.portal.people.card import age_in_words, card, confidence_in_words, person_row
from linkage.portal.people.granted import granted
from linkage.portal.people.homes import home, homes_of
from linkage.portal.people.kinds import KINDS, SearchKind
from linkage.portal.people.search import Found, living_id, search
from linkage.portal.people.search import Query as Asked
from linkage.portal.people.timeline import timeline
from linkage.portal.people.told import told_of

router = APIRouter(route_class=GuardedRoute)
Id = Annotated[str, InPath(pattern="^[PH][0-9A-Z]{16}$")]
CameFrom = Annotated[str | None, Query(alias="from", pattern="^[PH][0-9A-Z]{16}$")]


@router.get("/people")
@guarded("search_page", "look_up", on_record=False)
def search_page(request: Request, desk: AtDesk) -> Response:
    """The form of the look-up."""
    return _search_page(request, desk, Asked("number", ""), None)


@router.post("/people")
@guarded("search", "look_up", needs_purpose=True, paced=True, changes=False)
def search_people(
    request: Request,
    desk: AtDesk,
    kind: Annotated[SearchKind, Form()],
    text: Annotated[str, Form(min_length=1, max_length=200)],
    birth_date: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Search and show who was found."""
    asked = Asked(kind, text, birth_date if kind == "name" else "")
    return _search_page(request, desk, asked, search(desk, asked))


def _search_page(request: Request, desk: Desk, asked: Asked, found: Found | None) -> Response:
    grant = granted(desk)
    kinds = [kind for kind in KINDS if grant.any_of(kind.fields)]
    if desk.view_or_none("crosswalk") is None:
        kinds = [kind for kind in kinds if kind.kind != "record"]
    return page(request, "people.html", kinds=kinds, asked=asked, found=found, columns=grant.persons.columns)


@router.get("/people/{person_id}")
@guarded("person", "look_up", needs_purpose=True, paced=True)
def person(request: Request, desk: AtDesk, person_id: Id, came_from: CameFrom = None) -> Response:
    """One person: golden values, where they come from, households, what happened, records behind."""
    living, retired = living_id(desk, person_id)
    if retired:
        person_row(desk, living)  # who may not see the successor is not told that there is one
        return RedirectResponse(f"/people/{living}?from={person_id}", status_code=303)
    found = card(desk, living)
    confidence = found.golden.get("confidence")
    return page(
        request, "person.html", card=found, homes=homes_of(desk, living), timeline=timeline(desk, living, [living], found.columns),
        came_from=came_from if came_from and living_id_or_none(desk, came_from) == living else None,
        confidence=None if confidence is None else desk.t(*confidence_in_words(confidence)),
        may_explain="explain" in desk.who.permissions, may_send_back="send_back" in desk.who.permissions,
        age=partial(age_in_words, desk),
    )  # fmt: skip


def living_id_or_none(desk: Desk, asked: str) -> str | None:
    """The id that carries on behind the retired id ``asked``."""
    rows = desk.register.rows("SELECT successor_id FROM retired_ids WHERE id = $id", id=asked)
    return rows[0]["successor_id"] if rows else None


@router.get("/people/{person_id}/explain")
@guarded("explain", "explain", needs_purpose=True, paced=True)
def explain(request: Request, desk: AtDesk, person_id: Id) -> Response:
    """Which records make the person, why they are together, and who was kept out."""
    row = person_row(desk, person_id)
    unmasked = all(mask is None for mask in desk.view("persons").columns.values())
    state = desk.settings.state.root
    story = tell(state, person_id, release=desk.register.release.name, unmasked=unmasked)
    language: Language = "en" if desk.language == "en" else "zh"
    text = told_of(desk, render(story, words_for(story, state, desk.settings.config_dir, language), language))
    for table in ("values", "crosswalk", "members", "history"):
        desk.columns |= {f"{table}.{name}" for name in desk.view(table).columns}
    return page(request, "explain.html", person=row, text=text)


@router.get("/households/{household_id}")
@guarded("household", "look_up", needs_purpose=True, paced=True)
def household(request: Request, desk: AtDesk, household_id: Id, came_from: CameFrom = None) -> Response:
    """One household: kind, address, head, who lives there and who did, what happened."""
    living, retired = living_id(desk, household_id)
    found = home(desk, living)
    if retired:
        return RedirectResponse(f"/households/{living}?from={household_id}", status_code=303)
    return page(
        request, "household.html", home=found, timeline=timeline(desk, living, list(found.persons), ()),
        came_from=came_from if came_from and living_id_or_none(desk, came_from) == living else None,
    )  # fmt: skip
