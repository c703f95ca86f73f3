"""Logging in through a real OpenID Connect provider, started here; and tokens that must not be believed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from oidc_provider_mock import run_server_in_thread

from linkage.portal import clock
from linkage.portal.accounts import create_user, update_user
from linkage.portal.config import OpenIdProvider
from linkage.portal.desk import Refused
from linkage.portal.openid import Provider
from linkage.portal.sealing import Sealer
from tests.portal.bare import bare_portal, browser_at
from tests.portal.conftest import Portal

CLIENT = "gridroll"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def own(tmp_path: Path, issuer: str, monkeypatch: pytest.MonkeyPatch) -> Portal:
    monkeypatch.setenv("GRIDROLL_OIDC_SECRET", "of the client")
    portal = bare_portal(tmp_path, ("police_reader", "steward"), openid={"issuer": issuer, "client_id": CLIENT})
    update_user(portal.state, portal.users["police_reader"], oidc_subject="zhang.san")
    update_user(portal.state, portal.users["steward"], oidc_subject="li.si")
    return portal


def begin(client: TestClient, target: str = "/account") -> str:
    """Where the provider's page is."""
    answer = client.get("/login/openid", params={"next": target})
    assert answer.status_code == 303
    return answer.headers["location"]


def agree(address: str, subject: str) -> str:
    """Log in at the provider; returns the path and query with which it sends the browser back."""
    answer = httpx.post(address, data={"sub": subject}, trust_env=False)
    back = urlsplit(answer.headers["location"])
    assert back.path == "/login/openid/callback"
    return f"{back.path}?{back.query}"


def test_somebody_with_an_account_comes_in_and_where_they_wanted(own: Portal) -> None:
    with browser_at(own) as client:
        assert "/login/openid?next=" in client.get("/login?next=/account").text
        address = begin(client)
        asked = parse_qs(urlsplit(address).query)
        assert asked["code_challenge_method"] == ["S256"] and asked["state"] and asked["nonce"]
        assert asked["redirect_uri"] == ["http://localhost:8090/login/openid/callback"]
        answer = client.get(agree(address, "zhang.san"))
        assert answer.status_code == 200
        assert '<meta http-equiv="refresh" content="0;url=/account">' in answer.text
        cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("gridroll="))
        assert "SameSite=strict" in cookie and "HttpOnly" in cookie
        assert "police_reader" in client.get("/account").text


def test_the_provider_saw_to_the_second_factor(own: Portal) -> None:
    with browser_at(own) as client:
        client.get(agree(begin(client), "li.si"))
        assert client.get("/").status_code == 200


def test_somebody_without_an_account_is_told_what_to_tell(own: Portal) -> None:
    with browser_at(own) as client:
        answer = client.get(agree(begin(client), "wang.wu"))
    assert answer.status_code == 403
    assert "wang.wu" in answer.text and "系统管理员" in answer.text
    assert not any(c.startswith("gridroll=") for c in answer.headers.get_list("set-cookie"))


def test_a_closed_account_does_not_come_in(own: Portal) -> None:
    from linkage.portal.account_changes import disable

    disable(own.state, own.users["police_reader"], by="x")
    with browser_at(own) as client:
        assert client.get(agree(begin(client), "zhang.san")).status_code == 403


def test_a_login_that_another_browser_began_is_refused(own: Portal) -> None:
    with browser_at(own) as theirs, browser_at(own) as mine:
        callback = agree(begin(theirs), "zhang.san")
        assert mine.get(callback).status_code == 401, "carries nothing"
        begin(mine)
        assert mine.get(callback).status_code == 401, "carries another login"
        assert theirs.get(callback).status_code == 200


def test_a_code_is_good_once_and_a_denied_login_is_none(own: Portal) -> None:
    with browser_at(own) as client:
        carried = begin(client)
        callback = agree(carried, "zhang.san")
        cookie = client.cookies["gridroll_openid"]
        assert client.get(callback).status_code == 200
        client.cookies.clear()
        client.cookies.set("gridroll_openid", cookie)
        assert client.get(callback).status_code == 401
        assert client.get("/login/openid/callback?error=access_denied&state=x").status_code == 401


def test_a_provider_that_does_not_answer_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDROLL_OIDC_SECRET", "x")
    portal = bare_portal(tmp_path, (), openid={"issuer": "http://localhost:1", "client_id": CLIENT})
    with browser_at(portal) as client:
        assert client.get("/login/openid").status_code == 503
    monkeypatch.delenv("GRIDROLL_OIDC_SECRET")
    with browser_at(portal) as client:
        assert client.get("/login/openid").status_code in (422, 503)


def test_without_a_provider_there_is_no_such_page(tmp_path: Path) -> None:
    with browser_at(bare_portal(tmp_path, ())) as client:
        assert client.get("/login/openid").status_code == 404
        assert "/login/openid" not in client.get("/login").text


# --- tokens ------------------------------------------------------------------------------------------------------------

