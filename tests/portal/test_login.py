"""Logging in: passwords, waiting, codes, and what a login is good for until it is complete."""

import concurrent.futures
import re
from pathlib import Path

import argon2
import pytest
from fastapi.testclient import TestClient

from linkage.kernel.database import open_database
from linkage.kernel.state_tables import users_table
from linkage.portal.account_changes import disable
from linkage.portal.accounts import find_user, grant_role, update_user
from linkage.portal.config import Sessions
from linkage.portal.sessions import open_session, read_session
from tests.portal.bare import Clock, bare_portal, browser_at, code_at, form_token, log_in
from tests.portal.bare import time_of as time_of
from tests.portal.conftest import PASSWORD, Portal, access, portal_config

NEW = "thirteen purple lamps"
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def own(tmp_path: Path, time_of: Clock) -> Portal:
    return bare_portal(tmp_path)


def post(client: TestClient, path: str, form_of: str, **fields: str) -> int:
    """Fill in a form of the page ``form_of``."""
    return client.post(path, data={"csrf": form_token(client, form_of), **fields}).status_code


def enrol(client: TestClient, time_of: Clock) -> str:
    """Set up one-time codes; returns the secret."""
    page = client.get("/account/second-factor").text
    secret = re.sub(r"\s", "", re.search(r'class="secret">([^<]+)<', page)[1])  # type: ignore[index]
    sealed = re.search(r'name="sealed" value="([^"]+)"', page)[1]  # type: ignore[index]
    token = page.partition('name="csrf" value="')[2].partition('"')[0]
    answer = client.post(
        "/account/second-factor", data={"csrf": token, "sealed": sealed, "code": code_at(secret, time_of.moment)}
    )
    assert answer.status_code == 303, answer.text
    return secret


# --- waiting -----------------------------------------------------------------------------------------------------------


def test_after_five_wrong_passwords_each_further_try_waits_twice_as_long(own: Portal, time_of: Clock) -> None:
    with browser_at(own) as client:
        assert [log_in(client, "police_reader", "wrong") for _ in range(5)] == [401] * 5
        for wait in (30, 60, 120, 240, 480, 900, 900):
            assert log_in(client, "police_reader", "wrong") == 429
            time_of.tick(seconds=wait - 1)
            assert log_in(client, "police_reader") == 429, "the right password waits as well"
            time_of.tick(seconds=1)
            assert log_in(client, "police_reader", "wrong") == 401
        time_of.tick(seconds=900)
        assert log_in(client, "police_reader") == 303, "nobody is locked out for good"
        assert [log_in(client, "police_reader", "wrong") for _ in range(5)] == [401] * 5, "the count began anew"


def test_the_answer_says_how_long_to_wait(own: Portal) -> None:
    with browser_at(own) as client:
        for _ in range(5):
            log_in(client, "police_reader", "wrong")
        answer = client.post("/login", data={"username": "police_reader", "password": PASSWORD})
    assert answer.headers["retry-after"] == "30"
    assert "30 秒" in answer.text


def test_a_guesser_elsewhere_does_not_keep_the_owner_out(own: Portal) -> None:
    with browser_at(own, "10.6.6.6") as guesser, browser_at(own, "10.0.0.1") as owner:
        assert [log_in(guesser, "police_reader", "wrong") for _ in range(6)] == [401] * 5 + [429]
        assert log_in(owner, "police_reader") == 303


def test_names_that_do_not_exist_wait_as_well(own: Portal) -> None:
    with browser_at(own) as client:
        assert [log_in(client, "nobody-here", "wrong") for _ in range(6)] == [401] * 5 + [429]


def test_one_address_that_tries_many_names_waits(own: Portal) -> None:
    with browser_at(own) as client:
        assert [log_in(client, f"name{n}", "wrong") for n in range(50)] == [401] * 50
        assert log_in(client, "police_reader") == 429


def test_typing_errors_of_a_whole_office_do_not_add_up(own: Portal, time_of: Clock) -> None:
    with browser_at(own) as client:
        for person in range(150):
            assert log_in(client, f"name{person}", "wrong") == 401
            time_of.tick(minutes=4)  # a little faster than they are forgotten
            if person % 3 == 0:
                time_of.tick(minutes=4)
        assert log_in(client, "police_reader") == 303


