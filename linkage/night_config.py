"""The closed models of ``config/night.yaml`` and ``config/district.yaml``."""

from pydantic import Field

from linkage.kernel.config import ClosedModel
from linkage.kernel.source_config import Bilingual


class DistrictConfig(ClosedModel):
    """The district this installation serves."""

    district: str
    """GB/T 2260 code, six digits; it enters every permanent id."""
    title: Bilingual
    """Name for pages and reports."""
    timezone: str = "Asia/Shanghai"
    """Time zone of the night's date."""


class EngineConfig(ClosedModel):
    """Limits of the SQL engine."""

    threads: int = Field(default=2, ge=1)
    """CPU cores DuckDB may use."""
    memory_limit: str = Field(default="4GB", pattern=r"^[0-9]+(\.[0-9]+)? ?([KMGT]i?B)$")
    """Memory beyond which DuckDB spills to disk: a number and KB, MB, GB or TB (1000) or KiB, MiB, GiB or TiB (1024)."""


class AbnormalConfig(ClosedModel):
    """When a person must look before the night is published. Percentages of the persons of the release before."""

    gate_warnings: int = 8
    """More gate warnings than this."""
    merged_percent: float = 1.0
    """More persons than this merged into another."""
    split_percent: float = 0.5
    """More persons than this split."""
    ended_percent: float = 3.0
    """More persons than this ended."""
    persons_change_percent: float = 5.0
    """The register grew or shrank by more than this."""
    late_sources: int = 1
    """This many departments, or more, were linked with an old landing."""


class RetentionConfig(ClosedModel):
    """How long things are kept, in days; what the next night needs stays whatever its age."""

    runs_days: int = Field(default=30, ge=1)
    """Working tables of a run; those behind the current release and the night before it stay."""
    landings_days: int = Field(default=90, ge=1)
    """Copies of the departments' files; the newest of each department and those behind the current release stay."""
    releases_days: int = Field(default=1095, ge=1)
    """Releases (order 809, art. 29: three years); of a published one the manifest and its signature stay for ever."""


class NightConfig(ClosedModel):
    """How a night runs."""

    engine: EngineConfig = EngineConfig()
    """Limits of the SQL engine."""
    abnormal: AbnormalConfig = AbnormalConfig()
    """When a person must look before publishing."""
    retention: RetentionConfig = RetentionConfig()
    """What is kept how long."""
