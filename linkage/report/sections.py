"""What the report's templates are given: charts, thresholds, the verdict, all worked out from the night's measures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linkage.kernel.config import read_yaml
from linkage.report.charts import level_bars, threshold_x, weight_histogram
from linkage.report.intervals import MEASURES as ERROR_MEASURES
from linkage.report.intervals import METHODS, estimate_tables

THRESHOLDS = ("join_match_weight", "keep_match_weight", "review_match_weight")


def section_values(measures: dict[str, Any], config_dir: Path, links: Mapping[str, str | None]) -> dict[str, Any]:
    """Values for ``sections.html``. ``config_dir`` is the run's own; ``links`` lead to stewards, gate_incoming and gate_outgoing (None: no link)."""
    weights = {name: measures["stages"]["match"][name] for name in THRESHOLDS}
    return {
        "m": measures,
        "histogram": weight_histogram(measures["weights"]),
        "thresholds": {name: {"weight": w, "x": threshold_x(w)} for name, w in weights.items()},
        "levels": level_bars(measures["card"]),
        "guards": {g["name"]: g for g in read_yaml(config_dir / "match.yaml").get("guards", ())},
        "verdict": verdict(measures),
        "estimates": estimate_tables(measures["errors"]),
        "methods": METHODS,
        "measures": ERROR_MEASURES,
        "links": links,
    }


def verdict(measures: dict[str, Any]) -> str:
    """pass, warn or stop: the worst of both gates."""
    found = {measures["stages"][gate].get("verdict", "pass") for gate in ("gate_incoming", "gate_outgoing")}
    return next((v for v in ("stop", "warn") if v in found), "pass")