def test_many_tries_at_once_gain_nothing(own: Portal) -> None:
    with browser_at(own) as client, concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: log_in(client, "police_reader", f"wrong {n}"), range(40)))
    assert answers.count(401) == 5
    assert answers.count(429) == 35


def test_big_and_full_width_letters_are_the_same_name(own: Portal) -> None:
    with browser_at(own) as client:
        assert log_in(client, " Ｐolice_READER ") == 303


def test_a_closed_account_is_answered_like_a_wrong_password(own: Portal) -> None:
    with browser_at(own) as client:
        wrong = client.post("/login", data={"username": "police_reader", "password": "wrong"})
        disable(own.state, own.users["police_reader"], by="sysadmin")
        closed = client.post("/login", data={"username": "police_reader", "password": PASSWORD})
    assert (closed.status_code, closed.text) == (wrong.status_code, wrong.text)


# --- sessions ----------------------------------------------------------------------------------------------------------


def test_a_login_gives_a_new_session_and_ends_the_one_that_it_came_with(own: Portal) -> None:
    planted = open_session(own.state, own.users["police_reader"], Sessions(), second_factor=False)
    with browser_at(own) as client:
        client.cookies.set("gridroll", planted)
        token = form_token(client, "/login")
        answer = client.post("/login", data={"username": "police_reader", "password": PASSWORD, "csrf": token})
        assert answer.status_code == 303
        assert answer.cookies["gridroll"] != planted
    assert read_session(own.state, planted, Sessions(), own.settings.access) is None


def test_cookies_are_kept_from_scripts_and_other_sites(tmp_path: Path) -> None:
    portal = bare_portal(tmp_path, ("police_reader",), public_url="https://portal.example")
    with TestClient(portal.app, base_url="https://portal.example", follow_redirects=False) as client:
        answer = client.post("/login", data={"username": "police_reader", "password": PASSWORD})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-gridroll=")
        assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
        assert client.get("/").headers["strict-transport-security"]
        dropped = client.post("/logout", data={"csrf": form_token(client, "/")}).headers["set-cookie"]
        assert {"Secure", "Path=/"} <= set(dropped.split("; ")), "without these browsers keep a __Host- cookie"


@pytest.mark.parametrize(("minutes", "steps"), [(30, 1), (20, 31)], ids=["idle", "absolute"])
def test_a_session_ends_by_itself(own: Portal, time_of: Clock, minutes: int, steps: int) -> None:
    with browser_at(own) as client:
        log_in(client, "police_reader")
        for _ in range(steps - 1):
            time_of.tick(minutes=minutes)
            if time_of.moment.hour >= 12:  # ten hours after the login
                break
            assert client.get("/").status_code == 200
        else:
            time_of.tick(minutes=minutes)
        assert client.get("/").headers["location"] == "/login"


def test_logout_ends_the_session_and_not_only_the_cookie(own: Portal) -> None:
    with browser_at(own) as client:
        log_in(client, "police_reader")
        secret = client.cookies["gridroll"]
        assert post(client, "/logout", "/") == 303
    assert read_session(own.state, secret, Sessions(), own.settings.access) is None


def test_one_sees_and_ends_ones_own_logins_only(own: Portal) -> None:
    other = open_session(own.state, own.users["police_reader"], Sessions(), second_factor=False)
    foreign = open_session(own.state, own.users["steward"], Sessions(), second_factor=True)
    with browser_at(own) as client:
        log_in(client, "police_reader")
        page = client.get("/account").text
        (path,) = re.findall(r'action="(/account/sessions/[0-9a-f]+/end)"', page)
        assert post(client, path, "/account") == 303
        assert post(client, path, "/account") == 404
    assert read_session(own.state, other, Sessions(), own.settings.access) is None
    assert read_session(own.state, foreign, Sessions(), own.settings.access) is not None


# --- passwords ---------------------------------------------------------------------------------------------------------


def test_a_one_time_password_is_good_for_nothing_but_changing_it(own: Portal) -> None:
    update_user(own.state, own.users["police_reader"], must_change_password=True)
    other = open_session(own.state, own.users["police_reader"], Sessions(), second_factor=False)
    with browser_at(own) as client:
        log_in(client, "police_reader")
        for path in ("/", "/accounts", "/account", "/purpose"):
            assert client.get(path).headers["location"] == "/account/password", path
        before = client.cookies["gridroll"]
        assert post(client, "/account/password", "/account/password", old=PASSWORD, new=NEW, again=NEW) == 303
        assert client.get("/").status_code == 200
        assert client.cookies["gridroll"] != before
    for ended in (other, before):
        assert read_session(own.state, ended, Sessions(), own.settings.access) is None
    with browser_at(own) as client:
        assert (log_in(client, "police_reader"), log_in(client, "police_reader", NEW)) == (401, 303)


