"""The manifest: what a release holds, hash by hash, and what it was made from.

``manifest.json`` is the same in every re-run of the same night. ``register.duckdb`` is not: DuckDB writes a random identifier
into each database file, so the same tables never give the same bytes twice. It is listed, with a signature of its own,
in ``derived.json``; the manifest says which tables it holds once more.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from linkage.kernel.errors import VerificationFailed

MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "manifest.pub.pem"
DERIVED, DERIVED_SIGNATURE = "derived.json", "derived.sig"
CHAIN_FILES = frozenset((MANIFEST, SIGNATURE, PUBLIC_KEY))
UNLISTED = CHAIN_FILES | {DERIVED, DERIVED_SIGNATURE}


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def list_files(folder: Path) -> list[Path]:
    """All files of a release that its manifest lists, in a stable order."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.relative_to(folder).as_posix() not in UNLISTED)


def describe_files(folder: Path, rows: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Bytes, hash and (for tables) rows of each file, by its path in the release."""
    described: dict[str, dict[str, Any]] = {}
    for path in list_files(folder):
        name = path.relative_to(folder).as_posix()
        described[name] = {"bytes": path.stat().st_size, "sha256": file_hash(path)}
        if name in rows:
            described[name]["rows"] = rows[name]
    return described


def read_manifest(release: Path) -> dict[str, Any]:
    """The manifest of a release folder. Raises VerificationFailed when there is none, or when it cannot be read."""
    try:
        data: object = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise VerificationFailed(
            f"{release} has no {MANIFEST}: it is not a release, or its manifest was lost.",
            remedy="Give the folder of a release; of a published one restore the manifest from a back-up, it stays for ever.",
        ) from None
    except ValueError:
        data = None
    if not isinstance(data, dict) or not data:
        raise VerificationFailed(
            f"{release / MANIFEST} cannot be read; it was changed.", remedy=f"Restore {release.name} from a back-up."
        )
    return data


def check_table(release: Path, manifest: dict[str, Any], name: str) -> None:
    """Raise VerificationFailed when the file ``name`` that the manifest lists is missing or has another hash."""
    path, entry = release / name, manifest.get("files", {}).get(name)
    if entry is not None and not (path.is_file() and file_hash(path) == entry["sha256"]):
        raise VerificationFailed(
            f"{path} is missing, or not what the manifest of {release.name} says.",
            remedy="Copy the file again from the release, or restore the release from a back-up.",
        )
