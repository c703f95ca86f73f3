"""Survivorship of one field: every candidate ranked by the field's criteria, winners and losers with the reason.

The SQL is composed from declared names only: a field, its criteria, and the rank of each feed.
"""

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


def make_value_tables(engine: Engine) -> None:
    """The empty tables ``values`` (all candidates) and ``golden_values`` (winners)."""
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE all_values (person_id VARCHAR, field VARCHAR, value VARCHAR, source VARCHAR, "
        "record_id VARCHAR, observed_on DATE, won BOOLEAN, reason VARCHAR)"
    )
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE golden_values (person_id VARCHAR, field VARCHAR, value VARCHAR, source VARCHAR, record_id VARCHAR)"
    )


def choose(engine: Engine, rule: FieldRule) -> None:
    """Rank the candidates of ``rule.field``; appends to ``all_values`` and ``golden_values``."""
    engine.con.execute(ranked_sql(rule))
    field = quote_text(rule.field)
    engine.con.execute(
        f"INSERT INTO all_values SELECT person_id, {field}, value, source, record_id, observed_on, place = 1, reason FROM reasoned"
    )
    engine.con.execute(
        f"INSERT INTO golden_values SELECT person_id, {field}, value, source, record_id FROM reasoned WHERE place = 1"
    )
    engine.con.execute("DROP TABLE reasoned")


def ranked_sql(rule: FieldRule) -> str:
    """SQL that makes ``reasoned``: each candidate with its place and why it won or lost.

    A loser's reason is the first criterion in which it falls behind the winner; a winner's is the one by which it beat
    the best candidate with another value.
    """
    trust = " ".join(f"WHEN {quote_text(feed)} THEN {len(rule.trust) - i}" for i, feed in enumerate(rule.trust))
    order = ", ".join(f"{EXPRESSIONS[criterion]} DESC" for criterion in rule.order)
    window = f"(PARTITION BY person_id ORDER BY {order}, value, source, record_id)"
    winners = ", ".join(f"first_value({EXPRESSIONS[c]}) OVER {window} AS best_{c}" for c in rule.order)
    lost = " ".join(f"WHEN {EXPRESSIONS[c]} < best_{c} THEN {quote_text(REASONS[c])}" for c in rule.order)
    return f"""CREATE OR REPLACE TEMP TABLE reasoned AS
    WITH trusted AS (
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
    SELECT l.person_id, l.value, l.source, l.record_id, l.observed_on, l.place,
           CASE WHEN l.place = 1 THEN coalesce(b.why, 'only_value') ELSE l.why END AS reason
    FROM lost l LEFT JOIN beaten b ON b.person_id = l.person_id"""
