"""Stewards at the review desk: order, whole clusters, decisions and their undoing, locks, blind second readers."""

import re
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.state_tables import review_locks_table
from linkage.portal.accounts import now
from linkage.portal.review.locks import take_lock
from linkage.portal.review.queue import Filters, find_cases, read_case, read_cases, reasons
from linkage.portal.review.readings import read_readings, read_states
from linkage.portal.review.second import is_sampled
from linkage.portal.review.standing_judgements import Judged, in_force, read_judged
from linkage.review.decisions import judge, withdraw
from linkage.review.judgements import read_rows
from linkage.review.listing import list_judgements
from tests.portal.conftest import Portal, add_person
from tests.portal.review_desk import copied_portal, decide, desk_of, of_kind, portal_like


@pytest.fixture(scope="module")
def shared(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Portal:
    """For tests that decide nothing."""
    return copied_portal(two_nights, tmp_path_factory.mktemp("review") / "state")


@pytest.fixture
def desk(shared: Portal, tmp_path: Path) -> Portal:
    """For tests that do."""
    return portal_like(shared, tmp_path / "state")


def test_the_queue_is_ordered_by_its_points_and_deaths_that_are_in_doubt_come_first(shared: Portal) -> None:
    viewer = desk_of(shared, "steward")
    cases = read_cases(viewer, find_cases(viewer, Filters()))
    assert len(cases) > 20
    assert [c.points for c in cases] == sorted((c.points for c in cases), reverse=True)
    assert all(c.points == pytest.approx(c.urgency + c.harm + c.information, abs=0.11) for c in cases)
    assert cases[0].kind == "possible_death" and cases[0].is_high_harm
    assert {c.kind for c in cases} >= {"possible_death", "constraint_conflict", "quality_sample"}


def test_filters_find_what_they_say_and_pages_hold_every_case_once(shared: Portal) -> None:
    viewer, client = desk_of(shared, "steward"), shared.client("steward")
    for source in ("police", "civil", "health", "grid"):
        found = read_cases(viewer, find_cases(viewer, Filters(source=source)))
        assert found and all(source in case.sources for case in found)
    assert find_cases(viewer, Filters(street="没有这条街")) == []
    for name, values_of in (
        ("kind", lambda c: (c.kind,)),
        ("street", lambda c: c.streets),
        ("community", lambda c: c.communities),
    ):
        every = read_cases(viewer, find_cases(viewer, Filters()))
        values = [value for case in every for value in values_of(case)]
        value = min(set(values), key=lambda value: (values.count(value), value))
        matching = [case.case_id for case in every if value in values_of(case)]
        assert matching and find_cases(viewer, Filters(**{name: value})) == matching
    for reason in reasons(viewer):
        found = read_cases(viewer, find_cases(viewer, Filters(reason=reason["id"])))
        assert found and {case.reason for case in found} == {reason["zh"]}
        assert reason["zh"] in client.get("/review", params={"reason": reason["id"]}).text
    everything = find_cases(viewer, Filters())
    pages = [of_page(client, number) for number in range(1, 3)]
    assert [case for page in pages for case in page] == everything


def of_page(client: object, number: int) -> list[str]:
    text = client.get("/review", params={"page": number}).text  # type: ignore[attr-defined]
    return list(dict.fromkeys(re.findall(r"/review/(C[0-9a-f]{16})\"", text)))


def test_a_steward_of_one_street_sees_no_case_of_another(shared: Portal) -> None:
    area = {"area_level": "street", "area_name": "别的街道"}
    shared.users["elsewhere"] = add_person(shared, "elsewhere", "office", ("steward",), **area)
    client = shared.client("elsewhere")
    assert of_kind(client, "") == []
    (case_id,) = of_kind(shared.client("steward"), "constraint_conflict")
    for path in (f"/review/{case_id}", f"/review/{case_id}/foresight"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("username", ["grid_reader", "auditor", "archivist", "nobody", "sysadmin"])
def test_nobody_else_is_let_in(shared: Portal, username: str) -> None:
    client = shared.client(username)
    (case_id,) = of_kind(shared.client("steward"), "constraint_conflict")
    for path in ("/review", f"/review/{case_id}", f"/review/{case_id}/foresight", "/review/second", "/review/bulk", "/review/apply"):  # fmt: skip
        assert client.get(path).status_code == 403
    for path in (f"/review/{case_id}", "/review/undo", "/review/apply"):
        assert client.post(path, data={"verdict": "same", "release": "x"}).status_code == 403


def test_a_case_shows_every_record_of_everybody_concerned_and_puts_them_on_record(shared: Portal) -> None:
    client, viewer = shared.client("steward"), desk_of(shared, "steward")
    (case_id,) = of_kind(client, "constraint_conflict")
    text = client.get(f"/review/{case_id}").text
    case = read_case(viewer, case_id)
    records = viewer.look("crosswalk", "list_contains($ids, person_id)", ids=list(case.person_ids))
    assert len(records) == case.all_records > len(case.records)
    assert all(row["record_id"] in text for row in records)
    assert all(person in text for person in case.person_ids)
    assert "不同：" in text and "基准" in text
    with open_database(shared.state).connect() as connection:
        seen = connection.execute(sa.text("SELECT person_id FROM audit_persons")).scalars().all()
    assert set(case.person_ids) <= set(seen)


def test_weights_are_hidden_until_asked_for_and_never_told_of_the_quality_sample(shared: Portal) -> None:
    client = shared.client("steward")
    (case_id,) = of_kind(client, "constraint_conflict")
    assert "waterfall" not in client.get(f"/review/{case_id}").text
    told = client.get(f"/review/{case_id}?scores=1").text
    assert "waterfall" in told and "合并线为 4 比特" in told
    sample = of_kind(client, "quality_sample")[0]
    for query in ("?scores=1", "?scores=all", "?foresight=1"):
        text = client.get(f"/review/{sample}{query}").text
        assert "waterfall" not in text and "若判" not in text
        assert not re.search(r"\bP[0-9A-HJKMNP-TV-Z]{16}\b", text), "whose the records are would tell what was decided"


def test_a_verdict_becomes_a_reading_and_a_judgement_and_goes_on_to_the_next_case(desk: Portal) -> None:
    client = desk.client("steward")
    first = of_kind(client, "quality_sample")[0]
    answer = decide(desk, client, first, "different", note="电话核实")
    assert answer.status_code == 303, answer.text
    (reading,) = read_readings(desk.state)
    (judged,) = read_rows(desk.state)
    assert (reading.case_id, reading.kind, reading.verdict, reading.reason) == (
        first,
        "first",
        "different",
        "看过原始材料：电话核实",
    )
    assert (judged["judgement_id"], judged["verdict"], judged["reader"]) == (
        reading.decision_id,
        "different",
        "steward",
    )
    assert judged["evidence"]["case_id"] == first
    following = client.get(answer.headers["location"])
    assert following.status_code == 303 and first not in following.headers["location"].split("?")[0]
    page = client.get(following.headers["location"]).text
    assert "已记录" in page and "今日已裁定 1" in page
    assert first not in of_kind(client, "quality_sample")


def test_what_is_undone_is_open_again_and_its_judgement_is_withdrawn(desk: Portal) -> None:
    client = desk.client("steward")
    (case_id,) = of_kind(client, "constraint_conflict")
    assert decide(desk, client, case_id, "same").status_code == 303
    judged = read_rows(desk.state)
    assert len(judged) > 1 and len({row["decision_id"] for row in judged}) == 1
    answer = client.post("/review/undo")
    assert answer.headers["location"] == f"/review/{case_id}?undone=1"
    assert [j.verdict for j in list_judgements(desk.state)] == ["withdrawn"] * len(judged) + ["same"] * len(judged)
    assert read_states(desk.state)[case_id].standing == "open"
    assert of_kind(client, "constraint_conflict") == [case_id]
    assert client.post("/review/undo").status_code == 404
    assert decide(desk, client, case_id, "different").status_code == 303


def test_nobody_undoes_the_reading_of_another(desk: Portal) -> None:
    client = desk.client("steward")
    decide(desk, client, of_kind(client, "quality_sample")[0], "same")
    (reading,) = read_readings(desk.state)
    assert desk.client("steward2").post("/review/undo", data={"reading_id": reading.reading_id}).status_code == 404
    assert len(read_readings(desk.state)) == 1


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"reason": "other"}, 422),
        ({"reason": "no such reason"}, 422),
        ({"verdict": "perhaps"}, 422),
        ({"release": "2020-01-01-00000000"}, 409),
        ({"verdict": "groups", "group": [1, 2]}, 409),
        ({"verdict": "move"}, 422),
        ({"verdict": "move", "moved": [99]}, 422),
    ],
)
def test_what_says_nothing_decides_nothing(shared: Portal, form: dict[str, object], status: int) -> None:
    client = shared.client("steward")
    (case_id,) = of_kind(client, "constraint_conflict")
    answer = decide(shared, client, case_id, str(form.pop("verdict", "same")), **form)
    assert answer.status_code == status
    assert read_readings(shared.state) == [] and read_rows(shared.state) == []


