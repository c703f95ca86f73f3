"""Rows of a slice of an earlier release without persons whose processing has been restricted since, as a slice of today leaves them out."""

from collections.abc import Collection, Sequence

from linkage.kernel.engine import quote_name, quote_text

KNOWN_BY = {"persons": ("person_id",), "households": ("household_id",), "notices": ("person_id", "new_person_id")}
"""Columns of each table by which its rows are told to be about a person or a household."""


def can_hide(table: str, columns: Collection[str]) -> bool:
    """Whether rows about certain persons can be told from the columns that were released; otherwise the file is not delivered."""
    return table in KNOWN_BY and set(KNOWN_BY[table]) <= set(columns)


def hiding_sql(table: str, columns: Sequence[str], hidden: Sequence[str]) -> str:
    """SQL over ``sliced`` without the persons ``hidden``. Of households the tables ``members`` and ``restricted`` of the same release are
    read: whoever is hidden, and was not then already, is neither head nor counted, and a household of nobody else is left out."""
    ids = ", ".join(map(quote_text, hidden))
    if table != "households":
        about = " AND ".join(f"coalesce({quote_name(name)} NOT IN ({ids}), true)" for name in KNOWN_BY[table])
        return f"SELECT * FROM sliced WHERE {about}"
    replaced = []
    if "head_person_id" in columns:
        replaced.append(f"CASE WHEN s.head_person_id IN ({ids}) THEN NULL ELSE s.head_person_id END AS head_person_id")
    if "members" in columns:
        replaced.append("CAST(s.members - coalesce(x.hidden, 0) AS INTEGER) AS members")
    chosen = "s.*" + (f" REPLACE ({', '.join(replaced)})" if replaced else "")
    return (
        f"SELECT {chosen} FROM sliced s LEFT JOIN (SELECT household_id, count(*) FILTER (person_id IN ({ids})) AS hidden, count(*) AS persons "
        "FROM members WHERE valid_to IS NULL AND person_id NOT IN (SELECT person_id FROM restricted) GROUP BY household_id) x USING (household_id) WHERE x.hidden IS NULL OR x.hidden = 0 OR x.hidden < x.persons"
    )
