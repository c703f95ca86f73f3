"""The portal as a real server, and a real browser that tells of every outside request, every violation of the content policy and every script error."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_playwright_python
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from linkage.portal.config import Sessions
from linkage.portal.sessions import open_session
from tests.portal.conftest import Portal

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
SCREEN = {"width": 1366, "height": 768}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SERIOUS = ("serious", "critical")
# Set to a folder to look at what a test saw.
SCREENSHOTS = os.environ.get("GRIDROLL_SCREENSHOTS")


@contextmanager
def served(portal: Portal) -> Iterator[str]:
    """The portal on a free port of this machine; gives its address."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(portal.app, host="127.0.0.1", port=port, log_level="error", access_log=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(200):
        if server.started:
            break
        time.sleep(0.05)
    assert server.started
    try:
        yield f"http://localhost:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        try:
            yield started
        finally:
            started.close()


@dataclass
class Seat:
    """One user at one browser, and what went wrong there."""

    page: Page
    address: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Open a page of the portal; anything but an answer below 400 is a fault."""
        answer = self.page.goto(self.address + path)
        if answer is None or answer.status >= 400:
            told = self.page.locator("[role=alert]").all_inner_texts()
            self.faults.append(f"{path}: HTTP {answer.status if answer else 'none'} {told}")

    def axe(self) -> None:
        """Look for serious findings of axe-core on the page that is open."""
        self.page.evaluate(AXE)
        found: dict[str, Any] = self.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        for violation in found["violations"]:
            if violation["impact"] in SERIOUS:
                targets = [node["target"] for node in violation["nodes"][:3]]
                self.faults.append(f"axe {urlsplit(self.page.url).path}: {violation['id']} {targets}")

    def look(self, name: str) -> None:
        """The same, and a picture of the page when somebody wants to see it."""
        self.axe()
        if SCREENSHOTS:
            Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{SCREENSHOTS}/{name}.png", full_page=True)


def sit_down(
    browser: Browser, portal: Portal, address: str, username: str | None, **options: Any
) -> tuple[Seat, BrowserContext]:
    """A browser window of ``username``, logged in already (None: a stranger); ``options`` are Playwright's of a context."""
    context = browser.new_context(viewport=SCREEN, locale="zh-CN", **options)  # type: ignore[arg-type]
    if username is not None:
        secret = open_session(portal.state, portal.users[username], Sessions(), second_factor=True)
        context.add_cookies(
            [{"name": "gridroll", "value": secret, "url": address, "httpOnly": True, "sameSite": "Strict"}]
        )
    page = context.new_page()
    seat = Seat(page, address)

    def requested(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and f"{parts.scheme}://{parts.netloc}" != address:
            seat.faults.append(f"outside request: {request.url}")

    def said(message: Any) -> None:
        if message.type == "error" and "favicon" not in message.text:
            seat.faults.append(f"console: {message.text}")

    page.on("request", requested)
    page.on("console", said)
    page.on("pageerror", lambda error: seat.faults.append(f"script: {error}"))
    return seat, context
