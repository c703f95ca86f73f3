"""Reference tables that ship with gridroll: GB and GA/T code lists, divisions, character tables.

Sources and licences: ``linkage/kernel/reference/README.md``.
"""

import csv
from functools import cache
from importlib.resources import files
from pathlib import Path


def reference_path(name: str) -> Path:
    """Path of the reference table ``name`` (without .csv)."""
    return Path(str(files("linkage.kernel") / "reference" / f"{name}.csv"))


@cache
def reference_rows(name: str) -> tuple[dict[str, str], ...]:
    """All rows of the reference table ``name``, every value as text."""
    with reference_path(name).open(encoding="utf-8-sig", newline="") as file:
        return tuple(csv.DictReader(file))
