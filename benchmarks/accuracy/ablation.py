"""What each comparison, guard and blocking rule of config/match.yaml is worth: each is switched off in turn.

    python -m benchmarks.accuracy.ablation --run state/runs/RUN --truth TRUTH

Takes the standardised records and the model of a finished run (made with the same config/match.yaml); only match and resolve run
again, with the shipped configuration.
A comparison that is switched off weighs nothing (guards may still look at it). Prints Markdown.
"""

import argparse
import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.accuracy.blocking_reach import blocking_reach
from benchmarks.accuracy.relink import CONFIG, relink
from benchmarks.accuracy.scores import exact_persons, score
from linkage.kernel.config import read_yaml

Variant = tuple[str, dict[str, Any], dict[str, Any]]


def variants(config: dict[str, Any], model: dict[str, Any]) -> Iterator[Variant]:
    """Name, configuration and model of each variant; the first is everything as shipped."""
    yield "everything", config, model
    for comparison in config["comparisons"]:
        yield f"comparison {comparison['name']}", config, _weightless(model, comparison["name"])
    for section, word in (("guards", "guard"), ("blocking", "blocking rule")):
        for entry in config[section]:
            yield f"{word} {entry['name']}", config | {section: [e for e in config[section] if e is not entry]}, model
    yield "policy", {key: value for key, value in config.items() if key != "policy"}, model


def _weightless(model: dict[str, Any], name: str) -> dict[str, Any]:
    changed = copy.deepcopy(model)
    for comparison in changed["splink"]["comparisons"]:
        if comparison["output_column_name"] == name:
            for level in comparison["comparison_levels"]:
                if not level.get("is_null_level"):
                    level |= {"m_probability": 0.5, "u_probability": 0.5}
                    if "tf_adjustment_weight" in level:
                        level["tf_adjustment_weight"] = 0.0
    return changed


def measure(links: Path, truth: Path) -> dict[str, Any]:
    con = duckdb.connect(config={"threads": 2})
    con.execute(
        f"CREATE TABLE truth AS SELECT source || ':' || record_id AS record, source, true_person_id AS person FROM '{truth}/records.parquet'"
    )
    con.execute(f"CREATE TABLE predicted AS SELECT record_key AS record, person_id AS cluster FROM '{links}'")
    return score(con, within=True) | {"exact": exact_persons(con)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder of a finished run, state/runs/RUN")
    parser.add_argument("--truth", type=Path, required=True, help="folder with records.parquet")
    arguments = parser.parse_args()
    config = read_yaml(CONFIG / "match.yaml")
    config.pop("holdout", None)  # measures the night, changes nothing
    model = json.loads((arguments.run / "model" / "model.json").read_text(encoding="utf-8"))
    print(
        "| switched off | precision | recall | F1 | persons exactly right | wrong pairs | missed pairs |\n|---|---|---|---|---|---|---|"
    )
    whole: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, its_config, its_model in variants(config, model):
            found = measure(relink(arguments.run, Path(scratch) / "state", its_config, its_model), arguments.truth)
            print(_line(name, found, whole), flush=True)
            whole = whole or found
    print()
    print(blocking_reach(arguments.run, arguments.truth, CONFIG / "match.yaml"))


def _line(name: str, found: dict[str, Any], whole: dict[str, Any]) -> str:
    """Values of the first line, differences (in percentage points) in the others."""
    shares = ("pair_precision", "pair_recall", "pair_f1", "exact")
    cells = [f"{100 * (found[s] - whole[s]):+.3f}" if whole else f"{100 * found[s]:.3f} %" for s in shares]
    cells += [f"{found[c] - whole[c]:+d}" if whole else str(found[c]) for c in ("wrong_pairs", "missed_pairs")]
    return f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
