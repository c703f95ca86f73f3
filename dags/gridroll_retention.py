"""### gridroll_retention 留存 · delete what the policy says

**What it does.** Applies `retention` of `config/night.yaml`: working tables of old runs, old landings, releases beyond
their years. What the next night needs stays whatever its age, and so do the manifests of published releases.

**Output.** Fewer folders below the state folder; the log says how many of each.

**Owner.** The office named in `config/schedule.yaml`.

**Impact of failure.** The disk fills slowly; nothing else. A missed day is made up by the next one (no catch-up).
"""

import logging
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, task

from gridroll_defaults import DEFAULT_ARGS, DUCKDB_POOL, SCHEDULE, ZONE, night_of_run, night_param
from linkage.schedule import read_places

log = logging.getLogger(__name__)


@task(pool=DUCKDB_POOL, do_xcom_push=False)
def delete_expired(*, dag_run: Any = None, params: Any = None) -> None:
    """Shares the one-slot pool of the stages, so it never runs beside one."""
    from linkage.night import retain

    places = read_places()
    log.info("deleted: %s", retain(places.state, night_of_run(dag_run, params), places.config))


@dag(
    dag_id="gridroll_retention",
    doc_md=__doc__,
    schedule=CronTriggerTimetable(SCHEDULE.retention_cron, timezone=ZONE),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params={"night": night_param()},
    tags=["gridroll", "upkeep"],
)
def gridroll_retention() -> None:
    delete_expired()


gridroll_retention()
