"""Accounts and roles: who may do what to whom, at once, and never alone where one alone would be too powerful."""

import concurrent.futures
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from linkage.kernel.errors import ConfigurationError
from linkage.portal.access import ADMINISTRATORS
from linkage.portal.account_changes import ask_second_factor_reset, decide_second_factor_reset, disable
from linkage.portal.account_list import grants_of, list_accounts
from linkage.portal.accounts import create_user, find_user, grant_role, revoke_role, roles_of, update_user
from tests.portal.bare import Clock, bare_portal
from tests.portal.bare import time_of as time_of
from tests.portal.conftest import Portal, add_person


@pytest.fixture
def own(tmp_path: Path) -> Portal:
    return bare_portal(tmp_path, ("steward", "police_reader", "sysadmin", "secadmin", "auditor", "nobody"))


def enter(portal: Portal, username: str) -> TestClient:
    return portal.client(username, purpose=None)


def grant(portal: Portal, username: str, role: str, by: str = "secadmin") -> str:
    return grant_role(portal.state, portal.settings.access, portal.users[username], role, granted_by=by, reason="x")


# --- whose pages they are ----------------------------------------------------------------------------------------------

PAGES = {
    ("GET", "/accounts"): {"sysadmin", "secadmin", "auditor"},
    ("GET", "/accounts/matrix"): {"sysadmin", "secadmin", "auditor"},
    ("GET", "/accounts/{target}"): {"sysadmin", "secadmin", "auditor"},
    ("GET", "/accounts/new"): {"sysadmin"},
    ("POST", "/accounts/new"): {"sysadmin"},
    ("POST", "/accounts/{target}/change"): {"sysadmin"},
    ("POST", "/accounts/{target}/disable"): {"sysadmin"},
    ("POST", "/accounts/{target}/enable"): {"sysadmin"},
    ("POST", "/accounts/{target}/password"): {"sysadmin"},
    ("POST", "/accounts/{target}/second-factor"): {"sysadmin"},
    ("POST", "/accounts/{target}/second-factor/decide"): {"secadmin"},
    ("POST", "/accounts/{target}/sessions/end"): {"sysadmin", "secadmin"},
    ("POST", "/accounts/{target}/roles"): {"secadmin"},
    ("POST", "/accounts/{target}/roles/{grant}/revoke"): {"secadmin"},
}


@pytest.mark.parametrize(("method", "template"), PAGES)
def test_each_page_is_for_its_administrators_alone(own: Portal, method: str, template: str) -> None:
    target = create_user(own.state, "target", display_name="T", department="grid", created_by="test")
    path = template.replace("{target}", target).replace("{grant}", "0" * 16)
    for username in own.users:
        status = enter(own, username).request(method, path).status_code
        assert (status != 403) is (username in PAGES[method, template]), (username, status)


# --- roles -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ADMINISTRATORS)
@pytest.mark.parametrize("holder", ["steward", "police_reader", "sysadmin", "secadmin", "auditor"])
def test_an_administrator_holds_no_second_role(own: Portal, holder: str, role: str) -> None:
    before = roles_of(own.state, own.users[holder])
    with pytest.raises(ConfigurationError):
        grant(own, holder, role, by="somebody")
    assert roles_of(own.state, own.users[holder]) == before


@pytest.mark.parametrize("holder", ["sysadmin", "secadmin", "auditor"])
def test_an_administrator_is_given_no_look_at_residents(own: Portal, holder: str) -> None:
    with pytest.raises(ConfigurationError, match="三员分立"):
        grant(own, holder, "department_reader", by="somebody")


@pytest.mark.parametrize("attempt", range(5))
def test_two_grants_at_once_do_not_slip_past_the_separation(own: Portal, attempt: int) -> None:
    roles = ["auditor", "system_administrator", "security_administrator", "steward", "verifier", "downloader"]

    def give(role: str) -> bool:
        try:
            grant(own, "nobody", role)
        except ConfigurationError:
            return False
        return True

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(give, roles[attempt:] + roles[:attempt]))
    held = set(roles_of(own.state, own.users["nobody"]))
    assert held and (len(held) == 1 or not held & set(ADMINISTRATORS))


def test_nobody_gives_or_takes_their_own_roles(own: Portal) -> None:
    with pytest.raises(ConfigurationError, match="自己"):
        grant(own, "nobody", "verifier", by="nobody")
    (held,) = grants_of(own.state, own.users["secadmin"])
    with pytest.raises(ConfigurationError, match="自己"):
        revoke_role(own.state, own.users["secadmin"], held["grant_id"], revoked_by="secadmin", reason="x")


