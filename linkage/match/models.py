"""The pinned model: trained by its own job, versioned, approved, loaded every night.

``state/models/<model_id>/`` holds ``model.json`` (parameters as Splink reads them), ``term_frequencies.parquet`` and
``card.json`` (what it was trained on, every parameter, for people). ``state/models/approved.jsonl`` is append-only.
"""

import hashlib
import json
import math
from datetime import date
from pathlib import Path
from typing import Any

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.errors import LinkageError
from linkage.kernel.run import State, commit_directory, write_json
from linkage.match.config import MatchConfig
from linkage.match.features import SQL_PACKAGE, add_term_frequencies, make_features
from linkage.match.splink_adapter import (
    LABELS,
    comparison_settings,
    drop_splink_tables,
    estimate_m,
    estimate_u,
)

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
    make_features(engine, common_records)
    engine.run_sql(SQL_PACKAGE, "training_records")
    _count_term_frequencies(engine, config)
    add_term_frequencies(engine, config.term_frequency_features)
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE training_input AS SELECT r.*, t.* EXCLUDE (unique_id, person_like_key) FROM match_records r JOIN training_records t USING (unique_id)"
    )
    model, card = _train(engine, config, night)
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
    write_json(unfinished / "card.json", card | {"model_id": model_id, "sha256": digest})
    final = state.models / model_id
    if final.exists():
        for name in (*MODEL_FILES,):
            (unfinished / name).unlink()
        unfinished.rmdir()
    else:
        commit_directory(unfinished, final)
    for table in ("training_input", "training_records", "match_records", "match_features"):
        engine.con.execute(f"DROP TABLE IF EXISTS {table}")
    drop_splink_tables(engine)
    return model_id


def _count_term_frequencies(engine: Engine, config: MatchConfig) -> None:
    """Count values once per distinct person-like key, so that somebody in four departments is not four people."""
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE term_frequencies (feature VARCHAR, value VARCHAR, frequency DOUBLE)"
    )
    for feature in config.term_frequency_features:
        engine.con.execute(
            f"""INSERT INTO term_frequencies
            WITH persons AS (SELECT DISTINCT person_like_key, {quote_name(feature)} AS value FROM match_features JOIN training_records USING (unique_id)
                             WHERE {quote_name(feature)} IS NOT NULL)
            SELECT '{feature}', value, count(*) / sum(count(*)) OVER () FROM persons GROUP BY value"""
        )


def _train(engine: Engine, config: MatchConfig, night: date) -> tuple[dict[str, Any], dict[str, Any]]:
    records: int = engine.scalar("SELECT count(*) FROM training_input")
    matches = (
        engine.scalar(
            "SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM training_input WHERE good_number IS NOT NULL GROUP BY good_number)"
        )
        or 0
    )
    if not matches:
        raise LinkageError(
            "The model cannot be trained: no two records share a good identity number.",
            remedy="Check the identity number columns in config/sources/*.yaml, or bring a model trained elsewhere.",
        )
    prior = min(0.5, matches / config.training.number_recall / (records * (records - 1) / 2))
    m: dict[str, dict[str, float]] = {}
    for kind, label in LABELS.items():
        chosen = [c for c in config.comparisons if c.train_m_on == kind]
        m |= estimate_m(engine, "training_input", chosen, label) if chosen else {}
    u = estimate_u(engine, "training_input", config)
    smallest = config.training.smallest_probability
    comparisons, card_comparisons = [], []
    for comparison in config.comparisons:
        parameters: dict[str, tuple[float, float]] = {}
        for level in comparison.levels:
            if level.missing:
                continue
            level_m = (
                level.m if level.m is not None else max(m[comparison.name][level.name], config.training.smallest_m)
            )
            # Random pairs contain true matches (prior * m of them); without subtracting them rare agreement looks commoner than it is.
            among_random = u[comparison.name][level.name]
            level_u = level.u if level.u is not None else max((among_random - prior * level_m) / (1 - prior), smallest)
            parameters[level.name] = (level_m, level_u)
        comparisons.append(comparison_settings(comparison, parameters))
        card_comparisons.append(
            {
                "name": comparison.name,
                "zh": comparison.zh,
                "en": comparison.en,
                "levels": [
                    {
                        "name": level.name,
                        "zh": level.zh,
                        "en": level.en,
                        "m": pm,
                        "u": pu,
                        "match_weight": round(math.log2(pm / pu), 3),
                    }
                    for level in comparison.levels
                    if not level.missing
                    for pm, pu in [parameters[level.name]]
                ],
            }
        )
    splink = {"link_type": "dedupe_only", "comparisons": comparisons, "probability_two_random_records_match": prior}
    card = {
        "trained_night": night.isoformat(),
        "training_records": records,
        "pairs_with_equal_good_number": int(matches),
        "prior_probability": prior,
        "prior_match_weight": round(math.log2(prior / (1 - prior)), 3),
        "method": "Fellegi-Sunter (Splink); m from pairs that share a good identity number, u from random pairs less the matches among them; no labels",
        "random_pairs": config.training.random_pairs,
        "seed": config.training.seed,
        "comparisons": card_comparisons,
    }
    return {"splink": splink, "gamma": {c.name: [level.name for level in c.levels] for c in config.comparisons}}, card
