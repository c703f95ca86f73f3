"""The link policy in the matcher: which pairs are compared, how many there are, and what a policy may not say."""

from typing import Any

import pytest
from pydantic import ValidationError

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine
from linkage.kernel.link_policy import LinkPolicy
from linkage.match.compared import comparable_pairs, compared_sql
from linkage.match.config import MatchConfig
from tests.builders import REPOSITORY

RECORDS = "(VALUES (1, 'a'), (2, 'a'), (3, 'a'), (4, 'b'), (5, 'b'), (6, 'c')) t(unique_id, feed)"
NOT_A_B = {"pairs": [{"feeds": ["b", "a"], "compare": False}]}
NOT_A_A = {"pairs": [{"feeds": ["a", "a"], "compare": False}]}


@pytest.mark.parametrize(
    ("name", "policy", "pairs"),
    [
        ("everything", {}, 15),
        ("between feeds", {"link_type": "link_only"}, 11),
        ("within feeds", {"link_type": "dedupe_only"}, 4),
        ("two feeds that are never compared", NOT_A_B, 9),
        ("a feed not compared with itself", NOT_A_A, 12),
        ("both at once", {"link_type": "link_only"} | NOT_A_B, 5),
        (
            "a threshold does not change what is compared",
            {"pairs": [{"feeds": ["a", "b"], "join_match_weight": 9}]},
            15,
        ),
    ],
)
def test_compared_pairs(name: str, policy: dict[str, Any], pairs: int) -> None:
    """The condition and the count agree."""
    model = LinkPolicy.model_validate(policy)
    with Engine() as engine:
        engine.con.execute(f"CREATE TEMP TABLE match_features AS SELECT * FROM {RECORDS}")
        only = compared_sql(model) or "true"
        counted = engine.scalar(
            f"SELECT count(*) FROM match_features l JOIN match_features r ON l.unique_id < r.unique_id AND {only}"
        )
        assert counted == comparable_pairs(engine, model) == pairs


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        (
            "a feed named twice",
            {"feeds": [{"feed": "a", "duplicate_free": True}, {"feed": "a", "duplicate_free": False}]},
        ),
        ("a pair named twice", {"pairs": [{"feeds": ["a", "b"]}, {"feeds": ["b", "a"]}]}),
        ("a link type Splink does not know", {"link_type": "everything"}),
    ],
)
def test_a_policy_may_not(name: str, policy: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LinkPolicy.model_validate(policy)


def test_the_shipped_policy_says_something_about_every_feed_and_speaks_both_languages() -> None:
    config = read_config(REPOSITORY / "config" / "match.yaml", MatchConfig)
    assert {f.feed for f in config.policy.feeds} == {
        "police_hukou", "police_floating", "civil_marriage", "civil_elder", "civil_assist", "health_archive", "grid_visit"
    }  # fmt: skip
    assert [f.feed for f in config.policy.feeds if f.duplicate_free] == ["police_hukou"]
    named = [*config.policy.feeds, *config.labels, *config.blocking, *config.guards, *config.comparisons]
    named += [level for c in config.comparisons for level in c.levels]
    assert all(n.zh and n.en for n in named)
