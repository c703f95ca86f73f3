"""Yes or no about one person, for those who may not see more."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from linkage.portal.desk import AtDesk
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.pages import page
from linkage.portal.people.verify import Asked, Question, verify

router = APIRouter(route_class=GuardedRoute)


@router.get("/verify")
@guarded("verify_page", "verify", on_record=False)
def verify_page(request: Request) -> Response:
    """The form."""
    return page(request, "verify.html", asked=None, answer=None)


@router.post("/verify")
@guarded("verify", "verify", needs_purpose=True, paced=True, changes=False)
def verify_person(
    request: Request,
    desk: AtDesk,
    number: Annotated[str, Form(min_length=1, max_length=40)],
    name: Annotated[str, Form(min_length=1, max_length=100)],
    question: Annotated[Question, Form()] = "alive_and_resident",
) -> Response:
    """Yes, no, or cannot say."""
    asked = Asked(number, name, question)
    return page(request, "verify.html", asked=asked, answer=verify(desk, asked))
