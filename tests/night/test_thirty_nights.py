"""The benchmark of thirty nights, shorter: ids stay, a merge taken back gives both ids back, the history holds every event once."""

from pathlib import Path

import pytest

from benchmarks.thirty_nights import run

pytestmark = pytest.mark.slow


def test_five_nights(tmp_path: Path) -> None:
    counts = run(persons=300, nights=5, seed=5, out=tmp_path)
    assert counts.failures() == []
    assert counts.quiet_persons > 1000
    assert [(merge.merged, merge.restored) for merge in counts.merges] == [(True, True)]
    assert counts.causes["merged_into by judgement"] == counts.causes["revived by judgement"] == 1
