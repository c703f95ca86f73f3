"""What a steward decides, through whole nights: a retrained model and a department that numbers its file anew change none of it."""

import csv
import io
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from linkage.kernel.run import State
from linkage.model_life import approve_model, train_model
from linkage.night import run_night
from linkage.release.verify import verify_release
from linkage.review.decisions import judge, unlink, withdraw
from linkage.review.listing import list_judgements
from tests.builders import REPOSITORY
from tests.first_night import exports_of_three_nights, state_after_the_first

pytestmark = pytest.mark.slow
CONFIG = REPOSITORY / "config"
WHY = {"reader": "王五", "reason": "看过原件"}


def renumber(night: Path) -> None:
    """Give every health file the number of the seventh after it."""
    (path,) = (night / "health").glob("*.csv")
    # Latin-1 keeps every byte whatever the file's encoding; commas, quotes and line ends are ASCII in all of them.
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode("latin-1"), newline="")))
    numbers = [row[0] for row in rows[1:]]
    for row, number in zip(rows[1:], numbers[7:] + numbers[:7], strict=True):
        row[0] = number
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    path.write_bytes(text.getvalue().encode("latin-1"))


def rows(release: Path, query: str) -> list[tuple[Any, ...]]:
    return duckdb.execute(query.replace("RELEASE", str(release))).fetchall()


def person_of(release: Path, key: str) -> str:
    ((person,),) = rows(
        release, f"SELECT person_id FROM 'RELEASE/crosswalk.parquet' WHERE source || ':' || record_id = '{key}'"
    )
    return str(person)


def test_a_steward_is_obeyed_night_after_night(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    exports, state = tmp_path / "district", State(tmp_path / "state")
    shutil.copytree(exports_of_three_nights(tmp_path_factory), exports)
    shutil.copytree(state_after_the_first(tmp_path_factory), state.root)

    def run(day: int) -> Path:
        night = date(2026, 3, day)
        return run_night(exports / f"night={night}", state.root, night, CONFIG, note=lambda text: None).release

    first = state.current_release()
    assert first is not None
    wrong, stays = rows(
        first,
        "SELECT min(source || ':' || record_id) FILTER (source = 'health'), list(source || ':' || record_id) FILTER (source <> 'health') "
        "FROM 'RELEASE/crosswalk.parquet' GROUP BY person_id HAVING count(*) FILTER (source = 'health') = 1 AND count(*) > 2 ORDER BY ALL LIMIT 1",
    )[0]
    whole = person_of(first, wrong)
    decision, _, _ = unlink(state, [wrong], **WHY)
    unsure = judge(state, stays[0], stays[1], "unsure", **WHY)

    second = run(3)
    apart = person_of(second, wrong)
    assert apart != whole and {person_of(second, key) for key in stays} == {whole}
    assert ("split_from", "judgement", whole) in rows(
        second, f"SELECT kind, cause, related_id FROM 'RELEASE/events.parquet' WHERE subject_id = '{apart}'"
    )
    golden = dict(
        rows(
            second,
            f"SELECT person_id, sources FROM 'RELEASE/persons.parquet' WHERE person_id IN ('{whole}', '{apart}')",
        )
    )
    assert golden[apart] == ["health"] and "health" not in golden[whole]
    told = (second / "slices" / "health" / "notices.csv").read_text(encoding="utf-8-sig")
    assert whole in told and apart in told and wrong.removeprefix("health:") in told
    others = (second / "slices" / stays[0].split(":")[0] / "notices.csv").read_text(encoding="utf-8-sig")
    assert whole in others and wrong.removeprefix("health:") not in others

    candidate = train_model(state.root, date(2026, 3, 3), CONFIG)
    approve_model(state.root, candidate, by="赵六", reason="重新训练")
    renumber(exports / "night=2026-03-04")
    third = run(4)
    found = {entry.judgement_id: entry for entry in list_judgements(state)}
    unlinked = [entry for entry in found.values() if entry.decision_id == decision]
    assert {entry.status for entry in unlinked} == {"applied"} and found[unsure].status == "recorded"
    for entry in unlinked:
        assert wrong not in entry.records, "the record has another number now"
        assert person_of(third, entry.records[0]) != person_of(third, entry.records[1])
    assert rows(third, "SELECT * FROM 'RELEASE/notices.parquet'") == []
    assert verify_release(third)

    assert withdraw(state, decision, **WHY) == len(stays)
    again = run(4)
    assert {entry.status for entry in list_judgements(state) if entry.decision_id == decision} == {"withdrawn"}
    assert all(person_of(again, e.records[0]) == person_of(again, e.records[1]) for e in unlinked)
