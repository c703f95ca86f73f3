"""A department's database view as a Parquet file, so that it lands and is read like any other file."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from linkage.kernel.errors import ConfigurationError, UnreadableInput
from linkage.kernel.source_config import Database, Feed


def write_view(feed: Feed, database: Database, path: Path) -> None:
    """Write the rows of the feed's query to ``path``.

    Raises ConfigurationError when the URL is not set or its driver is not installed, UnreadableInput when the database
    does not answer. Messages hold no part of the URL.
    """
    names, rows = _read_rows(feed, database)
    columns = [_column([row[i] for row in rows]) for i in range(len(names))]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns, names=names), path)


def _read_rows(feed: Feed, database: Database) -> tuple[list[str], Sequence[Sequence[Any]]]:
    url = os.environ.get(database.url_env)
    if not url:
        raise ConfigurationError(
            f"Feed {feed.feed}: the environment variable {database.url_env} is not set.",
            remedy="Set it to the SQLAlchemy URL of the department's database.",
        )
    try:
        engine = sa.create_engine(url)
    except ImportError as error:
        raise ConfigurationError(
            f"Feed {feed.feed}: the database driver {error.name!r} is not installed.",
            remedy=f"Install it into gridroll's environment, or name an installed one in {database.url_env} "
            "(postgresql+psycopg://..., sqlite:///...).",
        ) from None
    except sa.exc.ArgumentError as error:
        raise ConfigurationError(
            f"Feed {feed.feed}: {database.url_env} is no SQLAlchemy URL of a known database ({type(error).__name__}).",
            remedy="Write it as dialect+driver://user:password@host/database, e.g. postgresql+psycopg://...",
        ) from None
    try:
        with engine.connect() as connection:
            result = connection.execute(sa.text(database.query))
            return list(result.keys()), result.fetchall()
    except sa.exc.SQLAlchemyError as error:
        raise UnreadableInput(
            f"Feed {feed.feed}: the database could not be read ({type(error).__name__}).",
            remedy=f"Check {database.url_env} and the query in the department's YAML.",
        ) from None
    finally:
        engine.dispose()


def _column(values: list[Any]) -> pa.Array:
    """Text, except that floating point numbers stay what they are: they hold 15 digits, and the reader must know."""
    if all(value is None or isinstance(value, float) for value in values) and any(v is not None for v in values):
        return pa.array(values, pa.float64())
    return pa.array([None if value is None else str(value) for value in values], pa.string())
