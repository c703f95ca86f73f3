"""### gridroll_night 每夜一次 · one night

**What it does.** Every day at the hour at which the first department delivers: waits for every department's export of the night (one `pull_*` task per file in
`config/sources/`, each from its own time on), fixes what the night depends on (`plan`), runs the stages of
`linkage/night.py` in order, and hands the finished release to `gridroll_publish`. A department that is not there when
its time is up is skipped: the night goes on with its last landing, and the report says so.

**Output.** `runs/<run id>/` with every working table and the stewards' report, `releases/<run id>/` with the register,
not yet published. XCom holds run ids and paths only.

**Owner.** The office named in `config/schedule.yaml`; each `pull_*` task names the department's.

**Impact of failure.** The register stays as it was the night before; departments keep reading the last release.
A failed stage can be cleared: finished stages are kept. A night is planned only when the one before is settled, that is
published, declined or failed: each continues the register as it then stands, so no id is lost and no night mixed.
The first night is the one after the DAG is switched on; missed ones are caught up. By hand: trigger it with `night`.
"""

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import CronTriggerTimetable, chain, dag, task
from airflow.sdk.bases.sensor import PokeReturnValue
from airflow.sdk.exceptions import AirflowSkipException

from gridroll_defaults import (
    DEFAULT_ARGS,
    DUCKDB_POOL,
    LANDING_POOL,
    SCHEDULE,
    SOURCES,
    ZONE,
    night_of_run,
    night_param,
)
from linkage.kernel.source_config import SourceConfig
from linkage.schedule import Places, night_cron, pull_window, read_places

log = logging.getLogger(__name__)
# TaskFlow's types do not know what a sensor takes besides.
sensor: Any = task.sensor
ACTIVE = ("queued", "running")
PUBLISH_DAG, PUBLISH_RUN = "gridroll_publish", "publish__{}"
POLL: dict[str, Any] = {"mode": "reschedule", "poke_interval": SCHEDULE.poll_seconds}

# A hop costs the scheduler about a second, so stages that fail together run together; a gate stands alone
# because its colour is what people look for.
STAGE_TASKS: dict[str, tuple[str, ...]] = {
    "standardise": ("sources", "standardise"),
    "gate_incoming": ("gate_incoming",),
    "match": ("model", "match"),
    "resolve": ("resolve", "estimate", "register"),
    "gate_outgoing": ("gate_outgoing",),
    "release": ("release",),
    "report": ("report",),
}


@sensor(  # type: ignore[untyped-decorator]
    **POLL, timeout=timedelta(days=7), trigger_rule="none_failed", pool=LANDING_POOL, do_xcom_push=False
)
def earlier_night(*, ti: Any = None) -> bool:
    """Wait until every earlier night is settled: its run has ended (a backfill has run slots of its own), and its release is
    not about to be published. Ids continue from release to release, so no plan may be made on one that is passed over."""
    from linkage.night import publishable_releases

    if any(ti.get_previous_dagrun(state=state) for state in ACTIVE):
        return False
    runs = [PUBLISH_RUN.format(release) for release in publishable_releases(read_places().state)]
    return not runs or ti.get_dr_count(dag_id=PUBLISH_DAG, run_ids=runs, states=list(ACTIVE)) == 0


