"""Drift of linked pairs: what counts as moved, from when, and what is said about it."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from scipy.spatial.distance import jensenshannon

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine
from linkage.match.config import MatchConfig, gamma_of
from linkage.match.drift import make_drift
from linkage.match.splink_adapter import comparison_settings
from tests.builders import REPOSITORY, record, write_rows

CONFIG = read_config(REPOSITORY / "config" / "match.yaml", MatchConfig)
PHONE = next(c for c in CONFIG.comparisons if c.name == "phone")
GAMMA = gamma_of(PHONE)
FIRST, SECOND, THIRD = (date(2026, 3, day) for day in (2, 3, 4))
RECORDS = [record("police:1", name="张伟"), record("health:1", name="张伟"), record("grid:1", name="张伟")]
USUAL = {"shared": 600, "different": 300, "missing": 100}
SHUFFLED = {"shared": 100, "different": 800, "missing": 100}
EMPTY = {"shared": 60, "different": 30, "missing": 910}


def model(m: Mapping[str, float] | None = None) -> dict[str, Any]:
    """A model that learned, of phones, what USUAL shows (two of three shared) unless ``m`` says otherwise."""
    learned = {"phone": m or {"shared": 2 / 3, "different": 1 / 3}}
    comparisons = []
    for c in CONFIG.comparisons:
        names = [level.name for level in c.levels if not level.missing]
        comparisons.append(
            comparison_settings(c, {n: (learned.get(c.name, {}).get(n, 1 / len(names)), 0.1) for n in names})
        )
    return {"splink": {"comparisons": comparisons}}


def night(
    engine: Engine,
    folder: Path,
    when: date,
    pairs: Mapping[str, int],
    *,
    other: str = "health:1",
    between: int = 0,
    model_id: str = "model-a",
    before: Path | None = None,
    learned: dict[str, Any] | None = None,
    config: MatchConfig = CONFIG,
) -> Path:
    """One night's drift over ``pairs`` (phone level -> linked pairs of police and ``other``); returns the folder of its level_counts."""
    write_rows(engine, "common_records", RECORDS, folder / "records.parquet")
    engine.load("common_records", folder / "records.parquet")
    engine.con.execute("CREATE OR REPLACE TEMP TABLE match_features AS SELECT record_key, feed FROM common_records")
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE scored_pairs (record_key_l VARCHAR, record_key_r VARCHAR, match_weight DOUBLE, levels STRUCT(phone TINYINT), guards VARCHAR[])"
    )
    for level, count, weight in [*((level, n, 30.0) for level, n in pairs.items()), ("shared", between, 1.0)]:
        engine.con.execute(
            "INSERT INTO scored_pairs SELECT ?, 'police:1', ?, {'phone': ?}, [] FROM range(?)",
            [other, weight, GAMMA[level], count],
        )
    make_drift(engine, config, learned or model(), model_id, when.isoformat(), before)
    written = folder / f"{when}-{model_id}"
    written.mkdir(exist_ok=True)
    engine.write_table("level_counts", written / "level_counts.parquet")
    engine.write_table("drift", folder / "drift.parquet")
    engine.write_table("signals", folder / "signals.parquet")
    return written


def drift_of(engine: Engine, against: str, comparison: str = "phone", feed: str = "all") -> dict[str, Any] | None:
    found = engine.rows(
        "SELECT * FROM drift WHERE against = $against AND comparison = $comparison AND feed = $feed",
        {"against": against, "comparison": comparison, "feed": feed},
    )
    return found[0] if found else None


