"""Whoever starts or examines an installation is told when the audit's signed head is kept nowhere else."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from linkage.cli import app
from linkage.commands.portal import serve
from linkage.doctor import Finding, examine
from linkage.kernel.run import State
from linkage.portal.audit import Audit
from linkage.portal.audit_head import NO_COPY
from linkage.portal.operations.checks import CHECKS
from linkage.portal.settings import read_settings
from tests.portal.bare import config_with
from tests.portal.conftest import CONFIG


@pytest.fixture
def state(tmp_path: Path) -> State:
    found = State(tmp_path / "state")
    found.prepare()
    return found


def one_line(text: str) -> str:
    """The text without the line breaks of a narrow terminal."""
    return "".join(text.split())


@pytest.mark.parametrize("is_named", [False, True])
def test_serve_says_so(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_named: bool
) -> None:
    monkeypatch.setattr("uvicorn.run", lambda app, **more: None)
    serve(
        state=state.root,
        config=config_with(tmp_path, audit_heads=str(tmp_path / "elsewhere") if is_named else ""),
    )
    assert (one_line(NO_COPY) in one_line(capsys.readouterr().out)) is not is_named
    assert (tmp_path / "elsewhere" / "audit_head.json").exists() is is_named


def about_head(state: State, config: Path) -> Finding:
    (found,) = (f for f in examine(state.root, config) if "audit" in f.text and "head" in f.text)
    return found


def test_doctor_says_so_and_it_is_no_fault(state: State) -> None:
    found = about_head(state, CONFIG)
    assert (found.good, found.is_note, found.text) == (True, True, NO_COPY)
    assert "audit_heads" in found.remedy and "docs/portal-audit.md" in found.remedy
    said = CliRunner().invoke(app, ["doctor", "--state", str(state.root), "--config", str(CONFIG)])
    assert one_line(NO_COPY) in one_line(said.output) and one_line(found.remedy) in one_line(said.output)
    assert (True, found.text, found.remedy) in CHECKS["doctor"](read_settings(state, CONFIG))


def test_doctor_says_where_the_copy_is(state: State, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    config = config_with(tmp_path, audit_heads=str(elsewhere))
    assert about_head(state, config).is_note  # nobody has written there yet
    Audit(state, elsewhere)
    found = about_head(state, config)
    assert (found.good, found.is_note) == (True, False) and str(elsewhere) in found.text


def test_a_copy_inside_the_state_folder_is_none(state: State, tmp_path: Path) -> None:
    config = config_with(tmp_path, audit_heads=str(state.root / "copy"))
    Audit(state, state.root / "copy")
    assert about_head(state, config).is_note
