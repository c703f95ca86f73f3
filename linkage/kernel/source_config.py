"""What one department delivers: the closed model of ``config/sources/*.yaml``.

It is shared because four parties read it: ``sources`` (how to find and read files), ``standardise`` (code
maps), the DAGs (when to pull), and the documentation.
"""

from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from croniter import croniter
from pydantic import Field, field_validator, model_validator

from linkage.kernel.config import ClosedModel, read_config
from linkage.kernel.contracts import contract
from linkage.kernel.errors import ConfigurationError

LINEAGE_FIELDS = frozenset({"source", "feed", "file", "row_number", "content_hash", "numeric_cells", "extra"})


def raw_field_names() -> tuple[str, ...]:
    """Common fields that a department's column may be mapped to (``record_id`` included)."""
    return tuple(n for n in contract("raw_records").column_names if n not in LINEAGE_FIELDS)


class Bilingual(ClosedModel):
    """A text in Chinese and English."""

    zh: str
    """Chinese text, shown first."""
    en: str
    """English text."""


class Column(ClosedModel):
    """One column of a department's table and the common field it becomes."""

    column: str
    """Header as the department writes it today."""
    synonyms: tuple[str, ...] = ()
    """Other headers under which the same column has been or may be delivered. A match by synonym is signalled."""
    field: str | None = None
    """Common field (see the raw_records contract); leave out to keep the column in ``extra``."""
    required: bool = False
    """True: a file without this column is a stop signal. Otherwise its absence is a warning."""
    date_format: Literal["auto", "year_month", "excel"] = "auto"
    """For dates: auto reads every known form; year_month reads YYYYMM; excel reads serial day numbers."""
    codes: dict[str, str] = Field(default_factory=dict)
    """The department's own codes -> standard codes, on top of the text synonyms every source shares."""

    @model_validator(mode="after")
    def _known_field(self) -> Self:
        if self.field is not None and self.field not in raw_field_names():
            raise ValueError(
                f"column {self.column!r}: {self.field!r} is not a common field; known: {', '.join(raw_field_names())}"
            )
        return self


class ExpectedRows(ClosedModel):
    """How many data rows a whole feed (all its files of one night) should have."""

    minimum: int = 1
    """Fewer accepted rows than this: a stop signal (an empty or half file)."""
    maximum: int = 100_000_000
    """More than this: a stop signal."""
    maximum_drop_percent: float = 20.0
    """A full feed that shrank by more than this since the last landing: a stop signal."""


class Database(ClosedModel):
    """A table or query read through SQLAlchemy instead of files."""

    url_env: str
    """Name of the environment variable that holds the SQLAlchemy URL (the secret never stands in the YAML)."""
    query: str
    """SELECT statement; its columns are the feed's columns."""


class Feed(ClosedModel):
    """One table of a department."""

    feed: str
    """Name of the table, unique over all departments, e.g. police_hukou."""
    title: Bilingual
    """Short name for reports."""
    description: str
    """What one row is, in the department's words."""
    files: tuple[str, ...] = ()
    """Glob patterns below the night's folder; members of a zip are matched by their own names, whatever the zip is called."""
    database: Database | None = None
    """Set instead of ``files`` when the department gives a database view."""
    sheet: str | None = None
    """Sheet of a workbook; left out: every sheet in which the header is found."""
    optional: bool = False
    """True: the table does not come every night. Otherwise a night waits for it, and a delivery without it is not taken."""
    delivery: Literal["full", "delta"] = "full"
    """full: a record that is missing has ended; delta: a record that is missing is unchanged and carried over from
    the run behind the release before. Where a quiet night may bring no rows, say ``expected_rows: {minimum: 0}``."""
    own_numbering: bool = False
    """True: record numbers are unique in this table only, not in the whole department; ``record_id`` becomes
    ``<feed>/<number>``. Decide it when connecting: changing it later gives every record of the feed a new key."""
    expected_rows: ExpectedRows = ExpectedRows()
    """Row range of the feed per night."""
    columns: tuple[Column, ...]
    """Every column that is read."""
    ignored: tuple[str, ...] = ()
    """Columns that are known and deliberately not read."""
    constants: dict[str, str] = Field(default_factory=dict)
    """Common fields that every row of this feed has without a column saying so."""

    @model_validator(mode="after")
    def _one_record_id(self) -> Self:
        if sum(c.field == "record_id" for c in self.columns) != 1:
            raise ValueError(f"feed {self.feed}: exactly one column must have field: record_id")
        if bool(self.files) == (self.database is not None):
            raise ValueError(f"feed {self.feed}: give either files or database")
        return self


class SourceConfig(ClosedModel):
    """One department."""

    source: str
    """Short name used everywhere: police, civil, health, grid."""
    title: Bilingual
    """Name for reports."""
    owner: str
    """Office and role to call when something is wrong with the data (no personal phone numbers)."""
    description: str
    """What the department knows and how it comes to know it."""
    pull_cron: str = "0 1 * * *"
    """When the nightly export is expected, as cron (Asia/Shanghai)."""
    settle_seconds: int = 60
    """A file that changed within so many seconds is still being written: the nightly pull comes again later."""
    late_after_minutes: int = 240
    """Minutes after pull_cron from which the night goes on with the department's last landing."""
    feeds: tuple[Feed, ...]
    """The department's tables."""

    @field_validator("pull_cron")
    @classmethod
    def _readable_cron(cls, value: str) -> str:
        if not croniter.is_valid(value):
            raise ValueError(f"{value!r} is not a cron expression; write five fields, e.g. '0 1 * * *'")
        return value

    @cached_property
    def feed_names(self) -> tuple[str, ...]:
        return tuple(f.feed for f in self.feeds)


def read_source_configs(config_dir: Path) -> dict[str, SourceConfig]:
    """All departments by name, sorted. Raises ConfigurationError on doubles or when there are none."""
    configs: dict[str, SourceConfig] = {}
    feeds: dict[str, str] = {}
    for path in sorted((config_dir / "sources").glob("*.yaml")):
        config = read_config(path, SourceConfig)
        if config.source in configs:
            raise ConfigurationError(
                f"Source {config.source!r} is defined twice ({path}).", remedy="Give each department one YAML file."
            )
        for name in config.feed_names:
            if name in feeds:
                raise ConfigurationError(
                    f"Feed {name!r} is defined by {feeds[name]} and {config.source}.",
                    remedy="Feed names must be unique.",
                )
            feeds[name] = config.source
        configs[config.source] = config
    if not configs:
        raise ConfigurationError(
            f"No department is configured in {config_dir / 'sources'}.",
            remedy="Write one YAML file per department; see docs/connect-a-department.md.",
        )
    return dict(sorted(configs.items()))
