"""The two stages as the night runs them: what they write, what they decide, and that no value leaves them."""

import json
import logging
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from linkage.kernel.engine import Engine
from linkage.kernel.errors import LinkageError
from linkage.kernel.run import StageContext, write_json
from linkage.quality import set_aside
from linkage.quality.stage import run_incoming, run_outgoing
from tests.builders import NIGHT, REPOSITORY, stage_context
from tests.quality.good_tables import Row, common_records, file_accounting, register, write_tables

pytestmark = pytest.mark.slow  # whole stages

NAME, NUMBER = "欧阳夜明珠", "330106199901018888"
SIGNAL: Row = {
    "source": "grid",
    "feed": "grid_visit",
    "file": "grid/export.csv",
    "column": "",
    "kind": "row_count_out_of_range",
    "value_masked": "",
    "count": 7,
    "message": "行数不足",
    "message_en": "too few rows",
}


def incoming(
    tmp_path: Path, engine: Engine, records: list[Row], signals: list[Row] | None = None, **context: Any
) -> StageContext:
    """The context of gate_incoming after sources and standardise have written these tables."""
    made = stage_context(tmp_path, engine, "gate_incoming", **context)
    accounting = [row | {"landed_night": made.night} for row in file_accounting()]
    civil = next(row for row in accounting if row["source"] == "civil")
    civil["accepted_rows"] += len(records) - len(common_records())
    civil["counted_rows"] = civil["accepted_rows"] + 1
    write_tables(engine, {"file_accounting": accounting, "signals": signals or []}, made.run_dir / "sources")
    write_tables(engine, {"common_records": records, "signals": []}, made.run_dir / "standardise")
    return made


def broken_records() -> list[Row]:
    """A control character in one name, a birth date in the future, and two records under one key."""
    rows = common_records()
    rows[5] |= {"full_name": f"{NAME}\x07"}
    rows[6] |= {"birth_date": NIGHT + timedelta(3), "identity_number": NUMBER}
    return [*rows, rows[8] | {"row_number": 50}]


def results(context: StageContext) -> dict[str, Row]:
    rows = context.engine.rows(f"SELECT * FROM read_parquet('{context.output('gate_results')}')")
    return {f"{row['suite']}.{row['rule']}": row for row in rows}


def test_good_records_all_pass(tmp_path: Path, engine: Engine) -> None:
    context = incoming(tmp_path, engine, common_records())
    summary = run_incoming(context)
    assert summary["verdict"] == "pass"
    assert (summary["arriving"], summary["records"], summary["set_aside"]) == (36, 36, 0)
    arrived = context.input("standardise", "common_records").read_bytes()
    assert context.output("common_records").read_bytes() == arrived
    assert summary["rules"] == len(results(context)) and summary["resting"] == 2


def test_bad_records_are_set_aside_and_the_rest_goes_on(tmp_path: Path, engine: Engine) -> None:
    context = incoming(tmp_path, engine, broken_records())
    summary = run_incoming(context)
    assert summary["verdict"] == "warn" and summary["warnings"] == 0
    assert (summary["arriving"], summary["records"], summary["set_aside"]) == (37, 33, 4)
    kept = engine.rows(f"SELECT source, record_id FROM read_parquet('{context.output('common_records')}')")
    keys = [(row["source"], row["record_id"]) for row in kept]
    assert keys == sorted(keys)
    aside = engine.rows(f"SELECT record_key, rule, \"column\" FROM read_parquet('{context.output('set_aside')}')")
    assert [tuple(row.values()) for row in aside] == [
        ("grid:3", "name_without_control_characters", "full_name"),
        ("grid:4", "birth_not_in_future", "birth_date"),
        ("grid:6", "record_is_unique", "source, record_id"),
        ("grid:6", "record_is_unique", "source, record_id"),
    ]
    seen = results(context)["common_records.record_is_unique"]
    assert (seen["rows_failed"], seen["verdict"], seen["severity"]) == (2, "warn", "info")


def test_a_record_with_nothing_to_link_by_stays(tmp_path: Path, engine: Engine) -> None:
    rows = common_records()
    rows[5] |= {"full_name": None, "identity_number": None, "identity_grade": None, "identity_kind": None}
    summary = run_incoming(incoming(tmp_path, engine, rows))
    assert (summary["verdict"], summary["records"], summary["set_aside"]) == ("warn", 36, 0)


