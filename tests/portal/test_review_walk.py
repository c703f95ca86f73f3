"""A steward's day in a browser, by keyboard only: ten cases decided, one undone; no look outside, no broken rule of the page, axe content."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.portal.browser import Seat, browser, served, sit_down
from tests.portal.conftest import Portal
from tests.portal.review_desk import copied_portal, of_kind

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def portal(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Portal:
    return copied_portal(two_nights, tmp_path_factory.mktemp("walk") / "state")


@pytest.fixture(scope="module")
def address(portal: Portal) -> Iterator[str]:
    with served(portal) as found:
        yield found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


def press(seat: Seat, key: str) -> None:
    """Press a key that leads to another page."""
    with seat.page.expect_navigation():
        seat.page.keyboard.press(key)


def state_purpose(seat: Seat) -> None:
    """On the page that asks for the purpose: choose data quality and go on, by keyboard."""
    seat.page.keyboard.press("Tab")
    seat.page.locator("input[value=register_quality]").focus()
    seat.page.keyboard.press("Space")
    press(seat, "Enter")


def test_groups_by_keyboard_are_seen_before_they_are_decided(portal: Portal, address: str, chromium: Browser) -> None:
    seat, _ = sit_down(chromium, portal, address, "steward2")
    (case_id,) = of_kind(portal.client("steward2"), "constraint_conflict")
    seat.open(f"/review/{case_id}")
    state_purpose(seat)
    seat.page.wait_for_selector(".foreseen")
    assert seat.page.locator(".foreseen").count() >= 1
    seat.page.locator("select[name=group]").last.focus()
    seat.page.keyboard.press("End")
    seat.page.keyboard.press("Escape")
    press(seat, "g")
    assert "若判：分组" in seat.page.locator("#foresight").inner_text()
    seat.axe()
    press(seat, "w")
    assert seat.page.locator("table.waterfall svg").count() > 3
    seat.axe()
    press(seat, "q")
    assert seat.faults == []


def test_ten_cases_by_keyboard_and_one_undone(portal: Portal, address: str, chromium: Browser) -> None:
    seat, _ = sit_down(chromium, portal, address, "steward")
    seat.open("/review")
    seat.axe()
    press(seat, "n")
    if "/purpose" in seat.page.url:
        state_purpose(seat)
    seen = []
    for place in range(10):
        case_id = seat.page.url.split("/review/")[1].split("?")[0]
        assert case_id not in seen, "a decided case is not shown again"
        seen.append(case_id)
        if place in (0, 2):
            seat.axe()
        if place == 3:
            press(seat, "n")  # skipped: it comes back later
            seen[-1] = seat.page.url.split("/review/")[1].split("?")[0]
        if place == 4:
            seat.page.keyboard.press("2")
            assert seat.page.locator("input[name=reason]:checked").input_value() == "paper"
        if place == 5:
            seat.page.keyboard.press("r")
            seat.page.keyboard.type("snd")
            assert seat.page.url.split("/review/")[1].startswith(seen[-1]), "letters in the text decide nothing"
            seat.page.keyboard.press("Escape")
        press(seat, "sdu"[place % 3])
        assert seat.page.get_by_role("status").first.inner_text().startswith("已记录")
    press(seat, "z")
    assert "已撤销" in seat.page.get_by_role("status").first.inner_text()
    assert seat.page.url.split("/review/")[1].startswith(seen[-1])
    press(seat, "u")
    press(seat, "q")
    assert seat.page.locator(".day b").inner_text() == "10"
    assert seat.faults == []


def test_every_page_of_the_desk_in_both_languages_is_sound_and_works_without_script(
    portal: Portal, address: str, chromium: Browser
) -> None:
    for language in ("zh", "en"):
        seat, _ = sit_down(chromium, portal, address, "steward")
        seat.open(f"/language/{language}")
        for path in ("", "/discuss", "/bulk", "/history", "/agreement", "/apply", "?show=decided", "?show=mine"):
            seat.open(f"/review{path}")
            seat.axe()
        assert seat.faults == []
    plain, _ = sit_down(chromium, portal, address, "steward", java_script_enabled=False)
    plain.open("/review")
    plain.page.locator("a.button").click()
    plain.page.locator("input[value=register_quality]").check()
    plain.page.get_by_role("button", name="继续").click()
    plain.page.get_by_role("button", name="不能确定").click()
    assert "已记录" in plain.page.get_by_role("status").first.inner_text()
