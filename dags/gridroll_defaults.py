"""What all gridroll DAGs have in common: owner, retries, and which faults are worth another try."""

from datetime import date, timedelta
from typing import Any

from airflow.sdk import Param
from airflow.sdk.definitions.retry_policy import ExceptionRetryPolicy, RetryAction, RetryRule

from linkage.kernel.config import read_config
from linkage.kernel.source_config import SourceConfig, read_source_configs
from linkage.night_config import DistrictConfig
from linkage.schedule import ScheduleConfig, config_dir, night_of

DUCKDB_POOL = "duckdb"
LANDING_POOL = "landing"

SCHEDULE = read_config(config_dir() / "schedule.yaml", ScheduleConfig)
SOURCES: dict[str, SourceConfig] = read_source_configs(config_dir())
ZONE = read_config(config_dir() / "district.yaml", DistrictConfig).timezone

SAME_BYTES_FAIL_AGAIN = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="linkage.kernel.errors.LinkageError",
            action=RetryAction.FAIL,
            reason="An input, a configuration or a gate said no: trying again gives the same answer.",
        )
    ]
)

DEFAULT_ARGS: dict[str, Any] = {
    "owner": SCHEDULE.owner,
    "retries": SCHEDULE.retries,
    "retry_delay": timedelta(minutes=SCHEDULE.retry_delay_minutes),
    "retry_policy": SAME_BYTES_FAIL_AGAIN,
}

APPROVERS: Any = [{"id": a.id, "name": a.name} for a in SCHEDULE.approvers] or None


def night_param() -> Param:
    """The night of a run started by hand; left empty it is the day of the run."""
    return Param(None, type=["null", "string"], format="date", title="Night, YYYY-MM-DD (empty: the day of the run)")


def night_of_run(dag_run: Any, params: Any) -> date:
    """The night a DAG run is about, in the district's time zone."""
    return night_of(dag_run.logical_date or dag_run.run_after, ZONE, params.get("night"))
