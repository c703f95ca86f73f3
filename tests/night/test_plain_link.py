"""``linkage link``: any table, by a specification alone."""

import csv
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from linkage.cli import app
from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine
from linkage.kernel.errors import LinkageError
from linkage.match.config import MatchConfig
from linkage.plain_link import link_tables
from tests.builders import REPOSITORY

pytestmark = pytest.mark.slow  # whole stages

SYLLABLES = ["ba", "ro", "mi", "te", "lu", "ka", "so", "ne", "vi", "do"]
Rows = list[dict[str, str]]


def equal_or_slip(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "levels": [
            {"name": "missing", "missing": True, "sql": f"{name}_l IS NULL OR {name}_r IS NULL"},
            {"name": "equal", "sql": f"{name}_l = {name}_r"},
            {"name": "slip", "sql": f"damerau_levenshtein({name}_l, {name}_r) = 1"},
            {"name": "different", "sql": "ELSE"},
        ],
    } | more


SPEC: dict[str, Any] = {
    "input": {"record_id": "id"},
    "features": {
        "first": "lower(trim(given))",
        "last": "lower(family)",
        "birth": "born",
        "whole": "first || ' ' || last",
    },
    "thresholds": {
        "join_match_weight": 4.0,
        "keep_match_weight": 4.0,
        "review_match_weight": 0.0,
        "floor_match_weight": -10.0,
    },
    "labels": [{"name": "same", "key": "whole || birth"}, {"name": "last_birth", "key": "last || birth"}],
    "training": {"seed": 1, "random_pairs": 20000, "prior_labels": ["same"], "prior_recall": 0.6},
    "blocking": [
        {"name": "names", "columns": ["whole"]},
        {"name": "birth", "columns": ["birth"]},
        {"name": "last", "columns": ["last"]},
    ],
    "comparisons": [
        equal_or_slip("first", train_m_on="last_birth"),
        equal_or_slip("last", train_m_on="same"),
        equal_or_slip("birth", train_m_on="same"),
    ],
}
WITH_EM = {
    "comparisons": [equal_or_slip("first"), equal_or_slip("last"), equal_or_slip("birth")],
    "training": SPEC["training"] | {"expectation_maximisation": [["birth"], ["whole"]]},
}


def people(count: int = 150) -> Rows:
    chance = random.Random(7)
    return [
        {
            "id": str(i),
            "given": "".join(chance.choices(SYLLABLES, k=3)),
            "family": "".join(chance.choices(SYLLABLES, k=3)),
            "born": f"{chance.randint(1940, 2010)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
        }
        for i in range(count)
    ]


def damaged(rows: Rows) -> Rows:
    """The same people: every fifth given name misspelt, every seventh surname, every eighth birth date."""
    return [
        row
        | ({"given": row["given"][:2] + "x" + row["given"][3:]} if i % 5 == 0 else {})
        | ({"family": row["family"][:4] + "z" + row["family"][5:]} if i % 7 == 0 else {})
        | ({"born": row["born"][:9] + str((int(row["born"][9]) + 1) % 10)} if i % 8 == 0 else {})
        for i, row in enumerate(rows)
    ]


def write_csv(path: Path, rows: Rows) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [f" {name}" for name in rows[0]])  # FEBRL's headers begin with a blank
        writer.writeheader()
        writer.writerows({f" {name}": value for name, value in row.items()} for row in rows)
    return path


def write_spec(folder: Path, changes: dict[str, Any]) -> Path:
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump(SPEC | changes), encoding="utf-8")
    return path


def clusters(path: Path) -> dict[str, set[str]]:
    with Engine() as engine:
        rows = engine.rows(f"SELECT source, record_id, cluster_id FROM read_parquet('{path}')")
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["cluster_id"], set()).add(f"{row['source']}:{row['record_id']}")
    return found


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [write_csv(tmp_path / "a.csv", people()), write_csv(tmp_path / "b.csv", damaged(people()))]


@pytest.mark.parametrize(
    ("name", "changes"), [("labels declared as SQL", {}), ("expectation-maximisation, no label", WITH_EM)]
)
def test_a_specification_links_two_files(tmp_path: Path, files: list[Path], name: str, changes: dict[str, Any]) -> None:
    spec = write_spec(tmp_path, changes)
    outcome = link_tables(spec, files, tmp_path / "links.parquet", tmp_path / "pairs.parquet")
    right = sum(
        records == {f"a:{i}", f"b:{i}"} for i in range(150) for records in clusters(tmp_path / "links.parquet").values()
    )
    assert outcome.records == 300
    assert right >= 146
    again = tmp_path / "again.parquet"
    link_tables(spec, files[::-1], again)
    assert clusters(again) == clusters(tmp_path / "links.parquet"), "the order of the files does not matter"


def test_expectation_maximisation_learns_how_often_names_are_misspelt(tmp_path: Path, files: list[Path]) -> None:
    """By construction one given name in five and one surname in seven."""
    from linkage.match import training
    from linkage.match.declared_features import make_declared_features
    from linkage.plain_link import _make_records

    config = read_config(write_spec(tmp_path, WITH_EM), MatchConfig)
    assert config.input is not None
    with Engine() as engine:
        _make_records(engine, config.input, files)
        make_declared_features(engine, config.features)
        engine.read_or_empty("judgements", "judgements", None)
        _, card = training.train(engine, config)
    m = {c["name"]: {level["name"]: level["m"] for level in c["levels"]} for c in card["comparisons"]}
    assert m["first"]["slip"] == pytest.approx(1 / 5, abs=0.05)
    assert m["last"]["slip"] == pytest.approx(1 / 7, abs=0.05)


