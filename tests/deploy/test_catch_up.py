"""The services of docker-compose.yml, each started by its own command and asked for its health as its health check asks: three nights are
made up by the real scheduler, executor and triggerer on PostgreSQL; nobody answers for the abnormal one."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from linkage.fiction.district import generate
from linkage.kernel.run import State
from tests.builders import REPOSITORY
from tests.deploy.services import (
    RUNNING,
    environment,
    finished,
    free_port,
    health_check,
    initialise,
    running_services,
    start_backfill,
)

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
NIGHTS = ("2026-03-02", "2026-03-03", "2026-03-04")
# Sooner than in production: a question is given up after seconds. (A sensor asked again within a few seconds is failed by Airflow:
# the scheduler takes the end of the try before for the end of the new one.)
HASTE = {
    "poll_seconds: 120": "poll_seconds: 8",
    "retry_delay_minutes: 5": "retry_delay_minutes: 0",
    "approval_timeout_hours: 18": "approval_timeout_hours: 0.004",
}


def install(home: Path, env: dict[str, str]) -> None:
    """Configuration in haste, and three nights of a small district; on the second the grid office delivers nothing."""
    shutil.copytree(REPOSITORY / "config", home / "config")
    shutil.copytree(REPOSITORY / "expectations", home / "expectations")
    schedule = home / "config" / "schedule.yaml"
    text = schedule.read_text(encoding="utf-8")
    for slow, quick in HASTE.items():
        assert slow in text
        text = text.replace(slow, quick)
    schedule.write_text(text, encoding="utf-8")
    env["GRIDROLL_CONFIG"] = str(home / "config")
    (home / "state").mkdir()
    generate(300, 3, 5, home / "exports")
    shutil.rmtree(home / "exports" / "night=2026-03-03" / "grid")


@dataclass
class Installation:
    """Services that run, their environment, and the folder of their state."""

    env: dict[str, str]
    api_port: int
    home: Path


@pytest.fixture(scope="module")
def installation(postgres: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    found = Installation({}, free_port(), tmp_path_factory.mktemp("services"))
    found.env = environment(postgres, found.home, found.api_port)
    install(found.home, found.env)
    initialise(found.env, found.api_port)
    with running_services(found.env, found.api_port, found.home):
        yield found


@pytest.mark.parametrize("service", sorted(RUNNING))
def test_every_service_starts_and_its_health_check_passes(installation: Installation, service: str) -> None:
    check = health_check(service, installation.env, installation.api_port)
    assert subprocess.run(check, env=installation.env, capture_output=True, check=False).returncode == 0


def test_nights_caught_up_are_neither_lost_nor_mixed_and_silence_means_do_not_publish(
    postgres: int, installation: Installation
) -> None:
    start_backfill(installation.env, "2026-03-01T16:00:00+00:00", "2026-03-04T15:00:00+00:00", at_once=3)
    assert finished(postgres, "^backfill", 3, 900) == ["success"] * 3
    assert finished(postgres, "^publish__2026-03-0[234]", 3, 180) == ["success"] * 3
    state = State(installation.home / "state")
    plans = {
        plan["night"]: plan
        for night in NIGHTS
        for path in state.runs.glob(f"{night}-*/run.json")
        for plan in [json.loads(path.read_text("utf-8"))]
    }
    assert tuple(sorted(plans)) == NIGHTS
    late = [
        (night, source) for night in NIGHTS for source, e in plans[night]["landings"].items() if e["night"] != night
    ]
    assert late == [("2026-03-03", "grid")]
    current = state.current_release()
    assert current is not None and current.name == plans["2026-03-04"]["run_id"]
    # The second night waited for a person, who did not come: the third continues the first.
    assert [plans[night]["previous_release"] for night in NIGHTS] == [
        None,
        plans[NIGHTS[0]]["run_id"],
        plans[NIGHTS[0]]["run_id"],
    ]
    assert (state.releases / plans[NIGHTS[1]]["run_id"] / "manifest.sig").exists()
