"""Make the pseudopeople tables that the benchmark links, as Parquet; runs in the environment that `make accuracy` creates.

    .venv-accuracy/bin/python benchmarks/accuracy/pseudopeople_tables.py OUT

The sample population of the package (about 10,000 people of an invented town), its default seed. Census and community survey get the extra
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


def census() -> pd.DataFrame:
    table = psp.generate_decennial_census(config={"decennial_census": {"column_noise": NOISE}})
    table["age_in_2020"] = pd.to_numeric(table.age, errors="coerce")
    return table


def community_survey() -> pd.DataFrame:
    table = psp.generate_american_community_survey(
        config={"american_community_survey": {"column_noise": NOISE}}, year=None
    )
    table["age_in_2020"] = pd.to_numeric(table.age, errors="coerce") - (table.survey_date.dt.year - 2020)
    return table[table.age_in_2020 >= 0]


TABLES = {
    "census": census,
    "acs": community_survey,
    "social_security": psp.generate_social_security,
    "taxes_w2": psp.generate_taxes_w2_and_1099,
    "taxes_1040": psp.generate_taxes_1040,
}


def main() -> None:
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, make in TABLES.items():
        table = make().reset_index(drop=True).astype("string")
        table.insert(0, "row_id", table.index.astype("string"))
        table.to_parquet(out / f"{name}.parquet", index=False)
        print(f"{name}: {len(table):,} records of {table.simulant_id.nunique():,} people")


if __name__ == "__main__":
    main()
