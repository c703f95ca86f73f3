"""Who asks: the person behind a session or a token, and what the access file lets them do."""

from dataclasses import dataclass, field
from functools import cached_property

from linkage.portal.access import AccessConfig, Role

OFFICE = "office"
"""Department of those who run the register; it is no source and receives nothing by config/sharing.yaml."""


@dataclass(frozen=True)
class Viewer:
    """One user as the request sees it; ``token_scope`` narrows it further, ``{"may": [...], "tables": {table: [columns]}}``."""

    user_id: str
    username: str
    display_name: str
    department: str
    area_level: str
    area_name: str
    role_names: tuple[str, ...]
    access: AccessConfig = field(repr=False)
    token_id: str | None = None
    token_scope: dict[str, object] | None = None
    must_change_password: bool = False
    second_factor: bool = True
    """Whether this login had one (or needs none: a token)."""
    has_second_factor: bool = False
    """Whether the account gives one-time codes."""
    session_hash: str | None = None
    csrf: str = field(default="", repr=False)

    @cached_property
    def roles(self) -> tuple[Role, ...]:
        return self.access.of(self.role_names)

    @cached_property
    def permissions(self) -> frozenset[str]:
        granted = frozenset(permission for role in self.roles for permission in role.may)
        if self.token_scope is None:
            return granted
        wanted = self.token_scope.get("may", ())
        return granted & frozenset(wanted if isinstance(wanted, list) else ())

    @property
    def rows_per_day(self) -> int:
        return max((role.rows_per_day for role in self.roles), default=0)

    @property
    def searches_per_minute(self) -> int:
        return max((role.searches_per_minute for role in self.roles), default=1)

    @property
    def area(self) -> tuple[str, str] | None:
        """The column of persons that bounds the view and its value; None for the whole district."""
        column = AREA_COLUMNS[self.area_level]
        return (column, self.area_name) if column else None


AREA_COLUMNS: dict[str, str | None] = {
    "district": None,
    "street": "residence_street",
    "community": "residence_community",
    "grid": "grid_code",
}