@pytest.mark.parametrize(("severity", "verdict"), [("info", "pass"), ("warn", "warn"), ("stop", "stop")])
def test_signals_of_a_department_decide_too(tmp_path: Path, engine: Engine, severity: str, verdict: str) -> None:
    context = incoming(tmp_path, engine, common_records(), [SIGNAL | {"severity": severity}])
    summary = run_incoming(context)
    assert summary["verdict"] == verdict
    if verdict == "stop":
        assert summary["reasons_zh"] == ["grid grid_visit grid/export.csv：行数不足"]
        assert summary["reasons_en"] == ["grid grid_visit grid/export.csv: too few rows"]
    assert context.output("common_records").exists() and (context.out_dir / "index.html").exists()


def test_a_stopped_gate_still_writes_its_tables(tmp_path: Path, engine: Engine) -> None:
    rows = [row | {"sex": "M"} for row in common_records()]
    context = incoming(tmp_path, engine, rows)
    summary = run_incoming(context)
    assert summary["verdict"] == "stop"
    assert summary["reasons_en"] == [
        "common_records.sex_is_coded: Sex is a GB/T 2261.1 code; observed 36, limit 0 1 2 9"
    ]
    assert summary["records"] == 36
    assert {path.name for path in context.out_dir.iterdir()} == {
        "common_records.parquet",
        "set_aside.parquet",
        "gate_results.parquet",
        "index.html",
    }


def test_the_runs_own_suites_are_used(tmp_path: Path, engine: Engine) -> None:
    context = incoming(tmp_path, engine, common_records())
    own = context.run_dir / "expectations"
    shutil.copytree(REPOSITORY / "config", context.run_dir / "config")
    shutil.copytree(REPOSITORY / "expectations", own)
    stricter = json.loads((own / "common_records.json").read_text(encoding="utf-8"))
    for rule in stricter["expectations"]:
        if rule["meta"]["rule"] == "addresses_parsed":
            rule["meta"]["at_least"] = 1.01
    (own / "common_records.json").write_text(json.dumps(stricter), encoding="utf-8")
    summary = run_incoming(replace(context, config_dir=context.run_dir / "config"))
    assert (summary["verdict"], summary["warnings"]) == ("warn", 1)


def test_two_counts_that_differ_are_a_fault(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_aside, "failing_sql", lambda *_: "record_key = 'grid:3'")
    with pytest.raises(LinkageError, match="the same rule in SQL finds 1"):
        run_incoming(incoming(tmp_path, engine, common_records()))


def test_the_same_night_gives_the_same_bytes(tmp_path: Path, engine: Engine) -> None:
    outputs = []
    for folder in ("a", "b"):
        context = incoming(tmp_path / folder, engine, broken_records())
        run_incoming(context)
        outputs.append({path.name: path.read_bytes() for path in sorted(context.out_dir.iterdir())})
    assert outputs[0] == outputs[1]


def outgoing(tmp_path: Path, engine: Engine, tables: dict[str, list[Row]]) -> StageContext:
    context = stage_context(tmp_path, engine, "gate_outgoing")
    stage_of = {"links": "resolve", "common_records": "gate_incoming"}
    for name, rows in tables.items():
        write_tables(engine, {name: rows}, context.run_dir / stage_of.get(name, "register"))
    return context


def test_a_good_register_passes(tmp_path: Path, engine: Engine) -> None:
    context = outgoing(tmp_path, engine, register())
    summary = run_outgoing(context)
    assert (summary["verdict"], summary["stops"], summary["warnings"]) == ("pass", 0, 0)
    assert {row["gate"] for row in results(context).values()} == {"outgoing"}


def test_a_register_that_lost_persons_stops(tmp_path: Path, engine: Engine) -> None:
    tables = register()
    release = write_tables(engine, {name: tables[name] for name in ("persons", "households")}, tmp_path / "release")[
        "persons"
    ].parent
    tables["persons"] = tables["persons"][:10]
    context = replace(outgoing(tmp_path, engine, tables), previous_release=release)
    summary = run_outgoing(context)
    assert summary["verdict"] == "stop"
    assert results(context)["persons.number_of_persons"]["observed"] == "50 %"


