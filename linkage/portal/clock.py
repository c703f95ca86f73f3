"""What time it is: asked here alone, so that a test can say."""

from datetime import UTC, datetime


def moment() -> datetime:
    """The moment, UTC."""
    return datetime.now(UTC)


def now() -> datetime:
    """The moment, UTC without a zone, as the database keeps it."""
    return moment().replace(tzinfo=None)
