"""The stage ``resolve``: scored pairs, judgements and yesterday's ids become persons and households of tonight."""

import json
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow as pa

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine
from linkage.kernel.ids import new_id
from linkage.kernel.pair_rules import PairRules, read_pair_rules
from linkage.kernel.run import StageContext, Summary
from linkage.kernel.switches import load_switches
from linkage.resolve.clusters import Clusters, Edges, Refusal, resolve_clusters, weakly_bridged
from linkage.resolve.config import HouseholdsConfig, PersonsConfig, ResolveConfig
from linkage.resolve.duplicate_free import forbid_duplicates
from linkage.resolve.judgements import account_for_judgements, apply_judgements, count_judgements
from linkage.resolve.thresholds import make_pair_thresholds

SQL_PACKAGE = "linkage.resolve"
PREVIOUS_TABLES = ("members", "households", "retired_ids", "former_households")
RENUMBERED_TABLES = ("crosswalk", "former_records", "persons")
OUTPUTS = (
    "links",
    "household_links",
    "members",
    "household_evidence",
    "events",
    "record_changes",
    "retired_ids",
    "former_records",
    "former_households",
    "review_cases",
    "judgement_status",
    "notices",
)


def run(context: StageContext) -> Summary:
    """Write the tables named in OUTPUTS."""
    engine = context.engine
    config = read_config(context.config_dir / "resolve.yaml", ResolveConfig)
    rules = read_pair_rules(context.config_dir / "match.yaml")
    district = str(json.loads((context.run_dir / "run.json").read_text(encoding="utf-8"))["district"])
    engine.read("common_records", context.input("gate_incoming", "common_records"))
    engine.load("scored_pairs", context.input("match", "scored_pairs"))
    apply_judgements(engine, context.run_dir, context.previous_release)
    _read_previous(engine, context.previous_release)

    clusters = cluster_records(engine, config.persons, rules)
    assign_person_ids(engine, clusters, district, context.id_scope)
    engine.run_sql(SQL_PACKAGE, "links")
    engine.run_sql(SQL_PACKAGE, "person_changes", {"night": context.night.isoformat()})
    _households(engine, config, district, context.night.isoformat(), context.id_scope)
    _retire_and_log(context)
    explain_refusals(engine, rules)
    account_for_judgements(engine, context.night.isoformat())
    _review_cases(engine, config, rules)
    counts = {table: context.write(table) for table in OUTPUTS}
    return _summary(engine, counts, clusters)


def _read_previous(engine: Engine, previous: Path | None) -> None:
    """Views of yesterday's release, empty on the first night."""
    for table in PREVIOUS_TABLES:
        engine.read_or_empty(f"previous_{table}", table, previous)
    for table in RENUMBERED_TABLES:
        engine.read_or_empty(f"{table}_before", table, previous)
    engine.con.execute("CREATE OR REPLACE TEMP VIEW records_before AS SELECT * FROM crosswalk_before")
    engine.con.execute("CREATE OR REPLACE TEMP VIEW records_now AS SELECT * FROM common_records")
    engine.run_sql("linkage.kernel", "renumbered_records")
    engine.run_sql(SQL_PACKAGE, "previous_records")
    engine.run_sql(SQL_PACKAGE, "previous_release")


