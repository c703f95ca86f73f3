"""A file as an answer: conditions and ranges, digests (RFC 9530), a name in UTF-8, and bytes streamed in small pieces.

The file is opened before anything is answered, so that what is streamed is one version of it, whatever happens to its path meanwhile.
"""

import base64
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from anyio import create_task_group
from anyio.to_thread import run_sync
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from linkage.portal.downloads.conditions import Decision, decide

PIECE_BYTES = 256 * 1024
MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".txt": "text/plain; charset=utf-8",
    ".sha256": "text/plain; charset=utf-8",
    ".pem": "application/x-pem-file",
}
GB18030_CSV, ANYTHING = "text/csv; charset=gb18030", "application/octet-stream"
ALL_MEDIA_TYPES = (*dict.fromkeys(MEDIA_TYPES.values()), GB18030_CSV, ANYTHING)


def file_headers(name: str, sha256: str, decision: Decision, size: int) -> dict[str, str]:
    """Headers of an answer with the file ``name`` of ``size`` bytes, whose SHA-256 in hexadecimal digits is also its ETag."""
    headers = {"etag": f'"{sha256}"', "accept-ranges": "bytes"}
    if decision.status in (200, 206):
        digest = f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
        headers |= {
            "content-type": media_type(name),
            "content-length": str(decision.length),
            "content-disposition": disposition(name),
            "repr-digest": digest,
        }
        if decision.status == 200:
            headers["content-digest"] = digest
    if decision.status == 206:
        headers["content-range"] = f"bytes {decision.start}-{decision.end - 1}/{size}"
    if decision.status == 416:
        headers["content-range"] = f"bytes */{size}"
    return headers


def media_type(name: str) -> str:
    """Media type by the end of the name; GB18030 is said to be so."""
    if name.endswith(".gb18030.csv"):
        return GB18030_CSV
    return next((kind for end, kind in MEDIA_TYPES.items() if name.endswith(end)), ANYTHING)


def disposition(name: str) -> str:
    """``attachment`` under ``name``, with a form of it in ASCII for old clients (RFC 6266)."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name).lstrip("_") or "download"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


class FileAnswer(Response):
    """Streams what the conditions of a request leave of a file. Raises OSError when the file cannot be opened."""

    def __init__(self, path: Path, name: str, sha256: str, method: str, headers: Mapping[str, str]) -> None:
        self.file = path.open("rb")
        size = os.fstat(self.file.fileno()).st_size
        self.decision = decide(method, headers, sha256, size)
        self.with_body = method != "HEAD"
        self.background = None
        self.status_code = self.decision.status
        self.init_headers({"content-length": "0"} | file_headers(name, sha256, self.decision, size))
        if self.status_code == 304:
            del self.headers["content-length"]

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Exactly these headers; the length is that of the file, not of a body in memory."""
        self.raw_headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with create_task_group() as tasks:

            async def stop_when_the_reader_left() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                tasks.cancel_scope.cancel()

            tasks.start_soon(stop_when_the_reader_left)
            try:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                await self._send_pieces(send)
            finally:
                self.file.close()
            tasks.cancel_scope.cancel()

    async def _send_pieces(self, send: Send) -> None:
        left = self.decision.length if self.with_body else 0
        self.file.seek(self.decision.start)
        while left > 0:
            piece = await run_sync(self.file.read, min(PIECE_BYTES, left))
            if not piece:
                raise OSError("the file ended before its length")
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def bytes_answer(method: str, headers: Mapping[str, str], name: str, content: bytes) -> Response:
    """A small file that is made on the spot, answered by the same rules."""
    sha256 = hashlib.sha256(content).hexdigest()
    decision = decide(method, headers, sha256, len(content))
    body = content[decision.start : decision.end] if method != "HEAD" else b""
    return Response(body, decision.status, file_headers(name, sha256, decision, len(content)))
