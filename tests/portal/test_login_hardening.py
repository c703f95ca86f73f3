"""What a hostile browser, site, proxy or crowd gets: nothing, and nothing in a log."""

import concurrent.futures
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from linkage.portal.app import create_app
from linkage.portal.config import PortalConfig, Sessions
from linkage.portal.desk import AtDesk, Desk
from linkage.portal.guard import GuardedRoute, _is_an_id, add_usage, guarded
from linkage.portal.middleware import HEADERS, MOST_BODY_BYTES
from linkage.portal.routes.home import own_path
from linkage.portal.sessions import csrf_token, open_session, read_session
from tests.portal.bare import ADDRESS, bare_portal, browser_at, form_token, log_in
from tests.portal.conftest import PASSWORD, Portal

SECRET_VALUE = "330106199001011234"


@pytest.fixture
def own(tmp_path: Path) -> Portal:
    return bare_portal(tmp_path, ("police_reader", "steward", "auditor"))


def newest(portal: Portal, count: int = 1) -> list[dict[str, object]]:
    """The newest entries of the audit."""
    from linkage.portal.audit_search import Filters, find_entries

    return [one.entry for one in find_entries(portal.state, Filters(), portal.settings.zone, limit=count)]


# --- hosts, origins, methods -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8090", 303),
        ("LOCALHOST", 303),
        ("127.0.0.1:8105", 303),
        ("[::1]:8090", 303),
        ("evil.example", 400),
        ("localhost.evil.example", 400),
        ("evil.example:8090", 400),
        ("", 400),
    ],
)
def test_only_known_hosts_are_answered(own: Portal, host: str, status: int) -> None:
    with browser_at(own) as client:
        answer = client.get("/", headers={"host": host})
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_configured_names_are_known_hosts(tmp_path: Path) -> None:
    portal = bare_portal(tmp_path, (), public_url="https://a.example", hosts=["b.example"])
    with TestClient(portal.app, base_url="https://a.example", follow_redirects=False) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/health", headers={"host": "b.example"}).status_code == 200
        assert client.get("/health", headers={"host": "c.example"}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:8091"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_a_login_that_another_site_sends_is_refused(own: Portal, headers: dict[str, str]) -> None:
    with browser_at(own) as client:
        answer = client.post("/login", data={"username": "police_reader", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/", "/login", "/logout", "/account/password"])
def test_other_methods_do_nothing(own: Portal, method: str, path: str) -> None:
    with browser_at(own) as client:
        log_in(client, "police_reader")
        answer = client.request(method, path)
        assert answer.status_code == 405
        assert client.get("/").status_code == 200, "still logged in"


def test_no_get_route_declares_that_it_changes_something(own: Portal) -> None:
    for route in own.app.routes:
        if isinstance(route, GuardedRoute) and "GET" in (route.methods or ()):
            assert route.endpoint.__guard__.changes is not True, route.path  # type: ignore[attr-defined]


@given(st.text(max_size=40))
def test_nobody_is_sent_elsewhere_by_any_text(text: str) -> None:
    path = own_path("/" + text)
    assert path == "/" or (path[1:2] not in ("/", "\\") and path.isprintable() and not set(path) & set("\\\r\n\t "))


@pytest.mark.parametrize(
    "there", ["/\t/evil.example", "/\n/evil.example", "/\\evil.example", "/a\\b", "//x", "x", " /x"]
)
def test_paths_that_browsers_read_as_another_site_are_not_own(there: str) -> None:
    assert own_path(there) == "/"


# --- bodies ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("announced", [True, False], ids=["content-length", "chunked"])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_body_that_is_too_big_is_refused_and_on_record(own: Portal, announced: bool, kind: str) -> None:
    body = b"username=" + b"a" * (2 * MOST_BODY_BYTES)
    if kind.startswith("multipart"):
        body = b'--x\r\ncontent-disposition: form-data; name="username"; filename="f"\r\n\r\n' + body + b"\r\n--x--\r\n"
    content = body if announced else (body[i : i + 65536] for i in range(0, len(body), 65536))
    with browser_at(own) as client:
        answer = client.post("/login", content=content, headers={"content-type": kind})  # type: ignore[arg-type]
    assert answer.status_code == 413
    assert (newest(own)[0]["outcome"], newest(own)[0]["status"]) == ("failed", 413)


@pytest.mark.parametrize(
    "body",
    [
        b"--x\r\n",
        b"--x\r\ncontent-disposition: form-data\r\n\r\n\r\n--x--",
        b"".join(b'--x\r\ncontent-disposition: form-data; name="f"; filename="f"\r\n\r\n\r\n' for _ in range(200))
        + b"--x--",
        b"".join(b'--x\r\ncontent-disposition: form-data; name="f"\r\n\r\n\r\n' for _ in range(3000)) + b"--x--",
    ],
    ids=["cut", "nameless", "200 files", "3000 fields"],
)
def test_odd_multipart_bodies_are_refused_without_a_fault(own: Portal, body: bytes) -> None:
    with browser_at(own) as client:
        log_in(client, "police_reader")
        answer = client.post("/purpose", content=body, headers={"content-type": "multipart/form-data; boundary=x"})
    assert 400 <= answer.status_code < 500
    assert newest(own)[0]["outcome"] in ("failed", "denied")


# --- faults ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def faulty(own: Portal) -> Portal:
    """The portal with a route that fails with a resident's number in the text of the fault."""
    router = APIRouter(route_class=GuardedRoute)

    @router.get("/faulty")
    @guarded("faulty")
    def fail(desk: AtDesk) -> None:
        raise ValueError(f"cannot convert {SECRET_VALUE}")

    app = create_app(own.settings)
    app.include_router(router)
    return Portal(app, own.settings, own.users)


def test_a_fault_tells_nothing_is_on_record_and_has_the_safe_headers(
    faulty: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    with TestClient(faulty.app, base_url=ADDRESS, follow_redirects=False) as client, caplog.at_level(logging.DEBUG):
        # The client raises what reaches the server: nothing may, for the server would log its text.
        log_in(client, "police_reader")
        answer = client.get("/faulty")
    assert answer.status_code == 500
    assert SECRET_VALUE not in answer.text + caplog.text
    assert "ValueError at test_login_hardening.py" in caplog.text
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert answer.headers["cache-control"] == "no-store"
    assert (newest(faulty)[0]["outcome"], newest(faulty)[0]["status"]) == ("failed", 500)
    assert SECRET_VALUE not in str(newest(faulty))


@pytest.mark.parametrize(
    ("text", "is_id"),
    [
        ("P0123456789123456", True),
        ("PABCDEFGHJKMNPQRS", True),
        ("P6K2M0TQWX4Z8Y1V3", True),
        (SECRET_VALUE, False),
        ("13812345678", False),
        ("张三", False),
        ("case-2026", True),
    ],
)
def test_what_may_be_a_number_of_a_person_is_not_put_on_record_from_an_address(text: str, is_id: bool) -> None:
    assert _is_an_id(text) is is_id


# --- crowds ------------------------------------------------------------------------------------------------------------


def test_strangers_of_one_address_and_users_have_a_pace(tmp_path: Path) -> None:
    portal = bare_portal(tmp_path, ("police_reader",), sessions={"requests_per_minute": 70, "strangers_per_minute": 60})
    with browser_at(portal, "10.6.6.6") as crowd, browser_at(portal, "10.0.0.1") as other:
        before = portal.settings.audit.verify()
        answers = [crowd.get("/").status_code for _ in range(80)]
        assert answers == [303] * 60 + [429] * 20
        assert portal.settings.audit.verify() - before == 61, "the flood is on record once a minute"
        assert log_in(other, "police_reader") == 303
        answers = [other.get("/").status_code for _ in range(90)]
        assert answers == [200] * 70 + [429] * 20


def test_what_a_user_took_today_is_counted_right_by_many_requests_at_once(own: Portal) -> None:
    secret = open_session(own.state, own.users["steward"], Sessions(), second_factor=True)
    found = read_session(own.state, secret, Sessions(), own.settings.access)
    assert found is not None
    desk = Desk(own.settings, found[0], "zh")
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        sums = list(pool.map(lambda _: add_usage(desk, "rows", 3), range(40)))
    assert sorted(sums) == [3 * n for n in range(1, 41)]


# --- who the client is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [
        ((), {"proxy_headers": False, "forwarded_allow_ips": []}),
        (("10.1.1.1",), {"proxy_headers": True, "forwarded_allow_ips": ["10.1.1.1"]}),
    ],
    ids=["no proxy is believed", "the named one is"],
)
def test_only_a_named_proxy_may_say_who_the_client_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxies: tuple[str, ...], expected: dict[str, object]
) -> None:
    from linkage.commands.portal import serve
    from tests.portal.bare import config_with

    given: dict[str, object] = {}
    run: Callable[..., None] = lambda app, **more: given.update(more)  # noqa: E731
    monkeypatch.setattr("uvicorn.run", run)
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    (tmp_path / "state").mkdir()
    serve(state=tmp_path / "state", config=config_with(tmp_path, trusted_proxies=list(proxies)))
    assert {name: given[name] for name in expected} == expected
    assert given["access_log"] is False


def test_the_forms_token_is_of_its_session_alone(own: Portal) -> None:
    with browser_at(own) as mine, browser_at(own) as theirs:
        log_in(mine, "police_reader")
        log_in(theirs, "police_reader")
        token = form_token(theirs, "/")
        assert token == csrf_token(theirs.cookies["gridroll"])
        assert mine.post("/logout", data={"csrf": token}).status_code == 403
        assert mine.post("/logout", data={}).status_code == 403
        assert mine.get("/").status_code == 200


def test_the_second_factor_roles_exist() -> None:
    from tests.portal.conftest import access, portal_config

    config: PortalConfig = portal_config()
    assert set(config.login.second_factor_roles) <= {role.role for role in access().roles}
