"""What a user does wrong is answered in two lines, before any work: what, which value, what to do. Never a traceback."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linkage.fiction.district import generate
from linkage.kernel.errors import LinkageError
from linkage.kernel.lock import only_one
from tests.builders import REPOSITORY

pytestmark = pytest.mark.slow


def linkage(*arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "linkage.cli", *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | env,
    )


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr and "->" in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("district")
    generate(60, 1, 3, folder)
    return folder / "night=2026-03-02"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    shutil.copytree(REPOSITORY / "expectations", tmp_path / "expectations")
    return Path(shutil.copytree(REPOSITORY / "config", tmp_path / "config"))


@pytest.mark.parametrize("state", ["file", "/proc/gridroll"])
def test_a_state_that_cannot_be_written(exports: Path, tmp_path: Path, state: str) -> None:
    (tmp_path / "file").write_text("")
    refused(linkage("run", "--exports", exports, "--state", tmp_path / state), 2, state)


MISTAKES = [
    ("night.yaml", "threads: 2 ", "threads: 0 ", "threads"),
    ("night.yaml", "memory_limit: 4GB", "memory_limit: lots", "memory_limit"),
    ("match.yaml", "thresholds:", "threshold:", "match.yaml"),
    ("resolve.yaml", "households:", "household:", "resolve.yaml"),
    ("survivorship.yaml", "status:", "state:", "survivorship.yaml"),
    ("sharing.yaml", "mask: {phone: phone}", "mask: {phon: phone}", "phon"),
    ("sharing.yaml", "source: civil", "source: civl", "civl"),
    ("../expectations/persons.json", '"name": "persons"', '"nam": "persons"', "persons.json"),
]


@pytest.mark.parametrize(("file", "right", "wrong", "word"), MISTAKES, ids=[f"{m[0]} {m[2]}" for m in MISTAKES])
def test_a_mistake_in_any_file_is_found_before_any_work(
    exports: Path, config: Path, tmp_path: Path, file: str, right: str, wrong: str, word: str
) -> None:
    text = (config / file).read_text(encoding="utf-8")
    assert right in text
    (config / file).write_text(text.replace(right, wrong, 1), encoding="utf-8")
    refused(linkage("run", "--exports", exports, "--state", tmp_path / "state", "--config", config), 2, word)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql+psycopg://u:secret@127.0.0.1:1/x", "nosuch://x", "sqlite:////proc/x/y.sqlite"]
)
def test_a_database_that_does_not_answer(exports: Path, tmp_path: Path, url: str) -> None:
    done = linkage("run", "--exports", exports, "--state", tmp_path / "state", GRIDROLL_DATABASE_URL=url)
    refused(done, 2, "GRIDROLL_DATABASE_URL")
    assert "secret" not in done.stderr
    assert not (tmp_path / "state" / "landings").exists()


@pytest.mark.parametrize("content", [None, "garbage"])
def test_a_signing_key_that_cannot_be_read_is_found_before_any_work(
    exports: Path, tmp_path: Path, content: str | None
) -> None:
    key = tmp_path / "key.pem"
    if content:
        key.write_text(content)
    else:
        key.mkdir()
    done = linkage("run", "--exports", exports, "--state", tmp_path / "state", GRIDROLL_SIGNING_KEY=str(key))
    refused(done, 2, "key.pem")
    assert not (tmp_path / "state" / "landings").exists()


def test_too_little_memory_names_the_stage_and_the_limit(exports: Path, config: Path, tmp_path: Path) -> None:
    text = (config / "night.yaml").read_text(encoding="utf-8")
    (config / "night.yaml").write_text(text.replace("memory_limit: 4GB", "memory_limit: 8MB"), encoding="utf-8")
    done = linkage("run", "--exports", exports, "--state", tmp_path / "state", "--config", config)
    refused(done, 1, "8MB", "stage", "memory_limit")


def test_two_nights_at_once_on_one_state(exports: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with only_one(state / "run.lock", "testing"):
        refused(linkage("run", "--exports", exports, "--state", state), 1, f"pid {os.getpid()}", "running a night")
    assert not (state / "landings").exists()


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    program = f"""
import time
from pathlib import Path
from linkage.kernel.lock import only_one
with only_one(Path({str(lock)!r}), "testing"):
    print("held", flush=True)
    time.sleep(60)
"""
    holder = subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    with pytest.raises(LinkageError, match=f"pid {holder.pid}"), only_one(lock, "testing"):
        pass
    holder.kill()
    holder.wait()
    time.sleep(0.1)
    with only_one(lock, "testing"):
        pass


def test_doctor_of_a_state_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    done = linkage("doctor", "--state", tmp_path / "typo")
    assert done.returncode == 1 and "does not exist" in done.stdout and "Traceback" not in done.stderr
    assert not (tmp_path / "typo").exists()
    (tmp_path / "file").write_text("")
    done = linkage("doctor", "--state", tmp_path / "file")
    assert done.returncode == 1 and "is not a folder" in done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command", [("restrictions",), ("judgements",), ("model", "history"), ("retain", "--date", "2026-03-02")]
)
def test_a_mistyped_state_is_no_state_without_entries(tmp_path: Path, command: tuple[str, ...]) -> None:
    refused(linkage(*command, "--state", tmp_path / "typo"), 2, "no state folder")
    assert not (tmp_path / "typo").exists()


def test_fiction_into_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(linkage("fiction", "--persons", "60", "--out", tmp_path / "file"), 1, "file")


def test_verify_of_what_is_no_release_or_with_what_is_no_key(tmp_path: Path) -> None:
    refused(linkage("verify", tmp_path), 1, "not a release")
    (tmp_path / "garbage.pem").write_text("garbage")
    refused(linkage("verify", tmp_path, "--public-key", tmp_path / "garbage.pem"), 2, "garbage.pem")