@pytest.mark.parametrize(
    ("new", "again", "said"),
    [
        ("short", "short", "12"),
        ("a" * 11, "a" * 11, "12"),
        ("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "过于常见"),
        ("123456789012", "123456789012", "过于常见"),
        ("password123456", "password123456", "过于常见"),
        ("Password@2026!", "Password@2026!", "过于常见"),
        ("1qaz2wsx3edc4rfv", "1qaz2wsx3edc4rfv", "过于常见"),
        ("QWERTYUIOPasdf", "QWERTYUIOPasdf", "过于常见"),
        ("woaini5201314", "woaini5201314", "过于常见"),
        ("my police_reader pass", "my police_reader pass", "用户名"),
        (PASSWORD, PASSWORD, "相同"),
        (NEW, NEW + "x", "不一致"),
    ],
)
def test_a_bad_new_password_is_refused_with_its_reason(own: Portal, new: str, again: str, said: str) -> None:
    with browser_at(own) as client:
        log_in(client, "police_reader")
        token = form_token(client, "/account/password")
        answer = client.post("/account/password", data={"csrf": token, "old": PASSWORD, "new": new, "again": again})
    assert answer.status_code == 422
    assert said in answer.text
    assert log_in(client, "police_reader") == 303, "the old one still holds"


@pytest.mark.parametrize("new", [NEW, "correct staple horse 7", "门牌号码是多少我忘了呀真的", "xT9#fLq2vB!m"])
def test_a_good_new_password_is_taken(own: Portal, new: str) -> None:
    with browser_at(own) as client:
        log_in(client, "police_reader")
        assert post(client, "/account/password", "/account/password", old=PASSWORD, new=new, again=new) == 303


@pytest.mark.usefixtures("shipped_hashes")
def test_a_password_that_was_hashed_more_cheaply_is_hashed_as_rfc_9106_says_at_the_next_login(own: Portal) -> None:
    update_user(own.state, own.users["police_reader"], password_hash=CHEAP.hash(PASSWORD))
    with browser_at(own) as client:
        assert [log_in(client, "police_reader", password) for password in ("wrong", PASSWORD)] == [401, 303]
        user = find_user(own.state, username="police_reader")
        assert user is not None and user["password_hash"].startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        assert [log_in(client, "police_reader", password) for password in ("wrong", PASSWORD)] == [401, 303]


def test_guessing_the_old_password_in_an_open_session_waits(own: Portal) -> None:
    with browser_at(own) as client:
        log_in(client, "police_reader")
        tries = [post(client, "/account/password", "/account/password", old="x", new=NEW, again=NEW) for _ in range(6)]
    assert tries == [422] * 5 + [429]


# --- one-time codes ----------------------------------------------------------------------------------------------------


def test_a_role_with_a_second_factor_sets_one_up_at_the_first_login_and_gives_it_at_the_next(
    own: Portal, time_of: Clock
) -> None:
    with browser_at(own) as client:
        assert log_in(client, "steward") == 303
        for path in ("/", "/accounts", "/purpose", "/account", "/account/password"):
            assert client.get(path).headers["location"] == "/account/second-factor", path
        half = client.cookies["gridroll"]
        secret = enrol(client, time_of)
        assert client.get("/").status_code == 200
        assert read_session(own.state, half, Sessions(), own.settings.access) is None, "the session began anew"
    time_of.tick(minutes=5)
    with browser_at(own) as client:
        answer = client.post("/login", data={"username": "steward", "password": PASSWORD, "next": "/account"})
        assert answer.headers["location"] == "/login/code?next=%2Faccount"
        for path in ("/", "/account/password", "/account/second-factor"):
            assert client.get(path).headers["location"] == "/login/code", path
        token = form_token(client, "/login/code")
        answer = client.post(
            "/login/code", data={"csrf": token, "code": code_at(secret, time_of.moment), "next": "/account"}
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert client.get("/account").status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(-61, 401), (-30, 303), (0, 303), (30, 303), (61, 401)])
def test_a_clock_may_be_half_a_minute_off(own: Portal, time_of: Clock, seconds: int, status: int) -> None:
    with browser_at(own) as client:
        log_in(client, "steward")
        secret = enrol(client, time_of)
    time_of.tick(minutes=5)
    with browser_at(own) as client:
        log_in(client, "steward")
        moment = time_of.moment
        time_of.tick(seconds=seconds)
        code = code_at(secret, time_of.moment)
        time_of.moment = moment
        assert post(client, "/login/code", "/login/code", code=code) == status


