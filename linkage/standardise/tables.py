"""Small tables that Python hands to the engine as a whole."""

from collections.abc import Sequence

import pyarrow as pa

from linkage.kernel.engine import Engine, quote_name


def create_text_table(engine: Engine, name: str, columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> None:
    """Make the temp table ``name`` with text ``columns`` from ``rows`` (distinct; null stays null)."""
    by_column = zip(*rows, strict=True) if rows else [() for _ in columns]
    arrays = [pa.array(list(values), pa.string()) for values in by_column]
    create_table(engine, name, pa.table(arrays, names=list(columns)), distinct=True)


def create_table(engine: Engine, name: str, table: pa.Table, *, distinct: bool = False) -> None:
    """Make the temp table ``name`` from an Arrow table."""
    view = f"{name}_arrow"
    engine.con.register(view, table)
    try:
        what = "DISTINCT *" if distinct else "*"
        engine.con.execute(f"CREATE OR REPLACE TEMP TABLE {quote_name(name)} AS SELECT {what} FROM {quote_name(view)}")
    finally:
        engine.con.unregister(view)
