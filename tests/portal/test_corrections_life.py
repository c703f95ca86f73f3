"""A value sent back lives through its steps, and a further real night shows whether its owner corrected it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest

from linkage.night import run_night
from linkage.portal.corrections.clock import due_on, local_day, today
from linkage.portal.corrections.life import Correction, Step
from linkage.portal.corrections.outcomes import Now, outcome_of, record_outcomes
from linkage.portal.corrections.store import StepRefused, read_correction, read_corrections, take_step
from linkage.portal.corrections.workdays import Workdays, workdays
from tests.portal.conftest import CONFIG, Portal, open_portal, portal_config

THIRD = date(2026, 3, 4)
MARRIED, DIVORCED, WIDOWED = "20", "40", "30"
DEAD, OTHER_HOUSEHOLD = "死亡", "the number of another household"


def calendar() -> Workdays:
    return workdays(portal_config().corrections.holidays)


@pytest.mark.parametrize(
    ("case", "raised", "days", "due"),
    [
        ("one day later", "2026-03-02", 1, "2026-03-03"),
        ("over a weekend", "2026-03-06", 1, "2026-03-09"),
        ("raised on a Sunday", "2026-03-08", 1, "2026-03-09"),
        ("ten days are two weeks", "2026-03-02", 10, "2026-03-16"),
        ("twenty days are four", "2026-03-02", 20, "2026-03-30"),
        ("over the Spring Festival, its worked Saturdays counted", "2026-02-13", 10, "2026-03-05"),
        ("a worked Saturday is a day", "2026-02-13", 1, "2026-02-14"),
        ("over the National Day, with its worked Saturday", "2026-09-30", 3, "2026-10-10"),
        ("a worked Sunday before it", "2026-09-18", 1, "2026-09-20"),
        ("a year that is not in the file knows weekends only", "2027-02-05", 5, "2027-02-12"),
    ],
)
def test_an_answer_is_due_after_so_many_working_days(case: str, raised: str, days: int, due: str) -> None:
    assert calendar().after(date.fromisoformat(raised), days) == date.fromisoformat(due)


@pytest.mark.parametrize("days", [1, 10, 20])
def test_the_due_day_is_a_working_day_with_as_many_before_it(days: int) -> None:
    known = calendar()
    for ordinal in range(date(2026, 1, 1).toordinal(), date(2027, 1, 1).toordinal()):
        raised = date.fromordinal(ordinal)
        due = known.after(raised, days)
        between = [date.fromordinal(n) for n in range(ordinal + 1, due.toordinal() + 1)]
        assert known.is_working_day(due) and sum(map(known.is_working_day, between)) == days


def test_a_day_is_the_districts_day() -> None:
    from zoneinfo import ZoneInfo

    assert local_day(datetime(2026, 3, 2, 17, 0), ZoneInfo("Asia/Shanghai")) == date(2026, 3, 3)


def correction(status: str, proposed: str | None, field: str = "marital_status", before: str = MARRIED) -> Correction:
    moment = datetime(2026, 3, 3)
    step = Step(1, status, "", "r1", None, "x", moment)  # type: ignore[arg-type]
    return Correction(
        "c", "P1", field, "r1", before, proposed, "typing", "", None, "809", "police", "RK1", "u", "civil", moment, date(2026, 3, 17), (step,)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("case", "asked", "golden", "record", "since", "becomes"),
    [
        ("nothing changed", correction("open", DIVORCED), MARRIED, (MARRIED,), 9, None),
        ("as proposed", correction("accepted", DIVORCED), DIVORCED, (DIVORCED,), 1, "corrected as_proposed"),
        ("as proposed by another record", correction("open", DIVORCED), DIVORCED, (MARRIED,), 1, "corrected as_proposed"),
        ("to something else", correction("accepted", DIVORCED), WIDOWED, (WIDOWED,), 1, "corrected record_changed"),
        ("the record is gone", correction("accepted", None), None, (), 1, "corrected record_changed"),
        ("another record says the same", correction("accepted", None), MARRIED, (WIDOWED,), 1, "corrected record_changed_value_stays"),
        ("the value alone", correction("open", None), WIDOWED, (MARRIED,), 1, "corrected value_changed"),
        ("another value won, not the proposed one", correction("open", DIVORCED), WIDOWED, (MARRIED,), 1, None),
        ("accepted, patience lasts", correction("accepted", DIVORCED), MARRIED, (MARRIED,), 2, None),
        ("accepted, patience is over", correction("accepted", DIVORCED), MARRIED, (MARRIED,), 3, "not_corrected still_the_same"),
        ("given up, corrected after all", correction("not_corrected", DIVORCED), DIVORCED, (DIVORCED,), 7, "corrected as_proposed"),
        ("given up, still the same", correction("not_corrected", DIVORCED), MARRIED, (MARRIED,), 7, None),
        ("a date without its precision", correction("open", "1960-01-02", "birth_date", "1961-01-02 day"), "1960-01-02 day", (), 1, "corrected as_proposed"),
        ("half-width and full-width are one", correction("open", None, "residence_address", "文锦路１号"), "文锦路1号", ("文锦路1号",), 1, None),
    ],
)  # fmt: skip
def test_the_outcome_is_read_off_the_release(
    case: str, asked: Correction, golden: str | None, record: tuple[str, ...], since: int, becomes: str | None
) -> None:
    found = outcome_of(asked, Now(golden, record), since, 3)
    assert (" ".join(found) if found else None) == becomes


@dataclass
class Case:
    """One request about what the police records give, and what the police's third export says under ``column``."""

    name: str
    proposed: str
    answer: str | None
    export: str | None  # the value in the third night; "" takes the record out
    status: str
    note: str = ""
    field: str = "marital_status"
    column: str = "婚姻状况"
    person: str = ""
    correction_id: str = ""


