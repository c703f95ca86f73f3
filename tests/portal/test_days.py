"""Days in a real browser: a desk looks a person up, a department downloads and resumes, data owners grant what is unmasked, a new user logs in."""

import csv
import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser, Page

from tests.portal.browser import Seat, browser, served, sit_down
from tests.portal.conftest import Portal, add_person, open_portal

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


def test_two_data_owners_grant_an_unmasked_slice_and_the_requester_downloads_it(portal: Portal, tmp_path: Path) -> None:
    portal.users["head2"] = add_person(portal, "head2", "office", ("data_owner",))
    faults: list[str] = []
    with served(portal) as address, browser() as started:
        seat, context = sit_down(started, portal, address, "grid_downloader")
        seat.open("/purpose?next=/downloads")
        state_purpose(seat.page, "月度更新")
        seat.page.get_by_role("navigation", name="下载").get_by_role("link", name="未脱敏批量数据").click()
        seat.page.get_by_label("公民身份号码").check()
        seat.page.get_by_label("用途").select_option("待遇资格核对")
        seat.page.get_by_label("理由（必要性、批文号）").fill("核查补贴 批文 12 号")
        seat.page.get_by_role("button", name="提交申请").click()
        seat.look("unmasked-asked")
        assert seat.page.locator("section .tag").inner_text() == "待批"
        for owner in ("head", "head2"):
            votes(started, portal, address, owner, faults)
        seat.open("/downloads/unmasked")
        seat.look("unmasked-granted")
        assert seat.page.locator("section .tag").inner_text() == "已批准"
        with seat.page.expect_download(timeout=60_000) as started_download:
            seat.page.get_by_role("link", name="csv", exact=True).click(no_wait_after=True)
        whole = tmp_path / "unmasked.csv"
        started_download.value.save_as(whole)
        faults += seat.faults
        context.close()
    assert faults == []
    numbers = [row["公民身份号码"] for row in csv.DictReader(whole.open(encoding="utf-8-sig")) if row["公民身份号码"]]
    assert numbers and not [number for number in numbers if "*" in number]


def votes(started: Browser, portal: Portal, address: str, owner: str, faults: list[str]) -> None:
    """One data owner finds the request under 下载 and grants it."""
    seat, context = sit_down(started, portal, address, owner)
    seat.open("/")
    seat.page.get_by_role("link", name="下载", exact=True).first.click()
    seat.page.wait_for_url("**/downloads/unmasked")
    seat.look(f"unmasked-{owner}-before")
    seat.page.get_by_label("理由").fill("已核批文")
    seat.page.get_by_role("button", name="批准", exact=True).click()
    seat.look(f"unmasked-{owner}-after")
    assert f"批准: {owner}" in seat.page.locator("main").inner_text()
    assert seat.page.get_by_role("button", name="批准", exact=True).count() == 0, "nobody votes twice"
    faults += seat.faults
    context.close()


NEW_PASSWORD = "thirteen purple lamps"


def test_an_account_is_made_a_role_granted_and_its_user_logs_in(portal: Portal) -> None:
    faults: list[str] = []
    with served(portal) as address, browser() as started:
        seat, context = sit_down(started, portal, address, "sysadmin")
        seat.open("/accounts")
        seat.page.get_by_role("link", name="新建账号").click()
        seat.look("account-new")
        seat.page.get_by_label("用户名").fill("lin.new")
        seat.page.get_by_label("姓名", exact=True).fill("林新")
        seat.page.get_by_label("部门").select_option("office")
        seat.page.get_by_role("button", name="建立").click()
        seat.look("account-made")
        password = seat.page.locator("code.once").inner_text()
        faults += seat.faults
        context.close()

        seat, context = sit_down(started, portal, address, "secadmin")
        seat.open("/accounts")
        seat.page.get_by_role("link", name="lin.new").click()
        seat.page.locator("select[name=role]").select_option("数据专员")
        seat.page.get_by_label("理由（存入记录）").fill("复核组新人")
        seat.page.get_by_role("button", name="授予", exact=True).click()
        seat.look("account-granted")
        assert "复核组新人" in seat.page.get_by_role("row", name="数据专员").inner_text()
        faults += seat.faults
        context.close()

        seat, context = sit_down(started, portal, address, None)
        seat.open("/")
        log_in_for_the_first_time(seat, "lin.new", password)
        seat.look("account-home")
        assert seat.page.get_by_role("navigation", name="主菜单").get_by_role("link", name="复核台").is_visible()
        faults += seat.faults
        context.close()
    assert faults == []


def log_in_for_the_first_time(seat: Seat, username: str, password: str) -> None:
    """The one-time password, a password of one's own, one-time codes."""
    page = seat.page
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/password")
    seat.look("account-password")
    page.get_by_label("原密码").fill(password)
    page.get_by_label("新密码", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("再次输入新密码").fill(NEW_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/second-factor")
    seat.look("account-second-factor")
    secret = re.sub(r"\s", "", page.locator("code.secret").inner_text())
    page.get_by_label("验证码").fill(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    page.wait_for_url(seat.address + "/")


def test_a_verifier_asks_and_is_told_yes_no_or_neither(portal: Portal) -> None:
    here, gone = (
        portal.settings.registers.current().rows(
            f"SELECT identity_number, full_name FROM persons WHERE length(identity_number) = 18 AND {condition} ORDER BY person_id LIMIT 1"
        )[0]
        for condition in ("status = 'alive' AND residence_division_code = '330106'", "status = 'deceased'")
    )
    with served(portal) as address, browser() as started:
        seat, _ = sit_down(started, portal, address, "verifier")
        seat.open("/purpose?next=/verify")
        state_purpose(seat.page, "案件 2026-119")
        for place, (who, name, answer) in enumerate(
            ((here, here["full_name"], "是"), (gone, gone["full_name"], "否"), (here, gone["full_name"], "不能判定"))
        ):
            seat.page.get_by_label("证件号码").fill(who["identity_number"])
            seat.page.get_by_label("姓名").fill(name)
            seat.page.get_by_role("button", name="核验").click()
            seat.look(f"verify-{place}")
            assert seat.page.get_by_role("status").locator("b").inner_text() == answer
            text = seat.page.locator("main").inner_text()
            assert who["identity_number"] not in text and name not in text
        assert seat.faults == []
