"""The pinned model: trained by its own job, versioned, approved, loaded every night.

``state/models/<model_id>/`` holds ``model.json`` (parameters as Splink reads them), ``term_frequencies.parquet`` and
``card.json`` (what it was trained on, every parameter, for people). ``state/models/approved.jsonl`` is append-only.
"""

import hashlib
import json
from datetime import date
from pathlib import Path

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine
from linkage.kernel.errors import LinkageError
from linkage.kernel.run import State, commit_directory, write_json
from linkage.match.config import MatchConfig
from linkage.match.features import make_features
from linkage.match.training import train

APPROVALS = "approved.jsonl"
MODEL_FILES = ("model.json", "term_frequencies.parquet", "card.json")


def live_model_id(state: State, *, before: date) -> str | None:
    """The approved model that nights from ``before`` on use: the last one approved that was trained earlier."""
    path = state.models / APPROVALS
    if not path.exists():
        return None
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    earlier = [e["model_id"] for e in entries if e["trained_night"] < before.isoformat()]
    return str(earlier[-1]) if earlier else None


def approve(state: State, model_id: str) -> None:
    """Make ``model_id`` the live model from the next night on. Raises LinkageError if there is no such model."""
    card = state.models / model_id / "card.json"
    if not card.exists():
        known = sorted(p.name for p in state.models.glob("*") if p.is_dir() and not p.name.startswith("."))
        raise LinkageError(
            f"There is no model {model_id!r}.", remedy=f"Known models: {', '.join(known) or 'none; train one first'}."
        )
    entry = {"model_id": model_id, "trained_night": json.loads(card.read_text(encoding="utf-8"))["trained_night"]}
    with (state.models / APPROVALS).open("a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")


def train_candidate(engine: Engine, state: State, common_records: Path, config_dir: Path, night: date) -> str:
    """Train on ``common_records`` and store the model; returns its id, made of the night and its content."""
    config = read_config(config_dir / "match.yaml", MatchConfig)
    make_features(engine, common_records, config.features)
    model, card = train(engine, config)
    engine.con.execute("DROP TABLE match_features")
    unfinished = state.models / f".training-{night.isoformat()}"
    unfinished.mkdir(parents=True, exist_ok=True)
    engine.write_query(
        "SELECT * FROM term_frequencies ORDER BY feature, value", unfinished / "term_frequencies.parquet"
    )
    write_json(unfinished / "model.json", model)
    digest = hashlib.sha256(
        (unfinished / "model.json").read_bytes() + (unfinished / "term_frequencies.parquet").read_bytes()
    ).hexdigest()
    model_id = f"model-{night.isoformat()}-{digest[:8]}"
    write_json(
        unfinished / "card.json",
        card | {"trained_night": night.isoformat(), "model_id": model_id, "sha256": digest},
    )
    final = state.models / model_id
    if final.exists():
        for name in (*MODEL_FILES,):
            (unfinished / name).unlink()
        unfinished.rmdir()
    else:
        commit_directory(unfinished, final)
    return model_id
