"""However a night comes about, it is the same night: repeated, killed, cleared, its department late, its deliveries in any order. And the deltas of ten
nights lead from the first release to the last."""

import random
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from linkage.fiction.district import generate
from linkage.kernel.engine import Engine
from linkage.kernel.run import State
from linkage.night import STAGES, land_source, publish_release, run_night, run_one_stage
from linkage.night_plan import plan_night
from linkage.release.as_of import write_published
from linkage.release.deltas import apply_deltas
from linkage.release.signing import KEY_ENVIRONMENT, signing_key
from linkage.release.verify import verify_chain
from tests.builders import REPOSITORY

pytestmark = pytest.mark.slow
FIRST = date(2026, 3, 2)
NIGHTS = tuple(FIRST + timedelta(days=n) for n in range(11))
SOURCES = ("civil", "grid", "health", "police")
CONFIG = REPOSITORY / "config"
RANDOM = {"register.duckdb", "derived.json", "derived.sig"}


def folder_of(district: Path, night: date) -> Path:
    return district / f"night={night}"


def run(exports: Path, state: State, night: date, *, hold_abnormal: bool = False) -> Path:
    return run_night(exports, state.root, night, CONFIG, hold_abnormal=hold_abnormal, note=lambda text: None).release


def files(release: Path) -> dict[str, bytes]:
    """Every file of a release that is the same in every run: tables, deltas, slices, manifest and signature."""
    return {
        p.relative_to(release).as_posix(): p.read_bytes()
        for p in release.rglob("*")
        if p.is_file() and p.name not in RANDOM
    }


@pytest.fixture(scope="module", autouse=True)
def one_key(tmp_path_factory: pytest.TempPathFactory) -> object:
    """All installations here sign with one key, so that signatures can be compared too."""
    home = tmp_path_factory.mktemp("key")
    signing_key(State(home))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_ENVIRONMENT, str(home / "keys" / "release_ed25519.pem"))
        yield


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("district")
    generate(300, len(NIGHTS), 5, folder)
    return folder


@pytest.fixture(scope="module")
def straight(district: Path, tmp_path_factory: pytest.TempPathFactory) -> State:
    """Every night run once, on time; beside it ``first``, the state as the first night left it."""
    state = State(tmp_path_factory.mktemp("straight") / "state")
    for night in NIGHTS:
        run(folder_of(district, night), state, night)
        if night == FIRST:
            shutil.copytree(state.root, state.root.with_name("first"))
    return state


def release_of(state: State, night: date) -> Path:
    (found,) = state.releases.glob(f"{night}-*")
    return found


# ten deltas


def test_ten_deltas_rebuild_the_last_release_exactly(straight: State, tmp_path: Path) -> None:
    releases = [release_of(straight, night) for night in NIGHTS]
    with Engine() as engine:
        apply_deltas(engine, releases[0], releases[1:], tmp_path / "out")
        rebuilt = {p.name: p.read_bytes() for p in (tmp_path / "out").glob("*.parquet")}
        assert rebuilt == {p.name: p.read_bytes() for p in releases[-1].glob("*.parquet")}
        changes = sum(
            engine.scalar(f"SELECT count(*) FROM '{release}/deltas/persons.parquet'") for release in releases[1:]
        )
    assert changes > len(releases)


def test_every_night_can_still_be_had_and_the_chain_is_whole(straight: State, tmp_path: Path) -> None:
    with Engine() as engine:
        for night in NIGHTS:
            assert write_published(engine, straight, night, tmp_path / str(night)).release == release_of(straight, night).name  # fmt: skip
    assert len(list(verify_chain(release_of(straight, NIGHTS[-1])))) == len(NIGHTS)


# the second night, come about in other ways

WAYS: dict[str, Callable[[Path, State, date], None]] = {}


def way(function: Callable[[Path, State, date], None]) -> Callable[[Path, State, date], None]:
    WAYS[function.__name__] = function
    return function


@way
def repeated(exports: Path, state: State, night: date) -> None:
    for _ in range(2):
        run(exports, state, night)


@way
def killed_after_every_stage(exports: Path, state: State, night: date) -> None:
    for source in SOURCES:
        land_source(exports, state.root, night, CONFIG, source)
    for end in range(1, len(STAGES), 2):
        run_id = plan_night(state.root, night, CONFIG)
        for stage in STAGES[:end]:
            run_one_stage(state.root, run_id, stage, note=lambda text: None)
    run(exports, state, night)


@way
def cleared_and_run_again(exports: Path, state: State, night: date) -> None:
    run_id = run(exports, state, night).name
    for stage in STAGES[3:]:
        shutil.rmtree(state.runs / run_id / stage)
    run(exports, state, night)


@way
def cleared_with_its_release_before_it_was_published(exports: Path, state: State, night: date) -> None:
    for source in SOURCES:
        land_source(exports, state.root, night, CONFIG, source)
    run_id = plan_night(state.root, night, CONFIG)
    for stage in STAGES:
        run_one_stage(state.root, run_id, stage, note=lambda text: None)
    for folder in (state.runs / run_id / "resolve", state.runs / run_id / "release", state.releases / run_id):
        shutil.rmtree(folder)
    for stage in STAGES:
        run_one_stage(state.root, run_id, stage, note=lambda text: None)
    publish_release(state.root, run_id)


@way
def delivered_in_another_order_and_twice(exports: Path, state: State, night: date) -> None:
    for source in random.Random(3).sample(SOURCES, 4):
        for _ in range(2):
            land_source(exports, state.root, night, CONFIG, source)
    run(exports, state, night)


@way
def held_because_a_department_was_late_and_run_again_when_it_came(exports: Path, state: State, night: date) -> None:
    late = Path(shutil.copytree(exports, state.root.parent / exports.name))
    shutil.rmtree(late / "grid")
    before = state.current_release()
    held = run(late, state, night, hold_abnormal=True)
    assert state.current_release() == before
    assert run(exports, state, night) != held


@pytest.mark.parametrize("come_about", WAYS.values(), ids=[name.replace("_", " ") for name in WAYS])
def test_a_night_is_the_same_however_it_came_about(
    district: Path, straight: State, tmp_path: Path, come_about: Callable[[Path, State, date], None]
) -> None:
    """The night after it is run as well: what one night left behind must not show in the next."""
    state = State(Path(shutil.copytree(straight.root.with_name("first"), tmp_path / "state")))
    come_about(folder_of(district, NIGHTS[1]), state, NIGHTS[1])
    run(folder_of(district, NIGHTS[2]), state, NIGHTS[2])
    for night in NIGHTS[:3]:
        expected = release_of(straight, night)
        assert files(state.releases / expected.name) == files(expected)
    current = state.current_release()
    assert current is not None and current.name == release_of(straight, NIGHTS[2]).name
