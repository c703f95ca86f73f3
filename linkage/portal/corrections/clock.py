"""Today, and when an answer is due: by the district's calendar."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from linkage.portal import clock
from linkage.portal.corrections.workdays import workdays
from linkage.portal.settings import Settings


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The calendar day on which ``moment`` (UTC, without a zone) falls in the district."""
    return moment.replace(tzinfo=UTC).astimezone(zone).date()


def today(settings: Settings) -> date:
    """The district's date."""
    return today_in(settings.zone)


def today_in(zone: ZoneInfo) -> date:
    """The date in a time zone."""
    return clock.moment().astimezone(zone).date()


def due_on(settings: Settings, raised: date) -> date:
    """When a request raised on ``raised`` must be answered."""
    limits = settings.portal.corrections
    return workdays(limits.holidays).after(raised, limits.due_working_days)
