"""Suites are closed: what Great Expectations would pass over in silence is an error here."""

import json
from pathlib import Path
from typing import Any

import pytest

from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError
from linkage.quality.gate import Gate
from linkage.quality.parameters import applies, substitute
from linkage.quality.suite import Suite, read_suite, read_suites
from tests.builders import REPOSITORY
from tests.quality.good_tables import common_records, parameters, write_tables

SUITES = REPOSITORY / "expectations"


def rule(name: str = "sex_is_coded", **changes: Any) -> dict[str, Any]:
    """One sound rule as it stands in a file; ``changes`` go to its top level, ``meta`` is merged."""
    meta = {
        "rule": name,
        "level": "table",
        "on_failure": "stop",
        "zh": "性别",
        "en": "sex",
        "why_zh": "因",
        "why_en": "why",
    }
    meta |= changes.pop("meta", {})
    base = {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "sex", "value_set": ["1", "2"]}}
    return base | {"severity": "critical"} | changes | {"meta": meta}


def suite(*rules: dict[str, Any], **changes: Any) -> dict[str, Any]:
    meta = {"gate": "incoming", "table": "common_records"} | changes
    return {"name": "suite", "meta": meta, "expectations": list(rules)}


def sql(query: str, **meta: Any) -> dict[str, Any]:
    return rule(type="unexpected_rows_expectation", kwargs={"unexpected_rows_query": query}, meta=meta)


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "empty suite": (suite(), "at least 1 item"),
    "unknown key": (suite(rule() | {"note": "x"}), "note"),
    "rule without a reason": (suite(rule(meta={"why_zh": None})), "why_zh"),
    "two rules of one name": (suite(rule(), rule()), "same id"),
    "table nobody knows": (suite(rule(), table="people"), "no table contract"),
    "column nobody knows": (suite(rule(kwargs={"column": "gender", "value_set": []})), "has no column gender"),
    "severity that contradicts": (suite(rule(severity="warning")), "is severity 'critical'"),
    "table rule that sets aside": (suite(rule(severity="info", meta={"on_failure": "set_aside"})), "row rule"),
    "set aside, mostly": (
        suite(
            rule(
                severity="info",
                kwargs={"column": "sex", "value_set": ["1"], "mostly": 0.9},
                meta={"on_failure": "set_aside", "level": "row"},
            )
        ),
        "without 'mostly'",
    ),
    "query that shows values": (suite(sql("SELECT full_name FROM {batch}")), "SELECT 1 AS failed"),
    "regex open at one end": (
        suite(rule(type="expect_column_values_to_match_regex", kwargs={"column": "sex", "regex": "^[12]"})),
        "anchored at both ends",
    ),
    "measure without a limit": (suite(sql("SELECT 1 AS failed FROM $measure", measure="SELECT 1")), "at_least"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_suite_is_refused(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_suite(path)
    assert caught.value.exit_code == 2
    assert "suite.json" in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_a_file_that_is_no_suite_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "suite.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigurationError):
        read_suite(path)


@pytest.mark.parametrize("gate_name", ["incoming", "outgoing"])
def test_a_missing_suite_is_refused(tmp_path: Path, gate_name: Any) -> None:
    with pytest.raises(ConfigurationError, match="no expectation suite"):
        read_suites(tmp_path, gate_name)


def test_shipped_suites_are_read_and_explained() -> None:
    shipped = read_suites(SUITES, "incoming") + read_suites(SUITES, "outgoing")
    assert {s.name for s in shipped} == {path.stem for path in SUITES.glob("*.json")}
    assert all(r.meta.why_zh and r.meta.why_en and r.meta.zh and r.meta.en for s in shipped for r in s.expectations)


FAULTS: dict[str, dict[str, Any]] = {
    "unknown type": rule(type="expect_column_values_to_be_lovely"),
    "misspelt type": rule(type="expect_column_value_to_be_in_set"),
    "unknown argument": rule(kwargs={"column": "sex", "value_sets": ["1"]}),
    "argument of a wrong type": rule(kwargs={"column": "sex", "value_set": ["1"], "mostly": "many"}),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_what_great_expectations_does_not_know_is_an_error(
    engine: Engine, gate: Gate, tmp_path: Path, fault: dict[str, Any]
) -> None:
    paths = write_tables(engine, {"common_records": common_records()}, tmp_path)
    unknown = Suite.model_validate(suite(rule("first"), fault))
    with pytest.raises(ConfigurationError, match="Great Expectations"):
        gate.run(unknown, paths["common_records"], parameters(paths))


RAISING: dict[str, dict[str, Any]] = {
    "column that is not there": sql("SELECT 1 AS failed FROM {batch} WHERE gender = '1'"),
    "query that is no SQL": sql("SELECT 1 AS failed FROM {batch} WHERE WHERE"),
    "cast that quotes a value": sql("SELECT 1 AS failed FROM {batch} WHERE CAST(full_name AS INTEGER) = 1"),
}


@pytest.mark.parametrize("raising", RAISING.values(), ids=RAISING.keys())
def test_a_rule_that_cannot_be_evaluated_stops_the_night_whatever_its_severity(
    engine: Engine, gate: Gate, tmp_path: Path, raising: dict[str, Any]
) -> None:
    paths = write_tables(engine, {"common_records": common_records()}, tmp_path)
    raising = raising | {"severity": "warning"}
    raising["meta"] = raising["meta"] | {"on_failure": "warn"}
    outcomes = gate.run(Suite.model_validate(suite(raising)), paths["common_records"], parameters(paths))
    assert [(o.verdict, o.observed, o.rows_failed) for o in outcomes] == [("stop", "", 0)]
    assert outcomes[0].error.endswith("Exception")


def test_parameters_keep_their_type_and_stand_in_texts() -> None:
    known = {"night": "2026-03-02", "sources": ["civil"], "n": 3}
    value = {"max": "$night", "set": "$sources", "number": "$n", "text": "DATE '$night' + $n", "regex": "^a$"}
    assert substitute(value, known, "rule") == {
        "max": "2026-03-02",
        "set": ["civil"],
        "number": 3,
        "text": "DATE '2026-03-02' + 3",
        "regex": "^a$",
    }


@pytest.mark.parametrize("known", [{}, {"night": None}])
def test_a_parameter_without_value_is_an_error(known: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"\$night"):
        substitute("$night", known, "rule")


def test_a_rule_rests_when_what_it_needs_is_not_there_tonight() -> None:
    needing = Suite.model_validate(suite(rule(meta={"needs": "persons_before"}))).expectations[0]
    assert not applies(needing, {"persons_before": None})
    assert applies(needing, {"persons_before": 5})
    with pytest.raises(ConfigurationError, match="persons_before"):
        applies(needing, {})


@pytest.mark.parametrize("folder", ["it's", "$night {here}"])
def test_any_folder_name_may_hold_the_tables(engine: Engine, gate: Gate, tmp_path: Path, folder: str) -> None:
    paths = write_tables(engine, {"common_records": common_records()}, tmp_path / folder)
    all_keys = "SELECT record_key FROM read_parquet($path_common_records)"
    query = f"SELECT 1 AS failed FROM {{batch}} WHERE record_key NOT IN ({all_keys})"
    checked = Suite.model_validate(suite(sql(query)))
    outcomes = gate.run(checked, paths["common_records"], parameters(paths))
    assert [(o.verdict, o.error) for o in outcomes] == [("pass", "")]
