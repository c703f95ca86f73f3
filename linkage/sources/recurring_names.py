"""What a file is called every night: its name without folder, ending and date, so that a missing one is noticed."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

# 20260302, 2026-03-02, 2026年3月2日, with or without a time, and 202603.
DATE = re.compile(
    r"(?<!\d)(?:19|20)\d\d(?:[-_.年]?(?:1[0-2]|0?[1-9])[-_.月]?(?:3[01]|[12]\d|0?[1-9])日?(?:[-_T ]?\d{4,6})?|0[1-9]|1[0-2])(?!\d)"
)
ENDINGS = frozenset((".csv", ".txt", ".tsv", ".xlsx", ".xlsm", ".xls", ".dbf", ".parquet", ".zip", ".htm", ".html"))


def recurring_name(label: str) -> str:
    """``grid/网格采集_翠苑街道_20260302.csv`` -> ``网格采集_翠苑街道_<date>``; of an archive, the member's name."""
    files = [PurePosixPath(part) for part in label.split("#") if PurePosixPath(part).suffix.lower() in ENDINGS]
    name = files[-1].stem if files else PurePosixPath(label).name
    return DATE.sub("<date>", unicodedata.normalize("NFKC", name))


def missing_files(before: Iterable[str], now: Iterable[str]) -> list[str]:
    """Files of ``before`` whose like is not among ``now``, sorted.

    A name scheme that changed as a whole (no name in common, and no fewer files) is no missing file.
    """
    earlier = {recurring_name(label): label for label in sorted(before)}
    names = {recurring_name(label) for label in now}
    gone = earlier.keys() - names
    if len(names) >= len(earlier) and not earlier.keys() & names:
        return []
    return sorted(earlier[name] for name in gone)
