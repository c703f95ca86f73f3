"""Seven nights run by Airflow's backfill are the seven nights run one by one: the same releases, byte for byte.

What may differ is ``register.duckdb`` alone (DuckDB writes a random identifier into each database), with ``derived.json``, which holds its
hash. The manifest, and so its hash and signature, is the same when the same key signs: nothing in it depends on when or how a night was run.
"""

import shutil
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from linkage.fiction.district import generate
from linkage.kernel.run import State
from linkage.night import run_night
from linkage.release.signing import KEY_ENVIRONMENT, signing_key
from linkage.release.verify import verify_chain
from tests.builders import REPOSITORY
from tests.deploy.services import (
    airflow,
    environment,
    finished,
    free_port,
    initialise,
    running_services,
    start_backfill,
)
from tests.deploy.test_catch_up import HASTE

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
FIRST = date(2026, 3, 2)
NIGHTS = tuple(FIRST + timedelta(days=n) for n in range(7))
LATE = {NIGHTS[2]: "grid", NIGHTS[4]: "health"}
RANDOM = {"register.duckdb", "derived.json", "derived.sig"}
# Nobody is there to be asked: no night is abnormal here.
CALM = {
    "gate_warnings: 8": "gate_warnings: 1000",
    "merged_percent: 1.0": "merged_percent: 100",
    "split_percent: 0.5": "split_percent: 100",
    "ended_percent: 3.0": "ended_percent: 100",
    "persons_change_percent: 5.0": "persons_change_percent: 100",
    "late_sources: 1 ": "late_sources: 0 ",
}


def replace(path: Path, words: dict[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in words.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def install(home: Path) -> None:
    """Configuration in haste, a key, and seven nights of a small district in which two departments miss one night each."""
    shutil.copytree(REPOSITORY / "config", home / "config")
    shutil.copytree(REPOSITORY / "expectations", home / "expectations")
    replace(home / "config" / "schedule.yaml", HASTE)
    replace(home / "config" / "night.yaml", CALM)
    signing_key(State(home / "key"))
    (home / "state").mkdir()
    generate(300, len(NIGHTS), 5, home / "exports")
    for night, source in LATE.items():
        shutil.rmtree(home / "exports" / f"night={night}" / source)


def files(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` that is the same in every run."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name not in RANDOM
    }


def tables(run: Path) -> dict[str, bytes]:
    return {name: content for name, content in files(run).items() if name.endswith(".parquet")}


def test_a_backfill_of_seven_nights_equals_seven_nights_and_clearing_one_changes_nothing(
    postgres: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path)
    key = str(tmp_path / "key" / "keys" / "release_ed25519.pem")
    one_by_one, backfilled = State(tmp_path / "nightly"), State(tmp_path / "state")
    with monkeypatch.context() as patch:
        patch.setenv(KEY_ENVIRONMENT, key)
        for night in NIGHTS:
            exports = tmp_path / "exports" / f"night={night}"
            assert run_night(
                exports, one_by_one.root, night, tmp_path / "config", hold_abnormal=True, note=lambda text: None
            ).published

    api_port = free_port()
    env = environment(postgres, tmp_path, api_port) | {
        "GRIDROLL_CONFIG": str(tmp_path / "config"),
        KEY_ENVIRONMENT: key,
        # The nights of the backfill and no other: else the scheduler would make up those after it, up to today.
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    }
    initialise(env, api_port)
    with running_services(env, api_port, tmp_path):
        start_backfill(env, "2026-03-01T16:00:00+00:00", "2026-03-08T15:00:00+00:00", at_once=2)
        assert finished(postgres, "^backfill", 7, 1500) == ["success"] * 7
        assert finished(postgres, "^publish__", 7, 180) == ["success"] * 7
        expected = {release.name: files(release) for release in one_by_one.releases.iterdir()}
        assert sorted(name[:10] for name in expected) == [night.isoformat() for night in NIGHTS]
        assert {release.name: files(release) for release in backfilled.releases.iterdir()} == expected

        # The last night is cleared, and half of it has to be worked out anew.
        current = backfilled.current_release()
        assert current is not None
        run = backfilled.runs / current.name
        for stage in ("match", "resolve", "estimate", "register", "gate_outgoing", "report"):
            shutil.rmtree(run / stage)
        with psycopg.connect(host="127.0.0.1", port=postgres, user="gridroll", dbname="airflow") as database:
            row = database.execute("SELECT max(logical_date) FROM dag_run WHERE dag_id = 'gridroll_night'").fetchone()
        assert row is not None
        moment = row[0].isoformat()
        airflow(env, "tasks", "clear", "-y", "-s", moment, "-e", moment, "gridroll_night")
        assert finished(postgres, "^backfill", 7, 900) == ["success"] * 7
    assert tables(run) == tables(one_by_one.runs / current.name)
    assert {release.name: files(release) for release in backfilled.releases.iterdir()} == expected
    assert backfilled.current_release() == current
    assert len(list(verify_chain(current))) == 7
