"""The first login and the unified login in a real browser, which keeps cookies from other sites as browsers do."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from oidc_provider_mock import run_server_in_thread

from linkage.portal.accounts import update_user
from linkage.portal.openid import Provider
from linkage.portal.routes.openid import CALLBACK
from tests.portal.bare import bare_portal
from tests.portal.browser import browser, served, sit_down
from tests.portal.conftest import PASSWORD

pytestmark = [pytest.mark.slow, pytest.mark.browser]
NEW = "thirteen purple lamps"


@pytest.fixture
def issuer() -> Iterator[str]:
    with run_server_in_thread() as server:
        yield f"http://127.0.0.1:{server.server_port}"  # another site than localhost


def test_the_first_login_of_an_administrator_and_the_second(tmp_path: Path) -> None:
    portal = bare_portal(tmp_path, ("sysadmin",))
    update_user(portal.state, portal.users["sysadmin"], must_change_password=True)
    with served(portal) as address, browser() as started:
        seat, _ = sit_down(started, portal, address, None)
        page = seat.page
        seat.open("/accounts")
        page.get_by_label("用户名").fill("sysadmin")
        page.get_by_label("密码").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/account/password")
        seat.axe()
        page.get_by_label("原密码").fill(PASSWORD)
        page.get_by_label("新密码", exact=True).fill(NEW)
        page.get_by_label("再次输入新密码").fill(NEW)
        page.keyboard.press("Enter")
        page.wait_for_url("**/account/second-factor")
        seat.axe()
        assert page.locator("img.qr").evaluate("image => image.naturalWidth") > 100
        secret = re.sub(r"\s", "", page.locator("code.secret").inner_text())
        page.get_by_label("验证码").fill(pyotp.TOTP(secret).now())
        page.keyboard.press("Enter")
        page.wait_for_url(address + "/")
        page.get_by_role("button", name="退出").click()
        page.wait_for_url("**/login")
        page.get_by_label("用户名").fill("sysadmin")
        page.get_by_label("密码").fill(NEW)
        page.keyboard.press("Enter")
        page.wait_for_url("**/login/code**")
        seat.axe()
        next_code = pyotp.TOTP(secret).at(int(time.time()) + 30)  # the one of now was used
        page.get_by_label("6 位数字").fill(next_code)
        page.keyboard.press("Enter")
        page.wait_for_url(address + "/")
        seat.open("/accounts")
        assert page.get_by_role("heading", name="账号与角色").is_visible()
    assert seat.faults == []


def test_a_browser_that_another_site_sends_back_is_logged_in(
    tmp_path: Path, issuer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDROLL_OIDC_SECRET", "x")
    portal = bare_portal(tmp_path, ("police_reader",), openid={"issuer": issuer, "client_id": "gridroll"})
    update_user(portal.state, portal.users["police_reader"], oidc_subject="zhang.san")
    config = portal.settings.portal.openid
    assert config is not None
    with served(portal) as address, browser() as started:
        portal.app.state.openid = Provider(config, address + CALLBACK, portal.settings.sealer)
        page = started.new_page()
        page.goto(f"{address}/login?next=/account")
        page.get_by_role("link", name="统一身份认证登录").click()
        page.wait_for_url(f"{issuer}/**")
        page.locator("input[name=sub]").fill("zhang.san")
        page.locator("input[name=sub]").press("Enter")
        page.wait_for_url(f"{address}/account")
        assert page.get_by_role("heading", name="我的账号").is_visible()
        assert page.get_by_text("police_reader").first.is_visible()