TWICE = people(150) + [row | {"id": f"{row['id']}-again"} for row in people(20)]


@pytest.mark.parametrize(
    ("link_type", "sizes"),
    [("link_and_dedupe", {2: 130, 3: 20}), ("dedupe_only", {1: 280, 2: 20}), ("link_only", {2: 130, 3: 20})],
)
def test_link_types(tmp_path: Path, link_type: str, sizes: dict[int, int]) -> None:
    """20 people stand twice in a, each also once in b; link_only brings the two together through b alone."""
    files = [write_csv(tmp_path / "a.csv", TWICE), write_csv(tmp_path / "b.csv", people())]
    spec = write_spec(tmp_path, {"policy": {"link_type": link_type}})
    link_tables(spec, files, tmp_path / "links.parquet", tmp_path / "pairs.parquet")
    found = [len(records) for records in clusters(tmp_path / "links.parquet").values()]
    assert {size: found.count(size) for size in set(found)} == sizes
    with Engine() as engine:
        engine.read("pairs", tmp_path / "pairs.parquet")
        within = engine.scalar("SELECT count(*) FROM pairs WHERE record_key_l[1] = record_key_r[1]")
    assert (within > 0) is (link_type != "link_only")


def test_a_duplicate_free_source_never_holds_a_person_twice(tmp_path: Path) -> None:
    files = [write_csv(tmp_path / "a.csv", TWICE), write_csv(tmp_path / "b.csv", people())]
    policy = {"feeds": [{"feed": "a", "duplicate_free": True}]}
    link_tables(write_spec(tmp_path, {"policy": policy}), files, tmp_path / "links.parquet")
    for records in clusters(tmp_path / "links.parquet").values():
        assert len([r for r in records if r.startswith("a:")]) <= 1


BAD = [
    ("no such file", {}, ["gone.csv"], "gone.csv is not there"),
    ("neither CSV nor Parquet", {}, ["a.xlsx"], "neither .csv nor .parquet"),
    ("a ragged CSV", {}, ["ragged.csv"], "cannot be read"),
    ("no input section", {"input": None}, ["a.csv"], "no specification for plain tables"),
    ("a record id that is no column", {"input": {"record_id": "key"}}, ["a.csv"], "record_id and source must name columns"),
    ("a record id that repeats", {"input": {"record_id": "left(id, 1)"}}, ["a.csv"], "names no record in 0 rows and more than one in 9"),
    ("a feature over a column that is not there", {"features": {"first": "forename"}}, ["a.csv"], "features.first"),
    ("a comparison over an unknown feature", {"comparisons": [equal_or_slip("middle", train_m_on="same")]}, ["a.csv"], "comparisons.middle.missing"),
    ("a blocking rule over an unknown feature", {"blocking": [{"name": "town", "columns": ["town"]}]}, ["a.csv"], "blocking.town"),
    ("a guard over an unknown level", {"guards": [{"name": "g", "sql": "level_town = 'equal'", "effect": "review"}]}, ["a.csv"], "guards.g"),
    ("a policy over a column that is not there", {"policy": {"feeds": [{"feed": "a", "duplicate_free": True, "live": "alive"}]}}, ["a.csv"], "policy.feeds.a.live"),
    ("a label nobody declared", {"comparisons": [equal_or_slip("first", train_m_on="number")]}, ["a.csv"], "no label is called number"),
    ("no label and no expectation-maximisation", {"comparisons": [equal_or_slip("first")]}, ["a.csv"], "expectation_maximisation"),
    ("labels that find nothing", {}, ["a.csv"], "no two records agree on same"),
    ("a key that does not exist", {"treshold": 1}, ["a.csv"], "treshold"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "changes", "names", "says"), BAD, ids=[c[0] for c in BAD])
def test_errors_name_what_and_the_remedy(
    tmp_path: Path, case: str, changes: dict[str, Any], names: list[str], says: str
) -> None:
    write_csv(tmp_path / "a.csv", people(100))
    (tmp_path / "ragged.csv").write_text("id,given\n1,ann\n2,bob,3\n", encoding="utf-8")
    with pytest.raises(LinkageError) as failure:
        link_tables(write_spec(tmp_path, changes), [tmp_path / n for n in names], tmp_path / "links.parquet")
    assert says in str(failure.value)
    assert not (tmp_path / "links.parquet").exists()


def test_a_folder_that_is_not_there_is_named_before_the_work(tmp_path: Path, files: list[Path]) -> None:
    with pytest.raises(LinkageError, match="folder of"):
        link_tables(write_spec(tmp_path, {}), files, tmp_path / "nowhere" / "links.parquet")


def test_help_and_the_command(tmp_path: Path, files: list[Path]) -> None:
    out = tmp_path / "links.parquet"
    assert "Link plain tables" in CliRunner().invoke(app, ["link", "--help"]).output
    done = CliRunner().invoke(app, ["link", str(write_spec(tmp_path, {})), *map(str, files), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "300 records" in done.output


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "benchmarks" / "accuracy" / "specs").glob("*.yaml")), ids=lambda p: p.stem
)
def test_the_benchmarks_specifications_are_valid(path: Path) -> None:
    assert read_config(path, MatchConfig).input is not None
