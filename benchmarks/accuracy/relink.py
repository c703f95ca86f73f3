"""Match and resolve again on the standardised records of a finished run, with the shipped configuration or changes to it."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

from linkage.kernel.engine import Engine
from linkage.kernel.run import StageContext, State, run_stage, stage_context, write_json
from linkage.match import stage as match_stage
from linkage.resolve import stage as resolve_stage

CONFIG = Path(__file__).resolve().parents[2] / "config"


def relink(run: Path, scratch: Path, config: dict[str, Any], model: dict[str, Any]) -> Path:
    """Run match and resolve of ``run`` with ``match.yaml`` = ``config`` and ``model``; returns the path of the links."""
    shutil.rmtree(scratch, ignore_errors=True)
    state = State(scratch)
    folder = state.runs / run.name
    shutil.copytree(CONFIG, folder / "config")
    shutil.copytree(run / "model", folder / "model")
    (folder / "config" / "match.yaml").write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")
    write_json(folder / "model" / "model.json", model)
    for name in ("run.json", "judgements.parquet"):
        shutil.copyfile(run / name, folder / name)
    (folder / "gate_incoming").symlink_to((run / "gate_incoming").resolve())
    night = date.fromisoformat(json.loads((run / "run.json").read_text(encoding="utf-8"))["night"])
    for stage, function in (("match", match_stage.run), ("resolve", resolve_stage.run)):
        with Engine(threads=2, temp_dir=folder / ".scratch") as engine:
            base = StageContext(
                night=night,
                run_id=run.name,
                run_dir=folder,
                stage=stage,
                out_dir=folder,
                config_dir=folder / "config",
                state=state,
                engine=engine,
            )
            run_stage(function, stage_context(base, stage))
    return folder / "resolve" / "links.parquet"
