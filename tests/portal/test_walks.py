"""Each role walks through its pages in a real browser: no outside request, no violation of the content policy, no serious finding of axe."""

import pytest

from tests.portal.browser import browser, served, sit_down
from tests.portal.conftest import Portal

pytestmark = pytest.mark.slow
EVERYBODY = (
    "steward",
    "second",
    "grid_reader",
    "grid_handler",
    "grid_downloader",
    "archivist",
    "head",
    "sysadmin",
    "secadmin",
    "auditor",
    "verifier",
    "nobody",
)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_that_the_menus_lead_to_is_sound(portal: Portal, language: str) -> None:
    faults: list[str] = []
    with served(portal) as address, browser() as started:
        for username in EVERYBODY:
            seat, context = sit_down(started, portal, address, username)
            seat.open(f"/language/{language}?next=/purpose")
            seat.page.get_by_role("radio").nth(1).check()
            seat.page.locator("input[name=note]").fill("核查 1")
            seat.page.locator("main form button").click()
            seat.page.wait_for_url("**/")
            paths = ["/", "/purpose", *links(seat.page.locator("header nav a"))]
            for number, path in enumerate(paths):
                seat.open(path)
                seat.look(f"{username}-{language}-{number}")
            faults += [f"{username}: {fault}" for fault in seat.faults]
            context.close()
    assert faults == []


def links(found: object) -> list[str]:
    """Where the links of a locator lead."""
    hrefs: list[str] = found.evaluate_all("all => all.map(a => a.getAttribute('href'))")  # type: ignore[attr-defined]
    return hrefs
