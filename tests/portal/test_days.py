"""Days in a real browser: a desk looks a person up, a department downloads and resumes, the auditor finds both on record."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page

from tests.portal.browser import browser, served, sit_down
from tests.portal.conftest import Portal, open_portal

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def portal(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("days")
    shutil.copytree(two_nights, folder / "state")
    yield open_portal(folder / "state")


def state_purpose(page: Page, note: str) -> None:
    """Choose the first purpose that needs a note, as a desk does for each case."""
    page.get_by_label("窗口办件").check()
    page.locator("input[name=note]").fill(note)
    page.get_by_role("button", name="继续").click()


def test_a_desk_looks_a_person_up_and_the_auditor_finds_who_looked(portal: Portal) -> None:
    (person,) = portal.settings.registers.current().rows(
        "SELECT person_id, identity_number, full_name FROM persons WHERE list_contains(sources, 'grid') AND length(identity_number) = 18 "
        "AND length(full_name) = 3 ORDER BY person_id LIMIT 1"
    )
    faults: list[str] = []
    with served(portal) as address, browser() as started:
        seat, context = sit_down(started, portal, address, "grid_reader")
        seat.open("/purpose?next=/people")
        state_purpose(seat.page, "案件 2026-118")
        seat.page.wait_for_url("**/people")
        seat.page.get_by_label("查找内容").fill(person["identity_number"])
        seat.page.get_by_role("button", name="查找").click()
        seat.page.get_by_role("link", name=person["person_id"]).click()
        seat.page.wait_for_url(f"**/people/{person['person_id']}")
        seat.axe()
        text = seat.page.locator("main").inner_text()
        assert person["full_name"] in text and person["identity_number"] not in text, "the grid sees numbers masked"
        faults += seat.faults
        context.close()

        seat, context = sit_down(started, portal, address, "auditor")
        seat.open(f"/audit/persons/{person['person_id']}")
        seat.axe()
        text = seat.page.locator("main").inner_text()
        assert "grid_reader" in text and "窗口办件" in text
        assert person["full_name"] not in text and person["identity_number"] not in text
        seat.open("/audit/value")
        seat.page.locator("input[name=value]").fill("案件 2026-118")
        seat.page.locator("main form button").click()
        seat.page.wait_for_load_state()
        assert "grid_reader" in seat.page.locator("main").inner_text(), "a case number is found by its hash"
        faults += seat.faults
        context.close()
    assert faults == []


def test_a_department_downloads_and_a_download_that_broke_off_goes_on(portal: Portal, tmp_path: Path) -> None:
    with served(portal) as address, browser() as started:
        seat, context = sit_down(started, portal, address, "grid_downloader")
        seat.open("/purpose?next=/downloads")
        state_purpose(seat.page, "月度更新")
        seat.page.wait_for_url("**/downloads")
        link = seat.page.locator("main a[href$='/persons.csv']").first
        path = link.get_attribute("href")
        assert path is not None
        # The copy is made for this user first; its page reloads until it is there.
        with seat.page.expect_download(timeout=60_000) as started_download:
            link.click(no_wait_after=True)
        whole = tmp_path / "persons.csv"
        started_download.value.save_as(whole)
        assert seat.faults == []
        cookie = {c["name"]: c["value"] for c in context.cookies()}
        context.close()
        address_of_file = address + path
        with httpx.Client(cookies=cookie) as client:
            first = client.get(address_of_file, headers={"range": "bytes=0-999"})
            rest = client.get(address_of_file, headers={"range": "bytes=1000-", "if-range": first.headers["etag"]})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert hashlib.sha256(first.content + rest.content).digest() == hashlib.sha256(whole.read_bytes()).digest()
    assert "留痕码" in whole.read_text(encoding="utf-8-sig").splitlines()[0]
