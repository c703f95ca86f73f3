"""The mark of a copy: who took it, told from the file alone (docs/decisions/0009-watermark.md).

A copy is one table of one release as one user takes it, in whatever format. Two things come from it and a key that never leaves the installation:
the **mark**, twelve characters that stand in a column of their own and in the file's properties, and the **order** of the rows. Neither
changes a value. Both are the same whenever the copy is made, so that a download resumes to the same bytes.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from linkage.kernel.contracts import contract
from linkage.kernel.engine import quote_name, quote_text
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State, write_bytes

KEY_FILE = "watermark.key"
MARK_COLUMN, MARK_TITLE = "copy_mark", "留痕码"
MARK = re.compile(r"[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}")
SEPARATOR = "\x1f"
FORMATS = (".gb18030.csv", ".csv", ".xlsx", ".parquet")


@dataclass(frozen=True)
class Copy:
    """One table of one release as one user takes it. ``stem``: its path in the release without the format, like ``slices/grid/persons``."""

    release: str
    stem: str
    user_id: str

    def mark(self, key: bytes) -> str:
        """What stands in each row and in the properties: 60 bits, ``ABCD-EFGH-2345``."""
        text = base64.b32encode(self._keyed(key, b"mark"))[:12].decode()
        return "-".join((text[:4], text[4:8], text[8:]))

    def order_key(self, key: bytes) -> str:
        """What the order of the rows is made with, hexadecimal."""
        return self._keyed(key, b"order").hex()

    def _keyed(self, key: bytes, use: bytes) -> bytes:
        text = SEPARATOR.join((self.release, self.stem, self.user_id)).encode()
        return hmac.new(key, use + b"\x00" + text, hashlib.sha256).digest()


def split_format(path: str) -> tuple[str, str]:
    """``slices/grid/persons.gb18030.csv`` -> ``slices/grid/persons`` and ``.gb18030.csv``; the format is empty when it is none of a table."""
    end = next((end for end in FORMATS if path.endswith(end)), "")
    return path.removesuffix(end), end


def table_of(stem: str) -> str:
    """The contract table of a stem: its last part."""
    return PurePosixPath(stem).name


def key_columns(table: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns by which a row of ``table`` is told apart in a slice with ``columns``; all of them when the key is not delivered.

    A slice is of one department, so ``source`` is no part of it.
    """
    key = tuple(name for name in contract(table).key if name != "source")
    return key if set(key) <= set(columns) else columns


def row_key_sql(names: tuple[str, ...]) -> str:
    """SQL of what a row is known by."""
    texts = ", ".join(f"coalesce(CAST({quote_name(name)} AS VARCHAR), '')" for name in names)
    return f"concat_ws(chr({ord(SEPARATOR)}), {texts})"


def order_sql(order_key: str, names: tuple[str, ...]) -> str:
    """SQL by which rows are put in the copy's order."""
    return f"sha256({quote_text(order_key)} || {row_key_sql(names)})"


def position(order_key: str, values: tuple[str, ...]) -> str:
    """What ``order_sql`` gives for a row whose key has these ``values``."""
    return hashlib.sha256((order_key + SEPARATOR.join(values)).encode()).hexdigest()


def watermark_key(state: State) -> bytes:
    """The key of all marks, ``state/keys/watermark.key``, made on first use (mode 0600). Without it no copy can be traced any more.

    Raises ConfigurationError when it is not 32 bytes.
    """
    path = state.keys / KEY_FILE
    if not path.exists():
        state.keys.mkdir(parents=True, exist_ok=True)
        state.keys.chmod(0o700)
        # Two processes may begin at once: the key that is linked first is the key.
        new = path.with_name(f".{KEY_FILE}.{secrets.token_hex(4)}")
        old_mask = os.umask(0o077)
        try:
            write_bytes(new, secrets.token_bytes(32))
        finally:
            os.umask(old_mask)
        with suppress(FileExistsError):
            path.hardlink_to(new)
        new.unlink()
    key = path.read_bytes()
    if len(key) != 32:
        raise ConfigurationError(
            f"The key of the marks {path} is not 32 bytes long.", remedy="Restore it from the back-up."
        )
    return key
