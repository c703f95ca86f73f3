"""What the engine spills, residents' data, never lies where somebody happened to start the programme."""

import stat
from pathlib import Path

import duckdb
import pytest

from linkage.kernel.engine import Engine

MORE_THAN_FITS = (
    "CREATE TEMP TABLE wide AS SELECT i, md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS text FROM range(3_000_000) t(i)"
)


def folder_of(engine: Engine) -> Path:
    return Path(engine.scalar("SELECT current_setting('temp_directory')"))


def spills(engine: Engine) -> list[Path]:
    return [Path(row["path"]) for row in engine.rows("SELECT path FROM duckdb_temporary_files()")]


def test_a_bare_engine_spills_into_a_folder_of_its_own_that_goes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Engine(memory_limit="60MB") as engine, Engine() as other:
        folder = folder_of(engine)
        engine.con.execute(MORE_THAN_FITS)
        assert spills(engine) and all(path.is_relative_to(folder) for path in spills(engine))
        assert not folder.is_relative_to(tmp_path) and folder != folder_of(other)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists() and list(tmp_path.iterdir()) == []


def test_a_folder_that_is_given_is_used_and_stays(tmp_path: Path) -> None:
    with Engine(memory_limit="60MB", temp_dir=tmp_path / "spill") as engine:
        engine.con.execute(MORE_THAN_FITS)
        assert spills(engine) and all(path.is_relative_to(tmp_path / "spill") for path in spills(engine))
    assert tmp_path.exists()


def test_the_folder_goes_when_the_work_fails() -> None:
    folder = Path()
    with pytest.raises(ValueError, match="broken"), Engine() as engine:
        folder = folder_of(engine)
        raise ValueError("broken")
    assert folder.name.startswith("gridroll-") and not folder.exists()


def test_an_engine_that_is_closed_by_hand_leaves_nothing() -> None:
    engine = Engine()
    folder = folder_of(engine)
    assert folder.exists()
    engine.close()
    assert not folder.exists()


def test_what_is_too_much_for_several_threads_is_written_by_one_to_the_same_bytes(tmp_path: Path) -> None:
    ordered = "SELECT * FROM wide ORDER BY text"
    with Engine(threads=4, memory_limit="60MB") as engine:
        engine.con.execute(MORE_THAN_FITS)
        with pytest.raises(duckdb.OutOfMemoryException):
            engine.con.execute(f"COPY ({ordered}) TO '{tmp_path / 'fails.parquet'}' (FORMAT parquet, COMPRESSION zstd)")
        engine.write_query(ordered, tmp_path / "tight.parquet")
        assert engine.scalar("SELECT current_setting('threads')") == 4
    with Engine() as engine:
        engine.con.execute(MORE_THAN_FITS)
        engine.write_query(ordered, tmp_path / "ample.parquet")
    assert (tmp_path / "tight.parquet").read_bytes() == (tmp_path / "ample.parquet").read_bytes()
