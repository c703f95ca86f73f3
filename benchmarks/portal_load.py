"""The portal under load: a real server, searchers at a steady rate, stewards who open pages, downloads. Prints latencies, errors, memory.

    python benchmarks/portal_load.py STATE --rate 20 --seconds 60 [--review URLS] [--download URLS] [--think 20]

``--review`` and ``--download`` name files with paths of the portal, one a line, that 20 stewards and 4 downloaders open in turn.
The state is changed: accounts are made, downloaders ask for whole releases and are granted them, looks are put on record. Give it a copy.
"""

import argparse
import os
import random
import re
import resource
import subprocess
import sys
import threading
import time
from collections import defaultdict
from itertools import cycle
from pathlib import Path
from typing import Any

import duckdb
import httpx

from linkage.kernel.config import read_config
from linkage.kernel.run import State
from linkage.portal.access import AccessConfig
from linkage.portal.accounts import create_user, find_user, grant_role
from linkage.portal.config import PortalConfig, Sessions
from linkage.portal.downloads.releases import published
from linkage.portal.downloads.unmasked import REGISTER, ask, vote
from linkage.portal.sessions import csrf_token, open_session, viewer_of
from linkage.portal.viewer import Viewer

CONFIG = Path("config")
CASE = re.compile("/review/C[0-9a-f]{16}")
"""The page of a case fetches, by itself, what each verdict would do."""
WARM_SECONDS = 5
"""The portal reads the records of review cases when it opens a release; that is once a day, and not what is measured."""
KINDS = {"number": 35, "name_birth": 20, "phone": 15, "name": 5, "address": 10, "person": 15}


