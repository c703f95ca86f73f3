"""The services of docker-compose.yml as processes of this machine, beside a PostgreSQL of the tests' own."""

import contextlib
import functools
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import yaml

from tests.builders import REPOSITORY

COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
RUNNING = {"airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "portal"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def postgres_server() -> Iterator[int]:
    """A PostgreSQL server of the tests' own; as root it runs as ``nobody``, because it refuses root."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    home = Path("/tmp") / f"gridroll-postgres-{secrets.token_hex(4)}"
    home.mkdir(mode=0o700)
    drop: list[str] = []
    if os.getuid() == 0:
        shutil.chown(home, "nobody", "nogroup")
        drop = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    port = free_port()
    data = home / "data"
    subprocess.run(
        [*drop, programs / "initdb", "-D", data, "-U", "gridroll", "--auth=trust"],
        check=True,
        capture_output=True,
        cwd="/",
    )
    server = subprocess.Popen(
        [*drop, programs / "postgres", "-D", data, "-p", str(port), "-k", home, "-c", "fsync=off"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        for _ in range(100):
            if (
                subprocess.run(
                    [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-q"], check=False
                ).returncode
                == 0
            ):
                break
            time.sleep(0.1)
        subprocess.run(
            [programs / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "gridroll", "airflow"], check=True
        )
        yield port
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
        shutil.rmtree(home, ignore_errors=True)


def environment(postgres: int, home: Path, api_port: int) -> dict[str, str]:
    """The services' environment, with this machine's ports and folders in the places of the compose file's."""
    values = {
        "POSTGRES_PASSWORD": "trust",
        "AIRFLOW_FERNET_KEY": "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=",
        "AIRFLOW_JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW_ADMIN_PASSWORD": secrets.token_hex(8),
    }
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "GRIDROLL"))}
    for key, value in (SERVICES["airflow-apiserver"]["environment"] | SERVICES["airflow-init"]["environment"]).items():
        value = re.sub(r"\$\{(\w+)(?::[?-][^}]*)?\}", lambda m: values.get(m[1], "http://localhost"), str(value))
        value = value.replace("@postgres:5432", f"@127.0.0.1:{postgres}").replace(
            "airflow-apiserver:8080", f"127.0.0.1:{api_port}"
        )
        env[key] = value.replace("/opt/gridroll", str(REPOSITORY)).replace("/var/lib/gridroll", str(home))
    bin_dir = Path(sys.executable).parent
    return (
        env
        | {
            "AIRFLOW_HOME": str(home / "airflow"),
            "PORTAL_PORT": str(free_port()),
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",  # nobody changes a DAG here: read once, not every half minute
            "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'dags'}",
            "PATH": f"{bin_dir}:{env['PATH']}",
        }
    )


def local(words: list[str], env: dict[str, str], api_port: int) -> list[str]:
    """A command of the compose file, with this test's ports and folders."""
    places = {
        "/opt/gridroll": str(REPOSITORY),
        "/var/lib/gridroll/state": env["GRIDROLL_STATE"],
        "8080": str(api_port),
        "8090": env["PORTAL_PORT"],
        "$$": "$",
    }
    return [functools.reduce(lambda w, place: w.replace(*place), places.items(), word) for word in words]


def initialise(env: dict[str, str], api_port: int) -> None:
    """What the service airflow-init does: migrations, user, pools, gridroll's own database."""
    done = subprocess.run(
        local(SERVICES["airflow-init"]["command"], env, api_port),
        env=env,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def health_check(service: str, env: dict[str, str], api_port: int) -> list[str]:
    """The command by which the compose file asks a service for its health."""
    return local(SERVICES[service]["healthcheck"]["test"][1:], env, api_port)


@contextlib.contextmanager
def running_services(env: dict[str, str], api_port: int, logs: Path) -> Iterator[None]:
    """All services, healthy by their own health checks; ended afterwards."""
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in sorted(RUNNING):
            log = (logs / f"{name}.log").open("wb")
            started[name] = subprocess.Popen(
                local(SERVICES[name]["command"], env, api_port),
                env=env,
                stdout=log,
                stderr=log,
                cwd=logs,
                start_new_session=True,
            )
        for name in sorted(RUNNING):
            check = health_check(name, env, api_port)
            deadline = time.monotonic() + 240
            while subprocess.run(check, env=env, capture_output=True, check=False).returncode != 0:
                assert started[name].poll() is None, (logs / f"{name}.log").read_text(errors="replace")[-2000:]
                assert time.monotonic() < deadline, f"{name} is not healthy"
                time.sleep(1)
        yield
    finally:
        for process in started.values():
            os.killpg(process.pid, signal.SIGTERM)
        time.sleep(2)
        for process in started.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


def airflow(env: dict[str, str], *words: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "airflow", *words], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def start_backfill(env: dict[str, str], first: str, last: str, *, at_once: int) -> None:
    """Have the night of every day between two moments made up, ``at_once`` of them at a time."""
    airflow(env, "dags", "reserialize")
    airflow(
        env,
        *("backfill", "create", "--dag-id", "gridroll_night", "--max-active-runs", str(at_once)),
        *("--from-date", first, "--to-date", last),
    )
    airflow(env, "dags", "unpause", "-y", "gridroll_night")


def finished(port: int, run_ids: str, number: int, seconds: int) -> list[str]:
    """Wait until ``number`` DAG runs named like ``run_ids`` have ended; their states."""
    deadline = time.monotonic() + seconds
    with psycopg.connect(host="127.0.0.1", port=port, user="gridroll", dbname="airflow", autocommit=True) as database:
        while True:
            rows = database.execute("SELECT state FROM dag_run WHERE run_id ~ %s", [run_ids])
            states = [str(state) for (state,) in rows]
            if len(states) == number and not {"queued", "running"} & set(states):
                return states
            assert time.monotonic() < deadline, f"{run_ids}: {states}"
            time.sleep(1)