def pull_task(name: str, source: SourceConfig) -> Callable[[], Any]:
    """The task that takes one department's export as soon as it is there."""
    late = timedelta(minutes=source.late_after_minutes)
    doc = (
        f"**{source.title.zh}** ({source.title.en}), from `{source.pull_cron}` {ZONE}, "
        f"late after {source.late_after_minutes} minutes.\n\nOwner: {source.owner}\n\n{source.description}"
    )

    @sensor(  # type: ignore[untyped-decorator]
        task_id=f"pull_{name}",
        **POLL,
        timeout=late + timedelta(days=1),
        pool=LANDING_POOL,
        doc_md=doc,
        owner=source.owner,
    )
    def pull(*, dag_run: Any = None, params: Any = None) -> PokeReturnValue:
        from linkage.kernel.errors import UnreadableInput
        from linkage.night import land_source

        places, night = read_places(), night_of_run(dag_run, params)
        window = pull_window(source, night, ZONE)
        now = datetime.now(UTC)
        if window.not_open(now):
            return PokeReturnValue(is_done=False)
        try:
            landing = land_source(
                places.night_folder(night), places.state, night, places.config, name, patient=not window.closed(now)
            )
        except UnreadableInput as missing:
            if not window.closed(now):
                log.info("%s: not there yet (%s)", name, missing.what)
                return PokeReturnValue(is_done=False)
            raise AirflowSkipException(
                f"{source.title.zh}（{name}）未按时交数，本夜沿用其上次数据。 "
                f"{name} is late for {night}; the night goes on with its last landing."
            ) from missing
        return PokeReturnValue(is_done=True, xcom_value=landing["path"])

    taken: Callable[[], Any] = pull
    return taken


@task(trigger_rule="none_failed", pool=LANDING_POOL)
def plan(*, dag_run: Any = None, params: Any = None) -> str:
    """Fix everything the night depends on; late departments are represented by their last landing. When nothing is new, this is
    the run of the night before: its finished stages are kept, and its release stands."""
    from linkage.night_plan import plan_night

    places, night = read_places(), night_of_run(dag_run, params)
    take_later_files(places, night)
    return plan_night(places.state, night, places.config)


def take_later_files(places: Places, night: date) -> None:
    """Land again what departments added or corrected while the night waited for others, as long as it is their time."""
    from linkage.kernel.errors import UnreadableInput
    from linkage.night import land_source

    for name, source in SOURCES.items():
        if not pull_window(source, night, ZONE).closed(datetime.now(UTC)):
            try:
                land_source(places.night_folder(night), places.state, night, places.config, name, patient=True)
            except UnreadableInput as growing:
                log.info("%s: the landing taken before counts (%s)", name, growing.what)


def stage_task(name: str, stages: tuple[str, ...]) -> Callable[[Any], Any]:
    """The task that runs ``stages`` of a planned night; finished ones are kept when it is cleared."""

    @task(task_id=name, pool=DUCKDB_POOL, do_xcom_push=False, doc_md=f"Stages: {', '.join(stages)}")
    def run_stages(planned: str) -> None:  # not run_id: Airflow keeps that name for its own
        from linkage.night import run_one_stage

        for stage in stages:
            run_one_stage(read_places().state, planned, stage, note=log.info)

    return run_stages


@dag(
    dag_id="gridroll_night",
    doc_md=__doc__,
    schedule=CronTriggerTimetable(night_cron(SOURCES.values()), timezone=ZONE),
    catchup=True,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=SCHEDULE.night_timeout_hours),
    # Deliberately no start date. The first night is the one after the DAG is switched on; from then on catch-up makes
    # up every missed night, in order. (With a start date, a run for an earlier night has no tasks and "succeeds".)
    default_args=DEFAULT_ARGS | {"start_date": None},
    params={"night": night_param()},
    tags=["gridroll", "nightly"],
)
def gridroll_night() -> None:
    turn = earlier_night()
    pulls = [pull_task(name, source)() for name, source in SOURCES.items()]
    run_id = plan()
    stages = [stage_task(name, stages)(run_id) for name, stages in STAGE_TASKS.items()]
    hand_over = TriggerDagRunOperator(
        task_id="hand_over",
        trigger_dag_id=PUBLISH_DAG,
        trigger_run_id=PUBLISH_RUN.format(run_id),
        conf={"run_id": run_id},
        logical_date=None,
        reset_dag_run=True,
        fail_when_dag_is_paused=True,
        doc_md="Publishing may wait for a person, so it is a DAG of its own: meanwhile the next night already takes its exports.",
    )
    chain(pulls, turn, run_id, *stages, hand_over)


gridroll_night()
