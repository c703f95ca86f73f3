"""Numbers that are seen in part cannot be found by trying the rest, whatever route answers; verifications have a quota of their own."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.state_tables import audit_table, fruitless_tries_table, usage_table
from linkage.portal.people.guessing import in_common
from linkage.portal.settings import Pace
from tests.portal.conftest import Portal, open_portal
from tests.portal.people import rows

WEIGHTS, CHECKS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"
ALLOWED = 5
"""As config/portal.yaml ships."""
Ask = Callable[[Portal, str, str], int]


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "allows", lambda *asked: True)


@pytest.fixture(scope="module")
def shared(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Portal:
    folder = tmp_path_factory.mktemp("guessing")
    shutil.copytree(two_nights, folder / "state")
    return open_portal(folder / "state")


@pytest.fixture
def portal(shared: Portal) -> Iterator[Portal]:
    """Nobody has tried anything yet."""
    with open_database(shared.state).begin() as connection:
        connection.execute(sa.delete(fruitless_tries_table))
        connection.execute(sa.delete(usage_table))
    config = shared.settings.portal
    yield shared
    object.__setattr__(shared.settings, "portal", config)


def is_valid(number: str) -> bool:
    return CHECKS[sum(w * int(d) for w, d in zip(WEIGHTS, number[:17], strict=True)) % 11] == number[17]


def guesses(number: str, what: str) -> list[str]:
    """Valid numbers that somebody tries who knows the rest of ``number``, which is not among them."""
    tried = {
        "the area, with birth date and end known": [f"{number[:3]}{n:03d}{number[6:]}" for n in range(1000)],
        "the sequence, with area and birth date known": [
            f"{number[:14]}{n:03d}{c}" for n in range(1000) for c in CHECKS
        ],
        "the day, with area, year and end known": [
            f"{number[:10]}{month:02d}{day:02d}{number[14:]}" for month in range(1, 13) for day in range(1, 29)
        ],
    }[what]
    return [guess for guess in tried if is_valid(guess) and guess != number]


def search(portal: Portal, number: str, name: str) -> int:
    answer = portal.client("grid_system").post("/api/v1/persons/search", json={"kind": "number", "text": number})
    return answer.status_code


def verify(portal: Portal, number: str, name: str) -> int:
    return portal.client("grid_system").post("/api/v1/verify", json={"number": number, "name": name}).status_code


def match(portal: Portal, number: str, name: str) -> int:
    body = {"identity_number": number, "full_name": name}
    return portal.client("grid_system").post("/api/v1/match", json=body).status_code


ROUTES: dict[str, Ask] = {"search": search, "verify": verify, "match": match}


@pytest.fixture(scope="module")
def someone(shared: Portal) -> dict[str, Any]:
    """Somebody whom the grid knows and sees as 330***********1234, by whose number nobody else can be found."""
    return rows(
        shared,
        "SELECT * FROM persons WHERE list_contains(sources, 'grid') AND length(identity_number) = 18 AND identity_grade = 'A' AND status = 'alive' "
        "AND residence_division_code = '330106' AND restriction IS NULL ORDER BY person_id LIMIT 1",
    )[0]


def unknown(portal: Portal, tried: list[str]) -> list[str]:
    known = {row["value"] for row in rows(portal, "SELECT value FROM search_keys WHERE field = 'identity_number'")}
    return [number for number in tried if number not in known]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "what",
    [
        "the area, with birth date and end known",
        "the sequence, with area and birth date known",
        "the day, with area, year and end known",
    ],
)
def test_after_a_few_fruitless_tries_no_more_are_answered(portal: Portal, someone: dict[str, Any], route: str, what: str) -> None:  # fmt: skip
    number, name, ask = someone["identity_number"], someone["full_name"], ROUTES[route]
    tried = unknown(portal, guesses(number, what))
    assert len(tried) > ALLOWED + 2
    assert [ask(portal, guess, name) for guess in tried[: ALLOWED + 2]] == [200] * ALLOWED + [429] * 2
    assert ask(portal, number, name) == 429, "nor the right one: its answer would be the end of the guessing"


def test_what_is_tried_on_one_route_counts_on_all(portal: Portal, someone: dict[str, Any]) -> None:
    tried = unknown(portal, guesses(someone["identity_number"], "the sequence, with area and birth date known"))
    asks = [search, verify, match, search, verify]
    assert [ask(portal, guess, someone["full_name"]) for ask, guess in zip(asks, tried, strict=False)] == [200] * 5
    assert {ask(portal, tried[5], someone["full_name"]) for ask in ROUTES.values()} == {429}
    page = portal.client("grid_reader").post("/people", data={"kind": "number", "text": tried[5]})
    assert page.status_code == 429 and "为防试猜" in page.text and tried[5] not in page.text, (
        "colleagues count together"
    )


def test_others_and_other_searches_go_on(portal: Portal, someone: dict[str, Any]) -> None:
    number = someone["identity_number"]
    for guess in unknown(portal, guesses(number, "the area, with birth date and end known"))[: ALLOWED + 1]:
        search(portal, guess, "")
    assert search(portal, number, "") == 429
    body = {"kind": "name", "text": someone["full_name"], "birth_date": str(someone["birth_date"])}
    assert portal.client("grid_system").post("/api/v1/persons/search", json=body).json()["persons"]
    asked = {"kind": "number", "text": number}
    found = portal.client("police_reader").post("/api/v1/persons/search", json=asked).json()["persons"]
    assert found, "who sees numbers whole is not held up"
    other = rows(
        portal,
        "SELECT identity_number FROM persons WHERE list_contains(sources, 'grid') AND length(identity_number) = 18 AND restriction IS NULL "
        "AND birth_date <> $born AND identity_number NOT LIKE '%' || $end ORDER BY person_id LIMIT 1",
        born=someone["birth_date"],
        end=number[-4:],
    )[0]
    assert search(portal, other["identity_number"], "") == 200


@pytest.mark.parametrize("route", ROUTES)
def test_what_fits_is_no_guess_and_a_number_counts_once(portal: Portal, someone: dict[str, Any], route: str) -> None:
    number, name, ask = someone["identity_number"], someone["full_name"], ROUTES[route]
    assert {ask(portal, number, name) for _ in range(ALLOWED + 1)} == {200}
    with open_database(portal.state).connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(fruitless_tries_table)).scalar() == 0
    (guess, *_) = unknown(portal, guesses(number, "the sequence, with area and birth date known"))
    assert {ask(portal, guess, name) for _ in range(ALLOWED + 1)} == {200}


def test_a_name_that_does_not_fit_is_a_try_as_well(portal: Portal, someone: dict[str, Any]) -> None:
    """Verification answers alike, so it must count alike: five numbers of others born that day under this name."""
    tried = unknown(portal, guesses(someone["identity_number"], "the sequence, with area and birth date known"))[:4]
    assert [verify(portal, number, someone["full_name"]) for number in tried] == [200] * 4
    assert verify(portal, someone["identity_number"], "别人") == 200
    assert verify(portal, someone["identity_number"][:17] + "0", someone["full_name"]) == 200, "no number tells nothing"
    fresh = unknown(portal, guesses(someone["identity_number"], "the sequence, with area and birth date known"))[5]
    assert verify(portal, fresh, someone["full_name"]) == 429


def test_after_some_days_they_are_forgotten(portal: Portal, someone: dict[str, Any]) -> None:
    tried = unknown(portal, guesses(someone["identity_number"], "the area, with birth date and end known"))
    for guess in tried[: ALLOWED + 1]:
        search(portal, guess, "")
    table, days = fruitless_tries_table, portal.settings.portal.guessing.days
    for back, status in ((days - 1, 429), (days, 200)):
        with open_database(portal.state).begin() as connection:
            day = connection.execute(sa.select(sa.func.max(table.c.day))).scalar_one()
            connection.execute(sa.update(table).values(day=day - timedelta(days=back)))
        assert search(portal, tried[ALLOWED + 1], "") == status


def test_of_many_tries_at_once_no_more_are_answered(portal: Portal, someone: dict[str, Any]) -> None:
    tried = unknown(portal, guesses(someone["identity_number"], "the area, with birth date and end known"))[:16]
    client, answers = portal.client("grid_system"), list[int]()
    start = threading.Barrier(len(tried))

    def ask(guess: str) -> None:
        start.wait()
        answer = client.post("/api/v1/persons/search", json={"kind": "number", "text": guess})
        answers.append(answer.status_code)

    threads = [threading.Thread(target=ask, args=(guess,)) for guess in tried]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == len(tried) and set(answers) <= {200, 429}
    assert answers.count(200) <= ALLOWED


def test_the_refusal_is_on_record_and_no_number_is_anywhere(portal: Portal, someone: dict[str, Any]) -> None:
    tried = unknown(portal, guesses(someone["identity_number"], "the area, with birth date and end known"))
    for guess in tried[: ALLOWED + 1]:
        search(portal, guess, "")
    with open_database(portal.state).connect() as connection:
        entries = list(connection.execute(sa.select(audit_table.c.entry).order_by(audit_table.c.seq)).scalars())
        kept = str(connection.execute(sa.select(fruitless_tries_table)).all())
    last = json.loads(entries[-1])
    assert (last["outcome"], last["status"], last["details"]["limit"]) == ("denied", 429, "fruitless_tries")
    assert last["details"]["query_hash"]
    for text in (*tried[: ALLOWED + 1], *in_common(tried[0]), tried[0][6:14]):
        assert text not in kept and text not in "".join(entries)


@pytest.mark.parametrize(
    ("number", "common"),
    [
        ("330106198503121234", ("born 19850312", "ends 1234")),
        ("13812345678", ("138 5678",)),
        ("E12345678", ("E12 5678",)),
    ],
)
def test_what_tries_have_in_common(number: str, common: tuple[str, ...]) -> None:
    assert in_common(number) == common


def test_verifications_have_a_daily_quota_of_their_own(portal: Portal, someone: dict[str, Any]) -> None:
    config = portal.settings.portal.model_copy(update={"verifications_per_day": 2})
    object.__setattr__(portal.settings, "portal", config)
    body = {"number": someone["identity_number"], "name": someone["full_name"]}
    client = portal.client("verifier")
    assert [client.post("/api/v1/verify", json=body).status_code for _ in range(3)] == [200, 200, 429]
    page = client.post("/verify", data=body)
    assert page.status_code == 429 and "上限" in page.text and body["name"] not in page.text
    assert portal.client("grid_system").post("/api/v1/verify", json=body).status_code == 200, "each user has their own"
    with open_database(portal.state).connect() as connection:
        entries = [json.loads(text) for text in connection.execute(sa.select(audit_table.c.entry)).scalars()]
    limited = [e for e in entries if e["details"].get("limit") == "verifications"]
    assert [(e["outcome"], e["status"]) for e in limited] == [("denied", 429)] * 2
