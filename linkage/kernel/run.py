"""Where a night's work stands: the state folder, the run, and the stage that commits by one rename.

A stage is a function of its input tables, the configuration, the model and the judgements. It writes
into a hidden folder of its own and commits by one atomic rename; a killed night finds its finished stages
and carries on behind them.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError, LinkageError

Summary = dict[str, Any]
StageFunction = Callable[["StageContext"], Summary]
Progress = Callable[[str], None]
STAGE_SUMMARY = "_stage.json"
DATABASE_ENVIRONMENT = "GRIDROLL_DATABASE_URL"
DATABASE_FILE = "gridroll.sqlite"


def make_private(folder: Path) -> None:
    """Make ``folder`` if it is not there, readable by its owner alone whatever the umask; folders above it as usual."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)


@dataclass(frozen=True)
class State:
    """The state folder: everything the installation remembers."""

    root: Path

    @property
    def landings(self) -> Path:
        return self.root / "landings"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def current_pointer(self) -> Path:
        return self.root / "CURRENT"

    @property
    def database_url(self) -> str:
        return os.environ.get(DATABASE_ENVIRONMENT) or f"sqlite:///{self.root / DATABASE_FILE}"

    def database_exists(self) -> bool:
        """Whether there is a database to ask: one in SQLite is made with the first night."""
        return bool(os.environ.get(DATABASE_ENVIRONMENT)) or (self.root / DATABASE_FILE).exists()

    def prepare(self) -> None:
        """Make the folder if it is not there, for its owner alone: it holds residents' data. The mode of one that is there stays (doctor
        says what is wrong with it). Raises ConfigurationError when nothing can be written into it."""
        try:
            make_private(self.root)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            raise ConfigurationError(
                f"The state folder {self.root} cannot be written ({error.strerror}).",
                remedy="Give --state (GRIDROLL_STATE) a folder that the user who runs gridroll may write.",
            ) from None

    def current_release(self) -> Path | None:
        """The published release, or None before the first."""
        if not self.current_pointer.exists():
            return None
        return self.releases / self.current_pointer.read_text(encoding="utf-8").strip()


@dataclass(frozen=True)
class StageContext:
    """What a stage may see: its inputs, its output folder, configuration, and the engine.

    ``previous_release`` is the release this one continues: CURRENT when the night was planned (None on the first night).
    That is the night before, or on a re-run the release of the same night, whose ids must live on like any other.
    ``previous_run`` is the run behind the last release of an *earlier* night, if it is still kept: what tonight is
    compared with, and what a delta feed is laid upon.
    ``carry_from`` is the same run on an ordinary night, and None on a full one (``linkage run --full``): results of it that
    depend on nothing that changed may be carried over instead of being worked out again.
    """

    night: date
    run_id: str
    run_dir: Path
    stage: str
    out_dir: Path
    config_dir: Path
    state: State
    engine: Engine
    previous_release: Path | None = None
    previous_run: Path | None = None
    carry_from: Path | None = None
    model_dir: Path | None = None
    note: Progress = field(default=lambda text: None)

    @property
    def id_scope(self) -> str:
        """What new ids are made from besides the record key: the night, or on a re-run of a published night the release it
        replaces. The same record may open a second person then, who must not get the id of the first."""
        night = self.night.isoformat()
        replaced = self.previous_release is not None and self.previous_release.name.startswith(night)
        return self.previous_release.name if self.previous_release is not None and replaced else night

    def input(self, stage: str, table: str) -> Path:
        """Path of ``table`` as the finished stage ``stage`` of this run wrote it."""
        path = self.run_dir / stage / f"{table}.parquet"
        if not path.exists():
            raise LinkageError(
                f"Stage {self.stage!r} needs {stage}/{table}.parquet, which is not there.",
                remedy=f"Run the stage {stage!r} of run {self.run_id} first.",
            )
        return path

    def summary(self, stage: str) -> Summary:
        """The summary that the finished stage ``stage`` returned (empty if it has not run)."""
        return read_stage_summary(self.run_dir, stage)

    def output(self, table: str) -> Path:
        """Path where this stage writes ``table``."""
        return self.out_dir / f"{table}.parquet"

    def write(self, table: str, *, source: str | None = None) -> int:
        """Write ``table`` by its contract from a relation of the engine; returns the number of rows."""
        return self.engine.write_table(table, self.output(table), source=source)


def run_stage(function: StageFunction, context: StageContext) -> Summary:
    """Run a stage unless it is already finished; commit its folder by one rename. Returns its summary."""
    final = context.run_dir / context.stage
    if (final / STAGE_SUMMARY).exists():
        context.note(f"{context.stage}: already finished, kept")
        return read_stage_summary(context.run_dir, context.stage)
    shutil.rmtree(final, ignore_errors=True)
    shutil.rmtree(context.out_dir, ignore_errors=True)
    context.out_dir.mkdir(parents=True)
    summary = function(context)
    write_json(context.out_dir / STAGE_SUMMARY, summary)
    commit_directory(context.out_dir, final)
    return summary


def stage_context(base: StageContext, stage: str) -> StageContext:
    """The context of ``stage`` in the same run; its unfinished folder is hidden by a leading dot."""
    from dataclasses import replace

    return replace(base, stage=stage, out_dir=base.run_dir / f".{stage}.unfinished")


def read_stage_summary(run_dir: Path, stage: str) -> Summary:
    """What ``stage`` measured, or an empty summary if it has not finished."""
    path = run_dir / stage / STAGE_SUMMARY
    if not path.exists():
        return {}
    summary: Summary = json.loads(path.read_text(encoding="utf-8"))
    return summary


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as stable, readable JSON, complete or not at all."""
    write_bytes(path, (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n").encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` through a temporary file, fsync and rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp{os.getpid()}")
    with temporary.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    os.replace(temporary, path)
    fsync_directory(path.parent)


def commit_directory(unfinished: Path, final: Path) -> None:
    """Make everything in ``unfinished`` durable, then rename it to ``final``."""
    for path in unfinished.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    fsync_directory(unfinished)
    os.replace(unfinished, final)
    fsync_directory(final.parent)


def fsync_directory(path: Path) -> None:
    """Make a rename in ``path`` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
