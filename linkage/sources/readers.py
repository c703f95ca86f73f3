"""Which reader a file needs: decided by its content, never by its name alone."""

import io
import zipfile

from linkage.sources.other_formats import read_dbf, read_html, read_parquet
from linkage.sources.table import RawTable
from linkage.sources.text import read_text
from linkage.sources.workbook import read_workbook

ZIP, OLE, PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"
DBASE_VERSIONS = frozenset((0x02, 0x03, 0x30, 0x31, 0x83, 0x8B, 0xF5))


class UnreadableMember(Exception):
    """A file, or a member of an archive, that no reader can read; ``reason`` holds no values."""

    def __init__(self, label: str, reason: str) -> None:
        super().__init__(label, reason)
        self.label = label
        self.reason = reason


def read_tables(data: bytes, label: str) -> list[RawTable]:
    """All tables in a file; archives are opened. Raises UnreadableMember."""
    if not data:
        return []
    try:
        return _read(data, label)
    except UnreadableMember:
        raise
    except Exception as error:
        # Readers raise whatever their format suggests; the text may quote cells, so only its kind is kept.
        raise UnreadableMember(label, type(error).__name__) from None


def _read(data: bytes, label: str) -> list[RawTable]:
    if data[:4] == ZIP:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "xl/workbook.xml" in archive.namelist():
                return read_workbook(data, label)
            return _read_archive(archive, label)
    if data[:4] == OLE:
        return read_workbook(data, label)
    if data[:4] == PARQUET:
        return [read_parquet(data, label)]
    if label.lower().endswith(".dbf") and data[0] in DBASE_VERSIONS:
        return [read_dbf(data, label)]
    if b"<table" in data[:20_000].lower():
        return [read_html(data, label)]
    return [read_text(data, label)]


def _read_archive(archive: zipfile.ZipFile, label: str) -> list[RawTable]:
    tables: list[RawTable] = []
    for member in archive.infolist():
        if member.is_dir():
            continue
        tables.extend(read_tables(archive.read(member), f"{label}#{member_name(member)}"))
    return tables


def member_name(member: zipfile.ZipInfo) -> str:
    """A member's name; without the UTF-8 flag it is GBK, which zipfile reads as cp437."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gb18030")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return member.filename
