"""### gridroll_training 训练模型 · train a matching model

**What it does.** Started by hand. Trains a candidate model on the newest night's common records, then asks a person.
Only an approved model is used, from the next night on; a night itself never trains.

**Output.** `models/<model id>/` with the parameters and the model's card, compared with the live model.

**Owner.** The office named in `config/schedule.yaml`; whom it asks is `approvers` there.

**Impact of failure.** None for the nights: they keep the model they have.
"""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import chain, dag, task

from gridroll_defaults import APPROVERS, DEFAULT_ARGS, DUCKDB_POOL, night_of_run, night_param
from linkage.schedule import read_places


@task(pool=DUCKDB_POOL)
def train(*, dag_run: Any = None, params: Any = None) -> str:
    """Train a candidate; it is not live."""
    from linkage.night import train_model

    places = read_places()
    return train_model(places.state, night_of_run(dag_run, params), places.config)


@task(do_xcom_push=False)
def approve(model_id: str) -> None:
    """Make the candidate the live model."""
    from linkage.night import approve_model

    approve_model(read_places().state, model_id)


@dag(
    dag_id="gridroll_training",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=DEFAULT_ARGS,
    params={"night": night_param()},
    tags=["gridroll", "model"],
)
def gridroll_training() -> None:
    model_id = train()
    ask = ApprovalOperator(
        task_id="ask",
        subject="启用模型？ Use this model?",
        body="请先看模型卡 models/{{ ti.xcom_pull(task_ids='train') }}/card.json。 Read the model's card first.",
        defaults="Reject",
        response_timeout=timedelta(days=7),
        assigned_users=APPROVERS,
        do_xcom_push=False,
    )
    chain(model_id, ask, approve(model_id))  # type: ignore[arg-type]


gridroll_training()
