"""Whole nights through the real DAGs and the real stages: nothing lost, nothing mixed, only ids and paths in XCom."""

import json
import os
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from linkage.fiction.district import generate
from linkage.kernel.run import State
from linkage.night import assess
from linkage.release.verify import verify_release
from tests.builders import REPOSITORY

pytestmark = pytest.mark.slow
NIGHTS = (date(2026, 3, 2), date(2026, 3, 3))


@pytest.fixture(scope="module")
def dags() -> Any:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.pool import Pool
    from airflow.utils.db import initdb

    initdb()
    for name, pool in json.loads((REPOSITORY / "config" / "pools.json").read_text(encoding="utf-8")).items():
        Pool.create_or_update_pool(name, pool["slots"], pool["description"], include_deferred=False)
    return DagBag(str(REPOSITORY / "dags")).dags


@pytest.fixture(scope="module")
def nights(dags: Any) -> dict[date, Any]:
    """Two nights run by the DAG; on the second the grid office does not deliver."""
    exports = Path(os.environ["GRIDROLL_EXPORTS"])
    generate(400, 2, 5, exports)
    shutil.rmtree(exports / "night=2026-03-03" / "grid")
    runs = {}
    for night in NIGHTS:
        conf = {"night": night.isoformat()}
        runs[night] = dags["gridroll_night"].test(run_conf=conf, logical_date=_noon(night))
        _publish(dags, _run_id(night))
    return runs


def _noon(night: date) -> Any:
    from airflow.sdk import timezone

    return timezone.datetime(night.year, night.month, night.day, 4)


def _run_id(night: date) -> str:
    (run,) = (State(Path(os.environ["GRIDROLL_STATE"])).runs).glob(f"{night.isoformat()}-*")
    return run.name


def _publish(dags: Any, run_id: str) -> Any:
    """The publish DAG, with the person's question answered yes (there is nobody to ask in a test)."""
    return dags["gridroll_publish"].test(run_conf={"run_id": run_id}, mark_success_pattern=re.compile("ask"))


def _states(run: Any) -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}


def test_the_nights_succeed(nights: dict[date, Any]) -> None:
    assert {night: str(run.state) for night, run in nights.items()} == dict.fromkeys(NIGHTS, "success")


def test_a_late_department_is_skipped_and_its_last_landing_is_used(nights: dict[date, Any]) -> None:
    assert _states(nights[NIGHTS[1]])["pull_grid"] == "skipped"
    plan = json.loads((State(Path(os.environ["GRIDROLL_STATE"])).runs / _run_id(NIGHTS[1]) / "run.json").read_text())
    used = {source: (entry["night"], entry["stale"]) for source, entry in plan["landings"].items()}
    assert used == {
        "civil": ("2026-03-03", False),
        "grid": ("2026-03-02", True),
        "health": ("2026-03-03", False),
        "police": ("2026-03-03", False),
    }
    assert assess(Path(os.environ["GRIDROLL_STATE"]), _run_id(NIGHTS[1]))["abnormal"]


