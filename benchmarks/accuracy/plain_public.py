"""Plain Splink on the public data sets, as a competent user would write it: library comparisons, EM, clusters at 0.95.

Each function takes a connection that holds the table ``records`` (all inputs, with ``record`` = source:id and ``source``) and
returns the name of a table (unique_id, cluster_id).
"""

from collections.abc import Callable

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

CLUSTER_PROBABILITY = 0.95
RANDOM_PAIRS = 1_000_000


def _run(
    con: duckdb.DuckDBPyConnection, views: list[str], link_type: str, comparisons: list, rules: list, prior: list, recall: float, em: list
) -> str:  # fmt: skip
    api = DuckDBAPI(connection=con)
    settings = SettingsCreator(
        link_type=link_type, comparisons=comparisons, blocking_rules_to_generate_predictions=rules
    )
    tables = [api.register(view) for view in views]
    linker = Linker(tables if len(tables) > 1 else tables[0], settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match(prior, recall=recall)
    linker.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=1)
    for rule in em:
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    predictions = linker.inference.predict(threshold_match_probability=0.01)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(predictions, CLUSTER_PROBABILITY)
    return str(clusters.physical_name)


FEBRL_COLUMNS = """record AS unique_id, trim(given_name) AS given_name, trim(surname) AS surname, trim(date_of_birth) AS date_of_birth,
    trim(soc_sec_id) AS soc_sec_id, trim(street_number) AS street_number, trim(address_1) AS address_1, trim(postcode) AS postcode, trim(suburb) AS suburb"""


def _febrl(con: duckdb.DuckDBPyConnection, views: list[str], link_type: str) -> str:
    return _run(
        con,
        views,
        link_type,
        [
            cl.NameComparison("given_name"),
            cl.NameComparison("surname"),
            cl.DamerauLevenshteinAtThresholds("date_of_birth", [1, 2]),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.ExactMatch("street_number"),
            cl.JaroWinklerAtThresholds("address_1", [0.9]),
            cl.DamerauLevenshteinAtThresholds("postcode", [1]),
            cl.JaroWinklerAtThresholds("suburb", [0.9]),
        ],
        [
            block_on("soc_sec_id"),
            block_on("given_name", "surname"),
            block_on("surname", "date_of_birth"),
            block_on("given_name", "date_of_birth"),
            block_on("postcode", "surname"),
            block_on("postcode", "given_name"),
        ],
        [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")],
        0.9,
        [block_on("soc_sec_id"), block_on("date_of_birth"), block_on("given_name", "surname")],
    )


def febrl3(con: duckdb.DuckDBPyConnection) -> str:
    con.execute(f"CREATE OR REPLACE VIEW plain AS SELECT {FEBRL_COLUMNS} FROM records")
    return _febrl(con, ["plain"], "dedupe_only")


def febrl4(con: duckdb.DuckDBPyConnection) -> str:
    for name in ("dataset4a", "dataset4b"):
        con.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT {FEBRL_COLUMNS} FROM records WHERE source = '{name}'")
    return _febrl(con, ["dataset4a", "dataset4b"], "link_only")


def pseudopeople_census_acs(con: duckdb.DuckDBPyConnection) -> str:
    columns = """record AS unique_id, first_name, middle_initial, last_name, date_of_birth, sex, race_ethnicity,
        street_number || ' ' || street_name AS address"""
    for name in ("census", "acs"):
        con.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT {columns} FROM records WHERE source = '{name}'")
    return _run(
        con,
        ["census", "acs"],
        "link_only",
        [
            cl.NameComparison("first_name"),
            cl.ExactMatch("middle_initial"),
            cl.NameComparison("last_name"),
            cl.DamerauLevenshteinAtThresholds("date_of_birth", [1, 2]),
            cl.ExactMatch("sex"),
            cl.ExactMatch("race_ethnicity"),
            cl.JaroWinklerAtThresholds("address", [0.9]),
        ],
        [
            block_on("first_name", "last_name"),
            block_on("date_of_birth"),
            block_on("address"),
            block_on("first_name", "middle_initial", "sex"),
        ],
        [block_on("first_name", "last_name", "date_of_birth")],
        0.7,
        [block_on("first_name", "last_name"), block_on("date_of_birth"), block_on("address")],
    )


def pseudopeople_taxes(con: duckdb.DuckDBPyConnection) -> str:
    con.execute(
        """CREATE OR REPLACE VIEW plain AS SELECT record AS unique_id, first_name, last_name, sex, ssn,
        left(coalesce(middle_initial, middle_name), 1) AS middle_initial,
        coalesce(try_strptime(date_of_birth, '%m/%d/%Y'), try_strptime(date_of_birth, '%Y%m%d'))::DATE AS birth_date,
        coalesce(street_number || ' ' || street_name, mailing_address_street_number || ' ' || mailing_address_street_name) AS address
        FROM records"""
    )
    return _run(
        con,
        ["plain"],
        "dedupe_only",
        [
            cl.NameComparison("first_name"),
            cl.ExactMatch("middle_initial"),
            cl.NameComparison("last_name"),
            cl.DateOfBirthComparison("birth_date", input_is_string=False),
            cl.ExactMatch("sex"),
            cl.DamerauLevenshteinAtThresholds("ssn", [1]),
            cl.JaroWinklerAtThresholds("address", [0.9]),
        ],
        [
            block_on("ssn"),
            block_on("first_name", "last_name"),
            block_on("birth_date", "last_name"),
            block_on("birth_date", "first_name"),
            block_on("address", "first_name"),
        ],
        [block_on("ssn", "last_name")],
        0.5,
        [block_on("ssn"), block_on("first_name", "last_name"), block_on("birth_date")],
    )


PLAIN: dict[str, Callable[[duckdb.DuckDBPyConnection], str]] = {
    f.__name__: f for f in (febrl3, febrl4, pseudopeople_census_acs, pseudopeople_taxes)
}
