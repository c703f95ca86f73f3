"""Tables of which the database itself refuses to change or delete a row."""

from alembic import op


def refuse_changes(table: str, key: tuple[str, ...]) -> None:
    """From now on rows of ``table``, known by ``key``, are only ever added."""
    refusal = f"{table} is append-only"
    if op.get_bind().dialect.name == "sqlite":
        same = " AND ".join(f"{column} = NEW.{column}" for column in key)
        for name, when in {
            "no_update": f"BEFORE UPDATE ON {table}",
            "no_delete": f"BEFORE DELETE ON {table}",
            "no_replace": f"BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})",
        }.items():
            op.execute(f"CREATE TRIGGER {table}_{name} {when} BEGIN SELECT RAISE(ABORT, '{refusal}'); END")
    else:
        op.execute(
            f"CREATE FUNCTION refuse_to_change_{table}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_{table}()"
        )