def test_no_value_leaves_the_gates(
    tmp_path: Path, engine: Engine, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Planted in every way a rule can fail: the name and the number stand in no result, page, summary or log."""
    rows = broken_records()
    rows[7] |= {
        "full_name": NAME,
        "sex": NAME,
        "ethnicity": NUMBER,
        "identity_grade": "Z",
        "birth_date_precision": NAME,
    }
    tables = register()
    tables["persons"][0] |= {
        "full_name": NAME,
        "identity_number": NUMBER,
        "status": NAME,
        "birth_date": NIGHT + timedelta(1),
    }
    tables["persons"][1] |= {"full_name": NAME, "identity_number": NUMBER}
    tables["links"][0] |= {"person_id": NUMBER}
    notes: list[str] = []
    with caplog.at_level(logging.DEBUG):
        first = replace(incoming(tmp_path / "in", engine, rows), note=notes.append)
        second = replace(outgoing(tmp_path / "out", engine, tables), note=notes.append)
        summaries = [run_incoming(first), run_outgoing(second)]
    assert [summary["verdict"] for summary in summaries] == ["stop", "stop"]
    for context, summary in zip((first, second), summaries, strict=True):
        write_json(context.out_dir / "_stage.json", summary)
    written = [
        text_of(engine, path)
        for context in (first, second)
        for path in sorted(context.out_dir.iterdir())
        if path.name != "common_records.parquet"  # the records themselves, which match reads
    ]
    console = capfd.readouterr()
    everything = "\n".join([*written, *notes, caplog.text, console.out, console.err])
    assert len(written) == 7 and "sex_is_coded" in everything
    for secret in (NAME, NAME[:3], NUMBER, NUMBER[:10]):
        assert secret not in everything


def text_of(engine: Engine, path: Path) -> str:
    if path.suffix == ".parquet":
        return str(engine.rows(f"SELECT * FROM read_parquet('{path}')"))
    return path.read_text(encoding="utf-8")


def test_a_fault_that_quotes_a_value_is_reported_by_its_kind_alone(
    tmp_path: Path, engine: Engine, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = common_records()
    rows[5] |= {"full_name": NAME}
    context = incoming(tmp_path, engine, rows)
    shutil.copytree(REPOSITORY / "config", context.run_dir / "config")
    shutil.copytree(REPOSITORY / "expectations", context.run_dir / "expectations")
    path = context.run_dir / "expectations" / "common_records.json"
    suite = json.loads(path.read_text(encoding="utf-8"))
    faulty = next(rule for rule in suite["expectations"] if rule["meta"]["rule"] == "precision_with_date")
    faulty["kwargs"]["unexpected_rows_query"] = (
        "SELECT 1 AS failed FROM {batch} WHERE record_id = '3' AND CAST(full_name AS INTEGER) = 1"
    )
    path.write_text(json.dumps(suite), encoding="utf-8")
    with caplog.at_level(logging.DEBUG):
        summary = run_incoming(replace(context, config_dir=context.run_dir / "config"))
    assert summary["verdict"] == "stop"
    assert "ConversionException" in summary["reasons_en"][0]
    console = capfd.readouterr()
    page = (context.out_dir / "index.html").read_text(encoding="utf-8")
    assert NAME not in "\n".join([json.dumps(summary, ensure_ascii=False), page, caplog.text, console.out, console.err])


def test_the_page_explains_each_rule_and_shows_the_night_before(tmp_path: Path, engine: Engine) -> None:
    yesterday = incoming(tmp_path / "a", engine, broken_records())
    write_json(yesterday.out_dir / "_stage.json", run_incoming(yesterday))
    tonight = replace(
        incoming(tmp_path / "b", engine, common_records(), [SIGNAL | {"severity": "warn"}]),
        previous_run=yesterday.run_dir,
    )
    assert run_incoming(tonight)["resting"] == 0
    page = (tonight.out_dir / "index.html").read_text(encoding="utf-8")
    for suite in ("common_records", "file_accounting", "set_aside"):
        for rule in json.loads((REPOSITORY / "expectations" / f"{suite}.json").read_text(encoding="utf-8"))[
            "expectations"
        ]:
            assert rule["meta"]["rule"] in page
    assert "1 (2.7 %)" in page  # one of 37 records yesterday
    assert "行数不足" in page and "too few rows" in page
    assert 'lang="zh-CN"' in page and 'lang="en"' in page
    outside = page.replace("http-equiv", "")
    assert "http" not in outside and "src=" not in outside and "@import" not in outside and "url(" not in outside