def test_groups_and_moves_are_foreseen_and_decided(desk: Portal) -> None:
    client = desk.client("steward")
    (case_id,) = of_kind(client, "constraint_conflict")
    case = read_case(desk_of(desk, "steward"), case_id)
    one_out = {"moved": [0], "note": "另一人的走访"}
    told = client.post(f"/review/{case_id}/foresight", data={"verdict": "move", "reason": "paper", **one_out})
    assert told.status_code == 200 and "若判：移出记录" in told.text and 'data-key="c"' in told.text
    assert read_readings(desk.state) == []
    assert decide(desk, client, case_id, "move", **one_out).status_code == 303
    moved = {key for row in read_rows(desk.state) for key in (row["record_key_l"], row["record_key_r"])}
    assert case.records[0] in moved and {row["verdict"] for row in read_rows(desk.state)} == {"different"}
    client.post("/review/undo")
    before = len(read_rows(desk.state))
    groups = [1] * (case.all_records - 1) + [2]
    assert decide(desk, client, case_id, "groups", group=groups).status_code == 303
    rows = read_rows(desk.state)[before:]
    assert len(rows) == case.all_records * (case.all_records - 1) // 2
    assert sum(row["verdict"] == "different" for row in rows) == case.all_records - 1


def test_of_two_who_open_a_case_at_once_exactly_one_gets_it(desk: Portal) -> None:
    for case_id in (f"C{n:016x}" for n in range(20)):
        start, holders = threading.Barrier(2), []

        def open_it(user: str, case_id: str = case_id, start: threading.Barrier = start, holders: list[str] = holders) -> None:  # fmt: skip
            start.wait()
            holders.append(take_lock(desk.state, case_id, user, 15).user_id)

        threads = [threading.Thread(target=open_it, args=(user,)) for user in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(holders) == 2 and len(set(holders)) == 1


def test_another_steward_sees_who_has_a_case_and_cannot_decide_it_until_it_is_free(desk: Portal) -> None:
    one, other = desk.client("steward"), desk.client("steward2")
    (case_id,) = of_kind(one, "constraint_conflict")
    one.get(f"/review/{case_id}")
    page = other.get(f"/review/{case_id}").text
    assert "正由" in page and "<b>steward</b>" in page and 'value="same"' not in page
    assert "处理中 steward" in other.get("/review").text
    assert decide(desk, other, case_id, "same").status_code == 409
    assert case_id not in other.get("/review/next").headers["location"]
    assert read_readings(desk.state) == []
    assert one.post(f"/review/{case_id}/leave").status_code == 303
    assert decide(desk, other, case_id, "same").status_code == 303


def test_a_lock_ends_by_itself(desk: Portal) -> None:
    one, other = desk.client("steward"), desk.client("steward2")
    (case_id,) = of_kind(one, "constraint_conflict")
    one.get(f"/review/{case_id}")
    with open_database(desk.state).begin() as connection:
        connection.execute(sa.update(review_locks_table).values(expires_at=now() - timedelta(seconds=1)))
    assert decide(desk, other, case_id, "unsure").status_code == 303
    assert decide(desk, one, case_id, "same").status_code == 409


def test_a_high_harm_case_is_judged_only_when_two_agree_and_the_second_reads_blind(desk: Portal) -> None:
    first, second = desk.client("steward"), desk.client("second")
    case_id = of_kind(first, "possible_death")[0]
    assert second.get(f"/review/{case_id}").status_code == 404, "it waits for a steward first"
    assert decide(desk, first, case_id, "same", note="遗属证明第七号").status_code == 303
    assert read_rows(desk.state) == []
    assert read_states(desk.state)[case_id].standing == "awaits_second"
    assert decide(desk, first, case_id, "same").status_code == 409, "nobody is their own second reader"
    waiting = second.get("/review/second").text
    assert case_id in waiting
    for text in (waiting, second.get(f"/review/{case_id}").text, second.get(f"/review/{case_id}?scores=1").text):
        assert "遗属证明" not in text and "已记录" not in text
        assert "看过原始材料：" not in text
    assert decide(desk, second, case_id, "same").status_code == 303
    assert {row["verdict"] for row in read_rows(desk.state)} == {"same"}
    assert read_states(desk.state)[case_id].standing == "decided"
    assert "1.00" not in first.get("/review/agreement").text and "100.0%" in first.get("/review/agreement").text
    assert first.post("/review/undo").status_code == 409, "somebody has read it since"
    assert second.post("/review/undo").status_code == 303
    assert {j.verdict for j in list_judgements(desk.state)[: len(read_rows(desk.state)) // 2]} == {"withdrawn"}
    assert read_states(desk.state)[case_id].standing == "awaits_second"


def test_two_who_differ_are_discussed_and_a_third_decides(desk: Portal) -> None:
    first, second, third = desk.client("steward"), desk.client("second"), desk.client("steward2")
    case_id = of_kind(first, "possible_death")[0]
    decide(desk, first, case_id, "same", note="甲说")
    decide(desk, second, case_id, "unsure", note="乙说")
    assert read_rows(desk.state) == []
    assert case_id not in first.get("/review/discuss").text, "who has read it is not the third"
    assert case_id in third.get("/review/discuss").text
    text = third.get(f"/review/{case_id}").text
    assert "甲说" in text and "乙说" in text
    assert decide(desk, third, case_id, "same").status_code == 303
    assert {row["verdict"] for row in read_rows(desk.state)} == {"same"}
    assert read_states(desk.state)[case_id].standing == "decided"


def test_a_sample_of_decided_cases_is_read_again_and_the_judgement_stands_meanwhile(desk: Portal) -> None:
    client, second = desk.client("steward"), desk.client("second")
    samples = of_kind(client, "quality_sample")
    drawn = [c for c in samples if is_sampled(desk.settings.audit, c, 50)]
    assert 0 < len(drawn) < len(samples)
    assert {c for c in samples if is_sampled(desk.settings.audit, c, 5)} <= set(drawn)
    review = desk.settings.portal.review
    object.__setattr__(review, "second_reader_percent", 50.0)
    chosen, other = drawn[0], next(c for c in samples if c not in drawn)
    decide(desk, client, chosen, "same")
    decide(desk, client, other, "same")
    assert len(read_rows(desk.state)) == 2
    waiting = second.get("/review/second").text
    assert chosen in waiting and other not in waiting
    assert decide(desk, second, chosen, "different").status_code == 303
    assert len(read_rows(desk.state)) == 2
    third = desk.client("steward2")
    assert decide(desk, third, chosen, "different").status_code == 303
    verdicts = [row["verdict"] for row in read_rows(desk.state) if row["evidence"]["case_id"] == chosen]
    assert verdicts == ["same", "different"]
    assert [j.verdict for j in standing(desk)] == sorted(["same", "different"]), (
        "the other sample, and the third reader's"
    )
    assert third.post("/review/undo").status_code == 303
    assert [j.verdict for j in standing(desk)] == ["same", "same"], "what the third had replaced is in force again"
    assert third.post("/review/undo").status_code == 404


def standing(portal: Portal) -> list[Judged]:
    """Judgements in force, by verdict, as the preview takes them."""
    judged = read_judged(portal.state, portal.settings.registers.current())
    return sorted(in_force(judged), key=lambda one: one.verdict)


def test_what_the_third_reader_does_not_speak_of_is_left_to_the_machine_until_it_is_undone(desk: Portal) -> None:
    """The first says 'same' of all pairs across two persons, the third takes one record out of its person."""
    object.__setattr__(desk.settings.portal.review, "second_reader_percent", 100.0)
    first, second, third = desk.client("steward"), desk.client("second"), desk.client("steward2")
    (case_id,) = of_kind(first, "constraint_conflict")
    decide(desk, first, case_id, "same")
    before = standing(desk)
    decide(desk, second, case_id, "unsure")
    assert decide(desk, third, case_id, "move", moved=[0], note="另一人").status_code == 303
    after = standing(desk)
    pairs = {(j.record_key_l, j.record_key_r) for j in before}
    assert {j.verdict for j in before} == {"same"} and {j.verdict for j in after} == {"different", "unsure"}
    assert {(j.record_key_l, j.record_key_r) for j in after if j.verdict == "unsure"} == pairs - {
        (j.record_key_l, j.record_key_r) for j in after if j.verdict == "different"
    }
    assert third.post("/review/undo").status_code == 303
    assert {j.judgement_id for j in standing(desk)} == {j.judgement_id for j in before}


def test_a_later_decision_that_is_taken_back_brings_the_earlier_one_back(desk: Portal) -> None:
    client = desk.client("steward")
    case_id = of_kind(client, "quality_sample")[0]
    decide(desk, client, case_id, "same")
    (judged,) = standing(desk)
    pair = (judged.record_key_l, judged.record_key_r)
    later = judge(desk.state, *pair, "different", reader="r", reason="r")
    assert client.post("/review/undo").status_code == 303, "one's own, though it is replaced"
    assert [j.judgement_id for j in standing(desk)] == [later]
    withdraw(desk.state, later, reader="r", reason="r")
    assert standing(desk) == [], "what was undone meanwhile does not come back"


def test_a_second_reader_sees_the_case_as_the_first_saw_it(desk: Portal) -> None:
    object.__setattr__(desk.settings.portal.review, "second_reader_percent", 100.0)
    client, second = desk.client("steward"), desk.client("second")
    (case_id,) = of_kind(client, "constraint_conflict")
    before = client.get(f"/review/{case_id}/foresight").text
    assert "并入" in before
    decide(desk, client, case_id, "same", note="就是一人")
    assert "归属与编号都不变" in client.get(f"/review/{case_id}/foresight").text, "the first knows what they decided"
    assert second.get(f"/review/{case_id}/foresight").text == before
    text = second.get(f"/review/{case_id}?foresight=1").text
    assert "就是一人" not in text and "待夜间应用" not in text and "第二人盲评" in text


def test_the_own_readings_of_a_steward_are_theirs_alone(desk: Portal) -> None:
    client = desk.client("steward")
    first = of_kind(client, "quality_sample")[0]
    decide(desk, client, first, "same", note="只给自己看")
    assert "只给自己看" in client.get("/review/history").text
    assert "只给自己看" not in desk.client("steward2").get("/review/history").text
    assert first in client.get("/review?show=mine").text
    assert first not in desk.client("steward2").get("/review?show=mine").text


def section(text: str, heading: str) -> str:
    """What stands on a page between this heading and the next."""
    return text.partition(f"<h2>{heading}</h2>")[2].partition("<h2>")[0]


def test_a_case_shows_the_households_of_the_persons_concerned_with_members_and_address(shared: Portal) -> None:
    client, viewer = shared.client("steward"), desk_of(shared, "steward")
    case = next(
        case
        for case in read_cases(viewer, find_cases(viewer, Filters()))
        if viewer.look("members", "list_contains($ids, person_id)", ids=list(case.person_ids)) and not case.is_blind
    )
    told = section(client.get(f"/review/{case.case_id}").text, "家庭与住处")
    (home,) = viewer.register.rows(
        """SELECT h.household_id, h.address FROM members m JOIN households h USING (household_id)
        WHERE list_contains($ids, m.person_id) ORDER BY 1 LIMIT 1""",
        ids=list(case.person_ids),
    )
    members = viewer.register.rows(
        "SELECT person_id, full_name FROM members m JOIN persons USING (person_id) WHERE household_id = $home",
        home=home["household_id"],
    )
    assert home["household_id"] in told and home["address"] in told
    assert members and all(m["person_id"] in told and (m["full_name"] or "—") in told for m in members)
    assert told.count("本件") >= 1, "who is concerned is marked among the members"


def test_an_earlier_judgement_stands_on_the_page_of_a_case_that_is_open_again(desk: Portal) -> None:
    client = desk.client("steward")
    (case_id,) = of_kind(client, "constraint_conflict")
    assert "无。" in section(client.get(f"/review/{case_id}").text, "先前的判定")
    decide(desk, client, case_id, "different", note="电话核实")
    told = section(client.get(f"/review/{case_id}").text, "先前的判定")
    assert "不同人" in told and "看过原始材料：电话核实" in told
    assert "steward" not in told, "readers are masked"
    client.post("/review/undo")
    told = section(client.get(f"/review/{case_id}").text, "先前的判定")
    assert "撤回" in told and "不同人" in told, "what was taken back stays to be seen"
