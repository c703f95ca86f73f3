"""Which rows of a slice are given today: a release stays as it was signed, what is given of it follows what is allowed now.

Left out are persons whose processing has been restricted since, and rows that the department, or the account's area, is not given by today's
rule (linkage/release/scope.py), though the slice was made under a wider one.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path

from linkage.kernel.engine import Engine, quote_name, quote_text
from linkage.release.scope import Scope

SQL_PACKAGE = "linkage.release"
INPUTS = ("persons", "households", "members", "restricted", "notices")
"""Tables of the release that the rule is read from."""
KNOWN_BY = {"persons": ("person_id",), "households": ("household_id",), "notices": ("person_id", "new_person_id")}
"""Columns of each table by which its rows are told to be about a person or a household."""
MEMORY_LIMIT, THREADS = "512MB", 1


def can_leave_out(table: str, columns: Collection[str]) -> bool:
    """Whether rows about certain persons can be told from the columns that were released; otherwise the file is not delivered."""
    return table in KNOWN_BY and set(KNOWN_BY[table]) <= set(columns)


@lru_cache(maxsize=4096)
def allowed_count(release: Path, scope: Scope, table: str) -> int:
    """Rows of ``table`` that ``scope`` gives of a release (which never changes): fewer than the slice has when that was made under a wider rule."""
    with Engine(threads=THREADS, memory_limit=MEMORY_LIMIT) as engine:
        read_shared(engine, release)
        return int(engine.scalar(f"SELECT count(*) FROM shared_{table} WHERE {scope.where_sql(table)}"))


def read_shared(engine: Engine, release: Path) -> None:
    """Make the release's tables readable, and as shared_<table> what departments saw of them then."""
    for table in INPUTS:
        engine.read(table, release / f"{table}.parquet")
    for view in ("shared_persons", "shared_households", "shared_notices"):
        engine.run_sql(SQL_PACKAGE, view)


def read_allowed(engine: Engine, release: Path, scope: Scope, table: str, hidden: Sequence[str]) -> None:
    """Make the table ``allowed``: the keys that ``scope`` gives, were the persons ``hidden`` restricted then already. Needs ``read_shared``."""
    restricted = release / "restricted.parquet"
    engine.con.execute("CREATE OR REPLACE TEMP TABLE hidden (person_id VARCHAR)")
    engine.con.execute("INSERT INTO hidden SELECT unnest($ids)", {"ids": list(hidden)})
    engine.con.execute(
        f"CREATE OR REPLACE TEMP VIEW restricted AS SELECT person_id FROM read_parquet({quote_text(restricted)}) UNION FROM hidden"
    )
    keys = ", ".join(map(quote_name, KNOWN_BY[table]))
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE allowed AS SELECT {keys} FROM shared_{table} WHERE {scope.where_sql(table)}"
    )
    engine.read("restricted", restricted)


def allowed_sql(table: str, view: str, *, is_delta: bool) -> str:
    """SQL of the rows of ``view`` that stand in ``allowed``. A delta's ``ended`` rows, ids alone of what was given once, stay."""
    keys = ", ".join(map(quote_name, KNOWN_BY[table]))
    ended = "change = 'ended' OR " if is_delta else ""
    return f"SELECT * FROM {view} WHERE {ended}({keys}) IN (SELECT {'(' + keys + ')' if ',' in keys else keys} FROM allowed)"


def hiding_sql(table: str, columns: Sequence[str], hidden: Sequence[str], view: str) -> str:
    """SQL over ``view`` without the persons ``hidden``. Of households the tables ``members`` and ``restricted`` of the same release are
    read: whoever is hidden, and was not then already, is neither head nor counted, and a household of nobody else is left out."""
    ids = ", ".join(map(quote_text, hidden))
    if table != "households":
        about = " AND ".join(f"coalesce({quote_name(name)} NOT IN ({ids}), true)" for name in KNOWN_BY[table])
        return f"SELECT * FROM {view} WHERE {about}"
    replaced = []
    if "head_person_id" in columns:
        replaced.append(f"CASE WHEN s.head_person_id IN ({ids}) THEN NULL ELSE s.head_person_id END AS head_person_id")
    if "members" in columns:
        replaced.append("CAST(s.members - coalesce(x.hidden, 0) AS INTEGER) AS members")
    chosen = "s.*" + (f" REPLACE ({', '.join(replaced)})" if replaced else "")
    return (
        f"SELECT {chosen} FROM {view} s LEFT JOIN (SELECT household_id, count(*) FILTER (person_id IN ({ids})) AS hidden, count(*) AS persons "
        "FROM members WHERE valid_to IS NULL AND person_id NOT IN (SELECT person_id FROM restricted) GROUP BY household_id) x USING (household_id) WHERE x.hidden IS NULL OR x.hidden = 0 OR x.hidden < x.persons"
    )
