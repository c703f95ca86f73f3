"""Match call, for people: give a record, see who it may be and why."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from linkage.explain.phrases import Language
from linkage.explain.words import read_words
from linkage.portal.desk import AtDesk, Desk
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.pages import page
from linkage.portal.people.match_call import FIELDS, FIELDS_OF_RELATIVES, Matched, fields_for, match_record

router = APIRouter(route_class=GuardedRoute)
Text = Annotated[str, Form(max_length=200)]


@router.get("/match")
@guarded("match_page", "match_call", on_record=False)
def match_page(request: Request, desk: AtDesk) -> Response:
    """The form."""
    return _page(request, desk, {}, None)


@router.post("/match")
@guarded("match", "match_call", needs_purpose=True, paced=True, changes=False)
def match(
    request: Request,
    desk: AtDesk,
    identity_number: Text = "",
    full_name: Text = "",
    former_name: Text = "",
    birth_date: Text = "",
    sex: Text = "",
    phone: Text = "",
    residence_address: Text = "",
    hukou_address: Text = "",
    dwelling_code: Text = "",
    mother_name: Text = "",
) -> Response:
    """Candidates with their weights."""
    given = {
        "identity_number": identity_number, "full_name": full_name, "former_name": former_name, "birth_date": birth_date, "sex": sex,
        "phone": phone, "residence_address": residence_address, "hukou_address": hukou_address, "dwelling_code": dwelling_code,
        "mother_name": mother_name,
    }  # fmt: skip
    return _page(request, desk, given, match_record(desk, given))


def _page(request: Request, desk: Desk, given: dict[str, str], found: Matched | None) -> Response:
    words = None
    if found is not None and desk.register.run is not None:
        language: Language = "en" if desk.language == "en" else "zh"
        words = read_words(desk.register.run / "config", language)
    asked = [name for name in (*FIELDS, *FIELDS_OF_RELATIVES[:1]) if name in fields_for(desk) and name != "ethnicity"]
    return page(
        request, "match.html", given=given, found=found, words=words, fields=asked, columns=desk.view("persons").columns
    )
