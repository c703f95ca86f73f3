"""Empty tables by contract, and rows of Python into them (for the small tables of a stage)."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from linkage.kernel.contracts import contract
from linkage.kernel.engine import Engine, quote_name


def create_table(engine: Engine, contract_name: str, name: str) -> None:
    """Make the empty temp table ``name`` with the columns of a contract."""
    columns = ", ".join(f"{quote_name(f.name)} {f.type}" for f in contract(contract_name).fields)
    engine.con.execute(f"CREATE OR REPLACE TEMP TABLE {quote_name(name)} ({columns})")


def fill_table(engine: Engine, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Make the temp table ``table`` by its contract and fill the columns ``names``."""
    create_table(engine, table, table)
    if rows:
        listed = ", ".join(quote_name(n) for n in names)
        types = engine.arrow(f"SELECT {listed} FROM {table}").schema.types
        columns = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), types, strict=True)]
        engine.load_arrow("filled_rows", pa.table(columns, names=list(names)))
        engine.con.execute(f"INSERT INTO {table} ({listed}) FROM filled_rows")
        engine.con.execute("DROP TABLE filled_rows")
