"""Who may send which value back, who sees the request, and what of it."""

import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.state_tables import audit_table, corrections_table
from linkage.portal.corrections.clock import today
from linkage.portal.corrections.fields import shown_fields
from linkage.portal.corrections.rights import visible
from linkage.portal.corrections.store import read_correction, read_corrections
from linkage.portal.desk import Desk
from linkage.portal.viewer import Viewer
from tests.portal.conftest import Portal, add_person, open_portal

PROPOSED = "浙江省杭州市西湖区古荡街道文锦社区提议路77号"
REASON, BASIS = "居民当面说明搬迁", "户口簿原件"


@pytest.fixture(scope="module")
def desk(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal of this module's own."""
    folder = tmp_path_factory.mktemp("corrections")
    shutil.copytree(two_nights, folder / "state")
    yield open_portal(folder / "state")


def rows(portal: Portal, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    return portal.settings.registers.current().rows(sql, **parameters)


def owned(portal: Portal, field: str, source: str, *, known_to: str | None = None) -> list[dict[str, Any]]:
    """Golden values of ``field`` that ``source`` gives, of unrestricted persons (known to a department)."""
    known = "AND list_contains(sources, $known_to)" if known_to else ""
    sql = f"""SELECT person_id, value, source, record_id FROM "values" JOIN persons USING (person_id)
              WHERE field = $field AND source = $source AND won AND restriction IS NULL {known} ORDER BY person_id"""
    more = {"known_to": known_to} if known_to else {}
    return rows(portal, sql, field=field, source=source, **more)


@pytest.fixture(scope="module")
def sent(desk: Portal) -> tuple[dict[str, Any], str]:
    """A hukou address of the police that civil affairs sent back: the value's row and the request's id."""
    value = owned(desk, "hukou_address", "police", known_to="grid")[0]
    form = {
        "person": value["person_id"], "field": "hukou_address", "value": PROPOSED, "reason_code": "outdated", "reason": REASON, "basis": BASIS,
    }  # fmt: skip
    answer = desk.client("civil_reader").post("/corrections", data=form)
    assert answer.status_code == 303, answer.text
    return value, answer.headers["location"].removeprefix("/corrections/")


def test_the_request_goes_to_the_department_whose_record_gave_the_value(
    desk: Portal, sent: tuple[dict[str, Any], str]
) -> None:
    value, correction_id = sent
    found = read_correction(desk.state, correction_id)
    assert (found.owner, found.record_id, found.value_before) == ("police", value["record_id"], value["value"])
    assert (found.status, found.raised_department, found.value_proposed) == ("open", "civil", PROPOSED)


@pytest.mark.parametrize(
    ("username", "status", "sees"),
    [
        ("civil_reader", 200, {"value", "texts"}),  # raised it
        ("police_handler", 200, {"value", "texts", "record", "answer"}),  # owns it
        ("steward", 200, {"value", "texts", "record"}),
        ("police_reader", 200, {"value"}),  # may send such values back too: learns that a request is on its way
        ("grid_reader", 404, set()),  # is not shown hukou addresses
        ("health_reader", 404, set()),
        ("grid_handler", 404, set()),
        ("second", 403, set()),
        ("verifier", 403, set()),
        ("head", 403, set()),
        ("sysadmin", 403, set()),
        ("auditor", 403, set()),
        ("nobody", 403, set()),
    ],
)  # fmt: skip
def test_who_sees_what_of_a_request(
    desk: Portal, sent: tuple[dict[str, Any], str], username: str, status: int, sees: set[str]
) -> None:
    value, correction_id = sent
    answer = desk.client(username).get(f"/corrections/{correction_id}")
    assert answer.status_code == status
    marks = {
        "value": [value["value"]],
        "texts": [PROPOSED, REASON, BASIS],
        "record": [value["record_id"]],
        "answer": ["/answer"],
    }
    for name, texts in marks.items():
        for text in texts:
            assert (text in answer.text) == (name in sees), (name, text)
    api = desk.client(username).get(f"/api/v1/corrections/{correction_id}")
    assert api.status_code == status and value["record_id"] not in api.text
    assert (PROPOSED in api.text) == ("texts" in sees)
    listed = desk.client(username).get("/corrections?status=all")
    on_list = username in ("civil_reader", "police_handler", "steward")
    assert (
        (correction_id in listed.text) == on_list and PROPOSED not in listed.text and value["value"] not in listed.text
    )


def test_a_second_request_about_the_value_leads_to_the_first(desk: Portal, sent: tuple[dict[str, Any], str]) -> None:
    value, correction_id = sent
    count = len(read_corrections(desk.state))
    for username in ("civil_reader", "police_reader"):
        form = {"person": value["person_id"], "field": "hukou_address", "value": "另一处", "reason_code": "typing"}
        answer = desk.client(username).post("/corrections", data=form)
        assert answer.headers["location"] == f"/corrections/{correction_id}?found=1"
        assert "没有" not in desk.client(username).get(answer.headers["location"]).text.split("<main")[0]
    assert len(read_corrections(desk.state)) == count


@pytest.mark.parametrize(
    ("username", "field", "source"),
    [
        ("grid_reader", "hukou_address", "police"),  # not shared with the grid
        ("health_reader", "marital_status", "police"),
        ("civil_reader", "tenure", "grid"),
        ("civil_reader", "no_such_field", "police"),
    ],
)
def test_a_value_that_is_not_seen_cannot_be_sent_back(desk: Portal, username: str, field: str, source: str) -> None:
    person = (owned(desk, field, source) or owned(desk, "full_name", "police"))[0]["person_id"]
    client = desk.client(username)
    assert client.get("/corrections/new", params={"person": person, "field": field}).status_code == 404
    form = {"person": person, "field": field, "reason_code": "typing", "value": "x"}
    assert client.post("/corrections", data=form).status_code == 404
    body = {"person_id": person, "field": field, "reason_code": "typing"}
    assert client.post("/api/v1/corrections", json=body).status_code == 404


def test_persons_out_of_scope_and_out_of_area_are_not_there(desk: Portal, sent: tuple[dict[str, Any], str]) -> None:  # fmt: skip
    stranger = rows(desk, "SELECT person_id FROM persons WHERE NOT list_contains(sources, 'grid') LIMIT 1")[0][
        "person_id"
    ]
    form = {"person": stranger, "field": "full_name", "reason_code": "typing"}
    assert desk.client("grid_reader").post("/corrections", data=form).status_code == 404
    desk.users["elsewhere"] = add_person(
        desk, "elsewhere", "civil", ("department_reader",), area_level="community", area_name="别的社区"
    )
    near = owned(desk, "full_name", "police")[0]["person_id"]
    assert desk.client("elsewhere").post("/corrections", data=form | {"person": near}).status_code == 404
    raised = [c.correction_id for c in read_corrections(desk.state)]
    client = desk.client("elsewhere")
    assert raised and {client.get(f"/corrections/{c}").status_code for c in raised} == {404}
    assert not any(c in client.get("/corrections?status=all").text for c in raised)


@pytest.mark.parametrize(
    ("fields", "status", "sees"),
    [
        (["person_id"], 200, False),
        (["person_id", "full_name"], 200, False),
        (["person_id", "hukou_address"], 200, True),
        (["full_name"], 404, False),  # no person is seen without an id
    ],
)
def test_a_token_shows_what_its_scope_names(
    desk: Portal, sent: tuple[dict[str, Any], str], fields: list[str], status: int, sees: bool
) -> None:
    value, correction_id = sent
    user = desk.users["police_handler"]
    scope = {"may": ["answer_corrections"], "tables": {"persons": fields, "values": ["person_id", "field", "value"]}}
    found = Desk(
        desk.settings,
        Viewer(user, "h", "h", "police", "district", "", ("correction_handler",), desk.settings.access, "t", scope),
        "zh",
    )  # fmt: skip
    shown = visible(found, [read_correction(desk.state, correction_id)])
    assert len(shown) == (1 if status == 200 else 0)
    assert [s.value_before == value["value"] for s in shown] == [sees] * len(shown)


def test_a_steward_of_one_community_sees_the_requests_of_theirs(desk: Portal, sent: tuple[dict[str, Any], str]) -> None:
    value, correction_id = sent
    (person,) = rows(desk, "SELECT residence_community AS here FROM persons WHERE person_id = $p", p=value["person_id"])
    for name, community, status in (("here", person["here"], 200), ("there", "别的社区", 404)):
        desk.users[name] = add_person(desk, name, "office", ("steward",), area_level="community", area_name=community)
        assert desk.client(name).get(f"/corrections/{correction_id}").status_code == status


def test_a_masked_value_is_shown_masked_and_its_guess_is_not_told(desk: Portal) -> None:
    value = owned(desk, "identity_number", "police", known_to="grid")[5]
    client = desk.client("grid_reader")
    page = client.get("/corrections/new", params={"person": value["person_id"], "field": "identity_number"}).text
    masked = f"{value['value'][:3]}{'*' * 11}{value['value'][-4:]}"
    assert masked in page and value["value"] not in page
    # Who sees the number in full is told that it is the one shown; who does not is told nothing.
    form = {"person": value["person_id"], "field": "identity_number", "value": value["value"], "reason_code": "typing"}
    assert desk.client("civil_reader").post("/corrections", data=form).status_code == 422
    answer = client.post("/corrections", data=form)
    assert answer.status_code == 303
    shown = client.get(answer.headers["location"]).text
    assert masked in shown and value["value"] not in shown
    assert value["value"] in desk.client("police_handler").get(answer.headers["location"]).text


@pytest.mark.parametrize(
    ("case", "form"),
    [
        ("no reason", {"reason_code": "because"}),
        ("other without words", {"reason_code": "other", "reason": "  "}),
        ("no code of the table", {"field": "marital_status", "reason_code": "typing", "value": "zz"}),
        ("no date", {"field": "birth_date", "reason_code": "typing", "value": "1960-13-01"}),
        ("too long", {"reason_code": "typing", "value": "长" * 201}),
    ],
)
def test_what_is_not_filled_in_is_refused_without_repeating_it(desk: Portal, case: str, form: dict[str, str]) -> None:
    person = owned(desk, "marital_status", "police")[9]["person_id"]
    answer = desk.client("civil_reader").post("/corrections", data={"person": person, "field": "hukou_address"} | form)
    assert answer.status_code == 422
    assert form.get("value", "长长") not in answer.text


def test_answers_and_withdrawals_are_for_those_they_belong_to(desk: Portal) -> None:
    value = owned(desk, "sex", "police", known_to="grid")[3]
    body = {"person_id": value["person_id"], "field": "sex", "reason_code": "typing", "value": "9"}
    made = desk.client("grid_reader").post("/api/v1/corrections", json=body)
    assert made.status_code == 201 and made.json()["owner"] == "police"
    again = desk.client("grid_reader").post("/api/v1/corrections", json=body)
    assert (again.status_code, again.json()["correction_id"]) == (200, made.json()["correction_id"])
    path = f"/corrections/{made.json()['correction_id']}"
    accept = {"answer": "accepted", "note": "照办"}
    assert (
        desk.client("grid_handler").post(f"{path}/answer", data=accept).status_code == 404
    )  # sees no sex of the police
    assert desk.client("grid_reader").post(f"{path}/answer", data=accept).status_code == 403
    assert desk.client("civil_reader").post(f"{path}/withdraw", data={}).status_code == 403
    assert desk.client("police_handler").post(f"{path}/answer", data={"answer": "refused"}).status_code == 422
    assert desk.client("police_handler").post(f"{path}/answer", data=accept).status_code == 303
    assert desk.client("police_handler").post(f"{path}/answer", data=accept).status_code == 403
    assert desk.client("grid_reader").post(f"{path}/withdraw", data={"note": "不必了"}).status_code == 303
    assert [s["status"] for s in desk.client("steward").get(f"/api/v1{path}").json()["steps"]] == [
        "open",
        "accepted",
        "withdrawn",
    ]
    # Settled: the value may be sent back anew.
    assert desk.client("grid_reader").post("/api/v1/corrections", json=body).status_code == 201


def test_nobody_answers_what_they_asked(desk: Portal) -> None:
    desk.users["both"] = add_person(desk, "both", "police", ("department_reader", "correction_handler"))
    person = owned(desk, "full_name", "police")[7]["person_id"]
    made = desk.client("both").post(
        "/api/v1/corrections", json={"person_id": person, "field": "full_name", "reason_code": "typing"}
    )
    path = f"/corrections/{made.json()['correction_id']}/answer"
    assert desk.client("both").post(path, data={"answer": "accepted"}).status_code == 403
    assert desk.client("police_handler").post(path, data={"answer": "accepted"}).status_code == 303


def test_what_is_past_its_day_is_marked_overdue(desk: Portal, sent: tuple[dict[str, Any], str]) -> None:
    _, correction_id = sent
    due = read_correction(desk.state, correction_id).due_on
    client = desk.client("police_handler")
    for day, is_overdue in ((today(desk.settings), False), (today(desk.settings) - timedelta(days=1), True)):
        _set_due(desk, correction_id, day)
        assert ("逾期未答复</b>" in client.get(f"/corrections/{correction_id}").text) == is_overdue
        assert (correction_id in client.get("/corrections?status=overdue").text) == is_overdue
        api = client.get("/api/v1/corrections", params={"status": "overdue"}).json()["corrections"]
        assert (correction_id in {c["correction_id"] for c in api}) == is_overdue
    _set_due(desk, correction_id, due)


def _set_due(portal: Portal, correction_id: str, day: date) -> None:
    mine = corrections_table.c.correction_id == correction_id
    with open_database(portal.state).begin() as connection:
        connection.execute(sa.update(corrections_table).where(mine).values(due_on=day))


def test_the_audit_knows_who_asked_about_whom_and_no_value(desk: Portal, sent: tuple[dict[str, Any], str]) -> None:
    value, correction_id = sent
    with open_database(desk.state).connect() as connection:
        entries = list(connection.execute(sa.select(audit_table.c.entry)).scalars())
    mine = [e for e in entries if '"correction_raise"' in e and correction_id in e and '"done"' in e]
    assert mine and f'"{value["person_id"]}"' in mine[0]
    everything = "".join(entries)
    assert not any(text in everything for text in (PROPOSED, REASON, BASIS, value["value"], value["record_id"]))
    assert desk.settings.audit.verify() == len(entries)


def test_the_form_names_source_age_and_due_date(desk: Portal) -> None:
    person = owned(desk, "marital_status", "police")[11]["person_id"]
    text = (
        desk.client("civil_reader").get("/corrections/new", params={"person": person, "field": "marital_status"}).text
    )
    assert "公安" in text and re.search(r"答复期限</dt><dd>20\d\d-\d\d-\d\d", text) and "<select" in text
    text = desk.client("civil_reader").get("/corrections/new", params={"person": person}).text
    assert f"/corrections/new?person={person}&amp;field=marital_status" in text and "field=tenure" not in text


def given(portal: Portal, field: str, source: str, *, more: str = "true") -> list[dict[str, Any]]:
    """Statuses or households that a record of ``source`` decided, of unrestricted persons whom the grid knows too."""
    sql = f"""SELECT person_id, value, source, record_id FROM given_values JOIN persons USING (person_id)
              WHERE field = $field AND source = $source AND won AND restriction IS NULL AND list_contains(sources, 'grid') AND {more} ORDER BY person_id"""
    return rows(portal, sql, field=field, source=source)


CONCLUDED = [
    ("a status", "police", "status", "deceased", {"已故", "在世"}),
    ("a registered household", "police", "hukou_household", "", {"所在户籍户"}),
    ("a household of residence", "grid", "residence_household", "", {"所在居住户"}),
]


@pytest.mark.parametrize(("case", "owner", "field", "proposed", "told"), CONCLUDED, ids=[c[0] for c in CONCLUDED])
def test_status_and_household_go_to_the_department_whose_record_decided(
    desk: Portal, case: str, owner: str, field: str, proposed: str, told: set[str]
) -> None:
    value = given(desk, field, owner, more="status = 'alive' AND list_contains(sources, 'police')")[2]
    client, handler = desk.client("civil_reader"), desk.client(f"{owner}_handler")
    page = client.get(f"/people/{value['person_id']}").text
    assert f"field={field}" in page.replace("&amp;", "&") or field == "residence_household"
    form = client.get("/corrections/new", params={"person": value["person_id"], "field": field}).text
    assert (
        {"police": "公安", "grid": "网格"}[owner] in form
        and value["record_id"] not in form
        and ('name="value"' in form) == (field == "status")
    )
    listed = client.get("/corrections/new", params={"person": value["person_id"]}).text
    assert f"field={field}" in listed
    body = {
        "person": value["person_id"],
        "field": field,
        "value": proposed,
        "reason_code": "outdated",
        "reason": REASON,
    }
    answer = client.post("/corrections", data=body)
    assert answer.status_code == 303, answer.text
    found = read_correction(desk.state, answer.headers["location"].removeprefix("/corrections/"))
    assert (found.owner, found.record_id, found.value_before) == (owner, value["record_id"], value["value"])
    mine = handler.get(answer.headers["location"]).text
    assert value["record_id"] in mine and REASON in mine and all(word in mine for word in told)
    assert found.correction_id in handler.get("/corrections").text
    others = desk.client("police_reader").get(answer.headers["location"])
    assert others.status_code == 200 and REASON not in others.text and "已故" not in others.text
    assert client.post("/corrections", data=body).headers["location"].endswith("?found=1")


@pytest.mark.parametrize(
    ("case", "field", "value"),
    [
        ("no status", "status", "asleep"),
        ("nobody knows is not a correction", "status", "unknown"),
        ("the status that is shown", "status", "alive"),
        ("another household", "hukou_household", "H0000000000000000"),
    ],
)
def test_what_a_status_or_household_cannot_be_is_refused(desk: Portal, case: str, field: str, value: str) -> None:
    person = given(desk, field, "police", more="status = 'alive'")[5]["person_id"]
    form = {"person": person, "field": field, "value": value, "reason_code": "typing"}
    before = len(read_corrections(desk.state))
    assert desk.client("civil_reader").post("/corrections", data=form).status_code == 422
    assert len(read_corrections(desk.state)) == before


def test_where_no_record_decided_the_form_says_so(desk: Portal) -> None:
    """Somebody who lives here and whom no record places in a registered household."""
    (person,) = rows(
        desk,
        """SELECT person_id FROM persons p WHERE restriction IS NULL
           AND EXISTS (SELECT 1 FROM members m WHERE m.person_id = p.person_id AND m.valid_to IS NULL)
           AND NOT EXISTS (SELECT 1 FROM statements s WHERE s.person_id = p.person_id AND s.field = 'hukou_household') ORDER BY person_id LIMIT 1""",
    )
    asked = {"person": person["person_id"], "field": "hukou_household"}
    client = desk.client("steward")
    for answer in (
        client.get("/corrections/new", params=asked),
        client.post("/corrections", data=asked | {"reason_code": "typing"}),
    ):
        assert answer.status_code == 409 and "没有部门的记录把此人写在这一户" in answer.text


@pytest.mark.parametrize(
    ("case", "tables", "shown"),
    [
        ("members are not in its scope", {"persons": ["person_id", "status"]}, {"status": True, "hukou_household": False}),
        ("neither is the status", {"persons": ["person_id"], "members": ["household_id", "person_id", "valid_to"]}, {"status": False, "hukou_household": True}),
        ("the household without who is in it", {"persons": ["person_id"], "members": ["household_id"]}, {"status": False, "hukou_household": False}),
    ],
)  # fmt: skip
def test_a_token_sends_back_what_its_scope_shows(
    desk: Portal, case: str, tables: dict[str, list[str]], shown: dict[str, bool]
) -> None:
    scope = {"may": ["send_back"], "tables": tables}
    found = Desk(
        desk.settings,
        Viewer(desk.users["civil_reader"], "h", "h", "civil", "district", "", ("department_reader",), desk.settings.access, "t", scope),
        "zh",
    )  # fmt: skip
    assert {field: field in shown_fields(found) for field in shown} == shown