CASES = (
    Case("corrected as proposed", DIVORCED, "accepted", DIVORCED, "corrected", "as_proposed"),
    Case("corrected without a proposal", "", "accepted", WIDOWED, "corrected", "record_changed"),
    Case("corrected to something else", DIVORCED, "accepted", WIDOWED, "corrected", "record_changed"),
    Case("corrected before anybody answered", DIVORCED, None, DIVORCED, "corrected", "as_proposed"),
    Case("the record is no longer delivered", DIVORCED, "accepted", "", "corrected", "record_changed"),
    Case("accepted and still the same", DIVORCED, "accepted", None, "accepted"),
    Case("refused stays refused", DIVORCED, "refused", DIVORCED, "refused"),
    Case("withdrawn stays withdrawn", DIVORCED, "withdrawn", DIVORCED, "withdrawn"),
    Case("nobody answers", DIVORCED, None, None, "open"),
    Case(
        "a status corrected as proposed", "deceased", "accepted", DEAD, "corrected", "as_proposed", "status", "人员状态"
    ),
    Case("a status that stays", "deceased", "accepted", None, "accepted", "", "status"),
    Case(
        "a household that the record no longer names",
        "",
        "accepted",
        OTHER_HOUSEHOLD,
        "corrected",
        "record_changed",
        "hukou_household",
        "户号",
    ),
    Case("a household that it still names", "", "accepted", None, "accepted", "", "hukou_household"),
    Case(
        "a household that the record's death ends",
        "",
        "accepted",
        DEAD,
        "corrected",
        "record_changed",
        "hukou_household",
        "人员状态",
    ),
)
# Persons whose value the police's record alone gives, each of another registered household with others in it.
CHOSEN = """
SELECT v.person_id, v.record_id, v.field, m.household_id, p.household_number
FROM given_values v JOIN persons p USING (person_id) JOIN members m ON m.person_id = v.person_id AND m.valid_to IS NULL
JOIN households h ON h.household_id = m.household_id AND h.kind = 'hukou' AND h.members >= 3 AND h.head_person_id <> v.person_id
WHERE v.source = 'police' AND v.won AND v.record_id LIKE 'RK%' AND p.restriction IS NULL AND p.status = 'alive'
  AND (v.field = 'marital_status' AND v.value = $married OR v.field = 'status' OR v.field = 'hukou_household' AND v.value = m.household_id)
  AND (SELECT count(*) FROM given_values o WHERE o.person_id = v.person_id AND o.field = v.field) = 1
ORDER BY v.person_id, v.field
"""


