"""Whole nights without Airflow: exit codes, resuming after a kill, nothing published when a gate stops, ids that stay."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import duckdb
import pytest

from linkage.evaluate.score import evaluate
from linkage.kernel.run import State
from linkage.release.verify import verify_release
from tests.builders import REPOSITORY
from tests.first_night import FIRST, SECOND, THIRD, exports_of_three_nights, state_after_the_first

pytestmark = pytest.mark.slow
FOURTH = date(2026, 3, 5)


def linkage(*arguments: str | Path, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    """The command line as a user runs it."""
    return subprocess.run(
        [sys.executable, "-m", "linkage.cli", *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def run(exports: Path, state: Path, night: date, *more: str) -> subprocess.CompletedProcess[str]:
    return linkage("run", "--exports", exports, "--state", state, "--date", night.isoformat(), *more)


def release_of(state: Path, night: date) -> Path:
    (found,) = (state / "releases").glob(f"{night.isoformat()}-*")
    return found


def content(release: Path) -> dict[str, str]:
    """Hash of every Parquet table of a release."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(release.glob("*.parquet"))}


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exports_of_three_nights(tmp_path_factory)


@pytest.fixture(scope="module")
def state(district: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights, released; the second by the command line."""
    folder = tmp_path_factory.mktemp("nights") / "state"
    shutil.copytree(state_after_the_first(tmp_path_factory), folder)
    done = run(district / f"night={SECOND.isoformat()}", folder, SECOND)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def test_every_row_of_every_file_is_accounted_for(state: Path) -> None:
    for night in (FIRST, SECOND):
        accounting = release_of(state, night) / "accounting.parquet"
        rows = duckdb.sql(
            f"SELECT counted_rows, accepted_rows + rejected_rows + duplicate_rows FROM '{accounting}'"
        ).fetchall()
        assert rows and all(counted == ended for counted, ended in rows)


def test_the_report_and_the_release_count_the_same_rows(state: Path) -> None:
    for night in (FIRST, SECOND):
        release = release_of(state, night)
        measures = json.loads((state / "runs" / release.name / "report" / "measures.json").read_text(encoding="utf-8"))
        columns = ("file", "counted_rows", "accepted_rows", "rejected_rows", "duplicate_rows")
        shown = sorted(tuple(row[c] for c in columns) for row in measures["files"])
        assert shown == sorted(
            duckdb.sql(f"SELECT {', '.join(columns)} FROM '{release}/accounting.parquet'").fetchall()
        )


def test_every_accepted_record_is_in_the_crosswalk_once(state: Path) -> None:
    for night in (FIRST, SECOND):
        release = release_of(state, night)
        ((accepted,),) = duckdb.sql(f"SELECT sum(accepted_rows) FROM '{release}/accounting.parquet'").fetchall()
        ((rows, distinct),) = duckdb.sql(
            f"SELECT count(*), count(DISTINCT source || ':' || record_id) FROM '{release}/crosswalk.parquet'"
        ).fetchall()
        assert accepted == rows == distinct


def test_the_register_is_right(state: Path, district: Path) -> None:
    for night in (FIRST, SECOND):
        score = evaluate(release_of(state, night), district / "truth")
        assert score.groups["all"].pairs.precision >= 0.998
        assert score.groups["all"].pairs.recall >= 0.975
        assert score.groups["all"].exact_share >= 0.96
        assert score.groups["all"].households["hukou"].f1 >= 0.99


def test_the_register_does_not_think_itself_better_than_it_is(state: Path, district: Path) -> None:
    """The lower end of the estimated recall, made without truth, is not above the recall that the truth shows."""
    for night in (FIRST, SECOND):
        (estimates,) = (state / "runs").glob(f"{night}-*/estimate/error_estimates.parquet")
        ((low, high, n),) = duckdb.sql(
            f"SELECT low, high, n FROM '{estimates}' WHERE (method, measure, subgroup) = ('register', 'recall', 'all')"
        ).fetchall()
        ((recall,),) = duckdb.sql(
            f"""WITH fates AS (SELECT count(*) OVER (PARTITION BY true_person_id) AS findable, count(*) OVER (PARTITION BY person_id, true_person_id) AS together
            FROM '{release_of(state, night)}/crosswalk.parquet' JOIN '{district}/truth/night={night}/records.parquet' USING (source, record_id))
            SELECT count(*) FILTER (together > 1) / count(*) FROM fates WHERE findable > 1"""
        ).fetchall()
        assert n > 4000
        assert 0.95 < low <= recall
        assert low < high


def test_persons_whose_records_did_not_change_keep_their_id(state: Path) -> None:
    first, second = (release_of(state, night) for night in (FIRST, SECOND))
    moved = duckdb.sql(
        f"""WITH before AS (SELECT * FROM '{first}/crosswalk.parquet'), after AS (SELECT * FROM '{second}/crosswalk.parquet'),
        quiet AS (SELECT b.person_id FROM before b LEFT JOIN after a USING (source, record_id) GROUP BY 1
                  HAVING bool_and(coalesce(a.content_hash = b.content_hash, false)))
        SELECT b.person_id FROM before b JOIN after a USING (source, record_id)
        WHERE b.person_id IN (FROM quiet) AND a.person_id <> b.person_id"""
    ).fetchall()
    assert moved == []


def test_the_second_release_continues_the_first(state: Path) -> None:
    first, second = (release_of(state, night) for night in (FIRST, SECOND))
    assert json.loads((second / "manifest.json").read_text())["previous_release"] == first.name
    assert State(state).current_release() == second


def test_running_a_night_again_changes_nothing(state: Path, district: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in (state / "releases").rglob("*") if p.is_file()}
    assert run(district / f"night={SECOND}", state, SECOND).returncode == 0
    assert {p: p.stat().st_mtime_ns for p in (state / "releases").rglob("*") if p.is_file()} == before


def next_morning(district: Path, folder: Path, night: date) -> Path:
    """The exports of the second night once more, under the names of ``night``."""
    exports = folder / f"night={night}"
    shutil.copytree(district / f"night={SECOND}", exports)
    for path in exports.rglob(f"*_{SECOND:%Y%m%d}.*"):
        path.rename(path.with_name(path.name.replace(f"{SECOND:%Y%m%d}", f"{night:%Y%m%d}")))
    return exports


def test_a_night_that_brings_nothing_new_publishes_nothing_and_a_late_department_is_news(
    state: Path, district: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(state, tmp_path / "state")
    before = (copy / "CURRENT").read_text()
    exports = next_morning(district, tmp_path, THIRD)
    done = run(exports, copy, THIRD)
    assert done.returncode == 0 and "The release stands" in done.stdout, done.stderr[-2000:]
    assert (copy / "CURRENT").read_text() == before
    assert not list((copy / "runs").glob(f"{THIRD}-*"))
    shutil.rmtree(exports / "civil")
    late = run(exports, copy, FOURTH)
    assert late.returncode == 0, late.stderr[-2000:]
    assert release_of(copy, FOURTH).name == (copy / "CURRENT").read_text().strip()


def test_a_full_night_is_a_night_of_its_own_and_gives_the_same_register(
    state: Path, district: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(state, tmp_path / "state")
    assert run(next_morning(district, tmp_path, THIRD), copy, THIRD, "--full").returncode == 0
    full, before = release_of(copy, THIRD), release_of(copy, SECOND)
    assert (full / "crosswalk.parquet").read_bytes() == (before / "crosswalk.parquet").read_bytes()


def test_a_night_killed_anywhere_carries_on_and_gives_the_same_register(
    state: Path, district: Path, tmp_path: Path
) -> None:
    expected = content(release_of(state, FIRST))
    again = tmp_path / "state"
    exports = district / f"night={FIRST}"
    for seconds in (2.5, 5, 8, 11):
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "linkage.cli",
                "run",
                "--exports",
                exports,
                "--state",
                again,
                "--date",
                FIRST.isoformat(),
            ],
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        current = State(again).current_release()
        assert current is None or verify_release(current)
    assert run(exports, again, FIRST).returncode == 0
    assert content(release_of(again, FIRST)) == expected


def test_a_published_night_run_again_with_a_late_file_continues_itself_and_loses_no_id(
    state: Path, district: Path, tmp_path: Path
) -> None:
    own, exports = tmp_path / "state", tmp_path / "exports"
    shutil.copytree(state, own)
    shutil.copytree(district / f"night={SECOND}", exports)
    published = release_of(own, SECOND)
    (file, *_) = sorted((exports / "grid").glob("*.csv"))
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-3]))
    assert run(exports, own, SECOND).returncode == 0
    again = State(own).current_release()
    assert again is not None and again != published
    manifest = json.loads((again / "manifest.json").read_text())
    assert manifest["previous_release"] == published.name
    lost = duckdb.sql(
        f"""SELECT person_id FROM '{published}/persons.parquet' WHERE person_id NOT IN (FROM (SELECT person_id FROM '{again}/persons.parquet'))
        AND person_id NOT IN (SELECT id FROM '{again}/retired_ids.parquet')"""
    ).fetchall()
    assert lost == []
    grown = duckdb.sql(
        f"""SELECT * EXCLUDE (sequence) FROM '{again}/history.parquet' EXCEPT ALL SELECT * EXCLUDE (sequence) FROM '{published}/history.parquet'
        EXCEPT ALL SELECT * FROM '{again}/events.parquet'"""
    ).fetchall()
    ((rows, added, events),) = duckdb.sql(
        f"""SELECT (SELECT count(*) FROM '{again}/history.parquet'), (SELECT count(*) FROM '{again}/events.parquet'),
        (SELECT count(*) FROM '{published}/history.parquet')"""
    ).fetchall()
    assert grown == [] and added > 0 and rows == events + added
    assert run(exports, own, SECOND).returncode == 0
    assert State(own).current_release() == again


def test_a_night_that_is_over_is_refused_at_once(state: Path, district: Path) -> None:
    before = sorted(p.name for p in (state / "runs").iterdir())
    done = run(district / f"night={FIRST}", state, FIRST)
    assert done.returncode == 2 and "is over" in done.stderr and "Traceback" not in done.stderr
    assert sorted(p.name for p in (state / "runs").iterdir()) == before


@pytest.fixture
def copied(state: Path, district: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A state that has the first night, and exports of the second that a test may spoil."""
    own = tmp_path / "state"
    shutil.copytree(state, own)
    (own / "CURRENT").write_text(release_of(own, FIRST).name + "\n")
    for folder in (own / "landings" / f"night={SECOND}", *own.glob(f"r*/{SECOND}-*")):
        shutil.rmtree(folder)
    exports = tmp_path / "exports"
    shutil.copytree(district / f"night={SECOND}", exports)
    return own, exports


def test_a_half_file_stops_the_night_with_exit_code_3_and_the_last_release_stays(copied: tuple[Path, Path]) -> None:
    state, exports = copied
    (file,) = (exports / "police").glob("户籍*.csv")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[: len(lines) // 2]))
    done = run(exports, state, SECOND)
    assert done.returncode == 3, done.stderr
    assert "police_hukou" in done.stderr and "Traceback" not in done.stderr
    assert (state / "CURRENT").read_text().strip() == release_of(state, FIRST).name


def test_a_renamed_required_column_stops_the_night_and_is_named(copied: tuple[Path, Path]) -> None:
    state, exports = copied
    (file,) = (exports / "health").glob("*.csv")
    file.write_bytes(file.read_bytes().replace("证件号码".encode(), "号码".encode(), 1))
    done = run(exports, state, SECOND)
    assert done.returncode == 3
    assert "证件号码" in done.stderr


def test_a_late_department_is_linked_with_its_last_landing(copied: tuple[Path, Path]) -> None:
    state, exports = copied
    shutil.rmtree(exports / "grid")
    done = run(exports, state, SECOND, "--hold-abnormal")
    assert done.returncode == 0
    assert "NOT published" in done.stdout
    assert (state / "CURRENT").read_text().strip() == release_of(state, FIRST).name


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("a date that is none", ("--date", "2026-02-30"), 2),
        ("a configuration that is not there", ("--config", "nowhere"), 2),
        ("an empty folder on the first night", (), 4),
    ],
)
def test_exit_codes(tmp_path: Path, name: str, arguments: tuple[str, ...], code: int) -> None:
    (tmp_path / "exports").mkdir()
    options = {"--exports": str(tmp_path / "exports"), "--state": str(tmp_path / "state"), "--date": "2026-03-02"}
    options |= dict(zip(arguments[::2], arguments[1::2], strict=True))
    done = linkage("run", *(word for option in options.items() for word in option))
    assert done.returncode == code, done.stderr
    assert "->" in done.stderr and "Traceback" not in done.stderr


