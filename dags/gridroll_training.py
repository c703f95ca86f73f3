"""### gridroll_training 训练模型 · train a matching model

**What it does.** Started by hand. Trains a candidate model on the newest night's common records, links the same records with it
and with the live model, and asks a person, who sees what would change. Only an approved model is used, from the next night
on; a night itself never trains. To go back, approve the older model with `linkage model approve`.

**Output.** `models/<model id>/` with the parameters, the model's card, and the comparison with the live model (`comparison.html`);
`models/approved.jsonl` says who approved it, when and why. XCom holds the model's id and the answer.

**Owner.** The office named in `config/schedule.yaml`; whom it asks is `approvers` there.

**Impact of failure.** None for the nights: they keep the model they have.
"""

import logging
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, chain, dag, task

from gridroll_defaults import APPROVERS, DEFAULT_ARGS, DUCKDB_POOL, SCHEDULE, night_of_run, night_param
from linkage.schedule import read_places

log = logging.getLogger(__name__)


def comparison(model_id: str) -> str:
    """What would change with ``model_id``: counts and shares only, no personal data."""
    from linkage.model_life import comparison_lines

    return "\n".join(f"- {zh} ({en})" for zh, en in comparison_lines(read_places().state, model_id))


@task(pool=DUCKDB_POOL)
def train(*, dag_run: Any = None, params: Any = None) -> str:
    """Train a candidate; it is not live."""
    from linkage.model_life import train_model

    places = read_places()
    return train_model(places.state, night_of_run(dag_run, params), places.config)


@task(pool=DUCKDB_POOL, do_xcom_push=False)
def compare(model_id: str) -> None:
    """Link the newest night's records with the live model and with the candidate."""
    from linkage.model_life import compare_models

    places = read_places()
    compare_models(places.state, model_id, places.config, note=log.info)


@task(do_xcom_push=False)
def approve(model_id: str, answer: dict[str, Any], *, dag_run: Any = None) -> None:
    """Make the candidate the live model, in the name of who answered."""
    from linkage.model_life import approve_model

    answered = answer.get("responded_by_user") or {}
    by = answered.get("name") or dag_run.triggering_user_name or SCHEDULE.owner
    approve_model(read_places().state, model_id, by=by, reason=(answer.get("params_input") or {}).get("reason", ""))


@dag(
    dag_id="gridroll_training",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=DEFAULT_ARGS,
    params={"night": night_param()},
    user_defined_macros={"comparison": comparison},
    tags=["gridroll", "model"],
)
def gridroll_training() -> None:
    model_id = train()
    found = compare(model_id)  # type: ignore[arg-type]
    ask = ApprovalOperator(
        task_id="ask",
        subject="启用模型？ Use this model?",
        body=(
            "与现用模型相比 compared with the live model:\n\n{{ comparison(ti.xcom_pull(task_ids='train')) }}\n\n"
            "请先看 read first: models/{{ ti.xcom_pull(task_ids='train') }}/comparison.html"
        ),
        params={"reason": Param("", type="string", title="理由（批准时必填） reason, needed to approve")},
        defaults="Reject",
        response_timeout=timedelta(days=7),
        assigned_users=APPROVERS,
    )
    chain(found, ask, approve(model_id, ask.output))  # type: ignore[arg-type]


gridroll_training()