@pytest.mark.parametrize(
    ("name", "tonight", "outside"),
    [
        ("as ever", USUAL, False),
        ("twice as many, in the same shares", {level: 2 * n for level, n in USUAL.items()}, False),
        ("phones shuffled", SHUFFLED, True),
        ("phones gone", EMPTY, True),
        ("a little more", {"shared": 580, "different": 320, "missing": 100}, False),
        ("too few to tell", {level: n // 10 for level, n in SHUFFLED.items()}, False),
    ],
)
def test_tonight_is_held_against_the_nights_before(
    tmp_path: Path, name: str, tonight: dict[str, int], outside: bool
) -> None:
    with Engine() as engine:
        before = night(engine, tmp_path, FIRST, USUAL)
        night(engine, tmp_path, SECOND, tonight, before=before)
        found = drift_of(engine, "before")
        assert found is not None
        assert found["outside"] == outside, name
        shares = [[counts[level] / sum(counts.values()) for level in USUAL] for counts in (tonight, USUAL)]
        assert found["divergence_bits"] == pytest.approx(jensenshannon(*shares, base=2) ** 2, abs=1e-6)
        signals = engine.rows("SELECT * FROM signals")
        assert [s["column"] for s in signals] == (["phone"] if outside else [])
        for s in signals:
            assert s["kind"] == "drift" and s["severity"] == "warn"
            assert "训练候选模型" in s["message"] and "train a candidate model" in s["message_en"]


@pytest.mark.parametrize(
    ("name", "m", "outside"),
    [
        ("as learned", {"shared": 2 / 3, "different": 1 / 3}, False),
        ("learned otherwise", {"shared": 0.99, "different": 0.01}, True),
        (
            "shares that do not add up to one are taken as they stand to each other",
            {"shared": 0.2, "different": 0.1},
            False,
        ),
    ],
)
def test_tonight_is_held_against_what_the_model_learned(
    tmp_path: Path, name: str, m: dict[str, float], outside: bool
) -> None:
    """Missing values say nothing about the model: it learned on pairs that have both."""
    with Engine() as engine:
        night(engine, tmp_path, FIRST, USUAL, learned=model(m))
        found = drift_of(engine, "model")
        assert found is not None
        assert found["outside"] == outside, name
        assert found["pairs"] == 900
        assert drift_of(engine, "before") is None


def test_the_feed_in_which_it_moved_most_is_named(tmp_path: Path) -> None:
    with Engine() as engine:
        counts = night(engine, tmp_path, FIRST, USUAL, other="grid:1")
        night(engine, tmp_path, SECOND, SHUFFLED, other="grid:1", before=counts)
        assert {r["feed"] for r in engine.rows("SELECT feed FROM drift WHERE outside AND against = 'before'")} == {
            "all",
            "grid_visit",
            "police_hukou",
        }
        assert len(engine.rows("SELECT * FROM signals")) == 1


def test_nights_under_another_model_do_not_count(tmp_path: Path) -> None:
    """A new model links other pairs; what it finds is no drift of the data."""
    with Engine() as engine:
        before = night(engine, tmp_path, FIRST, USUAL, model_id="model-a")
        night(engine, tmp_path, SECOND, SHUFFLED, model_id="model-b", before=before)
        assert drift_of(engine, "before") is None


def test_only_the_last_nights_are_kept(tmp_path: Path) -> None:
    short = CONFIG.model_copy(update={"drift": CONFIG.drift.model_copy(update={"nights": 1})})
    with Engine() as engine:
        first = night(engine, tmp_path, FIRST, SHUFFLED, config=short)
        second = night(engine, tmp_path, SECOND, USUAL, config=short, before=first)
        night(engine, tmp_path, THIRD, USUAL, config=short, before=second)
        assert {r["night"] for r in engine.rows("SELECT DISTINCT night FROM level_counts")} == {SECOND, THIRD}
        found = drift_of(engine, "before")
        assert found is not None and found["nights"] == 1 and found["divergence_bits"] == 0


@pytest.mark.parametrize(
    ("between", "outside"),
    [(60, False), (150, False), (250, True)],
    ids=["as ever", "not yet three times", "four times as many"],
)
def test_pairs_between_the_thresholds_are_watched(tmp_path: Path, between: int, outside: bool) -> None:
    with Engine() as engine:
        before = night(engine, tmp_path, FIRST, {"shared": 10_000}, between=60)
        night(engine, tmp_path, SECOND, {"shared": 10_000}, between=between, before=before)
        found = drift_of(engine, "before", "between_thresholds")
        assert found is not None and (found["level"], found["outside"]) == ("between", outside)


def test_the_same_night_again_gives_the_same_bytes(tmp_path: Path) -> None:
    with Engine() as engine:
        before = night(engine, tmp_path, FIRST, USUAL)
        contents = []
        for _ in range(2):
            counts = night(engine, tmp_path, SECOND, SHUFFLED, before=before)
            files = (counts / "level_counts.parquet", tmp_path / "drift.parquet", tmp_path / "signals.parquet")
            contents.append([path.read_bytes() for path in files])
        assert contents[0] == contents[1]