KEY, OTHER = RSAKey.generate_key(2048, {"kid": "1"}), RSAKey.generate_key(2048, {"kid": "1"})
ISSUER = "https://idp.example"
NOW = 1_795_960_000
GOOD: dict[str, Any] = {
    "iss": ISSUER, "aud": CLIENT, "sub": "zhang.san", "nonce": "n", "iat": NOW, "exp": NOW + 300,
}  # fmt: skip


def provider(monkeypatch: pytest.MonkeyPatch, **config: Any) -> Provider:
    """A provider whose documents are given here, at the moment NOW."""
    monkeypatch.setattr(clock, "moment", lambda: datetime.fromtimestamp(NOW, UTC))
    found = Provider(OpenIdProvider(issuer=ISSUER, client_id=CLIENT, **config), "https://x/back", Sealer(b"k" * 32))
    documents = {
        f"{ISSUER}/.well-known/openid-configuration": {
            "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/a", "token_endpoint": f"{ISSUER}/t", "jwks_uri": f"{ISSUER}/k",
        },
        f"{ISSUER}/k": KeySet([KEY]).as_dict(),
    }  # fmt: skip
    monkeypatch.setattr(found, "_fetch", lambda address: documents[address])
    return found


def signed(claims: dict[str, Any], key: Any = KEY, alg: str = "RS256") -> str:
    return jwt.encode({"alg": alg, "kid": "1"}, claims, key, algorithms=[alg])


@pytest.mark.parametrize(
    "change",
    [{}, {"aud": [CLIENT]}, {"aud": [CLIENT, "other"], "azp": CLIENT}, {"iss": ISSUER + "/"}, {"exp": NOW - 30}],
    ids=str,
)
def test_a_good_token_is_believed(monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]) -> None:
    assert provider(monkeypatch)._claims(signed(GOOD | change), "n")["sub"] == "zhang.san"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": [CLIENT, "other"]},
        {"azp": "other"},
        {"aud": None},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": NOW - 3600},
        {"exp": None},
        {"iat": NOW + 3600},
        {"sub": None},
        {"sub": ""},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_not(monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]) -> None:
    claims = {name: value for name, value in (GOOD | change).items() if value is not None}
    with pytest.raises(Refused):
        provider(monkeypatch)._claims(signed(claims), "n")


def test_a_token_of_another_key_or_kind_of_signature_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = OctKey.import_key("a shared secret of at least 32 bytes")
    header, body, signature = signed(GOOD).split(".")
    none = "eyJhbGciOiJub25lIn0"
    tokens = [
        signed(GOOD, OTHER),
        signed(GOOD, shared, "HS256"),
        f"{none}.{body}.",
        f"{header}.{body}.",
        f"{header}.{body[:-4]}AAAA.{signature}",
        "",
        "a.b.c",
    ]
    for token in tokens:
        with pytest.raises(Refused):
            provider(monkeypatch)._claims(token, "n")


@pytest.mark.parametrize(
    ("amr", "second_factor"),
    [(None, True), (["pwd", "otp"], True), (["mfa"], True), (["pwd"], False), ([], False)],
    ids=str,
)
def test_the_claim_amr_says_whether_a_second_factor_was_used(
    monkeypatch: pytest.MonkeyPatch, amr: list[str] | None, second_factor: bool
) -> None:
    found = provider(monkeypatch)
    monkeypatch.setenv("GRIDROLL_OIDC_SECRET", "x")
    address, carried = found.begin("/there")
    asked = parse_qs(urlsplit(address).query)
    claims = GOOD | {"nonce": asked["nonce"][0]} | ({"amr": amr} if amr is not None else {})
    monkeypatch.setattr(found, "_token", lambda code, verifier: signed(claims))
    identity, target = found.finish(carried, asked["state"][0], "code")
    assert (identity.subject, identity.second_factor, target) == ("zhang.san", second_factor, "/there")
    with pytest.raises(Refused):
        found.finish(carried, "another state", "code")
    with pytest.raises(Refused):
        found.finish(carried[:-3] + "AAA", asked["state"][0], "code")


@pytest.mark.parametrize(
    "change", [{"issuer": "https://evil.example"}, {"token_endpoint": "http://idp.example/t"}], ids=str
)
def test_a_provider_that_describes_itself_as_another_is_refused(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    from linkage.kernel.errors import ConfigurationError

    found = provider(monkeypatch)
    good = found._metadata()
    monkeypatch.setattr(found, "_fetch", lambda address: good | change)
    found._discovered = None
    with pytest.raises(ConfigurationError):
        found._metadata()


def test_an_account_of_the_unified_login_has_no_password_to_guess(own: Portal) -> None:
    create_user(own.state, "idp", display_name="I", department="grid", created_by="test", oidc_subject="s")
    with browser_at(own) as client:
        for password in ("", "x", "None"):
            assert client.post("/login", data={"username": "idp", "password": password}).status_code in (401, 422)
