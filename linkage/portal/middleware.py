"""What stands before every route: safe headers, no fault's text in a log, known hosts only, bodies of a size."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with no-referrer browsers send the origin "null" with our own forms
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
MOST_BODY_BYTES = 1_048_576
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


class SafeHeaders:
    """Headers of every answer, faults included; whatever does not say otherwise is not kept by browsers.

    Faults end here: further out their text, which may hold what was looked up, would be written into the server's log.
    """

    def __init__(self, app: ASGIApp, *, secure: bool, fault: Callable[[Request, Exception], Response]) -> None:
        self.app = app
        self.fault = fault
        self.headers = HEADERS | ({"strict-transport-security": "max-age=31536000"} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        static = scope["path"].startswith("/static/")
        has_started = False

        async def send_safely(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                given = {name.lower() for name, _ in message["headers"]}
                extra = self.headers | {"cache-control": "max-age=3600" if static else "no-store"}
                message["headers"] = [
                    *message["headers"],
                    *((k.encode(), v.encode()) for k, v in extra.items() if k.encode() not in given),
                ]
            await send(message)

        try:
            await self.app(scope, receive, send_safely)
        except Exception as error:
            log.error("fault on %s: %s at %s", scope["method"], type(error).__name__, _place(error))
            if not has_started:
                await self.fault(Request(scope, receive), error)(scope, receive, send_safely)


def _place(error: Exception) -> str:
    """File and line: with the kind of the fault enough to find it."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "?"


class KnownHosts:
    """Requests for a host that is not this portal's are refused: another site's name that points here gets no session and no origin."""

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str]) -> None:
        self.app = app
        self.hosts = hosts | LOOPBACK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
            if len(named) != 1 or host_of(named[0]) not in self.hosts:
                answer = PlainTextResponse("Unknown host; see public_url and hosts in config/portal.yaml.\n", 400)
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)


def host_of(header: str) -> str:
    """The name in a Host header, without its port."""
    name = header.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]


class BodyLimit:
    """No request brings more than a form or a small file needs."""

    def __init__(self, app: ASGIApp, *, most_bytes: int = MOST_BODY_BYTES) -> None:
        self.app = app
        self.most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await self.app(scope, self._counted(scope, receive), send)

    def _counted(self, scope: Scope, receive: Receive) -> Callable[[], Awaitable[Message]]:
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            # The guard is asking for the body: raised there, the refusal is on record.
            if taken > self.most_bytes or (announced.isdigit() and int(announced) > self.most_bytes):
                raise HTTPException(413)
            return message

        return counted
