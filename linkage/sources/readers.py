"""Which reader a file needs: decided by its content, never by its name alone."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from linkage.sources.other_formats import read_dbf, read_html, read_parquet
from linkage.sources.table import RawTable
from linkage.sources.text import read_text
from linkage.sources.workbook import read_workbook

ZIP, OLE, PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"
DBASE_VERSIONS = frozenset((0x02, 0x03, 0x30, 0x31, 0x83, 0x8B, 0xF5))
LITTER = ("__MACOSX", ".", "~$")  # what desktop systems leave beside files; never data


class UnreadableMember(Exception):
    """A file, or a member of an archive, that no reader can read; ``reason`` holds no values."""

    def __init__(self, label: str, reason: str) -> None:
        super().__init__(label, reason)
        self.label = label
        self.reason = reason


@dataclass(frozen=True)
class Member:
    """One file, delivered as it is or taken out of an archive; ``problem`` says why it could not be taken out."""

    label: str
    name: str
    data: bytes
    in_archive: bool = False
    problem: str = ""


def open_members(data: bytes, label: str, name: str, *, in_archive: bool = False) -> Iterator[Member]:
    """The file itself, or every member of an archive, archives inside archives included."""
    if not is_archive(data):
        yield Member(label, name, data, in_archive)
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in _members(archive):
            inner = member_name(info)
            try:
                content = archive.read(info)
            except Exception as error:  # encrypted, damaged or unknown compression: zipfile raises many kinds
                yield Member(f"{label}#{inner}", inner, b"", True, type(error).__name__)
            else:
                yield from open_members(content, f"{label}#{inner}", inner, in_archive=True)


def is_archive(data: bytes) -> bool:
    """A zip that is no workbook (a broken one is left to the readers, who say so)."""
    if data[:4] != ZIP:
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "xl/workbook.xml" not in archive.namelist()
    except zipfile.BadZipFile:
        return False


def read_member_names(path: Path) -> list[str]:
    """Names of the members of an archive on disk; none when it is no archive, or not a whole one yet."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [member_name(info) for info in _members(archive)]
    except (zipfile.BadZipFile, OSError):
        return []


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [
        info
        for info in archive.infolist()
        if not info.is_dir() and not any(part.startswith(LITTER) for part in PurePosixPath(info.filename).parts)
    ]


def member_name(member: zipfile.ZipInfo) -> str:
    """A member's name; without the UTF-8 flag zipfile reads it as cp437, and it is UTF-8 all the same, or GBK."""
    if member.flag_bits & 0x800:
        return member.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return member.filename.encode("cp437").decode(encoding)
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
    return member.filename


def read_tables(member: Member) -> list[RawTable]:
    """All tables in one file. Raises UnreadableMember."""
    if member.problem:
        raise UnreadableMember(member.label, member.problem)
    if not member.data:
        return []
    try:
        return _read(member.data, member.label)
    except Exception as error:
        # Readers raise whatever their format suggests; the text may quote cells, so only its kind is kept.
        raise UnreadableMember(member.label, type(error).__name__) from None


def _read(data: bytes, label: str) -> list[RawTable]:
    if data[:4] in (ZIP, OLE):
        return read_workbook(data, label)
    if data[:4] == PARQUET:
        return [read_parquet(data, label)]
    if label.lower().endswith(".dbf") and data[0] in DBASE_VERSIONS:
        return [read_dbf(data, label)]
    if b"<table" in data[:20_000].lower():
        return [read_html(data, label)]
    return [read_text(data, label)]
