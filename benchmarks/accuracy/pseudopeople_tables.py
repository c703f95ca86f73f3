"""Make the pseudopeople tables that the benchmark links, as Parquet; runs in the environment that `make accuracy` creates.

    .venv-accuracy/bin/python benchmarks/accuracy/pseudopeople_tables.py OUT [SEED]

The sample population of the package (about 10,000 people of an invented town); the seed (default 0, the package's) draws the errors. Census and community survey get the extra
noise and the preparation of Splink's published example (names misspelt more often, races chosen wrongly, people born
after 2020 left out of the survey); the tax and social-security tables come with the package's default noise.
"""

import sys
from pathlib import Path

import pandas as pd
import pseudopeople as psp

NOISE = {
    "race_ethnicity": {"choose_wrong_option": {"cell_probability": 0.3}},
    "last_name": {"make_typos": {"cell_probability": 0.1, "token_probability": 0.15}},
}


def census(seed: int) -> pd.DataFrame:
    table = psp.generate_decennial_census(seed=seed, config={"decennial_census": {"column_noise": NOISE}})
    table["age_in_2020"] = pd.to_numeric(table.age, errors="coerce")
    return table


def community_survey(seed: int) -> pd.DataFrame:
    table = psp.generate_american_community_survey(
        config={"american_community_survey": {"column_noise": NOISE}}, year=None
    )
    table["age_in_2020"] = pd.to_numeric(table.age, errors="coerce") - (table.survey_date.dt.year - 2020)
    return table[table.age_in_2020 >= 0]


TABLES = {
    "census": census,
    "acs": community_survey,
    "social_security": lambda seed: psp.generate_social_security(seed=seed),
    "taxes_w2": lambda seed: psp.generate_taxes_w2_and_1099(seed=seed),
    "taxes_1040": lambda seed: psp.generate_taxes_1040(seed=seed),
}


def main() -> None:
    out, seed = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    out.mkdir(parents=True, exist_ok=True)
    for name, make in TABLES.items():
        table = make(seed).reset_index(drop=True).astype("string")
        table.insert(0, "row_id", table.index.astype("string"))
        table.to_parquet(out / f"{name}.parquet", index=False)
        print(f"{name}: {len(table):,} records of {table.simulant_id.nunique():,} people")


if __name__ == "__main__":
    main()
