"""### gridroll_publish 发布 · publish one finished night

**What it does.** Judges a finished release by the limits in `config/night.yaml`. A normal night is verified and becomes
CURRENT at once. An abnormal one (late departments, many warnings, too many persons merged, split or gone) waits for a
person under *Required Actions*; no answer in time means: do not publish. The next night is planned after the answer.

**Output.** `CURRENT` names the release. Nothing else changes; a release is never written again.

**Owner.** The office named in `config/schedule.yaml`; whom it asks is `approvers` there.

**Impact of failure.** Readers keep the last release. A rejected night can be published with `linkage publish`,
or by clearing this run, until the next night is published: a release that does not continue the current one is refused.
"""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, chain, dag, task

from gridroll_defaults import APPROVERS, DEFAULT_ARGS, LANDING_POOL, SCHEDULE
from linkage.schedule import read_places


def reasons(run_id: str) -> str:
    """Why a person should look at ``run_id``: counts and shares only, no personal data."""
    from linkage.night import assess

    found = assess(read_places().state, run_id)
    lines = [f"- {zh} ({en})" for zh, en in zip(found["reasons_zh"], found["reasons_en"], strict=True)]
    return "\n".join(lines)


@task.branch(pool=LANDING_POOL)
def judge(*, params: Any = None) -> str:
    """Ask a person when the night is abnormal (and not published already: a night that brings nothing new hands over the one before)."""
    from linkage.night import needs_a_person

    return "ask" if needs_a_person(read_places().state, params["run_id"]) else "publish"


@task(trigger_rule="none_failed_min_one_success", pool=LANDING_POOL, do_xcom_push=False)
def publish(*, params: Any = None) -> None:
    """Verify the release and make it CURRENT in one rename."""
    from linkage.night import publish_release

    publish_release(read_places().state, params["run_id"])


@dag(
    dag_id="gridroll_publish",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=16,
    is_paused_upon_creation=False,
    default_args=DEFAULT_ARGS,
    params={"run_id": Param(type="string", pattern=r"^\d{4}-\d{2}-\d{2}-[0-9a-f]{8}$", title="Run id of the night")},
    user_defined_macros={"reasons": reasons},
    tags=["gridroll", "nightly"],
)
def gridroll_publish() -> None:
    ask = ApprovalOperator(
        task_id="ask",
        subject="发布 {{ params.run_id }}？ Publish {{ params.run_id }}?",
        body=(
            "本夜异常，请先看报告 runs/{{ params.run_id }}/report/index.html。"
            "This night is abnormal; read its report first.\n\n{{ reasons(params.run_id) }}"
        ),
        defaults="Reject",
        response_timeout=timedelta(hours=SCHEDULE.approval_timeout_hours),
        assigned_users=APPROVERS,
        do_xcom_push=False,
    )
    decision, release = judge(), publish()
    chain(decision, [ask, release])
    chain(ask, release)


# Airflow asks for a value of a required Param only when a run is started.
gridroll_publish()