@pytest.fixture(scope="module")
def lived(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Portal, dict[str, Case]]]:
    """CASES raised and answered on the second night's release, then a third night over the owner's corrected export."""
    folder = tmp_path_factory.mktemp("lived")
    shutil.copytree(two_nights, folder / "state")
    portal = open_portal(folder / "state")
    register = portal.settings.registers.current()
    rows, households = register.rows(CHOSEN, married=MARRIED), set[str]()
    elsewhere = rows[-1]["household_number"]
    civil, police = portal.client("civil_reader"), portal.client("police_handler")
    exported: dict[str, tuple[str, str | None]] = {}
    for case in CASES:
        row = next(r for r in rows if r["field"] == case.field and r["household_id"] not in households)
        households.add(row["household_id"])
        form = {
            "person": row["person_id"],
            "field": case.field,
            "value": case.proposed,
            "reason_code": "outdated",
            "basis": "原件",
        }
        answer = civil.post("/corrections", data=form)
        assert answer.status_code == 303, answer.text
        case.person, case.correction_id = row["person_id"], answer.headers["location"].rsplit("/", 1)[1]
        exported[row["record_id"]] = case.column, elsewhere if case.export == OTHER_HOUSEHOLD else case.export
        if case.answer == "withdrawn":
            done = civil.post(f"/corrections/{case.correction_id}/withdraw", data={"note": "看错了"})
        elif case.answer:
            done = police.post(
                f"/corrections/{case.correction_id}/answer", data={"answer": case.answer, "note": "已核"}
            )
        assert not case.answer or done.status_code == 303
    exports = folder / "exports" / f"night={THIRD}"
    shutil.copytree(two_nights.parent / "exports" / "night=2026-03-03", exports)
    _rewrite(exports / "police", exported)
    run_night(exports, folder / "state", THIRD, CONFIG, note=lambda text: None)
    portal.client("steward").get("/corrections")  # the first look at a release records what it shows
    yield portal, {case.name: case for case in CASES}


def _rewrite(police: Path, exported: dict[str, tuple[str, str | None]]) -> None:
    (old,) = police.glob("户籍常住人口_*.csv")
    lines = old.read_text(encoding="gb18030").splitlines()
    columns = lines[0].split(",")
    kept = []
    for line in lines:
        cells = line.split(",")
        column, wanted = exported.get(cells[0], ("", None))
        if wanted == "":
            continue
        if wanted is not None:
            cells[columns.index(column)] = wanted
        kept.append(",".join(cells))
    old.unlink()
    (police / "户籍常住人口_20260304.csv").write_text("\r\n".join(kept) + "\r\n", encoding="gb18030")


@pytest.mark.slow
@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_the_next_night_shows_what_the_owner_did(lived: tuple[Portal, dict[str, Case]], name: str) -> None:
    portal, cases = lived
    case = cases[name]
    found = read_correction(portal.state, case.correction_id)
    assert found.status == case.status
    if case.note:
        last = found.steps[-1]
        current = portal.state.current_release()
        assert current is not None
        assert (last.note, last.by, last.release) == (case.note, "", current.name)


@pytest.mark.slow
def test_looking_again_adds_nothing_and_patience_ends(lived: tuple[Portal, dict[str, Case]]) -> None:
    portal, _ = lived
    register = portal.settings.registers.current()
    assert record_outcomes(portal.state, register, patience_releases=3) == 0
    unchanged = [case for case in CASES if case.status == "accepted"]
    assert record_outcomes(portal.state, register, patience_releases=1) == len(unchanged) == 3
    for case in unchanged:
        waited = read_correction(portal.state, case.correction_id)
        assert (waited.status, waited.steps[-1].note) == ("not_corrected", "still_the_same")
    assert record_outcomes(portal.state, register, patience_releases=1) == 0


@pytest.mark.slow
def test_the_steps_are_append_only_and_one_of_two_at_once_is_refused(lived: tuple[Portal, dict[str, Case]]) -> None:
    import sqlalchemy as sa

    from linkage.kernel.database import open_database
    from linkage.kernel.state_tables import correction_steps_table as steps

    portal, cases = lived
    with pytest.raises(sa.exc.DatabaseError, match="append-only"), open_database(portal.state).begin() as connection:
        connection.execute(sa.update(steps).values(status="refused"))
    stale = read_correction(portal.state, cases["nobody answers"].correction_id)
    take_step(portal.state, stale, "accepted", note="", release="r", by="a")
    with pytest.raises(StepRefused):
        take_step(portal.state, stale, "refused", note="", release="r", by="b")
    assert read_correction(portal.state, stale.correction_id).status == "accepted"


@pytest.mark.slow
def test_the_page_of_a_corrected_value_says_so(lived: tuple[Portal, dict[str, Case]]) -> None:
    portal, cases = lived
    text = portal.client("civil_reader").get(f"/corrections/{cases['corrected as proposed'].correction_id}").text
    assert "已更正" in text and "总库的值已与所提一致" in text and "其后已发布 1 次" in text


def test_due_dates_come_from_the_configuration(portal: Portal) -> None:
    settings = portal.settings
    assert due_on(settings, today(settings)) > today(settings)
    assert all(c.due_on > c.raised_at.date() for c in read_corrections(portal.state))
