"""Hidden numbers on a tiny constructed world: what came from the number is gone, everything else is as every night."""

from datetime import date
from typing import Any

import pytest

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine, quote_text
from linkage.match import stage
from linkage.match.config import MatchConfig
from tests.builders import REPOSITORY, record, stage_context, write_model, write_rows

CONFIG = read_config(REPOSITORY / "config" / "match.yaml", MatchConfig)
BORN = date(1985, 3, 12)
FROM_NUMBER = {"identity_birth_date": BORN, "identity_sex": "1"}
A, B, C = "330106198503121234", "110105194912310025", "330106195801012345"
RECORDS = [
    # One person whom name, own birth date and phone give away without a number.
    record("police:1", name="张伟", number=A, birth=BORN, sex="1", phones=["13911112222"]),
    record("health:1", name="张伟", number=A, birth=BORN, sex="1", phones=["13911112222"]),
    # One whose birth date and sex come from the number alone, and nothing else agrees: unfindable without it.
    record("police:2", name="李娜", number=B, birth=date(1949, 12, 31), sex="2"),
    record("health:2", name="李娜", number=B, identity_birth_date=date(1949, 12, 31), identity_sex="2"),
    # A number nobody shares is no label; a record without one is a possible partner.
    record("police:3", name="王强", number=C, birth=date(1958, 1, 1)),
    record("grid:1", name="张伟", birth=BORN, sex="1", phones=["13911112222"]),
]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Tables of one run of the stage match, by name."""
    with Engine() as engine:
        context = stage_context(tmp_path_factory.mktemp("holdout"), engine, "match")
        write_rows(engine, "common_records", RECORDS, context.run_dir / "gate_incoming" / "common_records.parquet")
        write_model(engine, context.run_dir / "model", CONFIG)
        stage.run(context)
        return {
            name: engine.rows(f"SELECT * FROM read_parquet({quote_text(context.output(name))})")
            for name in ("holdout_records", "holdout_pairs", "scored_pairs")
        }


def test_only_records_whose_number_another_has_are_drawn(out: dict[str, Any]) -> None:
    assert [r["record_key"] for r in out["holdout_records"]] == ["health:1", "health:2", "police:1", "police:2"]
    assert {r["sampling_weight"] for r in out["holdout_records"]} == {1.0}


def test_the_number_counts_for_nothing_and_the_rest_as_ever(out: dict[str, Any]) -> None:
    scored = {(p["record_key_l"], p["record_key_r"]): p for p in out["scored_pairs"]}
    found = {(p["record_key"], p["other_key"]): p["match_weight"] for p in out["holdout_pairs"]}
    whole = scored["health:1", "police:1"]
    assert whole["weights"]["number"] == pytest.approx(10.0)
    assert found["health:1", "police:1"] == pytest.approx(whole["match_weight"] - 10.0)
    assert found["health:1", "grid:1"] == pytest.approx(scored["grid:1", "health:1"]["match_weight"])


def test_a_birth_date_out_of_the_number_is_hidden_with_it(out: dict[str, Any]) -> None:
    """Without it no rule brings the two together: such a record must not be found."""
    assert ("health:2", "police:2") in {(p["record_key_l"], p["record_key_r"]) for p in out["scored_pairs"]}
    assert not [p for p in out["holdout_pairs"] if p["record_key"] == "health:2"]


def test_no_record_meets_itself(out: dict[str, Any]) -> None:
    assert not [p for p in out["holdout_pairs"] if p["record_key"] == p["other_key"]]