def cluster_records(engine: Engine, config: PersonsConfig, rules: PairRules) -> Clusters:
    """Cluster ``common_records`` by ``scored_pairs`` and judgements; leaves the temp tables nodes, edges, clustered_nodes, refused_nodes and bridged_nodes."""
    make_pair_thresholds(engine, rules)
    engine.run_sql("linkage.kernel", "good_number")
    engine.run_sql(
        SQL_PACKAGE,
        "edges",
        {
            "join_match_weight": rules.join_match_weight,
            "keep_match_weight": rules.keep_match_weight,
            "cannot_link_guards": list(rules.cannot_link_guards),
        },
    )
    forbid_duplicates(engine, rules.policy)
    table = engine.arrow("SELECT * FROM edges WHERE joins OR cannot_link ORDER BY node_l, node_r")
    column = {
        name: table[name].to_numpy()
        for name in ("node_l", "node_r", "match_weight", "must_link", "cannot_link", "joins")
    }
    edges = Edges(
        left=column["node_l"].astype(np.int64),
        right=column["node_r"].astype(np.int64),
        match_weight=np.nan_to_num(column["match_weight"].astype(np.float64)),
        must_link=column["must_link"].astype(bool),
        cannot_link=column["cannot_link"].astype(bool),
        joins=column["joins"].astype(bool),
    )
    numbers = np.array(
        engine.arrow("SELECT good_number FROM nodes ORDER BY node")["good_number"].to_pylist(), dtype=object
    )
    clusters = resolve_clusters(len(numbers), edges, numbers, exact_up_to=config.exact_component_records)
    engine.load_arrow("node_clusters", pa.table({"node": np.arange(len(numbers)), "cluster": clusters.label}))
    engine.run_sql(SQL_PACKAGE, "clustered_nodes")
    bridged = weakly_bridged(len(numbers), edges, clusters.label, config.bridge_match_weight)
    engine.load_arrow(
        "bridged_nodes", pa.table({"node": pa.array([n for nodes in bridged for n in nodes], pa.int64())})
    )
    refused = {
        f.name: pa.array(
            [getattr(r, f.name) for r in clusters.refused], pa.float64() if f.type is float else pa.int64()
        )
        for f in fields(Refusal)
    }
    engine.load_arrow("refused_nodes", pa.table(refused))
    return clusters


def assign_person_ids(engine: Engine, clusters: Clusters, district: str, id_scope: str) -> None:
    """Give each cluster yesterday's id, a retired one that comes back, or a new one; leaves ``cluster_ids(cluster, person_id, is_new)`` and ``person_nodes``."""
    engine.run_sql(SQL_PACKAGE, "person_claims")
    while engine.scalar("SELECT count(*) FROM claims"):  # each round settles at least one
        engine.run_sql(SQL_PACKAGE, "kept_ids")
    engine.run_sql(SQL_PACKAGE, "revived_ids")
    fresh = engine.arrow("SELECT cluster, first_key FROM new_clusters ORDER BY cluster")
    ids = [new_id("P", district, id_scope, key) for key in fresh["first_key"].to_pylist()]
    engine.load_arrow("fresh_ids", pa.table({"cluster": fresh["cluster"], "person_id": pa.array(ids, pa.string())}))
    engine.run_sql(SQL_PACKAGE, "cluster_ids")
    engine.run_sql(SQL_PACKAGE, "person_nodes")


def _households(engine: Engine, config: ResolveConfig, district: str, night: str, id_scope: str) -> None:
    """Find households and their members; leaves household_links, members and household_events."""
    _read_residence_evidence(engine, config.households)
    family = config.households.family_evidence
    engine.run_sql(SQL_PACKAGE, "hukou_evidence", {"night": night})
    engine.run_sql(SQL_PACKAGE, "residence_claims")
    engine.run_sql(
        SQL_PACKAGE,
        "family_ties",
        {"same_head_points": family.same_head_points, "minor_points": family.minor_points, "night": night},
    )
    engine.run_sql(
        SQL_PACKAGE,
        "residence_choices",
        {"settled_points": family.settled_points, "family_points": family.most_points},
    )
    engine.run_sql(
        SQL_PACKAGE,
        "household_groups",
        {
            "collective_members": config.households.collective_members,
            "collective_unrelated_members": config.households.collective_unrelated_members,
        },
    )
    engine.run_sql(SQL_PACKAGE, "household_heads")
    engine.run_sql(SQL_PACKAGE, "relations", {"composition": str(files(SQL_PACKAGE) / "relation_composition.csv")})
    engine.run_sql(SQL_PACKAGE, "household_claims")
    while engine.scalar("SELECT count(*) FROM household_claims"):
        engine.run_sql(SQL_PACKAGE, "kept_household_ids")
    engine.run_sql(SQL_PACKAGE, "revived_household_ids")
    fresh = engine.arrow("SELECT * FROM new_households ORDER BY family, basis_key")
    ids = [
        new_id("H", district, id_scope, family, person)
        for family, person in zip(fresh["family"].to_pylist(), fresh["first_person"].to_pylist(), strict=True)
    ]
    engine.load_arrow(
        "fresh_household_ids",
        pa.table(
            {"family": fresh["family"], "basis_key": fresh["basis_key"], "household_id": pa.array(ids, pa.string())}
        ),
    )
    engine.run_sql(SQL_PACKAGE, "household_id_map")
    engine.run_sql(SQL_PACKAGE, "members", {"night": night})
    engine.run_sql(SQL_PACKAGE, "household_evidence")
    engine.run_sql(SQL_PACKAGE, "household_changes")