def test_every_night_has_one_release_that_continues_the_one_before(nights: dict[date, Any]) -> None:
    state = State(Path(os.environ["GRIDROLL_STATE"]))
    first, second = (_run_id(night) for night in NIGHTS)
    current = state.current_release()
    assert current is not None and current.name == second
    for name in (first, second):
        verify_release(state.releases / name)
    manifest = json.loads((state.releases / second / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["previous_release"] == first


def test_xcom_holds_ids_and_paths_only(nights: dict[date, Any]) -> None:
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    with create_session() as session:
        values = {(x.task_id, x.key): str(x.value) for x in session.query(XComModel).all()}
    ours = {key: value for key, value in values.items() if key[1] == "return_value"}
    assert ours
    for (task, _), value in ours.items():
        text = value.strip('"')
        assert re.fullmatch(r"[\w=./-]{1,120}|\d{4}-\d\d-\d\d-[0-9a-f]{8}|\[?[\w\", ]*\]?", text), (
            f"{task} pushed {text[:40]}"
        )


def test_no_resident_is_named_in_a_log(nights: dict[date, Any]) -> None:
    import pyarrow.parquet as pq

    truth = pq.read_table(Path(os.environ["GRIDROLL_EXPORTS"]) / "truth" / "night=2026-03-02" / "persons.parquet")
    numbers = set(truth["id_no"].to_pylist())
    logs = [
        p.read_text(encoding="utf-8", errors="replace")
        for p in (Path(os.environ["AIRFLOW_HOME"]) / "logs").rglob("*.log")
    ]
    assert not [number for number in numbers if any(number in log for log in logs)]


def test_a_night_that_brings_nothing_new_leaves_the_release_standing_and_asks_nobody(
    dags: Any, nights: dict[date, Any]
) -> None:
    """Every department delivers what the second, abnormal night was made from; that night was answered for already."""
    exports, state = Path(os.environ["GRIDROLL_EXPORTS"]), State(Path(os.environ["GRIDROLL_STATE"]))
    second = _run_id(NIGHTS[1])
    again = shutil.copytree(exports / "night=2026-03-03", exports / "night=2026-03-04")
    shutil.copytree(exports / "night=2026-03-02" / "grid", again / "grid")
    for path in again.rglob("*_20260303.*"):
        path.rename(path.with_name(path.name.replace("20260303", "20260304")))
    night = date(2026, 3, 4)
    run = dags["gridroll_night"].test(run_conf={"night": night.isoformat()}, logical_date=_noon(night))
    assert str(run.state) == "success"
    assert not list(state.runs.glob(f"{night}-*"))
    published = dags["gridroll_publish"].test(run_conf={"run_id": second})
    assert _states(published)["ask"] == "skipped" and _states(published)["publish"] == "success"
    current = state.current_release()
    assert current is not None and current.name == second


def test_a_candidate_is_compared_before_a_person_is_asked_and_the_answer_is_logged(
    dags: Any, nights: dict[date, Any]
) -> None:
    from types import SimpleNamespace

    import gridroll_training
    from linkage.match.models import read_approvals

    state = State(Path(os.environ["GRIDROLL_STATE"]))
    before = {path.name for path in state.models.iterdir()}
    # There is nobody to ask in a test: the question and what follows it are marked, and the answer is given by hand.
    run = dags["gridroll_training"].test(
        run_conf={"night": "2026-03-03"}, mark_success_pattern=re.compile("ask|approve"), logical_date=_noon(NIGHTS[1])
    )
    assert str(run.state) == "success" and set(_states(run)) == {"train", "compare", "ask", "approve"}
    (candidate,) = {path.name for path in state.models.glob("model-*")} - before
    assert (state.models / candidate / "comparison.html").exists()
    assert "估计召回率" in gridroll_training.comparison(candidate)
    ask = dags["gridroll_training"].get_task("ask")
    assert "comparison(" in ask.body and ask.defaults == ["Reject"] and list(ask.params) == ["reason"]

    answers = [
        ({"responded_by_user": {"id": "3", "name": "王五"}, "params_input": {"reason": "召回率更高"}}, None, "王五"),
        ({"responded_by_user": None, "params_input": {"reason": "演练"}}, "operator", "operator"),
        ({"responded_by_user": None, "params_input": {"reason": "演练"}}, None, gridroll_training.SCHEDULE.owner),
    ]
    for answer, started_by, expected in answers:
        dag_run = SimpleNamespace(triggering_user_name=started_by)
        gridroll_training.approve.function(candidate, answer, dag_run=dag_run)
        entry = read_approvals(state)[-1]
        assert (entry["model_id"], entry["approved_by"]) == (candidate, expected)
        assert entry["reason"] == answer["params_input"]["reason"]  # type: ignore[index]
        assert entry["after_night"] == "2026-03-03" and entry["comparison_sha256"]
