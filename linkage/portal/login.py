"""Entering with a local account: password, then code. Each try is counted before it is looked at."""

from fastapi import Request, Response

from linkage.portal.accounts import Row, find_user, plain_username, update_user
from linkage.portal.backoff import ADDRESS_FACTOR, count_try, forgive
from linkage.portal.desk import Desk, Refused
from linkage.portal.guard import session_cookie
from linkage.portal.passwords import hash_password, is_right, needs_rehash
from linkage.portal.second_factor import accept_code
from linkage.portal.sessions import end_sessions, open_session


def check_password(request: Request, desk: Desk, username: str, password: str) -> Row:
    """The account. Raises TooSoon when the try comes too early, and Refused (401) that tells no more than that something is wrong."""
    settings, hashed = desk.settings, desk.settings.audit.keyed_hash
    address = request.client.host if request.client else ""
    rules = settings.portal.login
    name = plain_username(username)
    both, one = hashed(f"password {name} {address}"), hashed(f"address {address}")
    user = find_user(settings.state, username=name)
    # On record by name only where there is such an account: what else was typed may be a password.
    desk.details |= {"account": name} if user else {"username_hash": hashed(username)}
    count_try(settings.state, one, rules, factor=ADDRESS_FACTOR)
    count_try(settings.state, both, rules)
    good = is_right(user["password_hash"] if user else None, password)
    if user is None or not good or user["disabled_at"] is not None:
        raise Refused(401, "用户名或密码不正确。", "Username or password is not right.")
    forgive(settings.state, both)
    forgive(settings.state, one, only_last=True)
    if needs_rehash(user["password_hash"]):
        update_user(settings.state, user["user_id"], password_hash=hash_password(password))
    return user


def check_code(desk: Desk, user: Row, code: str) -> None:
    """Raises TooSoon when the try comes too early, and Refused (401) when the code is wrong or was used."""
    settings = desk.settings
    tried = settings.audit.keyed_hash(f"code {user['user_id']}")
    count_try(settings.state, tried, settings.portal.login)
    if not accept_code(settings.state, settings.sealer, user, code):
        raise Refused(
            401,
            "验证码不正确或已使用，请等待下一个验证码。",
            "The code is not right, or was used; wait for the next one.",
        )
    forgive(settings.state, tried)


def begin_session(desk: Desk, answer: Response, user_id: str, *, second_factor: bool) -> None:
    """Give the browser a new session; the one it came with ends, so that nobody who knew that one comes along."""
    settings = desk.settings
    if desk.viewer is not None and desk.viewer.session_hash is not None:
        end_sessions(settings.state, desk.viewer.user_id, only=desk.viewer.session_hash)
    secret = open_session(settings.state, user_id, settings.portal.sessions, second_factor=second_factor)
    answer.set_cookie(
        session_cookie(settings), secret, httponly=True, samesite="strict", secure=settings.portal.is_secure, path="/"
    )


def drop_session(desk: Desk, answer: Response) -> None:
    """Take the cookie away, as it was given: browsers refuse to drop a ``__Host-`` cookie otherwise."""
    answer.delete_cookie(
        session_cookie(desk.settings), path="/", secure=desk.settings.portal.is_secure, httponly=True, samesite="strict"
    )
