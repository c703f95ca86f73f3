"""Append-only records: what was written stays readable, what was changed is found, a line half written was never there."""

from pathlib import Path

import pytest

from linkage.kernel.errors import VerificationFailed
from linkage.kernel.ledger import append_entry, read_entries


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "record.jsonl"
    for number in range(4):
        append_entry(path, {"n": number, "text": "发布"})
    return path


def test_entries_come_back_in_order(ledger: Path) -> None:
    assert read_entries(ledger) == [{"n": n, "text": "发布"} for n in range(4)]
    assert read_entries(ledger.with_name("none.jsonl")) == []


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda lines: [lines[0].replace(b'"n": 0', b'"n": 9'), *lines[1:]], id="changed"),
        pytest.param(lambda lines: [*lines[:1], *lines[2:]], id="taken out"),
        pytest.param(lambda lines: lines[1:], id="beginning cut off"),
        pytest.param(lambda lines: [lines[1], lines[0], *lines[2:]], id="swapped"),
        pytest.param(lambda lines: [lines[0], *lines], id="doubled"),
        pytest.param(lambda lines: [*lines[:2], b"not JSON", *lines[2:]], id="put in"),
        pytest.param(lambda lines: [*lines[:2], b"5", *lines[2:]], id="a number put in"),
        pytest.param(lambda lines: [*lines, b'{"n": 4}'], id="appended without a link"),
    ],
)
def test_a_forged_record_is_found_and_not_appended_to(ledger: Path, forge: object) -> None:
    lines = ledger.read_bytes().split(b"\n")[:-1]
    ledger.write_bytes(b"\n".join(forge(lines)) + b"\n")  # type: ignore[operator]
    forged = ledger.read_bytes()
    with pytest.raises(VerificationFailed, match="does not follow"):
        read_entries(ledger)
    with pytest.raises(VerificationFailed):
        append_entry(ledger, {"n": 5})
    assert ledger.read_bytes() == forged


def test_a_line_half_written_was_never_there(ledger: Path) -> None:
    ledger.write_bytes(ledger.read_bytes() + b'{"n": 4, "te')
    assert len(read_entries(ledger)) == 4
    append_entry(ledger, {"n": 4})
    assert [entry["n"] for entry in read_entries(ledger)] == [0, 1, 2, 3, 4]


def test_a_record_of_before_the_chain_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    path.write_text('{"n": 0}\n{"n": 1}\n')
    append_entry(path, {"n": 2})
    assert [entry["n"] for entry in read_entries(path)] == [0, 1, 2]
    path.write_text(path.read_text().replace('{"n": 1}', '{"n": 7}'))
    with pytest.raises(VerificationFailed, match="line 3"):
        read_entries(path)
