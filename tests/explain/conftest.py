"""Two real nights of a small fictional district, with two judgements between them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from linkage.explain.story import Story
from linkage.explain.tell import tell, words_for
from linkage.explain.text import render
from linkage.fiction.district import generate
from linkage.kernel.run import State, write_json
from linkage.night import run_night
from linkage.review.decisions import judge
from tests.builders import REPOSITORY
from tests.once import made_once

NIGHTS = (date(2026, 3, 2), date(2026, 3, 3))
Told = Callable[..., str]


@dataclass(frozen=True)
class World:
    """The state after both nights, and what was judged after the first."""

    state: Path
    first: str
    second: str
    same: tuple[str, str]
    """Two records of two persons, judged the same person."""
    different: tuple[str, str]
    """The only two records of one person, judged different."""
    withdrawn: str
    """A person whose only record does not come again in the second night."""

    @property
    def release(self) -> Path:
        return State(self.state).releases / self.second

    @property
    def run(self) -> Path:
        return State(self.state).runs / self.second

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows of ``sql``; {release}, {first} and {run} stand for folders."""
        query = sql.format(release=self.release, first=self.release.parent / self.first, run=self.run)
        return duckdb.sql(query).to_arrow_table().to_pylist()

    def one(self, sql: str) -> dict[str, Any]:
        """The first row; there must be one."""
        found = self.rows(sql)
        assert found, f"the district has no case for: {sql}"
        return found[0]

    def tell(self, *subjects: str, **options: Any) -> Story:
        return tell(self.state, *subjects, **options)

    def text(self, *subjects: str, language: Any = "zh", **options: Any) -> str:
        story = self.tell(*subjects, **options)
        return render(story, words_for(story, self.state, REPOSITORY / "config", language), language)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = made_once(tmp_path_factory, "explain-nights", make_world)
    told = json.loads((folder / "world.json").read_text(encoding="utf-8"))
    return World(
        folder / "state",
        told["first"],
        told["second"],
        tuple(told["same"]),
        tuple(told["different"]),
        told["withdrawn"],
    )


def make_world(folder: Path) -> None:
    """Both nights below ``folder``, and ``world.json``: what was judged and taken out between them."""
    generate(1200, 2, 11, folder / "exports")
    releases = []
    for night in NIGHTS:
        outcome = run_night(
            folder / "exports" / f"night={night}",
            folder / "state",
            night,
            REPOSITORY / "config",
            note=lambda text: None,
        )
        releases.append(outcome.run_id)
        if night == NIGHTS[0]:
            same, different = _judge(State(folder / "state"), outcome.release)
            withdrawn = _withdraw(folder / "exports" / f"night={NIGHTS[1]}", outcome.release, same)
    first, second = releases
    told = {"first": first, "second": second, "same": same, "different": different, "withdrawn": withdrawn}
    write_json(folder / "world.json", told)


def _withdraw(exports: Path, release: Path, but: tuple[str, str]) -> str:
    """Take the row of a person with one record out of the grid's next delivery."""
    person, record_id = duckdb.sql(
        f"SELECT person_id, record_id FROM '{release}/crosswalk.parquet' WHERE source = 'grid' AND link_kind = 'single' "
        f"AND source || ':' || record_id NOT IN {but} ORDER BY 2 LIMIT 1"
    ).fetchall()[0]
    removed = 0
    for path in sorted((exports / "grid").glob("*.csv")):
        lines = path.read_bytes().splitlines(keepends=True)
        rest = [line for line in lines if record_id.encode() not in line]
        removed += len(lines) - len(rest)
        path.write_bytes(b"".join(rest))
    assert removed == 1
    return str(person)


def _judge(state: State, release: Path) -> tuple[tuple[str, str], tuple[str, str]]:
    records = f"(SELECT source || ':' || record_id AS record, * FROM '{release}/crosswalk.parquet')"
    alone = duckdb.sql(
        f"SELECT record FROM {records} SEMI JOIN (SELECT person_id FROM '{release}/persons.parquet' WHERE records = 1 AND identity_number IS NULL) "
        "USING (person_id) ORDER BY record LIMIT 2"
    ).fetchall()
    (together,) = duckdb.sql(
        f"SELECT list_sort(list(record)) FROM {records} GROUP BY person_id HAVING count(*) = 2 AND bool_and(link_kind = 'match') ORDER BY person_id LIMIT 1"
    ).fetchall()
    same, different = (alone[0][0], alone[1][0]), (together[0][0], together[0][1])
    judge(state, *same, "same", reader="李审核", reason="看过材料")
    judge(state, *different, "different", reader="李审核", reason="看过材料")
    return same, different
