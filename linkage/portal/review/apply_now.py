"""Apply now: the night of the current release again with what was decided since, in a process of its own that outlives the portal.

The process inherits the lock of its log, so that it is held exactly as long as it runs, however it or the portal ends.
"""

import fcntl
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from linkage.kernel.run import State
from linkage.night import STAGES
from linkage.portal.accounts import now
from linkage.portal.desk import Refused

Phase = Literal["never", "running", "published", "held", "stands", "failed"]
STAGE_NAMES = {
    "sources": ("读入", "read in"), "standardise": ("标准化", "standardise"), "gate_incoming": ("进口质量门", "incoming gate"),
    "model": ("模型", "model"), "match": ("打分", "match"), "resolve": ("归人归户", "resolve"), "estimate": ("误差估计", "estimate"),
    "register": ("总库", "register"), "gate_outgoing": ("出口质量门", "outgoing gate"), "release": ("发布物", "release"), "report": ("报告", "report"),
}  # fmt: skip
SECONDS = re.compile(r"[0-9.]+ s")
ENDS: dict[str, Phase] = {"published": "published", "held": "held", "stands": "stands"}
MOST_LINES = 4
"""Of a run that failed its last lines are shown: what happened and what to do."""


@dataclass(frozen=True)
class Progress:
    """The newest run by 'apply now': who started it and when (UTC), stages finished with their seconds, how it ended."""

    phase: Phase
    started_by: str = ""
    started_at: datetime | None = None
    finished: tuple[tuple[str, str], ...] = ()
    said: tuple[str, ...] = ()
    """The release, why it needs a person, or the error."""

    @property
    def left(self) -> tuple[str, ...]:
        """Stages not finished."""
        done = {stage for stage, _ in self.finished}
        return tuple(stage for stage in STAGES if stage not in done)


def _log(state: State) -> Path:
    return state.root / "apply_now.log"


def start(state: State, config_dir: Path, user: str) -> None:
    """Start it. Raises Refused when one runs already, or any other night on this state."""
    path = _log(state)
    path.touch()
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                409, "已有一次应用在运行，请等它结束。", "It is running already; wait until it ends."
            ) from None
        file.truncate(0)
        file.write(f"started {now().isoformat(timespec='seconds')} {user}\n")
        file.flush()
        command = [sys.executable, "-m", "linkage.cli", "rerun", "--hold-abnormal"]
        subprocess.Popen(
            [*command, "--state", str(state.root), "--config", str(config_dir)],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            pass_fds=(file.fileno(),),
            start_new_session=True,
            env=os.environ | {"NO_COLOR": "1", "COLUMNS": "400", "PYTHONUNBUFFERED": "1"},
        )


def read_progress(state: State) -> Progress:
    """How far the newest one is, from its log."""
    path = _log(state)
    if not path.exists() or not (lines := path.read_text(encoding="utf-8", errors="replace").splitlines()):
        return Progress("never")
    _, at, user = (*lines[0].split(" ", 2), "", "")[:3]
    finished, said, notes = [], [], []
    phase: Phase = "failed"
    for line in lines[1:]:
        name, _, rest = line.partition(": ")
        if name in STAGES and SECONDS.fullmatch(rest):
            finished.append((name, rest))
        elif name in ENDS:
            phase = ENDS[name]
            said.append(rest)
        elif name == "abnormal":
            said.append(rest)
        else:
            notes.append(line.strip())
    if is_running(path):
        phase = "running"
    elif phase == "failed":
        said += [line for line in notes if line][-MOST_LINES:]
    return Progress(phase, user, datetime.fromisoformat(at), tuple(finished), tuple(said))


def is_running(path: Path) -> bool:
    """Whether a process holds the lock of its log."""
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
