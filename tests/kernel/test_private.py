"""The state is for its owner alone: made so, and the doctor says where it is not."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from linkage.doctor import Finding, examine
from linkage.kernel.database import open_database
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from linkage.portal.audit_key import make_key
from linkage.release.signing import signing_key
from tests.builders import REPOSITORY

CONFIG = REPOSITORY / "config"


@pytest.fixture(autouse=True)
def _no_umask() -> Iterator[None]:
    """The most careless of users."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("case", "make"),
    [("by a night or the portal", State.prepare), ("by whoever opens the database first", open_database)],
)
def test_a_state_folder_is_made_for_its_owner(tmp_path: Path, case: str, make: Callable[[State], object]) -> None:
    state = State(tmp_path / "deep" / "state")
    make(state)
    assert mode(state.root) == 0o700


def test_the_mode_of_a_folder_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o755)
    State(tmp_path / "state").prepare()
    assert mode(tmp_path / "state") == 0o755


def test_a_file_is_no_state_folder(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        State(tmp_path / "state").prepare()


@pytest.fixture
def state(tmp_path: Path) -> State:
    """An installation with database and keys, as the programme makes them."""
    state = State(tmp_path / "state")
    state.prepare()
    open_database(state)
    signing_key(state)
    make_key(state.keys / "audit.key")
    return state


def about_modes(state: State) -> list[Finding]:
    return [found for found in examine(state.root, CONFIG) if "readable by" in found.text or "may read" in found.text]


def test_what_the_programme_makes_is_well(state: State) -> None:
    found = about_modes(state)
    assert len(found) == 3 and all(finding.good for finding in found)


@pytest.mark.parametrize(
    ("path", "given", "remedy"),
    [
        (".", 0o755, "chmod o-rwx {root}"),
        (".", 0o701, "chmod o-rwx {root}"),
        ("keys", 0o750, "chmod go-rwx {root}/keys"),
        ("keys/audit.key", 0o640, "chmod go-rwx {root}/keys/audit.key"),
        ("keys/release_ed25519.pem", 0o604, "chmod go-rwx {root}/keys/release_ed25519.pem"),
        ("gridroll.sqlite", 0o644, "chmod go-rwx {root}/gridroll.sqlite"),
    ],
)
def test_the_doctor_says_what_others_may_read_and_what_to_do(state: State, path: str, given: int, remedy: str) -> None:
    (state.root / path).chmod(given)
    (bad,) = [finding for finding in about_modes(state) if not finding.good]
    assert bad.remedy.startswith(remedy.format(root=state.root)) and f"{given:o}" in bad.text
    assert os.system(bad.remedy) == 0
    assert all(finding.good for finding in about_modes(state)), "the remedy is one"


@pytest.mark.parametrize(("path", "given"), [(".", 0o750), ("keys/release_ed25519.pub.pem", 0o644)])
def test_a_group_may_share_the_folder_and_the_public_key_is_public(state: State, path: str, given: int) -> None:
    (state.root / path).chmod(given)
    assert all(finding.good for finding in about_modes(state))