def test_a_code_is_good_once(own: Portal, time_of: Clock) -> None:
    with browser_at(own) as client:
        log_in(client, "steward")
        secret = enrol(client, time_of)
    codes = []
    for _ in range(2):  # the code that set it up, then one that was used for a login
        with browser_at(own) as client:
            log_in(client, "steward")
            codes.append(post(client, "/login/code", "/login/code", code=code_at(secret, time_of.moment)))
        time_of.tick(seconds=30)
        with browser_at(own) as client:
            log_in(client, "steward")
            codes.append(post(client, "/login/code", "/login/code", code=code_at(secret, time_of.moment)))
    assert codes == [401, 303, 401, 303]


def test_guessing_codes_waits_and_the_right_one_as_well(own: Portal, time_of: Clock) -> None:
    with browser_at(own) as client:
        log_in(client, "steward")
        secret = enrol(client, time_of)
    time_of.tick(minutes=1)
    with browser_at(own) as client:
        log_in(client, "steward")
        tries = [post(client, "/login/code", "/login/code", code="000000") for _ in range(5)]
        tries.append(post(client, "/login/code", "/login/code", code=code_at(secret, time_of.moment)))
    assert tries == [401] * 5 + [429]


def test_the_secret_is_encrypted_and_bound_to_its_account(own: Portal, time_of: Clock) -> None:
    with browser_at(own) as client:
        log_in(client, "steward")
        secret = enrol(client, time_of)
    kept = find_user(own.state, username="steward")
    assert kept is not None and secret not in str(kept)
    assert own.settings.sealer.open(kept["totp_secret"], bound_to=kept["user_id"]) == secret
    assert own.settings.sealer.open(kept["totp_secret"], bound_to=own.users["police_reader"]) is None
    assert (own.state.keys / "portal_aes.key").stat().st_mode & 0o777 == 0o600


def test_an_enrolment_page_of_another_session_is_refused(own: Portal, time_of: Clock) -> None:
    with browser_at(own) as mine, browser_at(own) as theirs:
        log_in(mine, "steward")
        log_in(theirs, "auditor")
        page = mine.get("/account/second-factor").text
        sealed = re.search(r'name="sealed" value="([^"]+)"', page)[1]  # type: ignore[index]
        token = form_token(theirs, "/account/second-factor")
        answer = theirs.post("/account/second-factor", data={"csrf": token, "sealed": sealed, "code": "123456"})
    assert answer.status_code == 422
    assert "过期" in answer.text


def test_a_role_given_to_a_live_session_asks_for_the_second_factor_at_once(own: Portal) -> None:
    with browser_at(own) as client:
        log_in(client, "police_reader")
        assert client.get("/").status_code == 200
        grant_role(
            own.state, own.settings.access, own.users["police_reader"], "downloader", granted_by="secadmin", reason="x"
        )
        assert client.get("/").headers["location"] == "/account/second-factor"


# --- what is on record -------------------------------------------------------------------------------------------------


def test_what_was_typed_is_not_on_record_and_who_was_guessed_at_is(own: Portal) -> None:
    with browser_at(own) as client:
        log_in(client, "hunter2 my password", "x")
        log_in(client, "police_reader", "guess")
        log_in(client, "police_reader")
    with open_database(own.state).connect() as connection:
        rows = connection.exec_driver_sql("SELECT entry FROM audit ORDER BY seq").scalars().all()
        assert connection.execute(users_table.select()).all()
    text = "\n".join(rows)
    assert "hunter2" not in text and "guess" not in text and PASSWORD not in text
    assert '"account": "police_reader"' in text
    assert '"actor": "police_reader"' in rows[-1] and '"outcome": "done"' in rows[-1]


def test_as_it_ships_everybody_who_sees_residents_gives_a_one_time_code() -> None:
    """Else whoever may reset a password could log in as a reader. A department's system has tokens."""
    readers = {role.role for role in access().roles if role.reads} - {"department_system"}
    assert readers <= set(portal_config().login.second_factor_roles)
