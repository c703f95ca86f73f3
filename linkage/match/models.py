"""The pinned model: trained by its own job, versioned, approved, loaded every night.

``state/models/<model_id>/`` holds ``model.json`` (parameters as Splink reads them), ``term_frequencies.parquet`` and
``card.json`` (what it was trained on, every parameter, for people). ``state/models/approved.jsonl`` is a ledger (``linkage.kernel.ledger``): who made
which model the live one, when and why, and after which night it counts.
"""

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine
from linkage.kernel.errors import LinkageError
from linkage.kernel.ledger import append_entry, read_entries
from linkage.kernel.run import State, commit_directory, write_json
from linkage.match.config import MatchConfig
from linkage.match.features import make_features

APPROVALS = "approved.jsonl"
MODEL_FILES = ("model.json", "term_frequencies.parquet", "card.json")


def read_approvals(state: State) -> list[dict[str, Any]]:
    """Every approval, oldest first: model_id, trained_night, after_night, approved_by, reason, approved_at, replaces, comparison_sha256.

    Raises VerificationFailed when the record was changed.
    """
    return read_entries(state.models / APPROVALS)


def live_model_id(state: State, *, before: date) -> str | None:
    """The model of the night ``before``: of the approvals that count for it, the last one. Nights that had begun keep theirs."""
    # The first entries of older installations say only on which night the model was trained.
    earlier = [e for e in read_approvals(state) if e.get("after_night", e["trained_night"]) < before.isoformat()]
    return str(earlier[-1]["model_id"]) if earlier else None


def approve(
    state: State,
    model_id: str,
    *,
    by: str,
    reason: str,
    at: str,
    after_night: date,
    comparison_sha256: str | None = None,
) -> dict[str, Any]:
    """Make ``model_id`` the model of all nights later than ``after_night``; returns the entry appended to approved.jsonl.

    ``at`` is the time of the decision (ISO 8601); ``comparison_sha256`` names the comparison with the model before that was seen.
    To go back, approve an older model: nothing is ever taken out. Raises LinkageError if there is no such model, or if name
    or reason are empty.
    """
    card = require_model(state, model_id)
    if not by.strip() or not reason.strip():
        raise LinkageError(
            "An approval needs the name of who approves and a reason.",
            remedy="Run `linkage model approve` with --by and --reason, or clear the question in Airflow and answer with a reason.",
        )
    entry = {
        "model_id": model_id,
        "trained_night": card["trained_night"],
        "after_night": after_night.isoformat(),
        "approved_by": by.strip(),
        "reason": reason.strip(),
        "approved_at": at,
        "replaces": live_model_id(state, before=date.max),
        "comparison_sha256": comparison_sha256,
    }
    append_entry(state.models / APPROVALS, entry)
    return entry


def require_model(state: State, model_id: str) -> dict[str, Any]:
    """The card of ``model_id``. Raises LinkageError if there is no such model."""
    path = state.models / model_id / "card.json"
    if not path.exists():
        known = sorted(p.parent.name for p in state.models.glob("model-*/card.json"))
        raise LinkageError(
            f"There is no model {model_id!r}.", remedy=f"Known models: {', '.join(known) or 'none; train one first'}."
        )
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return card


def fits(state: State, model_id: str, config: MatchConfig) -> bool:
    """Whether ``model_id`` was trained for the comparisons and levels that ``config`` has: levels are known by their place, so
    another list would give them each other's names. Raises LinkageError if there is no such model."""
    require_model(state, model_id)
    model = json.loads((state.models / model_id / "model.json").read_text(encoding="utf-8"))
    return bool(model["gamma"] == {c.name: [level.name for level in c.levels] for c in config.comparisons})


def train_candidate(
    engine: Engine, state: State, common_records: Path, run_dir: Path, config_dir: Path, night: date
) -> str:
    """Train on ``common_records`` and the ``judgements`` in ``run_dir``, and store the model; returns its id, made of the night and its content."""
    from linkage.match.training import train  # Splink: who only asks which model is live need not wait for it

    config = read_config(config_dir / "match.yaml", MatchConfig)
    make_features(engine, common_records, config.features)
    engine.read_or_empty("judgements", "judgements", run_dir)
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
