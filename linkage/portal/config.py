"""The closed model of ``config/portal.yaml``: how the portal runs."""

from datetime import date
from typing import Self

from pydantic import Field, model_validator

from linkage.kernel.config import ClosedModel


class Purpose(ClosedModel):
    """What a resident's data may be looked at for."""

    code: str
    """Stands in the audit."""
    zh: str
    """Chinese."""
    en: str
    """English."""
    needs_note: bool = False
    """The user must add a case number or a reason."""


class OpenIdProvider(ClosedModel):
    """An OpenID Connect provider (the government's unified login)."""

    issuer: str
    """Its address; discovery is read from <issuer>/.well-known/openid-configuration."""
    client_id: str
    """Name under which it knows this portal."""
    client_secret_environment: str = "GRIDROLL_OIDC_SECRET"
    """Environment variable with the client secret."""
    zh: str = "统一身份认证登录"
    """Text of the login button."""
    en: str = "Sign in with the unified login"
    """Text of the login button, English."""
    second_factor_methods: tuple[str, ...] = ("mfa", "otp", "hwk", "swk", "sms", "fpt", "face", "sc", "pop")
    """Values of the claim ``amr`` (RFC 8176) that say a second factor was used. Without the claim the provider is taken to see to it."""


class Sessions(ClosedModel):
    """How long a login lasts."""

    idle_minutes: int = Field(default=30, ge=1)
    """Ends after so long without a request."""
    hours: float = Field(default=10, gt=0)
    """Ends after so long in any case."""
    requests_per_minute: int = Field(default=1200, ge=60)
    """Requests of one user per minute, whatever they ask for; look-ups have a pace of their own in access.yaml."""
    strangers_per_minute: int = Field(default=1200, ge=60)
    """Requests per minute from one address by those who are not logged in."""


class Login(ClosedModel):
    """How guessing is slowed down."""

    failures: int = Field(default=5, ge=2)
    """After so many wrong passwords each further try waits."""
    wait_seconds: int = Field(default=30, ge=1)
    """First wait; doubled with each further failure, up to 15 minutes. Right passwords wait too, but nobody is locked out for good."""
    password_length: int = Field(default=12, ge=12)
    """Shortest password."""
    second_factor_roles: tuple[str, ...] = (
        "steward", "second_reader", "department_reader", "verifier", "correction_handler", "downloader", "register_downloader", "data_owner",
        "system_administrator", "security_administrator", "auditor",
    )  # fmt: skip
    """Local accounts with one of these roles need a one-time code (TOTP)."""


class Review(ClosedModel):
    """How cases are read."""

    lock_minutes: int = Field(default=15, ge=1)
    """A case that a steward opened is kept for so long."""
    second_reader_percent: float = Field(default=5, ge=0, le=100)
    """Share of decided cases that a second reader reads blind."""
    high_harm_statuses: tuple[str, ...] = ("deceased",)
    """A case about a person with such a status always gets a second reader."""
    benefit_feeds: tuple[str, ...] = ("civil_elder", "civil_assist")
    """Feeds of those who receive money: a wrong person there does more harm."""
    bulk_after: int = Field(default=20, ge=2)
    """Cases of one pattern are decided together only after so many of them were decided the same one by one, and none otherwise."""
    daily_cases: int = Field(default=60, ge=1)
    """A steward's day in cases, for the progress bar."""


class Guessing(ClosedModel):
    """Numbers that a searcher sees in part, or not at all, are not found by trying the rest."""

    fruitless_tries: int = Field(default=5, ge=2)
    """So many different numbers with one birth date, or one ending, that fitted nobody; a department tries no more of them."""
    days: int = Field(default=7, ge=1)
    """They are counted over so many days (UTC)."""


class Holiday(ClosedModel):
    """One holiday, as in the yearly notice of the State Council's General Office."""

    zh: str
    """Name."""
    first: date
    """First day off."""
    last: date
    """Last day off."""
    worked: tuple[date, ...] = ()
    """Weekend days worked instead (调休)."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"{self.zh}: the last day off is before the first")
        return self


class Corrections(ClosedModel):
    """Values sent back."""

    due_working_days: int = Field(default=10, ge=1)
    """The owning department verifies, corrects and answers within so many working days (order 809, art. 26)."""
    legal_basis: str = Field(default="政务数据共享条例第二十六条", max_length=100)
    """Article whose clock it is; stands with each request."""
    patience_releases: int = Field(default=3, ge=1)
    """An accepted request whose value so many later releases still show is marked as not corrected."""
    holidays: tuple[Holiday, ...] = ()
    """Public holidays and the weekend days worked instead; in years that are not named only weekends are off."""


class PortalConfig(ClosedModel):
    """How the portal runs."""

    title_zh: str = "网格人户一本账"
    """Name on every page."""
    title_en: str = "gridroll"
    """The same in English."""
    public_url: str = "http://localhost:8090"
    """Address that browsers use; with https cookies are sent over TLS only."""
    hosts: tuple[str, ...] = ()
    """Other names by which browsers may call this portal; requests for any other host are refused. The machine's own (localhost) always may."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses of the proxies in front; only these are believed who the client is (X-Forwarded-For). Empty: nobody is."""
    airflow_url: str = ""
    """Address of Airflow's pages for administrators; empty: no link."""
    sessions: Sessions = Sessions()
    """How long a login lasts."""
    login: Login = Login()
    """How guessing is slowed down."""
    openid: OpenIdProvider | None = None
    """Login through the government's unified login; without it local accounts alone."""
    purposes: tuple[Purpose, ...]
    """What data may be looked at for; each look-up states one."""
    audit_heads: str = ""
    """Folder to which the signed head of the audit is copied as well, best on another machine; empty: state/ alone."""
    token_days: int = Field(default=90, ge=1, le=90)
    """Longest life of an API token."""
    misses_per_day: int = Field(default=40, ge=1)
    """Searches by a value that the searcher sees masked, and that found nobody: so many on one day. It could be guessed otherwise."""
    verifications_per_day: int = Field(default=500, ge=1)
    """Yes/no verifications of one user on one day (UTC)."""
    guessing: Guessing = Guessing()
    """Numbers that are tried out."""
    search_results: int = Field(default=20, ge=1, le=50)
    """Persons on one page of results."""
    unmasked_votes: int = Field(default=2, ge=2)
    """So many other people must grant unmasked bulk data."""
    unmasked_hours: int = Field(default=24, ge=1)
    """A granted request can be downloaded for so long."""
    review: Review = Review()
    """How cases are read."""
    corrections: Corrections = Corrections()
    """Values sent back."""

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        codes = [purpose.code for purpose in self.purposes]
        if not codes or len(set(codes)) != len(codes):
            raise ValueError("purposes: at least one, each code once")
        return self

    def purpose(self, code: str | None) -> Purpose | None:
        """The purpose with this code, if there is one."""
        return next((purpose for purpose in self.purposes if purpose.code == code), None)

    @property
    def is_secure(self) -> bool:
        """Whether browsers come over TLS."""
        return self.public_url.startswith("https://")
