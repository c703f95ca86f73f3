"""What does a night cost of which 1 % changed, or nothing, beside one that works everything out?

    .venv/bin/python -m benchmarks.night_cost --persons 300000 --out /tmp/cost

One run: the first night of a fictional district trains the model; the second, of which about 1 % of the records are new, changed or
gone, runs twice from the same register, once as every night and once with ``--full``; the third brings the same exports again.
Prints seconds by stage and the share of the full night, and says whether the two second nights gave the same register.
Exports that are there already are used.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from linkage.fiction.district import FIRST_NIGHT, generate
from linkage.kernel.run import State
from linkage.night import STAGES, TIMINGS

CONFIG = Path(__file__).resolve().parent.parent / "config"
FIRST, SECOND, THIRD = (FIRST_NIGHT + timedelta(days=n) for n in range(3))


def run(exports: Path, state: Path, night: str, *more: str) -> dict[str, float]:
    """Seconds by stage of one ``linkage run``, and of the whole process."""
    started = time.monotonic()
    command = [sys.executable, "-m", "linkage.cli", "run", "--exports", str(exports), "--state", str(state)]
    subprocess.run([*command, "--date", night, "--config", str(CONFIG), *more], check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - started
    release = State(state).current_release()
    assert release is not None
    timings: dict[str, float] = {}  # none where the release of the night before stands
    if release.name.startswith(night):
        timings = json.loads((State(state).runs / release.name / TIMINGS).read_text(encoding="utf-8"))
    return timings | {"whole night": round(seconds, 1)}


def tables(state: Path) -> dict[str, str]:
    """Hash of every table of the current release, by name."""
    release = State(state).current_release()
    assert release is not None
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    return {name: entry["sha256"] for name, entry in manifest["files"].items() if name.endswith(".parquet")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    exports, state, full_state = (arguments.out / name for name in ("exports", "state", "full"))
    if not exports.exists():
        generate(arguments.persons, 2, arguments.seed, exports)
    run(exports / f"night={FIRST}", state, str(FIRST))
    shutil.copytree(state, full_state)
    nights = {
        "1 % changed": run(exports / f"night={SECOND}", state, str(SECOND)),
        "--full": run(exports / f"night={SECOND}", full_state, str(SECOND), "--full"),
    }
    same = tables(state) == tables(full_state)
    nights["nothing changed"] = run(exports / f"night={SECOND}", state, str(THIRD))
    print(f"{'seconds':<16}" + "".join(f"{name:>18}" for name in nights))
    for stage in (*STAGES, "whole night"):
        print(f"{stage:<16}" + "".join(f"{night.get(stage, 0):>18.1f}" for night in nights.values()))
    full = nights["--full"]["whole night"]
    print(f"{'of a full night':<16}" + "".join(f"{100 * n['whole night'] / full:>17.0f}%" for n in nights.values()))
    print(f"the register of the second night is {'the same' if same else 'NOT the same'}, carried over or worked out")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
