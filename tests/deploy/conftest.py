"""One PostgreSQL server for the tests of a file."""

from collections.abc import Iterator

import pytest

from tests.deploy.services import postgres_server


@pytest.fixture(scope="module")
def postgres() -> Iterator[int]:
    """Port of the server; user gridroll, no password, database airflow."""
    with postgres_server() as port:
        yield port
