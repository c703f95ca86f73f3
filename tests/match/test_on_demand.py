"""Match calls on a tiny constructed world: a record's features may look at other records, and weights are the night's all the same."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine, quote_text
from linkage.match import stage
from linkage.match.config import MatchConfig, gamma_of
from linkage.match.on_demand import score_given_records
from tests.builders import REPOSITORY, record, stage_context, write_model, write_rows

pytestmark = pytest.mark.slow  # whole stages

BORN = date(1985, 3, 12)
N1, N2 = "330106198503121234", "110105194912310025"
FILLER = {"identity_grade": "E", "identity_partial": "330106197001010___"}
RECORDS = [
    # A former name: only the police know that 林海波 became 林骏力; the health record learns it from theirs.
    record("police:10", name="林骏力", former_name="林海波", former_name_key="林海波", birth=BORN, sex="1"),
    record("health:10", name="林海波", birth=BORN, sex="1"),
    record("grid:10", name="林骏力", birth=BORN, sex="1"),
    # A borrowed number: 王强 carries 李娜's, and a third record at the same phone shows his own.
    record("police:20", name="王强", number=N1, identity_birth_date=BORN, identity_sex="1", phones=["13911112222"]),
    record("police:21", name="李娜", number=N1, identity_birth_date=BORN, identity_sex="1"),
    record("grid:22", name="王强", number=N2, birth=date(1949, 12, 31), phones=["13911112222"]),
    # A filler that somebody typed under three surnames is no number.
    record("grid:30", name="赵一", **FILLER),
    record("grid:31", name="钱一", **FILLER),
    record("grid:32", name="孙一", **FILLER),
    # Too many of one name in one estate: the rule name_estate leaves them out (its largest block is 2 here).
    *(record(f"grid:4{i}", name="张伟", residence_estate="翠苑一区", birth=date(1960 + 5 * i, 1, 1)) for i in range(3)),
]
KEYS = [row["record_key"] for row in RECORDS]
COLUMNS = ("match_weight", "blocking_rule", "levels", "weights", "guards")
Night = tuple[Path, dict[tuple[str, str], dict[str, Any]]]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """The run's folder, and what the stage match scored."""
    with Engine() as engine:
        context = stage_context(tmp_path_factory.mktemp("calls"), engine, "match")
        match = yaml.safe_load((REPOSITORY / "config" / "match.yaml").read_text(encoding="utf-8"))
        for rule in match["blocking"]:
            if rule["name"] == "name_estate":
                rule["largest_block"] = 2
        config_dir = context.run_dir / "config"
        config_dir.mkdir()
        (config_dir / "match.yaml").write_text(yaml.safe_dump(match, allow_unicode=True), encoding="utf-8")
        write_rows(engine, "common_records", RECORDS, context.run_dir / "gate_incoming" / "common_records.parquet")
        write_model(engine, context.run_dir / "model", read_config(config_dir / "match.yaml", MatchConfig))
        stage.run(replace(context, config_dir=config_dir))
        scored = engine.rows(f"SELECT * FROM read_parquet({quote_text(context.output('scored_pairs'))})")
        yield context.run_dir, {(p["record_key_l"], p["record_key_r"]): p for p in scored}


def what_counts(pair: dict[str, Any]) -> dict[str, Any]:
    return {column: pair[column] for column in COLUMNS}


@pytest.mark.parametrize(
    ("left", "right", "level"),
    [
        ("health:10", "grid:10", {"name": "former"}),
        ("police:20", "police:21", {"number": "missing"}),
        ("police:20", "grid:22", {"number": "missing", "name": "equal"}),
        ("grid:30", "grid:31", {"number": "missing"}),
    ],
)
def test_what_other_records_tell_of_a_record_is_known(
    night: Night, left: str, right: str, level: dict[str, str]
) -> None:
    run, scored = night
    call = score_given_records(run, [left], [right])
    (pair,) = call.pairs
    assert call.as_that_night
    config = read_config(run / "config" / "match.yaml", MatchConfig)
    for comparison in config.comparisons:
        if comparison.name in level:
            assert pair["levels"][comparison.name] == gamma_of(comparison)[level[comparison.name]]
    key = (pair["record_key_l"], pair["record_key_r"])
    if key in scored:
        assert what_counts(pair) == what_counts(scored[key])


@pytest.mark.slow
def test_every_pair_of_the_night_weighs_the_same(night: Night) -> None:
    run, scored = night
    seen = set()
    for bit in range(4):  # the halves by one binary digit of the position: every two records are apart in one of them
        left = [key for i, key in enumerate(KEYS) if i >> bit & 1]
        right = [key for key in KEYS if key not in left]
        for pair in score_given_records(run, left, right).pairs:
            key = (pair["record_key_l"], pair["record_key_r"])
            seen.add(key)
            if key in scored:
                assert what_counts(pair) == what_counts(scored[key])
            else:
                assert pair["blocking_rule"] is None or pair["match_weight"] < -8
    assert len(scored) == 4
    assert len(seen) == len(KEYS) * (len(KEYS) - 1) // 2


def test_a_key_that_too_many_records_share_is_named(night: Night) -> None:
    call = score_given_records(night[0], ["grid:40"], ["grid:41"])
    assert call.pairs[0]["blocking_rule"] is None
    assert call.too_common == {("grid:40", "grid:41"): ("name_estate",)}
