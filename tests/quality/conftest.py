"""One engine and one Great Expectations context for all quality tests: opening it takes seconds."""

from collections.abc import Iterator

import pytest

from linkage.kernel.engine import Engine
from linkage.quality.gate import Gate, open_gate


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine(threads=2, memory_limit="1GB") as engine:
        yield engine


@pytest.fixture(scope="session")
def gate(engine: Engine) -> Iterator[Gate]:
    with open_gate(engine) as gate:
        yield gate
