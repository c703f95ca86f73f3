"""The stage ``register``: the records of each person become one golden person, the members' places a golden household."""

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.run import StageContext, Summary
from linkage.kernel.switches import load_switches
from linkage.register.config import FieldRule, SurvivorshipConfig
from linkage.register.survivorship import choose, drop_values

SQL_PACKAGE = "linkage.register"
COMPARED = (
    "identity_number", "full_name", "former_name", "sex", "birth_date", "ethnicity", "nationality", "marital_status",
    "education", "phone", "hukou_address", "residence_address", "household_number", "tenure", "status",
    "residence_community", "dwelling_code", "grid_code",
)  # fmt: skip
# They come with the residence address, and change also where others' records name another code for it.
VALUE_OF = dict.fromkeys(("residence_community", "dwelling_code", "grid_code"), "residence_address")
SCRATCH = (
    "person_records", "dwelling_texts", "home_keys", "name_plausibility", "golden_numbers", "golden_wide", "winning_places",
    "dwelling_facts", "person_facts", "status_evidence", "person_status", "statements", "first_nights", "persons", "households", "changed_fields", "field_events", "events",
)  # fmt: skip


def run(context: StageContext) -> Summary:
    """Write persons, households, members, values, statements and events."""
    config = read_config(context.config_dir / "survivorship.yaml", SurvivorshipConfig)
    engine = context.engine
    engine.read("common_records", context.input("gate_incoming", "common_records"))
    for table in ("links", "household_links", "members", "household_evidence"):
        engine.read(table, context.input("resolve", table))
    engine.read("resolve_events", context.input("resolve", "events"))
    engine.read("record_changes", context.input("resolve", "record_changes"))
    for table in ("persons", "history"):
        engine.read_or_empty(f"previous_{table}", table, context.previous_release)

    engine.run_sql(SQL_PACKAGE, "person_records")
    _choose_values(engine, config)
    rules = {
        "death_certain": list(config.status.death_certain),
        "moved_away_feeds": list(config.status.moved_away_feeds),
    }
    engine.run_sql(SQL_PACKAGE, "person_status", rules | {"night": context.night})
    engine.run_sql(SQL_PACKAGE, "statements", rules)
    engine.run_sql(SQL_PACKAGE, "first_nights")
    engine.run_sql(SQL_PACKAGE, "persons", {"night": context.night})
    engine.run_sql(SQL_PACKAGE, "households")
    _make_events(context)

    counts = {table: context.write(table) for table in ("persons", "households", "members", "statements", "events")}
    status = {
        row["status"]: row["n"]
        for row in engine.rows("SELECT status, count(*) AS n FROM persons GROUP BY 1 ORDER BY 1")
    }
    # The values are by far the largest table: to put it in order, all else makes room.
    for table in SCRATCH:
        engine.con.execute(f"DROP TABLE IF EXISTS {table}")
    counts["values"] = context.write("values", source="all_values")
    contested = engine.scalar("SELECT count(*) FROM all_values WHERE NOT won AND reason <> 'same_as_winner'")
    drop_values(engine, [rule.field for rule in config.fields])
    return counts | {"status": status, "losing_values": contested}


def _choose_values(engine: Engine, config: SurvivorshipConfig) -> None:
    """Every field's winner; the identity number first, because birth date and sex are checked against it."""
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE golden_numbers (person_id VARCHAR, birth_date DATE, sex VARCHAR, identity_kind VARCHAR, identity_grade VARCHAR)"
    )
    engine.con.execute("SET VARIABLE standard_variants = $characters", {"characters": config.standard_variants})
    engine.run_sql(SQL_PACKAGE, "name_plausibility")
    engine.run_sql(SQL_PACKAGE, "candidates")
    for number, rule in enumerate(rules := _rules_in_order(config)):
        choose(engine, rule, [chosen.field for chosen in rules[:number]])
        if rule.field == "identity_number":
            engine.run_sql(SQL_PACKAGE, "golden_numbers")


def _rules_in_order(config: SurvivorshipConfig) -> list[FieldRule]:
    return sorted(config.fields, key=lambda rule: rule.field != "identity_number")


def _make_events(context: StageContext) -> None:
    """The resolver's events and one ``field_changed`` per golden field that differs from the release before."""
    engine = context.engine
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE changed_fields (person_id VARCHAR, field VARCHAR, record_key VARCHAR)"
    )
    for field in COMPARED:
        engine.con.execute(
            f"""INSERT INTO changed_fields
            SELECT n.person_id, '{field}', g.source || ':' || g.record_id
            FROM persons n JOIN previous_persons o USING (person_id)
            LEFT JOIN golden_values g ON g.person_id = n.person_id AND g.field = '{VALUE_OF.get(field, field)}'
            WHERE n.{quote_name(field)} IS DISTINCT FROM o.{quote_name(field)}"""
        )
    load_switches(context)
    engine.run_sql(SQL_PACKAGE, "field_events", {"night": context.night.isoformat()})