@pytest.mark.parametrize("username", ["sysadmin", "secadmin", "auditor"])
def test_the_last_administrator_of_a_kind_stays(own: Portal, username: str) -> None:
    (held,) = grants_of(own.state, own.users[username])
    with pytest.raises(ConfigurationError, match="最后"):
        revoke_role(own.state, own.users[username], held["grant_id"], revoked_by="other", reason="x")
    with pytest.raises(ConfigurationError, match="最后"):
        disable(own.state, own.users[username], by="other")
    add_person(own, "successor", "office", (held["role"],))
    disable(own.state, own.users[username], by="other")
    assert find_user(own.state, username=username)["disabled_at"] is not None  # type: ignore[index]


def test_a_role_given_and_taken_in_the_pages_counts_at_once_for_a_live_session(own: Portal) -> None:
    user, person, officer = own.users["nobody"], enter(own, "nobody"), enter(own, "secadmin")
    assert person.get("/accounts").status_code == 403
    # The nobody of this test becomes the second auditor.
    assert officer.post(f"/accounts/{user}/roles", data={"role": "auditor", "reason": "接任 张三"}).status_code == 303
    assert person.get("/accounts").status_code == 200
    page = officer.get(f"/accounts/{user}").text
    assert "接任 张三" in page
    (path,) = re.findall(r'action="(/accounts/[0-9a-f]+/roles/[0-9a-f]+/revoke)"', page)
    assert officer.post(path, data={"reason": ""}).status_code == 422
    assert officer.post(path, data={"reason": "  "}).status_code == 422
    assert officer.post(path, data={"reason": "离岗"}).status_code == 303
    assert person.get("/accounts").status_code == 403
    (held,) = grants_of(own.state, user)
    assert (held["revoked_by"], held["revoke_reason"]) == ("secadmin", "离岗")
    assert officer.post(path, data={"reason": "again"}).status_code == 422


def test_a_grant_of_another_account_is_not_taken_through_this_one(own: Portal) -> None:
    (held,) = grants_of(own.state, own.users["steward"])
    with pytest.raises(ConfigurationError):
        revoke_role(own.state, own.users["nobody"], held["grant_id"], revoked_by="secadmin", reason="x")
    assert roles_of(own.state, own.users["steward"]) == ("steward",)


# --- accounts ----------------------------------------------------------------------------------------------------------


def test_an_account_is_made_without_a_role_and_its_password_is_shown_once(own: Portal) -> None:
    officer = enter(own, "sysadmin")
    made = officer.post("/accounts/new", data={"username": "Wang.Wu", "display_name": "王五", "department": "grid"})
    password = re.search(r'class="once">([^<]+)<', made.text)[1]  # type: ignore[index]
    assert len(password) == 23
    user = find_user(own.state, username="wang.wu")
    assert user is not None and user["must_change_password"] and user["created_by"] == "sysadmin"
    assert roles_of(own.state, user["user_id"]) == ()
    assert password not in officer.get(f"/accounts/{user['user_id']}").text
    with own.client() as client:
        client.cookies.clear()
        answer = client.post("/login", data={"username": "wang.wu", "password": password})
        assert answer.status_code == 303
        assert client.get("/").headers["location"] == "/account/password"
    audit = (own.state.root / "gridroll.sqlite").read_bytes() + (own.state.root / "gridroll.sqlite-wal").read_bytes()
    assert password.encode() not in audit


@pytest.mark.parametrize(
    "change",
    [
        {"username": "steward"},
        {"username": "STEWARD "},
        {"username": ""},
        {"username": "a/b"},
        {"username": "<b>"},
        {"department": "moon"},
        {"area_level": "street", "area_name": ""},
        {"area_level": "planet", "area_name": "x"},
    ],
    ids=str,
)
def test_an_account_that_cannot_be_is_not_made(own: Portal, change: dict[str, str]) -> None:
    count = len(list_accounts(own.state))
    fields = {"username": "new", "display_name": "N", "department": "grid"} | change
    assert enter(own, "sysadmin").post("/accounts/new", data=fields).status_code == 422
    assert len(list_accounts(own.state)) == count


