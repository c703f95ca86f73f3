"""A value is sent back by hand: the reader fills the form with the keyboard, the owner's handler answers, the command line counts it."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from linkage.cli import app
from tests.portal.browser import browser, served, sit_down
from tests.portal.conftest import CONFIG, Portal, open_portal

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("walked")
    shutil.copytree(two_nights, folder / "state")
    yield open_portal(folder / "state")


def test_a_value_is_sent_back_with_the_keyboard_answered_and_counted(desk: Portal) -> None:
    (value,) = desk.settings.registers.current().rows(
        """SELECT person_id FROM "values" WHERE field = 'marital_status' AND source = 'police' AND won AND value = '20' ORDER BY 1 LIMIT 1"""
    )
    faults: list[str] = []
    with served(desk) as address, browser() as started:
        seat, context = sit_down(started, desk, address, "civil_reader")
        form = f"/corrections/new?person={value['person_id']}&field=marital_status"
        seat.open(form)  # the purpose is asked first
        page = seat.page
        page.get_by_label("入户走访").press("Space")
        page.keyboard.press("Enter")
        page.wait_for_url("**/corrections/new?**")
        page.get_by_label("情况已变，未更新").press("Space")
        page.get_by_label("正确的值").select_option("40")
        page.get_by_label("所见凭证").press_sequentially("离婚证原件")
        page.get_by_role("textbox", name="说明").focus()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "提交"
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/corrections/[0-9a-f]{16}$"))
        seat.axe()
        path = page.url.removeprefix(address)
        assert page.locator(".state").inner_text().strip() == "待答复"
        faults += seat.faults
        context.close()

        seat, context = sit_down(started, desk, address, "police_handler")
        seat.open("/language/en?next=/corrections")
        seat.page.get_by_role("link", name=path.rsplit("/", 1)[1]).press("Enter")
        seat.page.get_by_label("home visit").press("Space")
        seat.page.keyboard.press("Enter")
        seat.page.wait_for_url(f"**{path}")
        seat.axe()
        seat.page.get_by_label("accept").press("Space")
        seat.page.get_by_role("button", name="Answer").press("Enter")
        seat.page.wait_for_load_state()
        assert "accepted, to be corrected" in seat.page.locator(".state").inner_text()
        faults += seat.faults
        context.close()
    assert faults == []
    _the_command_line_counts_it_and_prints_no_value(desk)


def _the_command_line_counts_it_and_prints_no_value(desk: Portal) -> None:
    places = ["--state", str(desk.state.root), "--config", str(CONFIG)]
    told = CliRunner().invoke(app, ["corrections", "--check", *places])
    assert told.exit_code == 0, told.output
    assert "0 outcome(s) recorded" in told.output and "police marital_status accepted due" in told.output
    assert "police: received 1, answered 1 (1 in time), overdue 0, accepted 1" in told.output
    assert "civil: received 0" in told.output and "离婚证" not in told.output
    assert "civil:" in CliRunner().invoke(app, ["corrections", "--department", "police", *places]).output
    assert "marital_status" not in CliRunner().invoke(app, ["corrections", "--department", "grid", *places]).output
