"""A steward's day in a browser, by keyboard only: ten cases decided, one undone; no look outside, no broken rule of the page, axe content."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from linkage.portal.config import Sessions
from linkage.portal.sessions import open_session
from tests.portal.conftest import Portal
from tests.portal.review_desk import copied_portal, of_kind

pytestmark = pytest.mark.slow
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def portal(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Portal:
    return copied_portal(two_nights, tmp_path_factory.mktemp("walk") / "state")


@pytest.fixture(scope="module")
def address(portal: Portal) -> Iterator[str]:
    """The portal on a port of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(portal.app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


class Watched:
    """A page of a user whose requests and complaints are kept."""

    def __init__(self, browser: Browser, portal: Portal, address: str, username: str, **context: object) -> None:
        secret = open_session(portal.state, portal.users[username], Sessions(), second_factor=True)
        self.context = browser.new_context(viewport={"width": 1366, "height": 768}, **context)  # type: ignore[arg-type]
        self.context.add_cookies([{"name": "gridroll", "value": secret, "url": address}])
        self.page: Page = self.context.new_page()
        self.address, self.outside, self.complaints = address, list[str](), list[str]()
        self.page.on("request", lambda r: None if r.url.startswith(address) else self.outside.append(r.url))
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)

    def go(self, path: str) -> None:
        self.page.goto(self.address + path, wait_until="networkidle")

    def press(self, key: str) -> None:
        """Press a key that leads to another page."""
        with self.page.expect_navigation(wait_until="networkidle"):
            self.page.keyboard.press(key)

    def state_purpose(self) -> None:
        """On the page that asks for the purpose: choose data quality and go on, by keyboard."""
        self.page.keyboard.press("Tab")
        self.page.locator("input[value=register_quality]").focus()
        self.page.keyboard.press("Space")
        self.press("Enter")

    def findings(self) -> list[str]:
        """What axe finds serious on the page."""
        result = self.page.evaluate(f"{AXE}; axe.run()")
        return [f"{v['id']}: {v['nodes'][0]['html']}" for v in result["violations"] if v["impact"] in SERIOUS]


def test_groups_by_keyboard_are_seen_before_they_are_decided(portal: Portal, address: str, browser: Browser) -> None:
    walk = Watched(browser, portal, address, "steward2")
    (case_id,) = of_kind(portal.client("steward2"), "constraint_conflict")
    walk.go(f"/review/{case_id}")
    walk.state_purpose()
    walk.page.wait_for_selector(".foreseen")
    assert walk.page.locator(".foreseen").count() >= 1
    walk.page.locator("select[name=group]").last.focus()
    walk.page.keyboard.press("End")
    walk.page.keyboard.press("Escape")
    walk.press("g")
    assert "若判：分组" in walk.page.locator("#foresight").inner_text()
    assert walk.findings() == []
    walk.press("w")
    assert walk.page.locator("table.waterfall svg").count() > 3
    assert walk.findings() == []
    walk.press("q")
    assert walk.outside == [] and walk.complaints == []


def test_ten_cases_by_keyboard_and_one_undone(portal: Portal, address: str, browser: Browser) -> None:
    walk = Watched(browser, portal, address, "steward")
    walk.go("/review")
    assert walk.findings() == []
    walk.press("n")
    if "/purpose" in walk.page.url:
        walk.state_purpose()
    seen = []
    for place in range(10):
        case_id = walk.page.url.split("/review/")[1].split("?")[0]
        assert case_id not in seen, "a decided case is not shown again"
        seen.append(case_id)
        if place in (0, 2):
            assert walk.findings() == []
        if place == 3:
            walk.press("n")  # skipped: it comes back later
            seen[-1] = walk.page.url.split("/review/")[1].split("?")[0]
        if place == 4:
            walk.page.keyboard.press("2")
            assert walk.page.locator("input[name=reason]:checked").input_value() == "paper"
        if place == 5:
            walk.page.keyboard.press("r")
            walk.page.keyboard.type("snd")
            assert walk.page.url.split("/review/")[1].startswith(seen[-1]), "letters in the text decide nothing"
            walk.page.keyboard.press("Escape")
        walk.press("sdu"[place % 3])
        assert walk.page.get_by_role("status").first.inner_text().startswith("已记录")
    walk.press("z")
    assert "已撤销" in walk.page.get_by_role("status").first.inner_text()
    assert walk.page.url.split("/review/")[1].startswith(seen[-1])
    walk.press("u")
    walk.press("q")
    assert walk.page.locator(".day b").inner_text() == "10"
    assert walk.outside == [] and walk.complaints == []


def test_every_page_of_the_desk_in_both_languages_is_sound_and_works_without_script(
    portal: Portal, address: str, browser: Browser
) -> None:
    for language in ("zh", "en"):
        walk = Watched(browser, portal, address, "steward")
        walk.go(f"/language/{language}")
        for path in ("", "/discuss", "/bulk", "/history", "/agreement", "/apply", "?show=decided", "?show=mine"):
            walk.go(f"/review{path}")
            assert walk.findings() == [], path
        assert walk.outside == [] and walk.complaints == []
    plain = Watched(browser, portal, address, "steward", java_script_enabled=False)
    plain.go("/review")
    plain.page.locator("a.button").click()
    plain.page.locator("input[value=register_quality]").check()
    plain.page.get_by_role("button", name="继续").click()
    plain.page.get_by_role("button", name="不能确定").click()
    assert "已记录" in plain.page.get_by_role("status").first.inner_text()
