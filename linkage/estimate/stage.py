"""The stage ``estimate``: how often linking is wrong, without truth, by subgroup, and who is linked worse than others."""

from dataclasses import asdict
from typing import Any

import pyarrow as pa

from linkage.estimate.config import EstimateConfig
from linkage.estimate.holdout import holdout_estimates, register_estimates
from linkage.estimate.judgements import judgement_estimates
from linkage.estimate.measured import Measured, is_worse
from linkage.kernel.config import read_config
from linkage.kernel.pair_rules import read_pair_rules
from linkage.kernel.run import StageContext, Summary

SQL_PACKAGE = "linkage.estimate"
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("method", "measure", "subgroup", "zh", "en")),
        *((name, pa.int64()) for name in ("position", "n", "errors")),
        *((name, pa.float64()) for name in ("estimate", "low", "high")),
        ("worse", pa.bool_()),
    ]
)


def run(context: StageContext) -> Summary:
    """Write error_estimates, person_subgroups and review_cases (the resolver's and the quality sample)."""
    engine = context.engine
    config = read_config(context.config_dir / "estimate.yaml", EstimateConfig)
    rules = read_pair_rules(context.config_dir / "match.yaml")
    _read_inputs(context)
    engine.run_sql("linkage.kernel", "subgroup_names")
    engine.run_sql("linkage.kernel", "subgroups", {"night": context.night})
    parameters = {
        "join_match_weight": rules.join_match_weight,
        "cannot_link_guards": list(rules.cannot_link_guards),
        "comparison": config.numbered.comparison,
        "least_support_bits": config.numbered.least_support_bits,
        "edges": [rules.join_match_weight + bits for bits in config.quality_sample.band_edges_bits],
        "pairs_per_stratum": config.quality_sample.pairs_per_stratum,
    }
    for name in ("record_shapes", "holdout_outcomes", "numbered_records", "holdout_cells", "quality_pairs"):
        engine.run_sql(SQL_PACKAGE, name, parameters)
    engine.run_sql(SQL_PACKAGE, "review_cases", parameters)
    holdout = holdout_estimates(engine)
    measured = holdout | register_estimates(engine, holdout) | judgement_estimates(engine)
    _write_estimates(context, measured)
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE person_subgroups AS "
        "SELECT group_key AS person_id, unnest(list_concat(['all'], subgroups)) AS subgroup FROM group_subgroups"
    )
    context.write("person_subgroups")
    context.write("review_cases")
    return {
        "hidden_records": engine.scalar("SELECT count(*) FROM holdout_records"),
        "judged_pairs": engine.scalar("SELECT count(*) FROM quality_pairs WHERE verdict IN ('same', 'different')"),
        "quality_cases": engine.scalar("SELECT count(*) FROM review_cases WHERE kind = 'quality_sample'"),
        "worse": engine.scalar("SELECT count(*) FROM error_estimates WHERE worse"),
    }


def _read_inputs(context: StageContext) -> None:
    engine = context.engine
    engine.run_sql("linkage.kernel", "good_number")
    engine.read("common_records", context.input("gate_incoming", "common_records"))
    engine.read("scored_pairs", context.input("match", "scored_pairs"))
    engine.read("holdout_records", context.input("match", "holdout_records"))
    engine.read("holdout_pairs", context.input("match", "holdout_pairs"))
    engine.read("resolver_cases", context.input("resolve", "review_cases"))
    engine.read("links", context.input("resolve", "links"))
    engine.read("judgement_status", context.input("resolve", "judgement_status"))
    engine.con.execute(
        "CREATE OR REPLACE TEMP VIEW grouped_records AS SELECT record_key, person_id AS group_key FROM links"
    )


def _write_estimates(context: StageContext, measured: Measured) -> None:
    rows: list[dict[str, Any]] = []
    for name in context.engine.rows("SELECT * FROM subgroup_names ORDER BY position"):
        for (method, measure, group), found in measured.items():
            if group == name["subgroup"]:
                worse = is_worse(found, measured.get((method, measure, "all"), found))
                figures = {"n": found.n, "errors": found.errors, "worse": worse} | asdict(found.interval)
                rows.append(name | {"method": method, "measure": measure} | figures)
    context.engine.load_arrow("error_estimates", pa.Table.from_pylist(rows, schema=SCHEMA))
    context.write("error_estimates")
