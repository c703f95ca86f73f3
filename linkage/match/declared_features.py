"""Features declared in the specification: any table can be linked, not only residents' records."""

from collections.abc import Mapping

import duckdb

from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.errors import ConfigurationError

RECORD_COLUMNS = ("record_key", "source", "feed")


def make_declared_features(engine: Engine, features: Mapping[str, str]) -> None:
    """Make ``match_features`` from the relation ``common_records``: each feature by its own SQL, in order.

    ``unique_id`` is the rank of the record key, so it does not depend on the order of input. Raises
    ConfigurationError that names the feature whose SQL cannot be run.
    """
    declared: list[str] = []
    for name, sql in features.items():
        declared.append(f"{sql} AS {quote_name(name)}")
        try:
            engine.con.execute(f"SELECT {', '.join(declared)} FROM common_records LIMIT 0")
        except duckdb.Error as error:
            raise ConfigurationError(
                f"features.{name}: {first_line(error)}", remedy="Correct its SQL, or name a column that the input has."
            ) from None
    columns = ", ".join([*RECORD_COLUMNS, *declared])
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE match_features AS SELECT row_number() OVER (ORDER BY record_key) AS unique_id, {columns} FROM common_records"
    )


def first_line(error: duckdb.Error) -> str:
    """What DuckDB says is wrong, without its drawing of the statement."""
    return str(error).split("\n", 1)[0]
