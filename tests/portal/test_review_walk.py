"""A steward's day in a browser, by keyboard only: ten cases decided, one undone, a second reader; no look outside, no broken rule of the page, axe content."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from linkage.portal.review.readings import read_states
from linkage.review.judgements import read_rows
from tests.portal.browser import Seat, browser, served, sit_down
from tests.portal.conftest import Portal
from tests.portal.review_desk import copied_portal, decide, of_kind

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


def tab_to(seat: Seat, selector: str) -> None:
    """Press Tab until the focus is on the last element that ``selector`` finds, as a hand without a mouse does."""
    for _ in range(200):
        if seat.page.evaluate("s => [...document.querySelectorAll(s)].at(-1) === document.activeElement", selector):
            return
        seat.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {selector}")


def state_purpose(seat: Seat) -> None:
    """On the page that asks for the purpose, where the first is in focus: down to data quality and go on, by keyboard."""
    assert seat.page.evaluate("document.activeElement.name") == "purpose"
    while seat.page.evaluate("document.activeElement.value") != "register_quality":
        seat.page.keyboard.press("ArrowDown")
    assert seat.page.locator("input[name=purpose]:checked").input_value() == "register_quality"
    press(seat, "Enter")


def test_groups_by_keyboard_are_seen_before_they_are_decided(portal: Portal, address: str, chromium: Browser) -> None:
    seat, _ = sit_down(chromium, portal, address, "steward2")
    (case_id,) = of_kind(portal.client("steward2"), "constraint_conflict")
    seat.open(f"/review/{case_id}")
    state_purpose(seat)
    seat.page.wait_for_selector(".foreseen")
    assert seat.page.locator(".foreseen").count() >= 1
    tab_to(seat, "select[name=group]")
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


def test_a_second_reader_reads_a_case_blind_and_decides_it(two_nights: Path, tmp_path: Path, chromium: Browser) -> None:
    portal = copied_portal(
        two_nights, tmp_path / "state"
    )  # the one death in doubt of two nights, decided by nobody yet
    with served(portal) as address:
        read_blind(portal, address, chromium)


def read_blind(portal: Portal, address: str, chromium: Browser) -> None:
    """A steward has read a case of high harm; the second reader walks from the menu to its decision."""
    first = portal.client("steward2")
    case_id = of_kind(first, "possible_death")[-1]
    assert decide(portal, first, case_id, "same", note="遗属证明第七号").status_code == 303
    seat, _ = sit_down(chromium, portal, address, "second")
    seat.open("/review")
    assert seat.page.url == f"{address}/review/second"
    seat.look("second-waiting")
    tab_to(seat, f"main a[href^='/review/{case_id}']")
    press(seat, "Enter")
    state_purpose(seat)
    assert seat.page.url.startswith(f"{address}/review/{case_id}")
    seat.look("second-case")
    text = seat.page.locator("main").inner_text()
    assert "第二人盲评" in text and "高危害" in text
    assert "遗属证明" not in text and "steward2" not in text, "nothing of the first reading is told"
    press(seat, "s")
    seat.look("second-decided")
    assert seat.page.get_by_role("status").inner_text().startswith("已记录"), "also where nothing is left to read"
    assert read_states(portal.state)[case_id].standing == "decided"
    assert {row["verdict"] for row in read_rows(portal.state)} == {"same"}
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
