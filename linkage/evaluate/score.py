"""Scores of a release against known truth: pairs, B-cubed, exact persons, households, golden fields, by subgroup.

B-cubed after Bagga and Baldwin (1998). Records of the truth that the release does not hold are counted apart.
"""

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.reference import reference_rows

SQL_PACKAGE = "linkage.evaluate"


@dataclass(frozen=True)
class PairScore:
    """Pairs of records (or of persons in a household): right, wrong, missed."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True)
class GroupScore:
    """One subgroup of true persons."""

    persons: int
    pairs: PairScore
    b_cubed_precision: float
    b_cubed_recall: float
    exact_share: float


@dataclass(frozen=True)
class FieldScore:
    """One golden field: shares of persons with a value, and of values that are right."""

    filled_share: float
    correct_share: float


@dataclass(frozen=True)
class Evaluation:
    """Everything measured; ``groups`` holds 'all' and the subgroups."""

    records: int
    records_missing: int
    groups: dict[str, GroupScore]
    households: dict[str, PairScore]
    fields: dict[str, FieldScore]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, rounded to five places."""

        def pairs(score: PairScore) -> dict[str, Any]:
            return asdict(score) | {k: round(getattr(score, k), 5) for k in ("precision", "recall", "f1")}

        return {
            "records": self.records,
            "records_missing": self.records_missing,
            "groups": {
                name: {
                    "persons": g.persons,
                    "pairs": pairs(g.pairs),
                    "b_cubed_precision": round(g.b_cubed_precision, 5),
                    "b_cubed_recall": round(g.b_cubed_recall, 5),
                    "persons_exactly_right": round(g.exact_share, 5),
                }
                for name, g in self.groups.items()
            },
            "households": {name: pairs(score) for name, score in self.households.items()},
            "fields": {
                name: {"filled": round(f.filled_share, 5), "right_of_filled": round(f.correct_share, 5)}
                for name, f in self.fields.items()
            },
        }


def evaluate(release: Path, truth: Path) -> Evaluation:
    """Score ``release``. ``truth`` holds persons.parquet and records.parquet, or a folder ``night=<date>`` that does.

    Raises ConfigurationError when either is not there.
    """
    night = date.fromisoformat(release.resolve().name[:10])
    folder = truth if (truth / "records.parquet").exists() else truth / f"night={night.isoformat()}"
    for path in (release / "crosswalk.parquet", folder / "records.parquet", folder / "persons.parquet"):
        if not path.exists():
            raise ConfigurationError(
                f"{path} does not exist.", remedy="Give --release a release folder and --truth its truth."
            )
    with Engine() as engine:
        for table in ("crosswalk", "persons", "households", "members"):
            engine.read(table, release / f"{table}.parquet")
        engine.read("truth_records", folder / "records.parquet")
        engine.read("truth_persons", folder / "persons.parquet")
        return _score(engine, night)


def _score(engine: Engine, night: date) -> Evaluation:
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE numbered_persons AS SELECT DISTINCT true_person_id FROM truth_persons WHERE coalesce(id_no, '') <> ''"
    )
    engine.run_sql(SQL_PACKAGE, "matched", {"night": night})
    engine.run_sql(SQL_PACKAGE, "pairs")
    engine.run_sql(SQL_PACKAGE, "household_scores")
    engine.con.execute("CREATE OR REPLACE TEMP TABLE ethnicities (code VARCHAR, name VARCHAR)")
    engine.con.executemany(
        "INSERT INTO ethnicities VALUES (?, ?)", [(r["code"], r["name"]) for r in reference_rows("gb3304_nation")]
    )
    engine.run_sql(SQL_PACKAGE, "functions")
    engine.run_sql(SQL_PACKAGE, "golden_scores")
    groups = {
        r["subgroup"]: GroupScore(
            r["persons"],
            PairScore(int(r["right_pairs"]), int(r["wrong_pairs"]), int(r["missed_pairs"])),
            float(r["b_cubed_precision"]),
            float(r["b_cubed_recall"]),
            r["exact"] / r["persons"],
        )
        for r in engine.rows("SELECT * FROM pair_scores ORDER BY subgroup")
    }
    households = {
        r["measure"]: PairScore(r["right_pairs"], r["wrong_pairs"], r["missed_pairs"])
        for r in engine.rows("SELECT * FROM household_scores ORDER BY measure")
    }
    fields = {
        r["field"]: FieldScore(r["filled"] / max(r["persons"], 1), r["correct"] / max(r["filled"], 1))
        for r in engine.rows("SELECT * FROM golden_scores ORDER BY field")
    }
    records = engine.scalar("SELECT count(*) FROM matched")
    return Evaluation(
        records, engine.scalar("SELECT count(*) FROM truth_records") - records, groups, households, fields
    )
