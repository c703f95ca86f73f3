"""Codes and words of departments -> codes of the standards.

Three sources, the first that knows the text wins: the department's own ``codes`` in ``config/sources/*.yaml``,
the synonyms in ``data/codes/<field>.yaml``, the standard's own table. What nobody knows is left empty and signalled.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.masking import mask_shape
from linkage.kernel.reference import reference_rows
from linkage.kernel.source_config import SourceConfig
from linkage.standardise.tables import create_text_table
from linkage.standardise.vocabulary import data_file, missing_words

PACKAGE = "linkage.standardise"
CODE_FIELDS = (
    "sex", "ethnicity", "marital_status", "relation_to_head", "education", "nationality",
    "identity_kind", "person_status", "presence", "tenure", "household_kind",
)  # fmt: skip
FREE_FIELDS = ("event_kind",)  # a department's own words; only its own code map applies
OwnCodes = dict[tuple[str, str, str], str]
SHORT_CODE = re.compile(r"[0-9A-Z]{1,3}")
SAYS_NOTHING = ""
BY_SEX = "/"  # "20/30": first for men, second for women


@dataclass(frozen=True)
class Vocabulary:
    """What one field understands: normalised text -> code; ``codes`` are the values it may give."""

    by_text: Mapping[str, str]
    codes: frozenset[str]

    def code(self, text: str) -> str | None:
        """The code of ``text``; empty when it is known to say nothing; None when it is unknown."""
        return self.by_text.get(normal_text(text))


def normal_text(text: str) -> str:
    """Full-width folded, blanks and trailing punctuation away, upper case: ``男 `` -> ``男``, ``ｍ`` -> ``M``."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(c for c in folded if not c.isspace() and c.isprintable()).strip("'\"`.。,，;；:：").upper()


@cache
def vocabulary(field: str) -> Vocabulary:
    """The vocabulary of ``field`` (one of CODE_FIELDS)."""
    spec = data_file(f"codes/{field}")
    texts = reference_texts(field, spec)
    codes = set(texts.values())
    for code, words in spec["synonyms"].items():
        codes.add(code)
        texts[normal_text(code)] = code
        texts |= {normal_text(word): code for word in words}
    texts |= {normal_text(word): BY_SEX.join(pair) for word, pair in spec.get("by_sex", {}).items()}
    texts |= {normal_text(word): SAYS_NOTHING for word in spec.get("says_nothing", [])}
    return Vocabulary({normal_text(w): SAYS_NOTHING for w in missing_words()} | texts, frozenset(codes))


def reference_texts(field: str, spec: Mapping[str, Any]) -> dict[str, str]:
    """Codes and names of the standard's own table."""
    texts: dict[str, str] = {}
    for table in spec.get("known_but_unknown", []):
        texts |= {normal_text(text): "unknown" for row in reference_rows(table) for text in (row["code"], row["name"])}
    if field == "nationality":
        for row in reference_rows("gb2659_country"):
            names = [row[key] for key in ("numeric3", "alpha2", "alpha3", "name") if row[key]]
            texts |= {normal_text(name): row["alpha3"] for name in names}
    if table := spec.get("reference"):
        for row in reference_rows(table):
            texts |= {normal_text(text): row["code"] for text in (row["code"], row["name"])}
            short = row["name"].removesuffix(spec.get("drop_suffix", "\0"))
            texts[normal_text(short)] = row["code"]
    return texts


def free_text(text: str) -> str:
    """Text of a field without a vocabulary: blanks at the ends away, missing words empty."""
    trimmed = " ".join(unicodedata.normalize("NFKC", text).split())
    return SAYS_NOTHING if trimmed.upper() in missing_words() else trimmed


def map_codes(engine: Engine, configs: Mapping[str, SourceConfig]) -> None:
    """Map every row of ``code_inputs(source, feed, field, text, rows)`` into ``code_map(..., code, unknown_as)``.

    ``code`` is null when the text says nothing or is unknown; ``unknown_as`` is how an unknown text may be shown. Raises ConfigurationError when a department's
    own code map leads to a code that the field does not have.
    """
    own = department_codes(configs)
    rows: list[list[str | None]] = []
    for source, feed, field, text in engine.con.execute("SELECT source, feed, field, text FROM code_inputs").fetchall():
        code = find_code(own, feed, field, text)
        rows.append([source, feed, field, text, code or None, shown_code(text) if code is None else None])
    create_text_table(engine, "code_map", ["source", "feed", "field", "text", "code", "unknown_as"], rows)


def find_code(own: OwnCodes, feed: str, field: str, text: str) -> str | None:
    """The code of ``text``: the department's own map first; empty when it says nothing, None when it is unknown."""
    code = own.get((feed, field, normal_text(text)))
    if code is None:
        code = free_text(text) if field in FREE_FIELDS else vocabulary(field).code(text)
    return code


def shown_code(text: str) -> str:
    """How an unknown code may be shown: as it is if it looks like a code or is a word of some standard, else its shape.

    Columns get swapped, and a name in the column of sexes must not stand in a signal.
    """
    normal = normal_text(text)
    if SHORT_CODE.fullmatch(normal) or any(normal in vocabulary(field).by_text for field in CODE_FIELDS):
        return text.strip()
    return mask_shape(text)[:40]


def code_checker(configs: Mapping[str, SourceConfig]) -> Callable[[str, str, str], str | None]:
    """A question for dry runs: (feed, field, text) -> how the text may be shown if nobody knows it, else None."""
    own = department_codes(configs)

    def unknown_as(feed: str, field: str, text: str) -> str | None:
        if field in CODE_FIELDS and find_code(own, feed, field, text) is None:
            return shown_code(text)
        return None

    return unknown_as


def department_codes(configs: Mapping[str, SourceConfig]) -> OwnCodes:
    """(feed, field, normalised text) -> code, from the ``codes`` of the source configurations."""
    own: OwnCodes = {}
    for config in configs.values():
        for feed in config.feeds:
            for column in feed.columns:
                for text, value in column.codes.items():
                    if column.field in CODE_FIELDS:
                        value = _checked(value, column.field, feed.feed)
                    elif column.field not in FREE_FIELDS:
                        continue
                    own[feed.feed, column.field, normal_text(text)] = value
    return own


def _checked(value: str, field: str, feed: str) -> str:
    """The code that a department's map leads to: a code of the standard, a word we know, or empty for "ignore"."""
    code = SAYS_NOTHING if value == "" else vocabulary(field).code(value)
    if code is None:
        raise ConfigurationError(
            f"Feed {feed}: the code map of {field} leads to {value!r}, which {field} does not have.",
            remedy=f"Use one of {', '.join(sorted(vocabulary(field).codes))}, or '' to ignore the code.",
        )
    return code
