"""The closed model of ``config/access.yaml``: which role may do what, and sees which columns of which rows.

What is not granted is refused. The file is compiled to SQL projections (``linkage/portal/views.py``) and to the test matrix.
"""

from collections.abc import Iterable
from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from linkage.kernel.config import ClosedModel
from linkage.kernel.contracts import contract
from linkage.kernel.errors import ConfigurationError
from linkage.release.sharing import Mask, SharingConfig

Permission = Literal[
    "look_up",  # find persons and households, read their pages
    "verify",  # yes or no: alive and resident here?
    "match_call",  # give a record, get persons with weights
    "explain",  # records behind a person, why they are linked
    "review",  # the review desk
    "second_read",  # blind second reading
    "apply_now",  # start a run that applies decisions at once
    "send_back",  # say that a value is wrong
    "answer_corrections",  # answer for the own department
    "download",  # the own department's slice
    "download_register",  # whole releases, each time under a granted request
    "tokens",  # API tokens of one's own
    "request_unmasked",  # ask for bulk data without masks
    "grant_unmasked",  # one of two who grant it
    "report",  # linkage report and scorecards
    "operations",  # runs, gates, late departments
    "accounts",  # create and disable accounts
    "grants",  # give and take roles
    "audit",  # read the audit
]
PERMISSIONS: tuple[str, ...] = get_args(Permission)
READABLE = ("persons", "households", "members", "values", "crosswalk", "history", "review_cases", "common_records")
GENERAL_WORDS = frozenset(("number", "code", "on", "full", "date", "key", "grade", "kind"))
"""Words of column names that say nothing of what a column is about."""
ADMINISTRATORS = ("system_administrator", "security_administrator", "auditor")
"""三员分立: nobody is two of these (GB/T 22239-2019, 8.1.10)."""


class Read(ClosedModel):
    """What a role sees of one table."""

    table: Literal[
        "persons", "households", "members", "values", "crosswalk", "history", "review_cases", "common_records"
    ]
    columns: Literal["all", "as_shared"] | tuple[str, ...]
    """all; as_shared: what config/sharing.yaml gives the user's department, masks included; or the columns by name."""
    rows: Literal["all", "as_shared"] = "as_shared"
    """all: every row; as_shared: the department's scope in config/sharing.yaml without restricted persons. Both within the user's area."""
    mask: dict[str, Mask] = Field(default_factory=dict)
    """Columns shown in part."""

    @model_validator(mode="after")
    def _known_columns(self) -> Self:
        if isinstance(self.columns, tuple):
            known = set(contract(self.table).column_names)
            if unknown := sorted((set(self.columns) | set(self.mask)) - known):
                raise ValueError(f"{self.table} has no columns {', '.join(unknown)}")
        return self


class Role(ClosedModel):
    """One role."""

    role: str
    """Name, as in grants."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    may: tuple[Permission, ...]
    """What it may do."""
    reads: tuple[Read, ...] = ()
    """What it sees; a table not named here is not seen."""
    rows_per_day: int = Field(default=0, ge=0)
    """Rows of persons that one user may be shown on one day, downloads apart; 0: none."""
    searches_per_minute: int = Field(default=30, ge=1)
    """Look-ups of one user per minute."""

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        tables = [read.table for read in self.reads]
        if len(set(tables)) != len(tables):
            raise ValueError(f"{self.role}: a table is named twice")
        return self


class AccessConfig(ClosedModel):
    """Who may what in the portal."""

    roles: tuple[Role, ...]
    """All roles; what a role does not name is refused."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names = [role.role for role in self.roles]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"roles named twice: {', '.join(doubled)}")
        if missing := sorted(set(ADMINISTRATORS) - set(names)):
            raise ValueError(f"the three administrators must be separate roles; missing: {', '.join(missing)}")
        for role in self.roles:
            if role.role in ADMINISTRATORS and role.reads:
                raise ValueError(f"{role.role}: an administrator reads no residents' data")
        for duty, holder in {
            "grants": "security_administrator",
            "accounts": "system_administrator",
            "audit": "auditor",
        }.items():
            others = [role.role for role in self.roles if duty in role.may and role.role != holder]
            if others:
                raise ValueError(f"{duty} belongs to {holder} alone, not to {', '.join(others)}")
        return self

    def role(self, name: str) -> Role | None:
        """The role ``name``; None when the file does not know it (any more): it grants nothing."""
        return next((role for role in self.roles if role.role == name), None)

    def of(self, names: Iterable[str]) -> tuple[Role, ...]:
        """The roles of these names that the file knows."""
        return tuple(role for name in names if (role := self.role(name)))


def check_against_sharing(access: AccessConfig, sharing: SharingConfig, where: str = "config/access.yaml") -> None:
    """Raise ConfigurationError where a role that departments hold (rows: ``as_shared``) names a column that is 不予共享 in config/sharing.yaml,
    in whatever table: the column itself, or of the departments' own records also what shares a word with it and may be made from it
    (``contact_phone`` of ``phone``, ``identity_birth_date`` of ``identity_number``).

    ``values`` shows values of the golden fields that the same viewer sees of persons, so that it needs no check of its own.
    """
    hidden = [entry.field for entry in sharing.classes if entry.class_ == "not_shared"]
    for role in access.roles:
        for read in role.reads:
            if read.rows != "as_shared" or read.columns == "as_shared":
                continue  # what departments receive is checked where sharing.yaml is read
            names = contract(read.table).column_names if read.columns == "all" else read.columns
            if found := [name for name in names if _is_hidden(read.table, name, hidden, sharing)]:
                raise ConfigurationError(
                    f"{where}: {role.role} would show departments {', '.join(found)} of {read.table}, which is 不予共享.",
                    remedy="Name the columns one by one, without it; or change its class in config/sharing.yaml.",
                )


def _is_hidden(table: str, name: str, hidden: list[str], sharing: SharingConfig) -> bool:
    if sharing.sharing_class(table, name) == "not_shared":
        return True
    return table == "common_records" and any(_words(name) & _words(field) for field in hidden)


def _words(name: str) -> set[str]:
    """The telling words of a column's name, one or several of a thing alike."""
    return {word.removesuffix("s") for word in name.split("_")} - GENERAL_WORDS
