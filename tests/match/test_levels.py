"""The level of a pair in a comparison, read off its weight: Splink need not carry what was compared."""

from typing import Any

import pytest

from linkage.kernel.engine import Engine
from linkage.match.config import BlockingRuleConfig
from linkage.match.splink_adapter import level_weights, score_pairs
from linkage.match.training import told_apart

M = {"equal": 0.9, "near": 0.0005, "far": 0.0005, "different": 0.099}


def model(u: dict[str, float]) -> dict[str, Any]:
    conditions = {
        "equal": "name_l = name_r",
        "near": "name_l[1] = name_r[1]",
        "far": "name_l[-1] = name_r[-1]",
        "different": "ELSE",
    }
    levels = [
        {"sql_condition": "name_l IS NULL OR name_r IS NULL", "label_for_charts": "missing", "is_null_level": True}
    ]
    levels += [
        {"sql_condition": sql, "label_for_charts": name, "m_probability": M[name], "u_probability": u[name]}
        for name, sql in conditions.items()
    ]
    return {
        "splink": {
            "link_type": "dedupe_only",
            "probability_two_random_records_match": 0.01,
            "comparisons": [{"output_column_name": "name", "comparison_levels": levels}],
        }
    }


def levels_of_pairs(u: dict[str, float]) -> list[dict[str, Any]]:
    with Engine() as engine:
        engine.con.execute(
            "CREATE TEMP TABLE records AS SELECT col0 AS unique_id, col1 AS name, 1 AS block_all "
            "FROM (VALUES (1, 'ab'), (2, 'ab'), (3, 'ac'), (4, 'xb'), (5, NULL), (6, 'yy'))"
        )
        _, scored = score_pairs(
            engine, "records", model(u), [BlockingRuleConfig(name="all", columns=("block_all",))], -100.0
        )
        return engine.rows(f"SELECT unique_id_l, unique_id_r, gamma_name FROM {scored} ORDER BY ALL")


def test_levels_read_off_weights_are_those_that_splink_keeps() -> None:
    alike = {"equal": 0.001, "near": 0.000001, "far": 0.000001, "different": 0.9}
    assert level_weights(model(alike)["splink"]) is None  # two levels weigh the same: Splink must keep them
    apart = told_apart(M, alike)
    assert level_weights(model(apart)["splink"]) is not None
    assert levels_of_pairs(apart) == levels_of_pairs(alike)
    assert {row["gamma_name"] for row in levels_of_pairs(apart)} == {-1, 0, 1, 2, 3}


@pytest.mark.parametrize("ties", [1, 2, 5])
def test_levels_that_weigh_the_same_are_told_apart_by_a_millionth(ties: int) -> None:
    m = {f"level {i}": 0.0005 for i in range(ties)}
    u = dict.fromkeys(m, 0.000001)
    apart = told_apart(m, u)
    assert len(set(apart.values())) == ties
    assert all(abs(apart[name] / u[name] - 1) < 1e-5 for name in u)
