"""The linkage report and the scorecards: the night's own figures, no inline code, each department its own card in full."""

import csv
import html
import io
import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from linkage.portal.corrections.counts import Counts
from linkage.portal.scorecards import FIGURES, Card, Night, cards, correction_lines, nights_of, trend
from tests.portal.browser import browser, served, sit_down
from tests.portal.conftest import Portal

REPORT_READERS = ("steward", "second", "police_reader", "police_handler", "grid_downloader", "archivist", "head")
OTHERS = ("grid_system", "verifier", "sysadmin", "secadmin", "auditor", "nobody")


def current(portal: Portal) -> Path:
    release = portal.state.current_release()
    assert release is not None
    return release


def measures(portal: Portal) -> dict[str, Any]:
    path = portal.state.runs / current(portal).name / "report" / "measures.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize("username", REPORT_READERS)
def test_whoever_may_read_the_report_reads_it(portal: Portal, username: str) -> None:
    client = portal.client(username)
    page = client.get("/report")
    assert page.status_code == 200
    key = measures(portal)["key"]
    assert f"归为 {key['persons']:,} 人、{key['households']:,} 户" in text_of(page.text)
    assert ("/cases" in page.text) == (username == "steward")
    gate = client.get(f"/report/nights/{current(portal).name}/gate_incoming")
    assert gate.status_code == 200 and "accounting" in gate.text


@pytest.mark.parametrize("username", OTHERS)
@pytest.mark.parametrize(
    "path", ["/report", "/report/scorecards", "/report/scorecards.csv", "/report/nights/x/gate_incoming"]
)
def test_nobody_else_does(portal: Portal, username: str, path: str) -> None:
    assert portal.client(username).get(path).status_code == 403


def test_the_cases_are_for_stewards_with_a_purpose_and_on_record(portal: Portal) -> None:
    path = f"/report/nights/{current(portal).name}/cases"
    for username in ("second", "police_reader", "head"):
        assert portal.client(username).get(path).status_code == 403
    without = portal.client("steward", purpose=None).get(path)
    assert (without.status_code, without.headers["location"][:9]) == (303, "/purpose?")
    before = portal.settings.audit.verify()
    page = portal.client("steward").get(path)
    assert page.status_code == 200 and "**" in page.text
    assert portal.settings.audit.verify() == before + 3  # the purpose asked and done, the page
    register = portal.settings.registers.current()
    numbers = {
        r["identity_number"]
        for r in register.rows("SELECT identity_number FROM persons WHERE length(identity_number) = 18")
    }
    assert numbers and not any(number in page.text for number in numbers)


def test_an_earlier_night_can_be_chosen_and_nothing_else(portal: Portal) -> None:
    first = min(path.name for path in portal.state.releases.glob("2026-*"))
    client = portal.client("head")
    assert "首夜" in text_of(client.get("/report", params={"release": first}).text)
    assert client.get("/report", params={"release": "../../releases"}).status_code == 404
    assert client.get(f"/report/nights/{first}/sources").status_code == 422


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_hold_no_inline_code_and_one_language(portal: Portal, language: str) -> None:
    client = portal.client("steward")
    client.cookies.set("gridroll_language", language)
    name = current(portal).name
    for path in (
        "/report",
        f"/report/nights/{name}/cases",
        f"/report/nights/{name}/gate_outgoing",
        "/report/scorecards",
    ):
        page = client.get(path).text
        assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:", page), path
        assert 'class="zh"' not in page and 'class="en"' not in page
        assert ("Content-Security-Policy" not in page) and page.count("<h1") == 1


def test_the_styles_of_the_sections_are_served_to_anybody_as_a_file(portal: Portal) -> None:
    answer = portal.client().get("/report/style.css")
    assert answer.headers["content-type"].startswith("text/css") and ".heat10" in answer.text


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_browser_finds_no_violation_and_axe_nothing_serious(portal: Portal, language: str) -> None:
    name = current(portal).name
    walks = {
        "steward": ["/report", f"/report/nights/{name}/gate_incoming", "/report/scorecards", "/corrections"],
        "police_reader": ["/report", "/report/scorecards", "/corrections"],
        "sysadmin": ["/operations", f"/operations/runs/{name}", f"/operations/runs/{name}/gate_incoming", "/operations/releases"],
    }  # fmt: skip
    faults: list[str] = []
    with served(portal) as address, browser() as started:
        for username, paths in walks.items():
            seat, context = sit_down(started, portal, address, username)
            seat.open(f"/language/{language}?next=/")
            for path in paths:
                seat.open(path)
                seat.axe()
                assert seat.page.evaluate("document.documentElement.scrollWidth") <= 1366, path
            faults += [f"{username}: {fault}" for fault in seat.faults]
            context.close()
    assert faults == []


def test_the_scorecards_agree_with_the_releases_accounting(portal: Portal) -> None:
    names = ("counted_rows", "accepted_rows", "rejected_rows", "duplicate_rows")
    sums = ", ".join(f"sum({name})" for name in names)
    with duckdb.connect() as con:
        path = current(portal) / "accounting.parquet"
        rows = con.execute(f"SELECT source, {sums} FROM '{path}' WHERE carried_rows = 0 GROUP BY source").fetchall()
    found = nights_of(measures(portal))
    assert {source for source, *_ in rows} == set(found) == {"police", "civil", "health", "grid"}
    for source, *counts in rows:
        assert [getattr(found[source], name) for name in names] == counts
        assert counts[0] == sum(counts[1:])