def test_a_closed_account_is_out_at_once_with_all_it_holds(own: Portal) -> None:
    person, officer = enter(own, "police_reader"), enter(own, "sysadmin")
    assert person.get("/").status_code == 200
    assert officer.post(f"/accounts/{own.users['police_reader']}/disable").status_code == 303
    assert person.get("/").headers["location"] == "/login"
    assert officer.post(f"/accounts/{own.users['police_reader']}/enable").status_code == 303
    assert person.get("/").headers["location"] == "/login", "the ended session stays ended"
    assert enter(own, "police_reader").get("/").status_code == 200


@pytest.mark.parametrize("what", ["disable", "password", "second-factor", "enable"])
def test_nobody_administers_their_own_account(own: Portal, what: str) -> None:
    before = find_user(own.state, username="sysadmin")
    assert enter(own, "sysadmin").post(f"/accounts/{own.users['sysadmin']}/{what}").status_code == 422
    assert find_user(own.state, username="sysadmin") == before


def test_a_second_factor_is_taken_away_by_two(own: Portal) -> None:
    user = own.users["steward"]
    update_user(own.state, user, totp_secret="sealed", totp_last_step=1)
    with pytest.raises(ConfigurationError):
        decide_second_factor_reset(own.state, user, by="secadmin", agrees=True)  # nobody asked
    ask_second_factor_reset(own.state, user, by="sysadmin")
    with pytest.raises(ConfigurationError):
        decide_second_factor_reset(own.state, user, by="sysadmin", agrees=True)  # the one who asked
    assert "待确认" in enter(own, "secadmin").get("/accounts?status=waiting_for_reset").text
    answer = enter(own, "secadmin").post(f"/accounts/{user}/second-factor/decide", data={"verdict": "refuse"})
    assert answer.status_code == 303
    assert find_user(own.state, user_id=user)["totp_secret"] == "sealed"  # type: ignore[index]
    live = enter(own, "steward")
    ask_second_factor_reset(own.state, user, by="sysadmin")
    answer = enter(own, "secadmin").post(f"/accounts/{user}/second-factor/decide", data={"verdict": "agree"})
    assert answer.status_code == 303
    assert find_user(own.state, user_id=user)["totp_secret"] is None  # type: ignore[index]
    assert live.get("/").headers["location"] == "/login"


def test_the_subject_of_an_account_with_roles_stays(own: Portal) -> None:
    """Who could point an account with roles at their own subject would be that person, alone."""
    officer = enter(own, "sysadmin")
    fields = {"display_name": "x", "department": "office", "area_level": "district", "oidc_subject": "my-own"}
    assert officer.post(f"/accounts/{own.users['steward']}/change", data=fields).status_code == 422
    assert find_user(own.state, oidc_subject="my-own") is None
    assert officer.post(f"/accounts/{own.users['nobody']}/change", data=fields).status_code == 303
    assert find_user(own.state, oidc_subject="my-own")["username"] == "nobody"  # type: ignore[index]


def test_a_password_is_not_given_to_an_account_of_the_unified_login(own: Portal) -> None:
    user = create_user(own.state, "idp", display_name="I", department="grid", created_by="test", oidc_subject="s")
    assert enter(own, "sysadmin").post(f"/accounts/{user}/password").status_code == 422
    assert find_user(own.state, user_id=user)["password_hash"] is None  # type: ignore[index]


def test_accounts_that_nobody_used_for_90_days_are_named(own: Portal, time_of: Clock) -> None:
    create_user(own.state, "early", display_name="E", department="grid", created_by="test")
    time_of.tick(days=89)
    enter(own, "police_reader").get("/")
    time_of.tick(days=2)
    stale = {account.username for account in list_accounts(own.state) if account.is_stale}
    assert "early" in stale
    assert "police_reader" not in stale


def test_the_list_can_be_narrowed(own: Portal) -> None:
    officer = enter(own, "sysadmin")
    for query, there, gone in [
        ("q=stew", "steward", "auditor"),
        ("role=auditor", ">auditor<", ">steward<"),
        ("department=police", "police_reader", ">steward<"),
        ("status=no_role", "nobody", ">steward<"),
    ]:
        page = officer.get(f"/accounts?{query}").text
        table = page[page.index("<tbody>") :]
        assert there in table and gone not in table, query


def test_names_are_shown_as_text(own: Portal) -> None:
    create_user(own.state, "odd", display_name="<script>alert(1)</script>", department="grid", created_by="test")
    assert "<script>alert" not in enter(own, "sysadmin").get("/accounts").text