def test_no_resident_is_named_outside_the_tables(state: Path, district: Path) -> None:
    names = {
        r[0]
        for r in duckdb.sql(
            f"SELECT id_no FROM '{district}/truth/night=2026-03-02/persons.parquet' WHERE length(id_no) = 18"
        ).fetchall()
    }
    pages = [p for pattern in ("*.json", "*.html") for p in (state / "runs").rglob(pattern)]
    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not [name for name in names if name in text], page.name


def test_source_check_shows_shapes_only(district: Path) -> None:
    (file,) = (district / f"night={FIRST}" / "police").glob("户籍*.csv")
    done = linkage("source", "check", REPOSITORY / "config" / "sources" / "police.yaml", file)
    assert done.returncode == 0
    assert "identity_number" in done.stdout and "999999999999999999" in done.stdout
    rows = duckdb.sql(
        f"SELECT name, id_no FROM '{district}/truth/night=2026-03-02/persons.parquet' LIMIT 500"
    ).fetchall()
    assert not [value for row in rows for value in row if len(value) > 2 and value in done.stdout]


def test_doctor_finds_nothing_wrong_and_names_what_is(state: Path, tmp_path: Path) -> None:
    assert linkage("doctor", "--state", state).returncode == 0
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    (tmp_path / "config" / "match.yaml").write_text("thresholds: {}\n")
    sick = linkage("doctor", "--state", state, "--config", tmp_path / "config")
    assert sick.returncode == 1 and "match.yaml" in sick.stdout


