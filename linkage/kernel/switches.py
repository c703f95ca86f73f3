"""What was switched since the release before besides the data: the model, the configuration, the programme."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from linkage.kernel.run import StageContext

HASH_CHARACTERS = 12


def load_switches(context: StageContext) -> None:
    """Make the temp table ``switches(rank, cause, detail)``: what an event may be due to when no record and no judgement explains it.

    ``cause`` is ``model`` (detail: model id), ``configuration`` (start of its SHA-256) or ``rule`` (code version and start of
    its SHA-256), the likeliest first. Empty on the first night.
    """
    before = _read_json(context.previous_release / "manifest.json") if context.previous_release else {}
    plan = _read_json(context.run_dir / "run.json")
    model = _read_json(context.run_dir / "model" / "card.json").get("model_id")
    configuration, code = plan.get("configuration_sha256"), plan.get("code_sha256")
    found = [
        ("model", model, before.get("model", {}).get("id"), model),
        (
            "configuration",
            configuration,
            before.get("configuration_sha256"),
            str(configuration)[:HASH_CHARACTERS],
        ),
        ("rule", code, before.get("code_sha256"), f"{plan.get('code_version')}+{str(code)[:HASH_CHARACTERS]}"),
    ]
    switched = [(cause, detail) for cause, now, then, detail in found if now and then and now != then]
    context.engine.load_arrow(
        "switches",
        pa.table(
            {
                "rank": pa.array(range(len(switched)), pa.int64()),
                "cause": pa.array([cause for cause, _ in switched], pa.string()),
                "detail": pa.array([detail for _, detail in switched], pa.string()),
            }
        ),
    )


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or an empty one where there is no file."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return data
