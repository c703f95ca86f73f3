"""The linkage report and the departments' scorecards."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup

from linkage.kernel.engine import Engine
from linkage.portal.corrections.clock import local_day, today
from linkage.portal.corrections.counts import count
from linkage.portal.corrections.listing import look_at_release
from linkage.portal.corrections.store import read_corrections
from linkage.portal.csv_text import csv_text
from linkage.portal.desk import AtDesk, Desk, NotThere, Refused
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.nights import read_measures, reported_nights
from linkage.portal.operations.runs import gate_results
from linkage.portal.pages import page
from linkage.portal.scorecards import FIGURES, Card, cards, correction_lines, csv_rows, trend
from linkage.report.cases import steward_cases
from linkage.report.page import Language, render, template_text
from linkage.report.sections import section_values

router = APIRouter(route_class=GuardedRoute)
NIGHTS_COMPARED = 30
CASE_TABLES = {"review_cases": "estimate", "common_records": "gate_incoming", "links": "resolve"}


@router.get("/report")
@guarded("report", "report")
def report(request: Request, desk: AtDesk, release: Annotated[str | None, Query(max_length=60)] = None) -> Response:
    """The report of the newest night, or of an earlier one."""
    nights = reported_nights(desk.settings.state)
    chosen = _chosen(desk, nights, release)
    measures = read_measures(desk.settings.state, chosen)
    here = f"/report/nights/{chosen}"
    links = {
        "stewards": f"{here}/cases" if "review" in desk.who.permissions and _sees_all_cases(desk) else None,
        "gate_incoming": f"{here}/gate_incoming",
        "gate_outgoing": f"{here}/gate_outgoing",
    }
    values = section_values(measures, desk.settings.state.runs / chosen / "config", links)
    return page(
        request, "report.html", nights=nights, release=chosen, night=measures["run"]["night"],
        nav=_fragment(desk, "sections_nav.html", {}), sections=_fragment(desk, "sections.html", values),
    )  # fmt: skip


def _chosen(desk: Desk, nights: list[str], release: str | None) -> str:
    if not nights:
        raise Refused(404, "尚无已发布的报告。", "No report is published yet, or its run is no longer kept.")
    if release is not None and release not in nights:
        raise NotThere
    chosen = release or nights[0]
    desk.details["release"] = chosen
    return chosen


def _sees_all_cases(desk: Desk) -> bool:
    views = [desk.view_or_none(table) for table in ("review_cases", "common_records")]
    return all(view is not None and view.everything and view.area is None for view in views)


def _fragment(desk: Desk, template: str, values: Mapping[str, Any]) -> Markup:
    """A part of the report in the viewer's language; its templates escape every value."""
    language: Language = "en" if desk.language == "en" else "zh"
    return Markup(render(template, language=language, **values))


@router.get("/report/style.css")
@guarded("report_style", public=True, on_record=False)
def report_style() -> Response:
    """The styles of the report's sections, which the page in the run's folder holds itself."""
    return Response(template_text("sections.css"), media_type="text/css", headers={"cache-control": "max-age=3600"})


@router.get("/report/nights/{release}/cases")
@guarded("report_cases", "review", needs_purpose=True)
def report_cases(request: Request, desk: AtDesk, release: str) -> Response:
    """The review cases of a night with the records behind them, values masked; of the whole district, so for who sees all of it."""
    if not _sees_all_cases(desk):
        raise NotThere
    chosen = _chosen(desk, reported_nights(desk.settings.state), release)
    run = desk.settings.state.runs / chosen
    with Engine() as engine:
        for table, stage in CASE_TABLES.items():
            engine.read(table, run / stage / f"{table}.parquet")
        cases, records = steward_cases(engine)
        # Of cases that are judged blind the page does not name the persons; the record of who was looked at does.
        behind = engine.rows("SELECT DISTINCT l.person_id FROM case_records JOIN links l USING (record_key)")
    desk.persons |= {row["person_id"] for row in behind}
    desk.columns |= {f"common_records.{name}" for rows in records.values() for name in rows[0]}
    desk.rows += len(desk.persons)
    total = read_measures(desk.settings.state, chosen)["key"]["review_cases"]
    body = _fragment(desk, "cases.html", {"cases": cases, "records": records})
    return page(request, "report_cases.html", release=chosen, cases=body, shown=len(cases), total=total)


@router.get("/report/nights/{release}/{gate}")
@guarded("report_gate", "report")
def report_gate(
    request: Request, desk: AtDesk, release: str, gate: Literal["gate_incoming", "gate_outgoing"]
) -> Response:
    """Every rule of a gate, with its counts."""
    chosen = _chosen(desk, reported_nights(desk.settings.state), release)
    rows = gate_results(desk.settings.state.runs / chosen, gate)
    return page(request, "gate.html", run_id=chosen, gate=gate, rows=rows, back=f"/report?release={chosen}")


@router.get("/report/scorecards")
@guarded("scorecards", "report")
def scorecards(request: Request, desk: AtDesk) -> Response:
    """Each department's figures, with their trend over the nights."""
    return page(
        request, "scorecards.html", cards=_cards(desk), figures=FIGURES, trend=trend, correction_lines=correction_lines
    )


@router.get("/report/scorecards.csv")
@guarded("scorecards_csv", "report")
def scorecards_csv(desk: AtDesk) -> Response:
    """The same figures for a spreadsheet."""
    text = csv_text([("release", "department", "figure", "指标", "value"), *csv_rows(_cards(desk))])
    headers = {"content-disposition": 'attachment; filename="scorecards.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def _cards(desk: Desk) -> list[Card]:
    settings = desk.settings
    nights = reported_nights(settings.state)[:NIGHTS_COMPARED]
    if not nights:
        raise Refused(404, "尚无已发布的报告。", "No report is published yet, or its run is no longer kept.")
    look_at_release(desk)
    measured = [(release, read_measures(settings.state, release)) for release in reversed(nights)]
    day = partial(local_day, zone=settings.zone)
    counts = count(read_corrections(settings.state), (), today(settings), day)
    return cards(measured, counts, desk.who.department)