def page_of(state: Path, name: str) -> str:
    (run,) = (state / "runs").glob(f"{SECOND.isoformat()}-*")
    return (run / "report" / name).resolve().as_uri()


@pytest.mark.browser
@pytest.mark.parametrize("name", ["index.html", "stewards.html"])
def test_the_report_asks_nothing_of_the_net_and_speaks_both_languages(state: Path, name: str) -> None:
    from playwright.sync_api import sync_playwright

    chromium = next(p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p)
    url = page_of(state, name)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        requests: list[str] = []
        faults: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.goto(url)
        assert requests == [url]
        assert faults == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
        assert page.locator("h1 .zh").first.is_visible() and not page.locator("h1 .en").first.is_visible()
        page.click("#language")
        assert page.locator("h1 .en").first.is_visible() and not page.locator("h1 .zh").first.is_visible()
        assert len(page.pdf(format="A4")) > 10_000
        browser.close()


def test_the_report_has_every_section_and_compares_with_the_night_before(state: Path) -> None:
    (run,) = (state / "runs").glob(f"{SECOND.isoformat()}-*")
    text = (run / "report" / "index.html").read_text(encoding="utf-8")
    for section in (
        "files",
        "gates",
        "links",
        "persons",
        "households",
        "conflicts",
        "complete",
        "error",
        "before",
        "model",
    ):
        assert f'id="{section}"' in text
    assert json.loads((run / "report" / "measures.json").read_text(encoding="utf-8"))["before"]
