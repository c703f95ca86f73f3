"""The state that people make: one SQL database (SQLite by default, PostgreSQL in production)."""

import os
from functools import cache

import sqlalchemy as sa

from linkage.kernel.run import State

metadata = sa.MetaData()

judgements_table = sa.Table(
    "judgements",
    metadata,
    sa.Column("judgement_id", sa.String(16), primary_key=True),
    sa.Column("record_key_l", sa.String(200), nullable=False, index=True),
    sa.Column("record_key_r", sa.String(200), nullable=False, index=True),
    sa.Column("verdict", sa.String(10), nullable=False),
    sa.Column("reader", sa.String(100), nullable=False),
    sa.Column("decided_at", sa.DateTime, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)


def open_database(state: State) -> sa.Engine:
    """The state database, with its tables made if they are not there yet."""
    state.root.mkdir(parents=True, exist_ok=True)
    return _open(state.database_url)


@cache
def _open(url: str) -> sa.Engine:
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _harden_sqlite)
    metadata.create_all(engine)
    return engine


def _harden_sqlite(connection: object, record: object) -> None:
    """WAL and full synchronisation: a judgement survives a power cut."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def create_database(url: str) -> None:
    """Create the state database named in a PostgreSQL ``url`` if it is not there, and its tables."""
    target = sa.engine.make_url(url)
    if target.get_backend_name() == "postgresql":
        server = sa.create_engine(target.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            found = connection.execute(
                sa.text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": target.database}
            ).first()
            if found is None:
                connection.execute(sa.text(f'CREATE DATABASE "{target.database}"'))
        server.dispose()
    _open(url)


if __name__ == "__main__":
    create_database(os.environ["GRIDROLL_DATABASE_URL"])