def _read_residence_evidence(engine: Engine, config: HouseholdsConfig) -> None:
    """Make ``residence_evidence(feed, use, presence, points)`` of the configuration."""
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE residence_evidence (feed VARCHAR, use VARCHAR, presence VARCHAR[], points DOUBLE)"
    )
    rows = [(e.feed, e.use, list(e.presence) if e.presence else None, e.points) for e in config.residence_evidence]
    engine.con.executemany("INSERT INTO residence_evidence VALUES (?, ?, ?, ?)", rows)


def _retire_and_log(context: StageContext) -> None:
    """Make the cumulative retired_ids with what their return takes, record_changes, and events with their causes."""
    engine, night = context.engine, {"night": context.night.isoformat()}
    engine.run_sql(SQL_PACKAGE, "retired_ids", night)
    engine.run_sql(SQL_PACKAGE, "record_changes")
    load_switches(context)
    engine.run_sql(SQL_PACKAGE, "events", night)


def explain_refusals(engine: Engine, rules: PairRules) -> None:
    """Make ``refused_pairs``: what the clusters had to give up, and the constraint in words."""
    columns = zip(*rules.guard_texts, strict=True) if rules.guard_texts else ((), (), ())
    texts = {name: pa.array(values, pa.string()) for name, values in zip(("guard", "zh", "en"), columns, strict=True)}
    engine.load_arrow("guard_texts", pa.table(texts))
    engine.run_sql(SQL_PACKAGE, "guard_sentences")
    engine.run_sql(SQL_PACKAGE, "refused_pairs")


def _review_cases(engine: Engine, config: ResolveConfig, rules: PairRules) -> None:
    engine.run_sql(
        SQL_PACKAGE,
        "review_cases",
        {
            "review_match_weight": rules.review_match_weight,
            "join_match_weight": rules.join_match_weight,
            "cannot_link_guards": list(rules.cannot_link_guards),
            "oversized_cluster_records": config.persons.oversized_cluster_records,
        },
    )
    engine.con.execute("ALTER TABLE review_cases ADD COLUMN case_id VARCHAR")
    engine.con.execute(
        "UPDATE review_cases SET case_id = 'C' || left(sha256(kind || ' ' || array_to_string(records, ' ')), 16)"
    )


def _summary(engine: Engine, counts: dict[str, int], clusters: Clusters) -> Summary:
    events = {
        row["kind"]: row["n"]
        for row in engine.rows("SELECT kind, count(*) AS n FROM events WHERE subject = 'person' GROUP BY kind")
    }
    unchanged = engine.rows(
        "SELECT count(*) AS n, count(*) FILTER (kept) AS kept FROM (SELECT any_value(q.quiet) AS quiet, "
        "bool_and(l.person_id IS NOT DISTINCT FROM q.previous_person_id) AS kept FROM quiet_persons q "
        "JOIN previous_crosswalk p ON p.person_id = q.previous_person_id "
        "LEFT JOIN links l USING (source, record_id) GROUP BY q.previous_person_id) WHERE quiet"
    )[0]
    return {
        "persons": engine.scalar("SELECT count(DISTINCT person_id) FROM links"),
        "persons_before": engine.scalar("SELECT count(*) FROM previous_persons"),
        "persons_unchanged": unchanged["n"],
        "persons_unchanged_with_their_id": unchanged["kept"],
        "persons_new": events.get("appeared", 0),
        "persons_merged": events.get("merged_into", 0),
        "persons_split": events.get("split_from", 0),
        "persons_ended": events.get("ended", 0),
        "persons_revived": events.get("revived", 0),
        "components_in_conflict": clusters.conflicts,
        "pairs_refused": len(clusters.refused),
        "households": counts["household_links"],
        "records": counts["links"],
        "records_renumbered": engine.scalar("SELECT count(*) FROM renumbered_records"),
        "review_cases": counts["review_cases"],
    } | count_judgements(engine)
