"""Survivorship of one field: every candidate ranked by the field's criteria, winners and losers with the reason.

The SQL is composed from declared names only: a field, its criteria, and the rank of each feed.
"""

from collections.abc import Sequence

from linkage.kernel.engine import Engine, quote_name, quote_text
from linkage.register.config import Criterion, FieldRule

# Among plausible writings of a name the most trusted feed is worth two bits, the others less by their place in the list.
TRUST_BITS = 2.0
EXPRESSIONS: dict[Criterion, str] = {
    "validity": "validity",
    "plausibility": f"plausibility + {TRUST_BITS} * trust / most_trust",
    "trust": "trust",
    "agreement": "agreement",
    "recency": "coalesce(epoch(CAST(observed_on AS TIMESTAMP)), -1e18)",
}
REASONS: dict[Criterion, str] = {
    "validity": "validity_grade",
    "plausibility": "plausibility_and_trust",
    "trust": "source_trust",
    "agreement": "agreement",
    "recency": "recency",
}


def choose(engine: Engine, rule: FieldRule, chosen: Sequence[str]) -> None:
    """Rank the candidates of ``rule.field``; ``chosen`` are the fields ranked before.

    Leaves ``all_values`` (every candidate of every field so far, ``won`` or not) and ``golden_values`` (the winners). Both are
    views over one table per field: what is never appended to is made faster.
    """
    engine.con.execute(f"CREATE OR REPLACE TEMP TABLE {_table(rule.field)} AS {ranked_sql(rule)}")
    whole = " UNION ALL ".join(f"SELECT * FROM {_table(field)}" for field in (*chosen, rule.field))
    engine.con.execute(f"CREATE OR REPLACE TEMP VIEW all_values AS {whole}")
    engine.con.execute(
        "CREATE OR REPLACE TEMP VIEW golden_values AS SELECT person_id, field, value, source, record_id FROM all_values WHERE won"
    )


def drop_values(engine: Engine, chosen: Sequence[str]) -> None:
    """Give the memory back."""
    engine.con.execute("DROP VIEW golden_values")
    engine.con.execute("DROP VIEW all_values")
    for field in chosen:
        engine.con.execute(f"DROP TABLE {_table(field)}")


def _table(field: str) -> str:
    return quote_name(f"values_of_{field}")


def ranked_sql(rule: FieldRule) -> str:
    """SQL of each candidate of a field (a row as in the contract ``values``), with why it won or lost.

    A loser's reason is the first criterion in which it falls behind the winner; a winner's is the one by which it beat
    the best candidate with another value.
    """
    trust = " ".join(f"WHEN {quote_text(feed)} THEN {len(rule.trust) - i}" for i, feed in enumerate(rule.trust))
    order = ", ".join(f"{EXPRESSIONS[criterion]} DESC" for criterion in rule.order)
    window = f"(PARTITION BY person_id ORDER BY {order}, value, source, record_id)"
    winners = ", ".join(f"first_value({EXPRESSIONS[c]}) OVER {window} AS best_{c}" for c in rule.order)
    lost = " ".join(f"WHEN {EXPRESSIONS[c]} < best_{c} THEN {quote_text(REASONS[c])}" for c in rule.order)
    return f"""WITH trusted AS (
        SELECT *, {f"CASE feed {trust} ELSE 0 END" if trust else "0"} AS trust, {max(len(rule.trust), 1)} AS most_trust FROM {quote_name("candidates_" + rule.field)}
    ), agreed AS (
        SELECT t.*, a.agreement FROM trusted t
        JOIN (SELECT person_id, value, count(DISTINCT source) AS agreement FROM trusted GROUP BY ALL) a USING (person_id, value)
    ), placed AS (
        SELECT *, row_number() OVER {window} AS place, first_value(value) OVER {window} AS best_value, {winners} FROM agreed
    ), lost AS (
        SELECT *, CASE WHEN place = 1 THEN NULL WHEN value = best_value THEN 'same_as_winner' {lost} ELSE 'tie_break' END AS why FROM placed
    ), beaten AS (
        SELECT person_id, arg_min(why, place) AS why FROM lost WHERE value <> best_value GROUP BY person_id
    )
    SELECT l.person_id, {quote_text(rule.field)} AS field, l.value, l.source, l.record_id, l.observed_on, l.place = 1 AS won,
           CASE WHEN l.place = 1 THEN coalesce(b.why, 'only_value') ELSE l.why END AS reason
    FROM lost l LEFT JOIN beaten b ON b.person_id = l.person_id"""
