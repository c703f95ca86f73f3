"""API tokens: shown once, narrower than their owner, gone at once."""

import io
import re
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linkage.kernel.database import open_database
from linkage.kernel.state_tables import tokens_table, users_table
from linkage.portal.access import PERMISSIONS
from linkage.portal.account_changes import disable, enable
from linkage.portal.accounts import now, roles_of
from linkage.portal.downloads.marks import MARK_COLUMN
from linkage.portal.downloads.releases import published
from linkage.portal.tokens import GRANTABLE, create_token, find_token, list_tokens
from linkage.portal.viewer import Viewer
from linkage.portal.views import view_of
from linkage.release.slices import NOTICE_FIELDS
from tests.portal.conftest import Portal, add_person, grant_register
from tests.portal.test_downloads import last_entry

BEARER = re.compile(r"grt_[0-9a-f]{16}_[A-Za-z0-9_-]{43}")
FORM = {
    "name": "夜间同步",
    "purpose": "register_quality",
    "days": "30",
    "may": ["download"],
    "tables": ["persons", "notices"],
}


def make(portal: Portal, username: str = "grid_downloader", **more: object) -> str:
    answer = portal.client(username).post("/tokens", data=FORM | more)
    assert answer.status_code == 201, answer.text
    (bearer,) = set(BEARER.findall(answer.text))
    return str(bearer)


def ask(portal: Portal, bearer: str, path: str = "/api/v1/releases") -> int:
    return int(portal.client().get(path, headers={"authorization": f"Bearer {bearer}"}).status_code)


def change(portal: Portal, bearer: str, **values: object) -> None:
    with open_database(portal.state).begin() as connection:
        connection.execute(
            sa.update(tokens_table).where(tokens_table.c.token_id == bearer.split("_")[1]).values(**values)
        )


def test_it_is_shown_once_and_kept_as_a_hash(portal: Portal) -> None:
    bearer = make(portal)
    secret = bearer.split("_", 2)[2]
    row = find_token(portal.state, bearer)
    assert row is not None
    assert secret not in str(row)
    assert secret not in portal.client("grid_downloader").get("/tokens").text
    database = portal.state.root / "gridroll.sqlite"
    for path in database.parent.glob("gridroll.sqlite*"):
        assert secret.encode() not in path.read_bytes()
    assert ask(portal, bearer) == 200


