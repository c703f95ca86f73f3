"""What the system administrator sees of the nights, among them one that a gate stopped and one that waits for a person."""

import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from linkage.kernel.errors import GateStopped
from linkage.kernel.source_config import read_source_configs
from linkage.night import STAGES as NIGHT_STAGES
from linkage.night import run_night
from linkage.portal.operations import checks
from linkage.portal.operations.deliveries import deliveries, night_link, publish_link
from linkage.portal.operations.runs import STAGES, gate_results, read_run, read_runs
from tests.portal.conftest import CONFIG, PEOPLE, Portal, open_portal

ZONE = "Asia/Shanghai"
THIRD = date(2026, 3, 4)


def copy_of(two_nights: Path, folder: Path) -> tuple[Portal, Path]:
    """A portal over a copy of the state, and the exports of a third night."""
    shutil.copytree(two_nights, folder / "state")
    exports = folder / "exports" / f"night={THIRD}"
    shutil.copytree(two_nights.parent / "exports" / "night=2026-03-03", exports)
    return open_portal(folder / "state"), exports


@pytest.fixture(scope="module")
def stopped(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The police delivered half a file: the incoming gate stopped the third night."""
    portal, exports = copy_of(two_nights, tmp_path_factory.mktemp("stopped"))
    (file,) = (exports / "police").glob("户籍*.csv")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[: len(lines) // 2]))
    with pytest.raises(GateStopped):
        run_night(exports, portal.state.root, THIRD, CONFIG, note=lambda text: None)
    yield portal


@pytest.mark.slow
def test_a_stopped_night_is_shown_with_its_gate_and_rule(stopped: Portal) -> None:
    run = read_runs(stopped.state, 1)[0]
    assert (run.night, run.fate, run.stopped_at) == (THIRD.isoformat(), "stopped", "gate_incoming")
    client = stopped.client("sysadmin")
    page = client.get("/operations").text
    assert "门禁停止，未发布" in page and f"/operations/runs/{run.run_id}/gate_incoming" in page
    page = client.get(f"/operations/runs/{run.run_id}").text
    assert "上一次发布保持不变" in page
    stops = [row for row in gate_results(stopped.state.runs / run.run_id, "gate_incoming") if row["word"] == "stop"]
    gate = client.get(f"/operations/runs/{run.run_id}/gate_incoming").text
    summary = (stopped.state.runs / run.run_id / "gate_incoming" / "_stage.json").read_text(encoding="utf-8")
    assert '"verdict": "stop"' in summary
    for row in stops:
        assert f"{row['suite']}.{row['rule']}" in page and f"{row['suite']}.{row['rule']}" in gate
    assert "police_hukou" in page  # whether a rule or a signal stopped it: who has to correct what
    assert client.get(f"/operations/runs/{run.run_id}/gate_outgoing").status_code == 404
    # The report is of published nights: this one has none.
    assert run.run_id not in stopped.client("head").get("/report").text


@pytest.mark.slow
def test_a_late_department_makes_the_night_wait_and_the_page_says_why(two_nights: Path, tmp_path: Path) -> None:
    portal, exports = copy_of(two_nights, tmp_path)
    shutil.rmtree(exports / "grid")
    run_night(exports, portal.state.root, THIRD, CONFIG, hold_abnormal=True, note=lambda text: None)
    run = read_runs(portal.state, 1)[0]
    assert (run.fate, run.late, run.finished_stages) == ("waiting", ("grid",), len(STAGES))
    client = portal.client("sysadmin")
    assert "异常，等待批准" in client.get("/operations").text
    page = client.get(f"/operations/runs/{run.run_id}").text
    assert "个部门未按时交数" in page and f"linkage publish {run.run_id}" in page


def test_finished_nights_are_shown_with_all_their_stages(portal: Portal) -> None:
    runs = read_runs(portal.state, 10)
    assert [run.fate for run in runs] == ["current", "published"]
    assert STAGES == NIGHT_STAGES
    for run in runs:
        assert all(stage.is_finished for stage in run.stages) and run.seconds > 0 and not run.late
    page = portal.client("sysadmin").get(f"/operations/runs/{runs[0].run_id}").text
    assert all(f"<code>{stage}</code>" in page for stage in STAGES)


@pytest.mark.parametrize(
    ("touched", "fate"), [(timedelta(0), "running"), (timedelta(hours=2), "unfinished")], ids=["lately", "long ago"]
)
def test_a_night_under_way_is_told_from_one_that_broke_off(
    two_nights: Path, tmp_path: Path, touched: timedelta, fate: str
) -> None:
    import os

    from linkage.kernel.run import State

    shutil.copytree(two_nights / "releases", tmp_path / "releases")
    shutil.copy(two_nights / "CURRENT", tmp_path / "CURRENT")
    (old,) = (two_nights / "runs").glob("2026-03-03-*")
    run = tmp_path / "runs" / "2026-03-04-0badcafe"
    shutil.copytree(old / "sources", run / "sources")
    shutil.copy(old / "run.json", run / "run.json")
    (run / ".standardise.unfinished").mkdir()
    then = time.time() - touched.total_seconds()
    for path in [*run.rglob("*"), run]:
        os.utime(path, (then, then))
    found = read_run(State(tmp_path), run.name)
    assert found is not None and (found.fate, found.finished_stages) == (fate, 1)
    assert [stage.stage for stage in found.stages if stage.is_begun] == ["standardise"]


@pytest.mark.parametrize(
    ("night", "hour", "words"),
    [
        ("2026-03-03", 3, {"police": "landed", "civil": "landed", "health": "landed", "grid": "landed"}),
        ("2026-03-04", 0, {"police": "not_due", "civil": "not_due", "health": "not_due", "grid": "not_due"}),
        ("2026-03-04", 1.25, {"police": "waited_for", "civil": "not_due", "health": "not_due", "grid": "not_due"}),
        ("2026-03-04", 5.25, {"police": "late", "civil": "waited_for", "health": "waited_for", "grid": "waited_for"}),
        ("2026-03-04", 23, {"police": "late", "civil": "late", "health": "late", "grid": "late"}),
        ("2026-03-01", 23, {"police": "never", "civil": "never", "health": "never", "grid": "never"}),
    ],
)
def test_each_department_is_landed_waited_for_or_late(
    portal: Portal, night: str, hour: float, words: dict[str, str]
) -> None:
    day = date.fromisoformat(night)
    moment = datetime.combine(day, datetime.min.time(), ZoneInfo(ZONE)) + timedelta(hours=hour)
    found = deliveries(portal.state, read_source_configs(CONFIG), day, ZONE, moment.astimezone(UTC))
    assert {d.source: d.word for d in found} == words


def test_links_lead_to_the_dag_runs_of_the_night() -> None:
    sources = read_source_configs(CONFIG)
    # 01:00 in Shanghai is 17:00 UTC of the day before, which is how Airflow names its runs.
    assert night_link("https://air.example/", date(2026, 3, 4), sources, ZONE) == (
        "https://air.example/dags/gridroll_night/runs/scheduled__2026-03-03T17%3A00%3A00%2B00%3A00"
    )
    assert (
        publish_link("https://air.example", "2026-03-04-ab")
        == "https://air.example/dags/gridroll_publish/runs/publish__2026-03-04-ab"
    )


def wait_for(portal: Portal, name: str) -> checks.Result:
    for _ in range(600):
        result = checks.last_result(portal.state, name)
        if result is not None and not checks.is_running(portal.state, name):
            return result
        time.sleep(0.05)
    raise AssertionError(f"the check {name} did not end")


@pytest.mark.slow
@pytest.mark.parametrize("name", list(checks.CHECKS))
def test_a_check_runs_in_the_background_and_its_result_is_shown(stopped: Portal, name: str) -> None:
    client = stopped.client("sysadmin")
    assert client.post("/operations/checks", data={"name": name}).status_code == 303
    result = wait_for(stopped, name)
    page = client.get("/operations").text
    assert len(result.lines) > 0 and result.lines[0][1][:20] in page
    if name != "doctor":  # which may find the disk too full
        assert result.good, result.lines


@pytest.mark.slow
def test_a_changed_release_is_found_by_the_button(two_nights: Path, tmp_path: Path) -> None:
    portal, _ = copy_of(two_nights, tmp_path)
    release = portal.state.current_release()
    assert release is not None
    table = release / "notices.parquet"
    table.chmod(0o644)
    table.write_bytes(table.read_bytes() + b"x")
    client = portal.client("sysadmin")
    client.post("/operations/checks", data={"name": "chain", "next": "/operations/releases"})
    assert not wait_for(portal, "chain").good
    page = client.get("/operations/releases").text
    assert "校验未通过" in page and "notices.parquet" in page


@pytest.mark.slow
def test_the_page_says_when_the_auditor_checked_the_audit(stopped: Portal) -> None:
    assert "尚未校验</p>" in stopped.client("sysadmin").get("/operations").text
    assert stopped.client("auditor").post("/audit/verification").status_code == 200
    assert re.search(
        r"审计员最近一次校验审计: 20\d\d-\d\d-\d\d \d\d:\d\d", stopped.client("sysadmin").get("/operations").text
    )


def test_the_chain_is_listed_newest_first(portal: Portal) -> None:
    page = portal.client("sysadmin").get("/operations/releases").text
    names = [run.run_id for run in read_runs(portal.state, 10)]
    assert page.index(f"<code>{names[0]}") < page.index(f'<th scope="row"><code>{names[1]}')


@pytest.mark.parametrize("username", [name for name in PEOPLE if name != "sysadmin"])
def test_nobody_else_operates(portal: Portal, username: str) -> None:
    client = portal.client(username)
    for path in ("/operations", "/operations/releases", "/operations/runs/x", "/operations/runs/x/gate_incoming"):
        assert client.get(path).status_code == 403
    assert client.post("/operations/checks", data={"name": "audit"}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/operations/runs/nothing", "/operations/runs/.scratch", "/operations/runs/x/gate_incoming"]
)
def test_a_run_that_is_not_there_is_not_there(portal: Portal, path: str) -> None:
    assert portal.client("sysadmin").get(path).status_code == 404
    assert portal.client("sysadmin").post("/operations/checks", data={"name": "rm"}).status_code == 422


def test_the_pages_hold_no_residents_data(portal: Portal) -> None:
    register = portal.settings.registers.current()
    columns = ("full_name", "identity_number", "phone", "residence_address")
    values = {
        str(row[c]) for row in register.rows("SELECT * FROM persons") for c in columns if row[c] and len(row[c]) > 2
    }
    client = portal.client("sysadmin")
    name = read_runs(portal.state, 1)[0].run_id
    for path in (
        "/operations",
        f"/operations/runs/{name}",
        f"/operations/runs/{name}/gate_incoming",
        f"/operations/runs/{name}/gate_outgoing",
    ):
        page = client.get(path).text
        assert len(page) > 1000 and not [value for value in values if value in page]
