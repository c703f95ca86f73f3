"""A model's life over real nights: trained, compared on the same records, approved, taken back; and drift in between."""

import csv
import io
import json
import math
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from linkage.kernel.errors import ConfigurationError, LinkageError
from linkage.kernel.run import State, write_json
from linkage.match.models import live_model_id, read_approvals
from linkage.model_life import approve_model, compare_models, comparison_lines, train_model
from linkage.night import run_night
from linkage.night_plan import plan_night
from tests.builders import REPOSITORY
from tests.first_night import FIRST, SECOND, THIRD, exports_of_three_nights, state_after_the_first

pytestmark = pytest.mark.slow
CONFIG = REPOSITORY / "config"


def quietly(text: str) -> None:
    pass


def run(district: Path, state: Path, night: date) -> Path:
    """Run one night; returns the folder of its run."""
    outcome = run_night(district / f"night={night.isoformat()}", state, night, CONFIG, note=quietly)
    assert outcome.published
    return State(state).runs / outcome.run_id


def damage(state: Path, model_id: str, *, flat: tuple[str, ...] = (), prior: float | None = None) -> str:
    """A damaged copy of a model; returns its id. Agreement on ``flat`` says nothing any more, or ``prior`` is what any two records are."""
    damaged = f"{model_id}-damaged"
    folder = State(state).models / damaged
    shutil.copytree(State(state).models / model_id, folder)
    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    if prior is not None:
        model["splink"]["probability_two_random_records_match"] = prior
    for comparison in model["splink"]["comparisons"]:
        for level in comparison["comparison_levels"]:
            if comparison["output_column_name"] in flat and "m_probability" in level:
                level["m_probability"] = level["u_probability"]
    write_json(folder / "model.json", model)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8")) | {"model_id": damaged}
    if prior is not None:
        card["prior_match_weight"] = round(math.log2(prior / (1 - prior)), 3)
    for comparison in card["comparisons"]:
        for level in comparison["levels"]:
            if comparison["name"] in flat:
                level |= {"m": level["u"], "match_weight": 0.0}
    write_json(folder / "card.json", card)
    return damaged


def shuffle_phones(exports: Path) -> None:
    """Move every phone of the health archive one row on, as when a column is sorted apart from the others."""
    (path,) = (exports / "health").glob("*.csv")
    text = path.read_bytes().decode("utf-8", errors="surrogateescape")
    rows = list(csv.reader(io.StringIO(text)))
    place = next(i for i, name in enumerate(rows[0]) if "电话" in name)
    phones = [row[place] for row in rows[1:]]
    for row, phone in zip(rows[1:], phones[1:] + phones[:1], strict=True):
        row[place] = phone
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    path.write_bytes(out.getvalue().encode("utf-8", errors="surrogateescape"))


def rows(path: Path, where: str = "true") -> list[Any]:
    return duckdb.sql(f"SELECT * FROM '{path}' WHERE {where}").fetchall()


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights; on the third the phones of the health archive are shuffled."""
    folder = tmp_path_factory.mktemp("exports") / "district"
    shutil.copytree(exports_of_three_nights(tmp_path_factory), folder)
    shuffle_phones(folder / f"night={THIRD.isoformat()}")
    return folder


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state after its first night, which trained the live model."""
    state = tmp_path_factory.mktemp("first") / "state"
    shutil.copytree(state_after_the_first(tmp_path_factory), state)
    return state


@pytest.fixture(scope="module")
def candidate(first_night: Path) -> str:
    """Trained once more, on the records that the live model was trained on."""
    return train_model(first_night, SECOND, CONFIG)


def test_a_candidate_trained_on_the_same_records_changes_nothing(first_night: Path, candidate: str) -> None:
    comparison = compare_models(first_night, candidate, CONFIG, note=quietly)
    found = json.loads((comparison.page.parent / "comparison.json").read_text(encoding="utf-8"))
    assert candidate != found["live"]["model_id"] and found["live"]["sha256"] == found["candidate"]["sha256"]
    assert found["persons"]["persons_live"] > 1000
    assert found["changes"] == [] and found["persons"]["persons_merged"] == found["persons"]["persons_split"] == 0
    assert found["households"]["households_with_other_members"] == 0
    assert all(row["only_live"] == row["only_candidate"] == 0 for row in found["review_cases"])
    assert found["errors"]["live"] == found["errors"]["candidate"] != []
    assert {row["change"] for row in found["weights"]} == {0.0}
    assert "没有人合并或拆分" in comparison.page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("done", "kind", "worse", "moved"),
    [
        ({"flat": ("place", "name")}, "split", True, {"place", "name"}),
        # All weights are raised alike: whom a record resembles most stays the same, so the estimate does not see it. The list of merges does.
        ({"prior": 0.5}, "merge", False, {"prior"}),
    ],
    ids=["place and name say nothing", "everybody may be anybody"],
)
def test_a_damaged_candidate_shows_whom_it_would_change_and_what_it_would_cost(
    first_night: Path, candidate: str, done: dict[str, Any], kind: str, worse: bool, moved: set[str]
) -> None:
    damaged = damage(first_night, candidate, **done)
    try:
        comparison = compare_models(first_night, damaged, CONFIG, note=quietly)
        found = json.loads((comparison.page.parent / "comparison.json").read_text(encoding="utf-8"))
    finally:
        shutil.rmtree(State(first_night).models / damaged)
    assert kind in {c["kind"] for c in found["changes"]}
    assert found["households"]["households_with_other_members"] > 0
    whole = {
        side: next(r for r in rows if (r["method"], r["measure"], r["subgroup"]) == ("register", "recall", "all"))
        for side, rows in found["errors"].items()
    }
    assert (whole["candidate"]["high"] < whole["live"]["low"]) == worse
    assert whole["candidate"]["n"] == whole["live"]["n"], "the same sample for both"
    assert found["weights"][0]["comparison"] in moved