WRONG = {
    "another secret": lambda b: b[:-1] + ("A" if b[-1] != "A" else "B"),
    "no secret": lambda b: b.rsplit("_", 1)[0][:20],
    "another id": lambda b: b.replace(b.split("_")[1], "0" * 16),
    "another prefix": lambda b: b.replace("grt_", "ghp_"),
    "empty": lambda b: "",
    "a quote": lambda b: b + "'",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_token_is_none(portal: Portal, name: str) -> None:
    assert ask(portal, WRONG[name](make(portal))) == 401


def test_expired_revoked_and_of_a_disabled_account_are_none(portal: Portal) -> None:
    expired = make(portal)
    change(portal, expired, expires_at=now())
    assert ask(portal, expired) == 401
    revoked = make(portal)
    assert ask(portal, revoked) == 200
    answer = portal.client("grid_downloader").post(f"/tokens/{revoked.split('_')[1]}/revoke")
    assert answer.status_code == 303
    assert ask(portal, revoked) == 401
    of_disabled = make(portal, "police_downloader")
    which = users_table.c.user_id == portal.users["police_downloader"]
    for disabled_at, expected in ((now(), 401), (None, 200)):
        with open_database(portal.state).begin() as connection:
            connection.execute(sa.update(users_table).where(which).values(disabled_at=disabled_at))
        assert ask(portal, of_disabled) == expected


def test_a_rotated_token_works_until_its_overlap_is_over(portal: Portal) -> None:
    old = make(portal)
    client = portal.client("grid_downloader")
    answer = client.post(f"/tokens/{old.split('_')[1]}/rotate", data={"days": "30", "overlap_hours": "2"})
    (new,) = set(BEARER.findall(answer.text))
    assert (ask(portal, old), ask(portal, new)) == (200, 200)
    assert client.post(f"/tokens/{old.split('_')[1]}/rotate", data={"days": "30"}).status_code == 409
    rows = {row["token_id"]: row for row in list_tokens(portal.state, portal.users["grid_downloader"])}
    assert rows[new.split("_")[1]]["scope"] == rows[old.split("_")[1]]["scope"]
    assert (rows[old.split("_")[1]]["state"], rows[new.split("_")[1]]["state"]) == ("rotated", "good")


def test_a_rotated_token_that_comes_back_takes_its_family_with_it(portal: Portal) -> None:
    old = make(portal)
    client = portal.client("grid_downloader")
    answer = client.post(f"/tokens/{old.split('_')[1]}/rotate", data={"days": "30", "overlap_hours": "0"})
    (new,) = set(BEARER.findall(answer.text))
    another = make(portal)
    assert ask(portal, new) == 200
    assert ask(portal, old[:-1] + ("A" if old[-1] != "A" else "B")) == 401
    assert ask(portal, new) == 200  # whoever only guesses at the old one does no harm
    assert ask(portal, old) == 401
    assert ask(portal, new) == 401
    assert ask(portal, another) == 200
    entry = last_entry(portal, "token_reused")
    assert (entry["actor"], entry["outcome"], entry["token_id"]) == ("grid_downloader", "denied", old.split("_")[1])
    assert "同族全部撤销" in client.get("/tokens").text


def test_its_last_use_is_noted_once_a_minute(portal: Portal) -> None:
    bearer = make(portal)
    ask(portal, bearer)
    row = find_token(portal.state, bearer)
    assert row is not None
    first = row["last_used_at"]
    assert now() - first < timedelta(minutes=1)
    ask(portal, bearer)
    again = find_token(portal.state, bearer)
    assert again is not None
    assert again["last_used_at"] == first
    change(portal, bearer, last_used_at=first - timedelta(minutes=2))
    ask(portal, bearer)
    later = find_token(portal.state, bearer)
    assert later is not None
    assert later["last_used_at"] >= first


NOT_TO_BE_MADE = {
    "a permission that the owner has not": {"may": ["look_up"]},
    "a permission that no token has": {"may": ["tokens"]},
    "a permission that there is not": {"may": ["everything"]},
    "no permission": {"may": []},
    "a table that the owner does not see": {"tables": ["crosswalk"]},
    "a column that the owner does not see": {"tables": [], "columns": ["persons.marital_status"]},
    "a column that there is not": {"tables": [], "columns": ["persons"]},
    "no name": {"name": " "},
    "no such purpose": {"purpose": "curiosity"},
    "too long": {"days": "91"},
    "no days": {"days": "0"},
}


@pytest.mark.parametrize("name", NOT_TO_BE_MADE)
def test_what_a_token_cannot_be_made_for(portal: Portal, name: str) -> None:
    before = len(list_tokens(portal.state))
    assert portal.client("grid_downloader").post("/tokens", data=FORM | NOT_TO_BE_MADE[name]).status_code == 422
    assert len(list_tokens(portal.state)) == before


def test_nobody_touches_the_token_of_another_but_the_security_administrator(portal: Portal) -> None:
    bearer = make(portal)
    token_id = bearer.split("_")[1]
    other = portal.client("police_downloader")
    assert other.post(f"/tokens/{token_id}/revoke").status_code == 404
    assert other.post(f"/tokens/{token_id}/rotate", data={"days": "30"}).status_code == 404
    for who in ("sysadmin", "auditor", "steward", "grid_reader"):
        assert portal.client(who).post(f"/tokens/{token_id}/revoke").status_code == 403
        assert portal.client(who).get("/tokens/all").status_code == 403
    administrator = portal.client("secadmin")
    assert token_id in administrator.get("/tokens/all").text
    assert administrator.get("/tokens").headers["location"] == "/tokens/all"
    assert ask(portal, bearer) == 200
    assert administrator.post(f"/tokens/{token_id}/revoke").status_code == 303
    assert administrator.post("/tokens/0000000000000000/revoke").status_code == 404
    assert ask(portal, bearer) == 401


def test_a_token_opens_no_page_and_makes_no_token(portal: Portal) -> None:
    bearer = make(portal)
    stranger = portal.client()
    for path in ("/downloads", "/tokens", "/", "/downloads/dictionary.csv"):
        assert stranger.get(path, headers={"authorization": f"Bearer {bearer}"}).status_code == 303
    answer = stranger.post("/tokens", data=FORM, headers={"authorization": f"Bearer {bearer}"})
    assert answer.status_code in (303, 401, 403)


def test_a_token_for_no_permission_of_the_route_is_refused(portal: Portal) -> None:
    viewer = Viewer(portal.users["grid_downloader"], "", "", "grid", "district", "", (), portal.settings.access)
    _, bearer = create_token(portal.state, viewer, name="x", purpose="visit", may=["report"], tables={}, days=1)
    assert ask(portal, bearer) == 403


def download(client: TestClient, portal: Portal, bearer: str, path: str) -> list[str] | None:
    release = published(portal.state)[0].name
    answer = client.get(f"/api/v1/releases/{release}/files/{path}", headers={"authorization": f"Bearer {bearer}"})
    if answer.status_code == 404:
        return None
    assert answer.status_code == 200
    return list(pq.read_schema(io.BytesIO(answer.content)).names)


COLUMNS = [
    "person_id",
    "full_name",
    "identity_number",
    "phone",
    "sex",
    "marital_status",
    "birth_date",
    "no_such_column",
]
SCOPES = st.dictionaries(
    st.sampled_from(["persons", "households", "notices", "values", "nothing"]), st.lists(st.sampled_from(COLUMNS), unique=True)
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables=SCOPES)
def test_whatever_a_token_is_for_it_gets_no_more_than_that_and_its_owner(
    portal: Portal, tables: dict[str, list[str]]
) -> None:
    viewer = Viewer(portal.users["grid_downloader"], "", "", "grid", "district", "", (), portal.settings.access)
    _, bearer = create_token(portal.state, viewer, name="x", purpose="visit", may=["download"], tables=tables, days=1)
    shared = next(d for d in portal.settings.sharing.departments if d.source == "grid")
    client = portal.client()
    delivered = {"persons": shared.persons, "households": shared.households, "notices": NOTICE_FIELDS}
    for table, columns in delivered.items():
        wanted = [name for name in columns if name in tables.get(table, ())]
        found = download(client, portal, bearer, f"slices/grid/{table}.parquet")
        assert found == ([*wanted, MARK_COLUMN] if wanted else None)
    assert download(client, portal, bearer, "slices/police/persons.parquet") is None


def test_a_token_for_a_table_that_an_upgrade_took_away_does_not_break_the_page(portal: Portal) -> None:
    viewer = Viewer(portal.users["grid_downloader"], "", "", "grid", "district", "", (), portal.settings.access)
    create_token(
        portal.state, viewer, name="old", purpose="visit", may=["download"], tables={"nothing": ["sex"]}, days=1
    )
    answer = portal.client("grid_downloader").get("/tokens")
    assert answer.status_code == 200 and "nothing" in answer.text


@settings(max_examples=200, deadline=None)
@given(
    may=st.lists(st.sampled_from(PERMISSIONS)),
    tables=st.dictionaries(
        st.sampled_from(["persons", "households", "members", "crosswalk", "values"]), st.lists(st.sampled_from(COLUMNS))
    ),
    username=st.sampled_from(["grid_system", "grid_reader", "steward", "verifier"]),
)
def test_views_and_permissions_are_narrowed_by_any_scope(
    portal: Portal, may: list[str], tables: dict[str, list[str]], username: str
) -> None:
    department = {"grid_system": "grid", "grid_reader": "grid", "steward": "office", "verifier": "civil"}[username]
    roles = roles_of(portal.state, portal.users[username])
    owner = Viewer("x", username, username, department, "district", "", roles, portal.settings.access)
    scoped = Viewer(
        "x", username, username, department, "district", "", roles, portal.settings.access, token_scope={"may": may, "tables": tables}
    )  # fmt: skip
    assert scoped.permissions == owner.permissions & set(may)
    for table in ("persons", "households", "members", "crosswalk", "values"):
        mine, narrow = (view_of(who, table, portal.settings.sharing) for who in (owner, scoped))
        if narrow is None:
            assert mine is None or not set(mine.columns) & set(tables.get(table, ()))
        else:
            assert mine is not None
            assert dict(narrow.columns) == {n: m for n, m in mine.columns.items() if n in tables[table]}
            assert narrow.condition == mine.condition


def test_whole_files_go_only_to_a_token_for_whole_tables(portal: Portal) -> None:
    from linkage.kernel.contracts import contract

    viewer = Viewer(portal.users["archivist"], "", "", "office", "district", "", (), portal.settings.access)
    columns = list(contract("members").column_names)
    grant_register(portal, "archivist")
    client = portal.client()
    for granted, expected in ((columns, True), (columns[1:], False)):
        _, bearer = create_token(
            portal.state, viewer, name="x", purpose="visit", may=["download_register"], tables={"members": granted}, days=1
        )  # fmt: skip
        assert (download(client, portal, bearer, "members.parquet") is not None) == expected
        assert download(client, portal, bearer, "persons.parquet") is None
        release = published(portal.state)[0].name
        header = {"authorization": f"Bearer {bearer}"}
        assert client.get(f"/api/v1/releases/{release}/files/register.duckdb", headers=header).status_code == 404


def test_every_permission_for_tokens_is_one() -> None:
    assert set(GRANTABLE) < set(PERMISSIONS)
    assert not set(GRANTABLE) & {"tokens", "grants", "accounts", "audit", "request_unmasked", "grant_unmasked"}


def test_tokens_end_with_the_account_and_do_not_come_back_with_it(portal: Portal) -> None:
    user_id = add_person(portal, "token_owner", "grid", ("downloader",))
    portal.users["token_owner"] = user_id
    bearer = make(portal, "token_owner")
    assert ask(portal, bearer) == 200
    disable(portal.state, user_id, by="test")
    assert ask(portal, bearer) == 401
    enable(portal.state, user_id, by="test")
    assert ask(portal, bearer) == 401
