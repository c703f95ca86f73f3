"""Words and numbers that stewards keep in ``data/*.yaml``."""

from functools import cache
from importlib.resources import files
from typing import Any

from linkage.kernel.config import parse_yaml


@cache
def data_file(name: str) -> Any:
    """The parsed YAML file ``data/<name>.yaml`` of this package."""
    text = (files("linkage.standardise") / "data" / f"{name}.yaml").read_text(encoding="utf-8")
    return parse_yaml(text)


@cache
def placeholder_numbers() -> tuple[str, ...]:
    """Identity numbers that identify nobody."""
    return tuple(data_file("placeholder_numbers")["numbers"])


@cache
def missing_words() -> frozenset[str]:
    """Texts that mean "not filled in", upper case."""
    return frozenset(str(word).upper() for word in data_file("missing_words")["words"])