def test_neither_page_nor_file_holds_a_value_of_a_resident(first_night: Path, candidate: str) -> None:
    folder = State(first_night).models / candidate
    text = "".join((folder / name).read_text(encoding="utf-8") for name in ("comparison.json", "comparison.html"))
    persons = next(State(first_night).releases.glob(f"{FIRST}-*")) / "persons.parquet"
    values = duckdb.sql(
        f"SELECT full_name FROM '{persons}' WHERE length(full_name) >= 3 UNION SELECT identity_number FROM '{persons}' UNION SELECT phone FROM '{persons}'"
    ).fetchall()
    assert len(values) > 1000
    assert [v for (v,) in values if v and v in text] == []


def test_nothing_is_compared_with_itself(first_night: Path) -> None:
    live = live_model_id(State(first_night), before=SECOND)
    assert live is not None
    with pytest.raises(LinkageError, match="live model itself"):
        compare_models(first_night, live, CONFIG, note=quietly)
    with pytest.raises(LinkageError, match="not compared"):
        comparison_lines(first_night, live)


def test_a_night_refuses_a_model_of_other_levels_before_any_work(first_night: Path, tmp_path: Path) -> None:
    for folder in ("config", "expectations"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    match = tmp_path / "config" / "match.yaml"
    match.write_text(match.read_text(encoding="utf-8").replace("name: pattern,", "name: partial,"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="trained for other comparisons or levels"):
        plan_night(first_night, SECOND, tmp_path / "config")


def test_an_approved_model_counts_from_the_next_night_on_and_can_be_taken_back(
    first_night: Path, candidate: str, district: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    shutil.copytree(first_night, state)
    where = State(state)
    old = live_model_id(where, before=SECOND)
    published = where.current_release()
    assert old is not None and published is not None

    entry = approve_model(state, candidate, by="王五", reason="试用")
    assert read_approvals(where)[-1] == entry
    assert (entry["approved_by"], entry["reason"], entry["replaces"], entry["after_night"]) == (
        "王五",
        "试用",
        old,
        FIRST.isoformat(),
    )
    assert plan_night(state, FIRST, CONFIG) == published.name, "the night that had begun is what it was"

    run_dir = run(district, state, SECOND)
    plan = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
    assert (plan["model_id"], plan["previous_model_id"]) == (candidate, old)
    manifest = json.loads((where.releases / run_dir.name / "manifest.json").read_text(encoding="utf-8"))
    assert {key: manifest["model"][key] for key in ("id", "previous_id", "changed")} == {
        "id": candidate,
        "previous_id": old,
        "changed": True,
    }
    assert old in (run_dir / "report" / "index.html").read_text(encoding="utf-8"), (
        "the report says that it was switched"
    )

    back = approve_model(state, old, by="王五", reason="退回")
    assert back["replaces"] == candidate
    assert [live_model_id(where, before=night) for night in (SECOND, THIRD)] == [candidate, old]


def test_drift_is_silent_on_ordinary_nights_and_speaks_when_phones_are_shuffled(
    first_night: Path, district: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    shutil.copytree(first_night, state)
    first = next(State(state).runs.glob(f"{FIRST}-*"))
    second, third = (run(district, state, night) for night in (SECOND, THIRD))
    for ordinary in (first, second):
        assert rows(ordinary / "match" / "drift.parquet", "outside") == []
        assert rows(ordinary / "match" / "signals.parquet") == []
        assert "全部在限值之内" in (ordinary / "report" / "index.html").read_text(encoding="utf-8")
    assert rows(second / "match" / "drift.parquet", "against = 'before' AND nights = 1") != []

    signals = duckdb.sql(f"SELECT feed, \"column\", severity FROM '{third}/match/signals.parquet'").fetchall()
    assert ("health_archive", "phone", "warn") in signals
    page = (third / "report" / "index.html").read_text(encoding="utf-8")
    assert "有比较超出限值" in page and "请训练候选模型" in page and "train a candidate" in page