class Measured:
    """Latencies in milliseconds by kind, and what went wrong."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.times: dict[str, list[float]] = defaultdict(list)
        self.errors: dict[str, int] = defaultdict(int)
        self.found = 0

    def add(self, kind: str, milliseconds: float, status: int, found: bool) -> None:
        with self.lock:
            self.times[kind].append(milliseconds)
            self.found += found
            if status >= 400:
                self.errors[f"{kind} {status}"] += 1


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("state", type=Path)
    asked.add_argument("--rate", type=float, default=20)
    asked.add_argument("--seconds", type=int, default=60)
    asked.add_argument("--port", type=int, default=8102)
    asked.add_argument("--searchers", type=int, default=96)
    asked.add_argument("--review", type=Path)
    asked.add_argument(
        "--think", type=float, default=20, help="seconds a steward looks at a page before opening the next"
    )
    asked.add_argument("--download", type=Path)
    given = asked.parse_args()
    state = State(given.state)
    base = f"http://localhost:{given.port}"
    clients = [
        client(state, base, f"load_{role}_{i}", department, role)
        for i in range(given.searchers)
        for role, department in (
            [
                ("steward", "office"),
                ("department_reader", "police"),
                ("department_reader", "civil"),
                ("department_reader", "grid"),
            ][i % 4],
        )
    ]
    server = subprocess.Popen(
        [
            str(Path(sys.executable).parent / "linkage"),
            "serve",
            "--state",
            str(given.state),
            "--config",
            str(CONFIG),
            "--port",
            str(given.port),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(base)
        run(given, state, base, clients, server.pid)
    finally:
        server.terminate()
        server.wait()


def client(state: State, base: str, username: str, department: str, role: str) -> httpx.Client:
    """A browser that is logged in."""
    user = find_user(state, username=username)
    if user is None:
        user_id = create_user(
            state,
            username,
            display_name=username,
            department=department,
            created_by="load",
            password=None,
            must_change_password=False,
        )
        grant_role(
            state, read_config(CONFIG / "access.yaml", AccessConfig), user_id, role, granted_by="load", reason="load"
        )
    else:
        user_id = user["user_id"]
    secret = open_session(state, user_id, Sessions(), second_factor=True)
    return httpx.Client(
        base_url=base,
        cookies={"gridroll": secret},
        headers={"x-csrf-token": csrf_token(secret)},
        timeout=60,
        follow_redirects=False,
        trust_env=False,
    )


def let_take_whole_releases(state: State, base: str, username: str) -> None:
    """Ask for the register in the name of ``username``, and grant it as so many others as it needs."""
    access, portal = (
        read_config(CONFIG / "access.yaml", AccessConfig),
        read_config(CONFIG / "portal.yaml", PortalConfig),
    )
    release = published(state)[0].name
    request_id = ask(
        state,
        viewer(state, access, username),
        release=release,
        table=REGISTER,
        columns=(),
        purpose="visit",
        note="load",
    )
    for i in range(portal.unmasked_votes):
        granter = f"load_granter_{i}"
        client(state, base, granter, "office", "data_owner").close()
        vote(state, request_id, viewer(state, access, granter), "grant", "load")


def viewer(state: State, access: AccessConfig, username: str) -> Viewer:
    """The account ``username`` as it asks now."""
    user = find_user(state, username=username)
    found = viewer_of(state, access, user["user_id"]) if user else None
    assert found is not None
    return found


def wait_for(base: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(f"{base}/health", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise SystemExit("the portal does not answer")


def run(given: argparse.Namespace, state: State, base: str, clients: list[httpx.Client], pid: int) -> None:
    requests = sample(state)
    for one in clients:
        one.post("/purpose", data={"purpose": "visit", "note": ""})
    measured = Measured()
    search(clients[0], next(requests), Measured())
    clients[0].get("/review")  # once a release and role, the queue is put in order
    time.sleep(WARM_SECONDS)
    before, began = cpu_seconds(pid), time.monotonic()
    end = began + given.seconds
    threads = [threading.Thread(target=searcher, args=(clients, requests, measured, given.rate, began, end))]
    for path, number, role, department in (
        (given.review, 20, "steward", "office"),
        (given.download, 4, "register_downloader", "office"),
    ):
        if path is not None:
            urls = [line.strip() for line in path.read_text().splitlines() if line.strip()]
            for i in range(number):
                one = client(state, base, f"load_{path.stem}_{i}", department, role)
                if role == "register_downloader":
                    let_take_whole_releases(state, base, f"load_{path.stem}_{i}")
                one.post("/purpose", data={"purpose": "visit", "note": ""})
                threads.append(
                    threading.Thread(
                        target=reader,
                        args=(
                            one,
                            urls[i:] + urls[:i],
                            path.stem,
                            measured,
                            end,
                            given.think if role == "steward" else 3,
                        ),
                    )
                )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report(measured, time.monotonic() - began, cpu_seconds(pid) - before, resident_mebibytes(pid))


def sample(state: State) -> Any:
    """Requests without end: (kind, path, form); repeatable."""
    release = state.current_release()
    assert release is not None
    con = duckdb.connect(str(release / "register.duckdb"), read_only=True)
    rows = con.execute(
        "SELECT person_id, identity_number, full_name, CAST(birth_date AS VARCHAR), phone, residence_address FROM persons "
        "WHERE identity_number IS NOT NULL AND phone IS NOT NULL AND residence_address IS NOT NULL USING SAMPLE reservoir(4000 ROWS) REPEATABLE (7)"
    ).fetchall()
    con.close()
    chance = random.Random(7)
    kinds = list(KINDS)
    for person_id, number, name, born, phone, address in cycle(rows):
        kind = chance.choices(kinds, KINDS.values())[0]
        form = {
            "number": {"kind": "number", "text": number},
            "name": {"kind": "name", "text": name},
            "name_birth": {"kind": "name", "text": name, "birth_date": born or ""},
            "phone": {"kind": "phone", "text": phone},
            "address": {"kind": "address", "text": address[-11:]},
            "person": None,
        }[kind]
        yield kind, f"/people/{person_id}" if kind == "person" else "/people", form


def searcher(
    clients: list[httpx.Client], requests: Any, measured: Measured, rate: float, began: float, end: float
) -> None:
    """Start a request every 1/rate seconds, whether or not those before have been answered."""
    running = []
    for i, one in enumerate(cycle(clients)):
        due = began + i / rate
        if due >= end:
            break
        time.sleep(max(0.0, due - time.monotonic()))
        thread = threading.Thread(target=search, args=(one, next(requests), measured))
        thread.start()
        running.append(thread)
    for thread in running:
        thread.join()


def search(one: httpx.Client, request: tuple[str, str, dict[str, str] | None], measured: Measured) -> None:
    kind, path, form = request
    start = time.monotonic()
    answer = one.get(path) if form is None else one.post(path, data=form)
    # A person outside a department's rows is no error.
    status = 200 if kind == "person" and answer.status_code == 404 else answer.status_code
    found = answer.status_code == 200 and (form is None or "/people/P" in answer.text)
    measured.add(kind, 1000 * (time.monotonic() - start), status, found)


def reader(one: httpx.Client, urls: list[str], kind: str, measured: Measured, end: float, think: float) -> None:
    time.sleep(random.uniform(0, think))  # not all in the same second
    for url in cycle(urls):
        if time.monotonic() >= end:
            return
        for name, path in ((kind, url), *(((f"{kind} foresight", f"{url}/foresight"),) if CASE.fullmatch(url) else ())):
            start = time.monotonic()
            with one.stream("GET", path) as answer:
                for _ in answer.iter_raw():
                    pass
            measured.add(name, 1000 * (time.monotonic() - start), answer.status_code, answer.status_code < 400)
        time.sleep(random.uniform(0.5, 1.5) * think)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mebibytes(pid: int) -> int:
    line = next(row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


def report(measured: Measured, seconds: float, cpu: float, resident: int) -> None:
    searches = [t for kind in KINDS for t in measured.times.get(kind, ())]
    print(f"{'kind':12} {'n':>6} {'p50':>7} {'p95':>7} {'p99':>7} {'max':>7}  ms")
    for kind, times in [*sorted(measured.times.items()), ("all searches", searches)]:
        ordered = sorted(times)
        if ordered:
            cut = [ordered[min(int(len(ordered) * share), len(ordered) - 1)] for share in (0.5, 0.95, 0.99)]
            print(f"{kind:12} {len(ordered):6} " + " ".join(f"{value:7.0f}" for value in (*cut, ordered[-1])))
    used = resource.getrusage(resource.RUSAGE_SELF)
    own = (used.ru_utime + used.ru_stime) / seconds
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"errors: {dict(measured.errors) or 'none'}; answers with somebody: {measured.found}; {len(searches) / seconds:.1f} searches/s"
    )
    print(
        f"server: {cpu / seconds:.2f} of {os.cpu_count()} cores, {resident} MiB resident; this load itself {own:.2f} cores; machine's load {load}"
    )


if __name__ == "__main__":
    main()
