"""What a request for a file is answered with: all of it, a part, nothing because nothing changed, or a refusal (RFC 9110, sections 13 and 14).

The only validator is a strong ETag, the SHA-256 of the bytes; there is no Last-Modified, so conditions with dates do not hold (If-Range) or are
passed over (If-Modified-Since), as the RFC says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

RANGE = re.compile(r"bytes=[ \t]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t]*", re.IGNORECASE)
ENTITY_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


@dataclass(frozen=True)
class Decision:
    """HTTP ``status``, and the bytes from ``start`` up to ``end`` (not included) of a file."""

    status: int
    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


def decide(method: str, headers: Mapping[str, str], etag: str, size: int) -> Decision:
    """The answer to a GET or HEAD with these ``headers`` (names in lower case); ``etag`` without quotes, ``size`` in bytes.

    Several ranges in one request are answered with the whole file, which the RFC allows: nobody resumes a download that way.
    """
    if (wanted := headers.get("if-match")) is not None and not _matches(wanted, etag, weak=False):
        return Decision(412, 0, 0)
    if (known := headers.get("if-none-match")) is not None and _matches(known, etag, weak=True):
        return Decision(304, 0, 0)
    whole = Decision(200, 0, size)
    asked = headers.get("range")
    if method != "GET" or asked is None:
        return whole
    if (condition := headers.get("if-range")) is not None and condition.strip() != f'"{etag}"':
        return whole
    found = RANGE.fullmatch(asked.strip())
    if found is None:
        return whole
    first, last, suffix = found.groups()
    if suffix is not None:
        start, end = max(size - int(suffix), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return whole
    return Decision(206, start, end) if start < end else Decision(416, 0, 0)


def _matches(condition: str, etag: str, *, weak: bool) -> bool:
    """Whether a list of entity tags, or ``*``, names ``etag``; a weak tag counts for If-None-Match only."""
    if condition.strip() == "*":
        return True
    return any(tag == etag and (weak or not mark) for mark, tag in ENTITY_TAG.findall(condition))
