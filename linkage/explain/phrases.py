"""The sentences of ``sentences.yaml`` in one language, and the names that configuration and contracts give to things."""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from linkage.kernel.config import parse_yaml
from linkage.kernel.contracts import contract

Language = Literal["zh", "en"]
Say = Callable[..., str]


@cache
def sentences() -> dict[str, dict[str, dict[str, str]]]:
    """Group -> sentence -> language -> text."""
    text = (files("linkage.explain") / "sentences.yaml").read_text(encoding="utf-8")
    data: dict[str, dict[str, dict[str, str]]] = parse_yaml(text)
    return data


def speaker(language: Language) -> Say:
    """``say("group.sentence", word=...)``: the sentence in ``language`` with its words filled in."""

    def say(key: str, **words: Any) -> str:
        group, name = key.split(".")
        return sentences()[group][name][language].format(**words)

    return say


def tenure_in_words(say: Say, code: str) -> str:
    """A code of ``tenure`` in words; as it stands where there are none for it."""
    return say(f"tenure.{code}") if code in sentences()["tenure"] else code


def field_name(field: str, language: Language) -> str:
    """A golden field by its name in the contract of persons (English: the column, in words)."""
    return contract("persons").field(field).zh if language == "zh" else field.replace("_", " ")
