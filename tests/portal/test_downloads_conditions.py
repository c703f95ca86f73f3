"""What a request with conditions and ranges is answered with: the cases of RFC 9110, sections 13 and 14, as a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.portal.downloads.conditions import decide

ETAG, OTHER = "a" * 64, "b" * 64
SIZE = 1000
WHOLE = (200, 0, 1000)

RANGES = {
    "no range": ({}, WHOLE),
    "first byte": ({"range": "bytes=0-0"}, (206, 0, 1)),
    "first half": ({"range": "bytes=0-499"}, (206, 0, 500)),
    "second half": ({"range": "bytes=500-999"}, (206, 500, 1000)),
    "open end": ({"range": "bytes=500-"}, (206, 500, 1000)),
    "last byte": ({"range": "bytes=999-"}, (206, 999, 1000)),
    "suffix": ({"range": "bytes=-200"}, (206, 800, 1000)),
    "suffix longer than the file": ({"range": "bytes=-5000"}, (206, 0, 1000)),
    "end behind the file": ({"range": "bytes=900-5000"}, (206, 900, 1000)),
    "unit in capitals": ({"range": "Bytes=0-9"}, (206, 0, 10)),
    "blanks around": ({"range": "bytes= 0-9 "}, (206, 0, 10)),
    "start behind the file": ({"range": "bytes=1000-"}, (416, 0, 0)),
    "far behind the file": ({"range": "bytes=5000-6000"}, (416, 0, 0)),
    "suffix of nothing": ({"range": "bytes=-0"}, (416, 0, 0)),
    "end before start is no range": ({"range": "bytes=9-5"}, WHOLE),
    "end before start, behind the file": ({"range": "bytes=5000-10"}, WHOLE),
    "another unit is passed over": ({"range": "rows=0-9"}, WHOLE),
    "not a number": ({"range": "bytes=a-b"}, WHOLE),
    "digits of another script": ({"range": "bytes=\u0660-\u0669"}, WHOLE),
    "a number too long to be one": ({"range": "bytes=" + "9" * 5000 + "-"}, WHOLE),
    "nothing": ({"range": "bytes=-"}, WHOLE),
    "several ranges get the whole": ({"range": "bytes=0-9,20-29"}, WHOLE),
    "If-Range that holds": ({"range": "bytes=500-", "if-range": f'"{ETAG}"'}, (206, 500, 1000)),
    "If-Range of another version": ({"range": "bytes=500-", "if-range": f'"{OTHER}"'}, WHOLE),
    "If-Range is compared strongly": ({"range": "bytes=500-", "if-range": f'W/"{ETAG}"'}, WHOLE),
    "If-Range with a date never holds": ({"range": "bytes=500-", "if-range": "Sat, 29 Oct 1994 19:43:31 GMT"}, WHOLE),
    "If-Range without quotes": ({"range": "bytes=500-", "if-range": ETAG}, WHOLE),
    "If-Range of another version, range that cannot be": ({"range": "bytes=5000-", "if-range": f'"{OTHER}"'}, WHOLE),
    "If-Range without a range": ({"if-range": f'"{ETAG}"'}, WHOLE),
}
CONDITIONS = {
    "If-None-Match that matches": ({"if-none-match": f'"{ETAG}"'}, 304),
    "If-None-Match is compared weakly": ({"if-none-match": f'W/"{ETAG}"'}, 304),
    "If-None-Match with a list": ({"if-none-match": f'"x", W/"y" , "{ETAG}"'}, 304),
    "If-None-Match with a star": ({"if-none-match": "*"}, 304),
    "If-None-Match of another version": ({"if-none-match": f'"{OTHER}"'}, 200),
    "If-None-Match goes before Range": ({"if-none-match": f'"{ETAG}"', "range": "bytes=0-9"}, 304),
    "If-None-Match that does not match leaves Range": ({"if-none-match": f'"{OTHER}"', "range": "bytes=0-9"}, 206),
    "If-Match that matches": ({"if-match": f'"{ETAG}"'}, 200),
    "If-Match with a star": ({"if-match": "*"}, 200),
    "If-Match with a list": ({"if-match": f'"x", "{ETAG}"'}, 200),
    "If-Match of another version": ({"if-match": f'"{OTHER}"'}, 412),
    "If-Match is compared strongly": ({"if-match": f'W/"{ETAG}"'}, 412),
    "If-Match goes before If-None-Match": ({"if-match": f'"{OTHER}"', "if-none-match": f'"{ETAG}"'}, 412),
    "If-Match goes before Range": ({"if-match": f'"{OTHER}"', "range": "bytes=0-9"}, 412),
    "a date is passed over": ({"if-modified-since": "Sat, 29 Oct 2044 19:43:31 GMT"}, 200),
}


@pytest.mark.parametrize("name", RANGES)
def test_range(name: str) -> None:
    headers, expected = RANGES[name]
    found = decide("GET", headers, ETAG, SIZE)
    assert (found.status, found.start, found.end) == expected


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_condition(name: str, method: str) -> None:
    headers, expected = CONDITIONS[name]
    if method == "HEAD" and expected == 206:
        expected = 200
    assert decide(method, headers, ETAG, SIZE).status == expected


def test_head_has_no_ranges() -> None:
    assert decide("HEAD", {"range": "bytes=0-9"}, ETAG, SIZE).status == 200
    assert decide("HEAD", {"range": "bytes=5000-"}, ETAG, SIZE).status == 200


def test_of_an_empty_file_there_is_no_part() -> None:
    assert decide("GET", {}, ETAG, 0).status == 200
    assert decide("GET", {"range": "bytes=0-"}, ETAG, 0).status == 416
    assert decide("GET", {"range": "bytes=-1"}, ETAG, 0).status == 416


@given(st.text(max_size=40), st.text(max_size=40), st.integers(0, 10**6))
def test_whatever_is_asked_the_bytes_lie_in_the_file(asked: str, condition: str, size: int) -> None:
    for value in (asked, f"bytes={asked}"):
        found = decide("GET", {"range": value, "if-none-match": condition}, ETAG, size)
        assert found.status in (200, 206, 304, 416)
        assert 0 <= found.start <= found.end <= size
        assert found.length > 0 or found.status != 206
