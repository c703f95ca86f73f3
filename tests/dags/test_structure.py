"""The DAGs as Airflow sees them: exactly these, each task with an owner, retries and a pool that exists."""

import json
import re
from typing import Any

import pytest

from tests.builders import REPOSITORY

DAG_IDS = {"gridroll_night", "gridroll_publish", "gridroll_retention", "gridroll_training"}
STAGES_IN_ORDER = [
    "standardise",
    "gate_incoming",
    "match",
    "resolve",
    "gate_outgoing",
    "release",
    "report",
    "hand_over",
]


@pytest.fixture(scope="module")
def bag() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(REPOSITORY / "dags"))


def test_exactly_these_dags_and_no_import_error(bag: Any) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == DAG_IDS


@pytest.mark.parametrize("dag_id", sorted(DAG_IDS))
def test_every_task_has_owner_retries_and_a_known_pool(bag: Any, dag_id: str) -> None:
    pools = set(json.loads((REPOSITORY / "config" / "pools.json").read_text(encoding="utf-8"))) | {"default_pool"}
    for task in bag.dags[dag_id].tasks:
        assert task.owner not in ("", "airflow"), task.task_id
        assert task.retries >= 1, task.task_id
        assert task.pool in pools, f"{task.task_id}: a task in a pool that does not exist waits for ever"


@pytest.mark.parametrize("dag_id", sorted(DAG_IDS))
def test_the_documentation_says_what_output_owner_and_impact(bag: Any, dag_id: str) -> None:
    text = bag.dags[dag_id].doc_md
    for heading in ("**What it does.**", "**Output.**", "**Owner.**", "**Impact of failure.**"):
        assert heading in text


def test_one_pull_task_per_department_and_the_stages_in_order(bag: Any) -> None:
    dag = bag.dags["gridroll_night"]
    sources = {path.stem for path in (REPOSITORY / "config" / "sources").glob("*.yaml")}
    assert {t.removeprefix("pull_") for t in dag.task_ids if t.startswith("pull_")} == sources
    order = [task.task_id for task in dag.topological_sort()]
    assert order[order.index("plan") + 1 :] == STAGES_IN_ORDER


def test_the_tasks_run_every_stage_of_the_night_once() -> None:
    import gridroll_night
    from linkage.night import STAGES

    assert tuple(stage for stages in gridroll_night.STAGE_TASKS.values() for stage in stages) == STAGES


def test_nights_do_not_overlap_and_missed_ones_are_caught_up(bag: Any) -> None:
    dag = bag.dags["gridroll_night"]
    assert (dag.max_active_runs, dag.catchup) == (1, True)


def test_an_abnormal_night_is_not_published_without_an_answer(bag: Any) -> None:
    ask = bag.dags["gridroll_publish"].get_task("ask")
    assert ask.defaults == ["Reject"]
    assert ask.response_timeout is not None


def test_dag_files_are_thin() -> None:
    for path in (REPOSITORY / "dags").glob("*.py"):
        top = [
            line
            for line in path.read_text(encoding="utf-8").splitlines()
            if re.match(r"(from|import) linkage\.night\b", line)
        ]
        assert not top, f"{path.name} imports the night while it is parsed"
