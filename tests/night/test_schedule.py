"""When a night begins, and how long it waits for whom."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from linkage.kernel.source_config import SourceConfig, read_source_configs
from linkage.schedule import ScheduleConfig, night_cron, pull_window
from tests.builders import REPOSITORY

ZONE = "Asia/Shanghai"


def sources(*crons: str) -> list[SourceConfig]:
    police = read_source_configs(REPOSITORY / "config")["police"]
    return [police.model_copy(update={"pull_cron": cron}) for cron in crons]


@pytest.mark.parametrize(
    ("crons", "night"),
    [
        (("0 1 * * *", "30 2 * * *"), "0 1 * * *"),
        (("30 0 * * 1", "0 1 * * *"), "30 0 * * *"),
        (("0 1 1 * *", "0 2 * * 1-5"), "0 1 * * *"),
        (("45 3,23 * * *", "15 4 * * *"), "45 3 * * *"),
        (("*/20 5-7 * * *",), "0 5 * * *"),
        (("0 22 * * 5", "10 * * * *"), "10 0 * * *"),
    ],
)
def test_a_night_begins_every_day_with_the_first_department(crons: tuple[str, ...], night: str) -> None:
    assert night_cron(sources(*crons)) == night


def test_a_weekly_department_is_waited_for_on_its_day_only() -> None:
    (weekly,) = sources("0 1 * * 1")
    monday, tuesday = (pull_window(weekly, date(2026, 3, day), ZONE) for day in (2, 3))
    at_two = datetime(2026, 3, 2, 2, tzinfo=ZoneInfo(ZONE))
    assert not monday.not_open(at_two) and not monday.closed(at_two)
    assert tuesday.closed(at_two.replace(day=3))


def test_the_answer_about_a_night_is_due_before_the_next_one_times_out() -> None:
    with pytest.raises(ValidationError, match="approval_timeout_hours"):
        ScheduleConfig(owner="x", approval_timeout_hours=30, night_timeout_hours=20)
