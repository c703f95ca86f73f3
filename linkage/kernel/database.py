"""The state that people make: one SQL database (SQLite by default, PostgreSQL in production)."""

import hashlib
import os
from contextlib import suppress
from functools import cache
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import DATABASE_ENVIRONMENT, State, make_private

MIGRATIONS = Path(__file__).parent / "migrations"
# A name of its own: Airflow keeps its version in alembic_version, and both may share one database.
VERSION_TABLE = "gridroll_version"
MIGRATION_LOCK = 0x67726964  # any number that nobody else locks: "grid"


def rows_hash(rows: pa.Table) -> str:
    """SHA-256 over all rows, in their order: what a plan says of the decisions it knows."""
    digest = hashlib.sha256()
    for row in rows.to_pylist():
        digest.update(repr(sorted(row.items())).encode())
    return digest.hexdigest()


def open_database(state: State) -> sa.Engine:
    """The state database, brought to the newest version of its tables. Raises ConfigurationError when it cannot be."""
    if state.database_url.startswith("sqlite"):
        make_private(state.root)
    return _open(state.database_url)


def _for_its_owner_alone(url: str) -> None:
    """Make the file of a new SQLite database with mode 0600: it holds what people sent back and decided, and hashes of passwords."""
    name = sa.make_url(url).database
    if name and name != ":memory:" and not Path(name).exists():
        with suppress(OSError):  # SQLite says what is wrong
            Path(name).touch(mode=0o600)


@cache
def _open(url: str) -> sa.Engine:
    try:
        if url.startswith("sqlite"):
            _for_its_owner_alone(url)
        engine = sa.create_engine(url)
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _harden_sqlite)
        migrate(engine)
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise ConfigurationError(
            f"The state database {_without_password(url)} cannot be opened ({type(error).__name__}).",
            remedy=f"Check {DATABASE_ENVIRONMENT}: driver, host, database, user and password; see docs/operations.md.",
        ) from None
    return engine


def migrate(engine: sa.Engine) -> None:
    """Run the migrations the database has not seen. Processes that open it at once take turns; a database that is up to
    date is only read."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    newest = ScriptDirectory.from_config(config).get_current_head()
    with engine.connect() as connection:
        if _version(connection) == newest:
            return
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        elif engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        if _version(connection) != newest:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        connection.commit()


def _version(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _without_password(url: str) -> str:
    try:
        return sa.engine.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "(no SQLAlchemy URL)"


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
    create_database(os.environ[DATABASE_ENVIRONMENT])
