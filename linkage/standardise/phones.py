"""Telephone numbers: several in one cell, prefixes, remarks and placeholders.

Mobile numbers are ``1[3-9]`` and nine digits; landlines keep their area code (0571 and eight digits). A number that lost
a digit is not usable. Placeholders (``data/phone_placeholders.csv``) and eight equal digits in a row say nothing.
"""

from importlib.resources import files

from linkage.kernel.engine import Engine

PACKAGE = "linkage.standardise"


def parse_phones(engine: Engine) -> None:
    """``phone_inputs(text)`` -> ``parsed_phones(text, phones)``, the usable numbers in the order they stand."""
    placeholders = files(PACKAGE) / "data" / "phone_placeholders.csv"
    engine.run_sql(PACKAGE, "parsed_phones", {"placeholders": str(placeholders)})
