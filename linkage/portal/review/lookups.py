"""Conditions that find a few rows fast: values as constants, so that indexes and the order of files are of use."""

from collections.abc import Collection
from typing import Any


def among(column: str, values: Collection[str], prefix: str) -> tuple[str, dict[str, Any]]:
    """``column`` is one of ``values``, with what is bound; ``prefix`` keeps its parameters apart from others."""
    if not values:
        return "false", {}
    bound = {f"{prefix}{place}": value for place, value in enumerate(values)}
    return f"{column} IN ({', '.join(f'${name}' for name in bound)})", bound


def of_records(keys: Collection[str]) -> tuple[str, dict[str, Any]]:
    """Rows of a table with ``source`` and ``record_id`` that are these records: by the index on record_id, which alone is not unique."""
    condition, bound = among("record_id", list(dict.fromkeys(key.split(":", 1)[-1] for key in keys)), "record")
    return f"{condition} AND list_contains($keys, source || ':' || record_id)", bound | {"keys": list(keys)}
