"""Codes and words of departments -> codes of the standards.

Three sources, the first that knows the text wins: the department's own ``codes`` in ``config/sources/*.yaml``,
the synonyms in ``data/codes/<field>.yaml``, the standard's own table. What nobody knows is left empty and signalled.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError
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
    """Map every row of ``code_inputs(source, feed, field, text, rows)`` into ``code_map(..., code, known)``.

    ``code`` is null when the text says nothing or is unknown. Raises ConfigurationError when a department's
    own code map leads to a code that the field does not have.
    """
    own = department_codes(configs)
    rows: list[list[str | None]] = []
    for source, feed, field, text in engine.con.execute("SELECT source, feed, field, text FROM code_inputs").fetchall():
        code = own.get((feed, field, normal_text(text)))
        if code is None:
            code = free_text(text) if field in FREE_FIELDS else vocabulary(field).code(text)
        rows.append([source, feed, field, text, code or None, "no" if code is None else "yes"])
    create_text_table(engine, "code_map", ["source", "feed", "field", "text", "code", "known"], rows)


def department_codes(configs: Mapping[str, SourceConfig]) -> dict[tuple[str, str, str], str]:
    """(feed, field, normalised text) -> code, from the ``codes`` of the source configurations."""
    own: dict[tuple[str, str, str], str] = {}
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
