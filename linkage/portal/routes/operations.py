"""Operations: runs, gates, departments tonight, the chain of releases, checks. No residents' data."""

import shutil
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from linkage.kernel.errors import VerificationFailed
from linkage.kernel.source_config import read_source_configs
from linkage.portal import clock
from linkage.portal.audit_search import Filters, find_entries
from linkage.portal.desk import AtDesk, Desk, NotThere, Refused
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.operations import checks
from linkage.portal.operations.deliveries import WORDS, deliveries, night_link, publish_link, state_folder_bytes
from linkage.portal.operations.runs import (
    FATES,
    GATES,
    STAGES,
    Run,
    assessment,
    gate_reasons,
    gate_results,
    read_run,
    read_runs,
)
from linkage.portal.pages import page
from linkage.release.chain import is_emptied, publication_moments, published_releases
from linkage.release.manifest import read_manifest

router = APIRouter(route_class=GuardedRoute)
RUNS_SHOWN, RELEASES_SHOWN = 30, 60


@router.get("/operations")
@guarded("operations", "operations")
def operations(request: Request, desk: AtDesk) -> Response:
    """Departments tonight, the newest runs, disk space, results of the checks."""
    settings = desk.settings
    zone = settings.zone.key
    sources = read_source_configs(settings.config_dir)
    now = clock.moment()
    tonight = now.astimezone(settings.zone).date()
    usage = shutil.disk_usage(settings.state.root)
    airflow = settings.portal.airflow_url
    return page(
        request, "operations.html", runs=_runs(desk), fates=FATES, stages=STAGES, words=WORDS, tonight=tonight, zone=zone,
        deliveries=deliveries(settings.state, sources, tonight, zone, now),
        night_link=(lambda night: night_link(airflow, date.fromisoformat(night), sources, zone)) if airflow else None,
        publish_link=(lambda run_id: publish_link(airflow, run_id)) if airflow else None,
        airflow=airflow, usage=usage, audit_checked=_audit_checked(desk), parts=state_folder_bytes(settings.state),
        checks=[(name, checks.TITLES[name], checks.is_running(settings.state, name), checks.last_result(settings.state, name)) for name in checks.CHECKS],
    )  # fmt: skip


def _audit_checked(desk: Desk) -> str | None:
    """When the auditor last checked the audit, as it stands on record; the rest of the record is not the administrator's."""
    found = find_entries(
        desk.settings.state, Filters(action="audit_verify", outcome="done"), desk.settings.zone, limit=1
    )
    return str(found[0].entry["at"]) if found else None


def _runs(desk: Desk) -> list[Run]:
    try:
        return read_runs(desk.settings.state, RUNS_SHOWN)
    except VerificationFailed as error:
        raise Refused(
            500, f"发布链有误：{error.what}", f"The chain of releases is broken: {error.what} {error.remedy}"
        ) from None


@router.get("/operations/runs/{run_id}")
@guarded("operations_run", "operations")
def run_page(request: Request, desk: AtDesk, run_id: str) -> Response:
    """One run: stages, landings, gates, and why it may wait for a person."""
    run = read_run(desk.settings.state, run_id)
    if run is None:
        raise NotThere
    waits = assessment(desk.settings.state, run_id) if run.fate == "waiting" else None
    folder = desk.settings.state.runs / run_id
    gates = {gate: _worst(gate_results(folder, gate)) | {"reasons": gate_reasons(folder, gate)} for gate in GATES}
    return page(request, "operations_run.html", run=run, fates=FATES, waits=waits, gates=gates)


def _worst(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many rules a gate asked, and those that did not pass."""
    return {"rules": len(rows), "failed": [row for row in rows if row["word"] != "pass"]}


@router.get("/operations/runs/{run_id}/{gate}")
@guarded("operations_gate", "operations")
def gate_page(request: Request, desk: AtDesk, run_id: str, gate: Literal["gate_incoming", "gate_outgoing"]) -> Response:
    """Every rule of a gate, with its counts."""
    run = read_run(desk.settings.state, run_id)
    rows = gate_results(desk.settings.state.runs / run_id, gate) if run else []
    if run is None or not rows:
        raise NotThere
    return page(request, "gate.html", run_id=run_id, gate=gate, rows=rows, back=f"/operations/runs/{run_id}")


@router.get("/operations/releases")
@guarded("operations_releases", "operations")
def releases_page(request: Request, desk: AtDesk) -> Response:
    """The chain of published releases, newest first, and the newest result of verifying it."""
    state = desk.settings.state
    broken: VerificationFailed | None = None
    rows: list[tuple[str, dict[str, Any], datetime | None, bool]] = []
    try:
        moments = publication_moments(state)
        for release in published_releases(state):
            if len(rows) < RELEASES_SHOWN:
                manifest = read_manifest(release)
                rows.append((release.name, manifest, moments.get(release.name), is_emptied(release)))
    except VerificationFailed as error:
        broken = error
    return page(
        request, "operations_releases.html", rows=rows, broken=broken, running=checks.is_running(state, "chain"), result=checks.last_result(state, "chain")
    )  # fmt: skip


@router.post("/operations/checks")
@guarded("operations_check", "operations")
def start_check(
    desk: AtDesk,
    name: Annotated[Literal["chain", "doctor", "audit"], Form()],
    next: Annotated[Literal["/operations", "/operations/releases"], Form()] = "/operations",
) -> Response:
    """Start a check in the background; its result appears on the page."""
    desk.details["check"] = name
    desk.details["started"] = checks.start(desk.settings, name)
    return RedirectResponse(next, status_code=303)
