"""One-time codes (TOTP, RFC 6238) as the second factor of local accounts. A code is good once."""

import hmac
from urllib.parse import quote

import pyotp
import segno
import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import users_table
from linkage.portal import clock
from linkage.portal.accounts import Row
from linkage.portal.sealing import Sealer

STEP_SECONDS = 30
STEPS_AROUND = 1
"""A clock may be off by so many steps."""


def new_secret() -> str:
    """160 random bits, base 32, as authenticator programs take it."""
    return pyotp.random_base32()


def enrolment_picture(secret: str, username: str, issuer: str) -> str:
    """The QR code that an authenticator program reads, as a ``data:`` address of an SVG."""
    label = f"{quote(issuer)}:{quote(username)}"
    address = f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer)}"
    return str(segno.make(address, error="m").svg_data_uri(scale=5, border=4, light="#fff"))


def step_of(secret: str, code: str, after: int | None) -> int | None:
    """The time step whose code this is, around now and later than ``after``; None when the code is wrong, or was used."""
    given = "".join(code.split())
    totp = pyotp.TOTP(secret)
    here = int(clock.moment().timestamp()) // STEP_SECONDS
    found = None
    for step in range(here - STEPS_AROUND, here + STEPS_AROUND + 1):
        is_it = hmac.compare_digest(totp.generate_otp(step).encode(), given.encode("utf-8", "replace"))
        if is_it and (after is None or step > after):
            found = step
    return found


def accept_code(state: State, sealer: Sealer, user: Row, code: str) -> bool:
    """Whether ``code`` is the account's, now and for the first time; it is used up with that."""
    secret = sealer.open(user["totp_secret"], bound_to=user["user_id"])
    step = step_of(secret, code, user["totp_last_step"]) if secret else None
    if step is None:
        return False
    table = users_table.c
    is_later = table.totp_last_step.is_(None) | (table.totp_last_step < step)
    use_up = sa.update(users_table).where(table.user_id == user["user_id"], is_later).values(totp_last_step=step)
    with open_database(state).begin() as connection:
        return connection.execute(use_up).rowcount == 1


def enrol(state: State, sealer: Sealer, user_id: str, secret: str, code: str) -> bool:
    """Make ``secret`` the account's, once its owner has shown that their program gives its codes. False: wrong code, or it has one already."""
    step = step_of(secret, code, None)
    if step is None:
        return False
    has_none = (users_table.c.user_id == user_id) & users_table.c.totp_secret.is_(None)
    values = {"totp_secret": sealer.seal(secret, bound_to=user_id), "totp_last_step": step}
    with open_database(state).begin() as connection:
        return connection.execute(sa.update(users_table).where(has_none).values(**values)).rowcount == 1
