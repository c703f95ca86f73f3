"""A night that works out only what changed gives the same register as one that works out everything.

Worlds are drawn from one dirty district over two nights: some of its buildings with everybody in them, and some others. A
record is as it was the night before, as it is tonight, new, gone, or has a cell of somebody else's. Rows come in any order.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from linkage.fiction.district import FIRST_NIGHT, generate
from linkage.kernel.engine import Engine
from linkage.kernel.run import StageContext, State, read_stage_summary, run_stage, stage_context, write_json
from linkage.match import stage as match_stage
from linkage.night import run_night
from linkage.register import stage as register_stage
from linkage.release.stage import TABLES
from linkage.resolve import stage as resolve_stage
from tests.builders import REPOSITORY, load_rows

pytestmark = pytest.mark.slow
WORLDS = int(os.environ.get("GRIDROLL_WORLDS", "50"))
"""Random worlds; ``make worlds`` takes 200."""
NIGHTS = (FIRST_NIGHT, FIRST_NIGHT + timedelta(days=1))
STAGES = {"match": match_stage.run, "resolve": resolve_stage.run, "register": register_stage.run}
Row = dict[str, Any]
# What belongs together in a record, and is somebody else's in a record that changed.
CELLS = {
    "name": ("full_name_raw", "full_name", "name_key", "name_sound", "surname", "given_name", "name_kind"),
    "number": ("identity_number_raw", "identity_kind", "identity_number", "identity_grade", "identity_partial", "identity_birth_date", "identity_sex"),
    "birth": ("birth_date", "birth_date_precision", "birth_date_lunar", "sex"),
    "phone": ("phone", "phones"),
    "former name": ("former_name", "former_name_key"),
    "home": ("dwelling_code", *(f"residence_{e}" for e in ("address", "road", "estate", "building", "unit", "room", "dwelling_key", "building_key", "address_grade"))),
    "family": ("household_number", "relation_to_head", "head_name", "head_name_key", "mother_name_key"),
}  # fmt: skip


@dataclass(frozen=True)
class Pool:
    """Common records of two nights by record key, and the model trained on the first."""

    nights: tuple[dict[str, Row], dict[str, Row]]
    model: Path
    config: Path


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    folder = tmp_path_factory.mktemp("pool")
    generate(400, 2, 11, folder / "exports", dirt="heavy")
    runs = []
    for night in NIGHTS:
        outcome = run_night(
            folder / "exports" / f"night={night}", folder / "state", night, REPOSITORY / "config", note=lambda _: None
        )
        runs.append(State(folder / "state").runs / outcome.run_id)
    first, second = (
        {row["record_key"]: row for row in pq.read_table(run / "standardise" / "common_records.parquet").to_pylist()}
        for run in runs
    )
    config = shutil.copytree(REPOSITORY / "config", folder / "config")
    match = yaml.safe_load((config / "match.yaml").read_text(encoding="utf-8"))
    (config / "match.yaml").write_text(yaml.safe_dump(match | {"holdout": None}, allow_unicode=True), encoding="utf-8")
    return Pool((first, second), runs[0] / "model", config)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def world(pool: Pool, rng: Random) -> tuple[list[Row], list[Row]]:
    """Records of last night and of tonight."""
    before, tonight = pool.nights
    buildings = sorted({row["residence_building_key"] for row in before.values() if row["residence_building_key"]})
    chosen = set(rng.sample(buildings, min(4, len(buildings))))
    keys = [
        key
        for key in sorted(before.keys() | tonight.keys())
        if (before.get(key) or tonight[key])["residence_building_key"] in chosen or rng.random() < 0.08
    ]
    first, second = [], []
    for key in keys:
        old, new = before.get(key), tonight.get(key)
        fate = rng.random()
        if old is not None and fate > 0.04:
            first.append(old)
        if fate < 0.96 and (source := new if fate < 0.3 or old is None else old):
            second.append(source)
    for _ in range(rng.randint(0, 6)):
        changed, other = rng.randrange(len(second)), rng.choice(second)
        cells = CELLS[rng.choice(sorted(CELLS))]
        second[changed] = second[changed] | {c: other[c] for c in cells} | {"content_hash": f"{rng.random()}"}
    rng.shuffle(first)
    rng.shuffle(second)
    return first, second


@dataclass
class Nights:
    """Runs of one world: match, resolve and register, without files and gates."""

    folder: Path
    pool: Pool
    engine: Engine

    def run(
        self, name: str, number: int, records: list[Row], previous: Path | None = None, carry_from: Path | None = None
    ) -> Path:
        run_dir = self.folder / "runs" / name
        night = NIGHTS[number]
        write_json(run_dir / "run.json", {"night": night.isoformat(), "district": "330106", "code_sha256": "same"})
        shutil.copytree(self.pool.model, run_dir / "model")
        self._write("common_records", records, run_dir / "gate_incoming" / "common_records.parquet")
        self._write("judgements", [], run_dir / "judgements.parquet")
        for stage, function in STAGES.items():
            with Engine() as engine:
                base = StageContext(
                    night, f"{night}-{name}", run_dir, stage, run_dir, self.pool.config, State(self.folder), engine,
                    previous_release=previous, carry_from=carry_from, model_dir=run_dir / "model",
                )  # fmt: skip
                run_stage(function, stage_context(base, stage))
        return run_dir

    def release(self, run_dir: Path) -> Path:
        """The tables of the register, as the next night reads them."""
        folder = self.folder / "releases" / f"{NIGHTS[0]}-first"
        folder.mkdir(parents=True)
        for table, (stage, name) in TABLES.items():
            source = run_dir / stage / f"{name}.parquet"
            if source.exists():
                shutil.copyfile(source, folder / f"{table}.parquet")
        return folder

    def _write(self, table: str, rows: list[Row], path: Path) -> None:
        load_rows(self.engine, table, rows, "building")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.engine.write_query("SELECT * FROM building", path)


def tables(run_dir: Path) -> dict[str, bytes]:
    """Every table that the stages wrote, byte for byte."""
    return {
        path.relative_to(run_dir).as_posix(): path.read_bytes()
        for stage in STAGES
        for path in sorted((run_dir / stage).glob("*.parquet"))
        if path.stem != "blocking_counts"  # how many pairs were compared tonight: the one thing that may differ
    }


@pytest.mark.parametrize("seed", range(WORLDS))
def test_what_is_carried_over_is_what_would_be_worked_out(
    pool: Pool, engine: Engine, tmp_path: Path, seed: int
) -> None:
    rng = Random(seed)
    before, tonight = world(pool, rng)
    nights = Nights(tmp_path, pool, engine)
    first = nights.run("first", 0, before)
    register = nights.release(first)
    carried = nights.run("carried", 1, tonight, register, carry_from=first)
    rng.shuffle(tonight)
    full = nights.run("full", 1, tonight, register)
    assert read_stage_summary(carried, "match")["records_compared"] < len(tonight)
    different = [name for name, data in tables(full).items() if data != tables(carried)[name]]
    assert different == []
    kept = [
        pq.read_table(run / "match" / "blocking_counts.parquet").drop_columns("compared") for run in (carried, full)
    ]
    assert kept[0] == kept[1]


def test_nothing_new_means_nothing_compared(pool: Pool, engine: Engine, tmp_path: Path) -> None:
    before, _ = world(pool, Random(1))
    nights = Nights(tmp_path, pool, engine)
    first = nights.run("first", 0, before)
    again = nights.run("again", 1, before, nights.release(first), carry_from=first)
    assert read_stage_summary(again, "match")["records_compared"] == 0
    assert (again / "match" / "scored_pairs.parquet").read_bytes() == (
        first / "match" / "scored_pairs.parquet"
    ).read_bytes()


@pytest.mark.parametrize("changed", ["model", "configuration", "code"])
def test_pairs_scored_on_another_basis_are_not_carried_over(
    pool: Pool, engine: Engine, tmp_path: Path, changed: str
) -> None:
    before, _ = world(pool, Random(2))
    nights = Nights(tmp_path, pool, engine)
    first = nights.run("first", 0, before)
    summary = read_stage_summary(first, "match")
    write_json(first / "match" / "_stage.json", summary | {"basis": f"another {changed}"})
    again = nights.run("again", 1, before, nights.release(first), carry_from=first)
    assert read_stage_summary(again, "match")["pairs_carried"] == 0