def test_the_scorecards_agree_with_the_releases_values_and_records(portal: Portal) -> None:
    register = portal.settings.registers.current()
    lost = register.rows(
        """SELECT source, count(*) FILTER (won) AS won, count(*) FILTER (NOT won AND reason <> 'same_as_winner') AS lost FROM "values" GROUP BY source"""
    )
    bad = register.rows(
        "SELECT source, count(*) AS records, count(*) FILTER (identity_grade IN ('F', 'X')) AS bad, count(identity_grade) AS given FROM common_records GROUP BY source"
    )
    found = nights_of(measures(portal))
    assert {r["source"]: (found[r["source"]].values_won, found[r["source"]].values_lost) for r in lost} == {
        r["source"]: (r["won"], r["lost"]) for r in lost
    }
    for row in bad:
        night = found[row["source"]]
        assert (night.records, night.invalid_numbers, night.numbers) == (row["records"], row["bad"], row["given"])


def test_a_department_sees_its_own_card_in_full_and_the_others_headlines(portal: Portal) -> None:
    def figures(username: str, department: str) -> set[str]:
        text = portal.client(username).get("/report/scorecards.csv").content.decode("utf-8-sig")
        return {row["figure"] for row in csv.DictReader(io.StringIO(text)) if row["department"] == department}

    headline = {f.name for f in FIGURES if f.is_headline}
    everything = {f.name for f in FIGURES}
    assert figures("police_reader", "police") >= everything
    for other in ("civil", "health", "grid"):
        assert figures("police_reader", other) & everything == headline
        assert not any(name.startswith("complete_") for name in figures("police_reader", other))
        assert figures("head", other) >= everything
    page = portal.client("police_reader").get("/report/scorecards").text
    assert [name for name in ("公安", "民政", "卫健", "网格") if f"<h2>{name}</h2>" in page] == ["公安"]


def test_the_table_for_spreadsheets_has_the_nights_own_figures(portal: Portal) -> None:
    answer = portal.client("head").get("/report/scorecards.csv")
    assert answer.content.startswith(b"\xef\xbb\xbf") and "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    newest = {(r["department"], r["figure"]): r["value"] for r in rows if r["release"] == current(portal).name}
    found = nights_of(measures(portal))
    for source, night in found.items():
        assert newest[source, "accepted_rows"] == str(night.accepted_rows)
        assert float(newest[source, "rejected_share"]) == pytest.approx(
            night.rejected_rows / night.counted_rows, abs=1e-4
        )
    assert len({r["release"] for r in rows}) == 2


def night(**more: Any) -> Night:
    known: dict[str, Any] = {
        "counted_rows": 100, "accepted_rows": 90, "rejected_rows": 8, "duplicate_rows": 2, "is_late": False, "records": 90, "numbers": 80,
        "invalid_numbers": 4, "weak_names": 9, "complete": {"full_name": 1.0, "phone": 0.5, "dwelling_code": 0.0}, "values_won": 30, "values_lost": 10,
    }  # fmt: skip
    return Night(**known | more)


@pytest.mark.parametrize(
    ("figure", "more", "value"),
    [
        ("rejected_share", {}, 0.08),
        ("invalid_number_share", {}, 0.05),
        ("weak_name_share", {}, 0.1),
        ("completeness", {}, 0.75),  # what is never delivered is not missing
        ("lost_share", {}, 0.25),
        ("lost_share", {"values_lost": None, "values_won": None}, None),
        ("rejected_share", {"counted_rows": 0, "rejected_rows": 0}, None),
        ("invalid_number_share", {"numbers": 0, "invalid_numbers": 0}, None),
    ],
)
def test_a_figure_is_what_it_says(figure: str, more: dict[str, Any], value: float | None) -> None:
    (found,) = [f for f in FIGURES if f.name == figure]
    assert found.of(night(**more)) == (pytest.approx(value) if value is not None else None)


def test_late_nights_are_counted_and_a_trend_begins_at_zero() -> None:
    card = Card("police", True, tuple((f"r{n}", night(is_late=n < 2, counted_rows=50 * n)) for n in range(3)), Counts())
    assert card.late_nights == 2
    (counted,) = [f for f in FIGURES if f.name == "counted_rows"]
    assert trend(card, counted) == [(4.0, 36.0), (100.0, 20.0), (196.0, 4.0)]
    assert trend(Card("x", True, (("r", night(values_won=None)),), Counts()), FIGURES[8]) == []


def test_answers_in_time_are_of_those_that_were_due() -> None:
    assert Counts(received=5, answered=2, answered_in_time=1, overdue=2).in_time_share == 0.25
    assert Counts(received=3).in_time_share is None
    lines = {name for name, _, _ in correction_lines(Card("police", False, (("r", night()),), Counts(received=3)))}
    assert lines == {"corrections_received", "corrections_in_time_share", "corrections_overdue"}


def test_the_office_sees_every_card_in_full(portal: Portal) -> None:
    found = cards([("r", measures(portal))], {}, "office")
    assert {card.source: card.is_full for card in found} == dict.fromkeys(("civil", "grid", "health", "police"), True)
    assert [card.is_full for card in cards([("r", measures(portal))], {}, "grid")] == [False, True, False, False]
