"""How Alembic reaches the database: by the connection that ``linkage.kernel.database`` hands over."""

from alembic import context

from linkage.kernel.database import VERSION_TABLE
from linkage.kernel.state_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite cannot alter a table in place
)
with context.begin_transaction():
    context.run_migrations()
