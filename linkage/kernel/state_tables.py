"""The tables that people fill: judgements, restrictions, and what the portal keeps (accounts, requests, audit). All times are UTC.

Whatever says what somebody did is append-only: the migrations add triggers that refuse changes.
"""

import sqlalchemy as sa

metadata = sa.MetaData()


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime, nullable=nullable)


judgements_table = sa.Table(
    "judgements",
    metadata,
    sa.Column("judgement_id", sa.String(16), primary_key=True),
    sa.Column("record_key_l", sa.String(200), nullable=False, index=True),
    sa.Column("record_key_r", sa.String(200), nullable=False, index=True),
    sa.Column("verdict", sa.String(10), nullable=False),
    sa.Column("reader", sa.String(100), nullable=False),
    _moment("decided_at"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("decision_id", sa.String(16), index=True),
    sa.Column("evidence", sa.JSON(none_as_null=True)),
    sa.Column("takes_back", sa.String(16)),  # of a withdrawal: the judgement that counts no more
)

restrictions_table = sa.Table(
    "restrictions",
    metadata,
    sa.Column("action_id", sa.String(16), primary_key=True),
    sa.Column("person_id", sa.String(20), nullable=False, index=True),
    sa.Column("action", sa.String(10), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("decided_by", sa.String(100), nullable=False),
    sa.Column("basis", sa.Text, nullable=False),
    _moment("decided_at"),
)

# Who may enter. department: a source of config/sources, or "office" for the data office that runs the register.
users_table = sa.Table(
    "users",
    metadata,
    sa.Column("user_id", sa.String(16), primary_key=True),
    sa.Column("username", sa.String(100), nullable=False, unique=True),
    sa.Column("display_name", sa.String(100), nullable=False),
    sa.Column("department", sa.String(50), nullable=False),
    sa.Column("area_level", sa.String(20), nullable=False),  # district, street, community, grid
    sa.Column("area_name", sa.String(100), nullable=False),  # "" for the whole district
    sa.Column("password_hash", sa.String(200)),
    sa.Column("must_change_password", sa.Boolean, nullable=False),
    sa.Column("totp_secret", sa.String(200)),  # encrypted with the installation's key
    sa.Column("totp_last_step", sa.Integer),  # a code is good once
    sa.Column("oidc_subject", sa.String(300), unique=True),
    sa.Column("reset_asked_by", sa.String(100)),  # who asked to take the second factor away; another one must agree
    _moment("reset_asked_at", nullable=True),
    _moment("created_at"),
    sa.Column("created_by", sa.String(100), nullable=False),
    _moment("disabled_at", nullable=True),
)

# Wrong passwords and codes, counted by what they were tried on (a keyed hash of account and address): each further try waits.
login_failures_table = sa.Table(
    "login_failures",
    metadata,
    sa.Column("tried", sa.String(40), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    _moment("last_at"),
    _moment("waits_until", nullable=True),
)

role_grants_table = sa.Table(
    "role_grants",
    metadata,
    sa.Column("grant_id", sa.String(16), primary_key=True),
    sa.Column("user_id", sa.String(16), sa.ForeignKey("users.user_id"), nullable=False, index=True),
    sa.Column("role", sa.String(50), nullable=False),
    sa.Column("granted_by", sa.String(100), nullable=False),
    _moment("granted_at"),
    sa.Column("reason", sa.Text, nullable=False),
    _moment("revoked_at", nullable=True),
    sa.Column("revoked_by", sa.String(100)),
    sa.Column("revoke_reason", sa.Text),
)

# Only hashes of session and token secrets are kept.
sessions_table = sa.Table(
    "sessions",
    metadata,
    sa.Column("session_hash", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(16), sa.ForeignKey("users.user_id"), nullable=False, index=True),
    sa.Column("second_factor", sa.Boolean, nullable=False),
    sa.Column("purpose", sa.String(50)),
    sa.Column("purpose_note", sa.String(200)),
    _moment("created_at"),
    _moment("last_seen_at"),
    _moment("expires_at"),
    _moment("ended_at", nullable=True),
)

tokens_table = sa.Table(
    "tokens",
    metadata,
    sa.Column("token_id", sa.String(16), primary_key=True),
    sa.Column(
        "family_id", sa.String(16), nullable=False, index=True
    ),  # the first token of those that were rotated one into the next
    sa.Column("secret_hash", sa.String(64), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("user_id", sa.String(16), sa.ForeignKey("users.user_id"), nullable=False, index=True),
    sa.Column("scope", sa.JSON, nullable=False),  # {"may": [permission], "tables": {table: [column]}}
    sa.Column("purpose", sa.String(50), nullable=False),
    _moment("created_at"),
    _moment("expires_at"),
    _moment("last_used_at", nullable=True),
    _moment("revoked_at", nullable=True),
    sa.Column("revoked_by", sa.String(100)),
    sa.Column("replaced_by", sa.String(16)),
    _moment("overlap_until", nullable=True),  # a replaced token works until then
)

# How much one user took on one day (UTC), by kind: rows, searches, downloads.
usage_table = sa.Table(
    "usage",
    metadata,
    sa.Column("user_id", sa.String(16), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column("amount", sa.Integer, nullable=False),
)

# Numbers that a department tried and that fitted nobody: keyed hashes of what all tries of one guesser have in common, and of the number.
fruitless_tries_table = sa.Table(
    "fruitless_tries",
    metadata,
    sa.Column("tried", sa.String(40), primary_key=True),
    sa.Column("value_hash", sa.String(40), primary_key=True),
    sa.Column("day", sa.Date, nullable=False, index=True),  # the last (UTC)
)

# A steward works on a case; another one is told so until then.
review_locks_table = sa.Table(
    "review_locks",
    metadata,
    sa.Column("case_id", sa.String(32), primary_key=True),
    sa.Column("user_id", sa.String(16), nullable=False),
    _moment("taken_at"),
    _moment("expires_at"),
)

# One row per reading of a case, append-only: undoing is a reading of its own that names the one it undoes.
readings_table = sa.Table(
    "readings",
    metadata,
    sa.Column("reading_id", sa.String(16), primary_key=True),
    sa.Column("case_id", sa.String(32), nullable=False, index=True),
    sa.Column("case_kind", sa.String(40), nullable=False),
    sa.Column("records", sa.JSON, nullable=False),  # record keys of the case: it may be gone from the next release
    sa.Column("release", sa.String(60), nullable=False),
    sa.Column("user_id", sa.String(16), nullable=False, index=True),
    sa.Column("kind", sa.String(20), nullable=False),  # first, second, third, undo
    sa.Column("verdict", sa.String(20), nullable=False),  # same, different, unsure, groups, move, undo
    sa.Column("groups", sa.JSON(none_as_null=True)),  # [[record keys of one person], ...]
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("decision_id", sa.String(16)),  # judgements that it became, null while a second reader is awaited
    sa.Column("undoes", sa.String(16)),
    sa.Column("batch", sa.String(16), index=True),  # of a bulk decision
    sa.Column("pattern", sa.String(64)),  # hash of kind and comparison levels: cases alike
    sa.Column("seconds", sa.Integer),  # from opening the case to deciding
    _moment("read_at"),
)

# A department says that a value is wrong; the department that owns it answers. The values themselves are personal data.
corrections_table = sa.Table(
    "corrections",
    metadata,
    sa.Column("correction_id", sa.String(16), primary_key=True),
    sa.Column("person_id", sa.String(20), nullable=False, index=True),
    sa.Column("field", sa.String(50), nullable=False),
    sa.Column("release", sa.String(60), nullable=False),
    sa.Column("value_before", sa.Text),
    sa.Column("value_proposed", sa.Text),
    sa.Column("reason_code", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("basis", sa.Text),  # paper or system that shows the right value
    sa.Column("legal_basis", sa.String(100), nullable=False),  # article whose clock runs
    sa.Column("owner", sa.String(50), nullable=False, index=True),  # department whose record gave the value
    sa.Column("record_id", sa.String(200), nullable=False),
    sa.Column("raised_by", sa.String(16), nullable=False),
    sa.Column("raised_department", sa.String(50), nullable=False),
    _moment("raised_at"),
    sa.Column("due_on", sa.Date, nullable=False),
)

# What happened to a correction, append-only; its newest step is its state. Two who take the same step at once have the same position:
# the second is refused.
correction_steps_table = sa.Table(
    "correction_steps",
    metadata,
    sa.Column("correction_id", sa.String(16), sa.ForeignKey("corrections.correction_id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),  # from 1
    sa.Column("status", sa.String(20), nullable=False),  # open, accepted, refused, withdrawn, corrected, not_corrected
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("release", sa.String(60), nullable=False),  # current as it was taken
    sa.Column("due_on", sa.Date),  # when the next step is due, by the clock of legal_basis
    sa.Column("by", sa.String(100), nullable=False),
    _moment("at"),
)

# Bulk data with fields that are otherwise masked: asked for by one, granted by two others.
unmask_requests_table = sa.Table(
    "unmask_requests",
    metadata,
    sa.Column("request_id", sa.String(16), primary_key=True),
    sa.Column("requested_by", sa.String(16), nullable=False),
    sa.Column("department", sa.String(50), nullable=False),
    sa.Column("release", sa.String(60), nullable=False),
    sa.Column("table_name", sa.String(50), nullable=False),
    sa.Column("columns", sa.JSON, nullable=False),
    sa.Column("purpose", sa.String(50), nullable=False),
    sa.Column("purpose_note", sa.Text, nullable=False),
    _moment("requested_at"),
    _moment("expires_at"),
)

unmask_votes_table = sa.Table(
    "unmask_votes",
    metadata,
    sa.Column("request_id", sa.String(16), sa.ForeignKey("unmask_requests.request_id"), primary_key=True),
    sa.Column("user_id", sa.String(16), primary_key=True),
    sa.Column("verdict", sa.String(10), nullable=False),  # grant, refuse
    sa.Column("reason", sa.Text, nullable=False),
    _moment("voted_at"),
)

# Each entry is bound to the one before it by a keyed hash (linkage/portal/audit.py).
audit_table = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("entry", sa.Text, nullable=False),  # canonical JSON
    sa.Column("mac", sa.String(64), nullable=False),
)

# Indexes over the entries, which alone are bound; `linkage audit verify` compares them with what the entries say.
audit_index_table = sa.Table(
    "audit_index",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.String(29), nullable=False, index=True),  # ISO 8601, UTC: sorts by time
    sa.Column("hour", sa.String(13), nullable=False),  # its first 13 characters
    sa.Column("actor", sa.String(200), nullable=False, index=True),
    sa.Column("action", sa.String(50), nullable=False, index=True),
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("persons", sa.Integer, nullable=False),
)

# Which entries speak of which searched value: its keyed hash.
audit_values_table = sa.Table(
    "audit_values",
    metadata,
    sa.Column("value_hash", sa.String(64), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, index=True),
)

# Which entries speak of which person.
audit_persons_table = sa.Table(
    "audit_persons",
    metadata,
    sa.Column("person_id", sa.String(20), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, index=True),
)
