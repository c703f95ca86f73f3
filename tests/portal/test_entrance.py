"""Who gets in, and what a browser is told."""

import pytest

from tests.portal.conftest import PASSWORD, Portal


def test_a_stranger_is_sent_to_the_login_and_back_afterwards(portal: Portal) -> None:
    client = portal.client()
    answer = client.get("/purpose?next=/people")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fpurpose%3Fnext%3D%2Fpeople")
    answer = client.post(
        "/login", data={"username": "police_reader", "password": PASSWORD, "next": "/purpose?next=/people"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/purpose?next=/people")
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(("username", "password"), [("steward", "wrong"), ("nobody at all", PASSWORD), ("", "")])
def test_a_wrong_password_and_a_wrong_name_look_alike(portal: Portal, username: str, password: str) -> None:
    answer = portal.client().post("/login", data={"username": username, "password": password})
    assert answer.status_code in (401, 422)
    assert "set-cookie" not in answer.headers


def test_a_form_without_the_pages_token_is_refused(portal: Portal) -> None:
    client = portal.client("steward")
    del client.headers["x-csrf-token"]
    assert client.post("/purpose", data={"purpose": "visit"}).status_code == 403


def test_a_form_of_another_site_is_refused(portal: Portal) -> None:
    client = portal.client("steward")
    assert (
        client.post("/purpose", data={"purpose": "visit"}, headers={"origin": "https://evil.example"}).status_code
        == 403
    )


def test_nobody_is_sent_to_another_site(portal: Portal) -> None:
    for there in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        assert portal.client().get("/language/en", params={"next": there}).headers["location"] == "/"


def test_every_answer_has_the_headers_that_keep_it_safe(portal: Portal) -> None:
    for path in ("/login", "/nothing", "/"):
        headers = portal.client().get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def test_every_request_is_on_record_and_the_record_is_whole(portal: Portal) -> None:
    before = portal.settings.audit.verify()
    portal.client("steward").get("/")
    assert portal.settings.audit.verify() == before + 3  # the purpose asked and done, the page
