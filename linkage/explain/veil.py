"""How the values of a person are shown: their shape by default, the values themselves to a steward who asked for them."""

import re
from collections.abc import Mapping

from linkage.kernel.contracts import contract
from linkage.kernel.masking import mask_number, mask_text
from linkage.kernel.reference import reference_rows

NAMES = frozenset(("full_name", "former_name"))
CODE_TABLES = {
    "sex": ("gb2261_1_sex", "code"),
    "ethnicity": ("gb3304_nation", "code"),
    "marital_status": ("gb2261_2_marital", "code"),
    "education": ("gb4658_education", "code"),
    "nationality": ("gb2659_country", "alpha3"),
    "relation_to_head": ("gb4761_family", "code"),
}
SENSITIVE = frozenset(field.name for field in contract("persons").fields if field.sensitive) | {"address"}


def show(field: str, value: object, *, unmasked: bool) -> str:
    """``value`` of the golden field ``field`` for people; codes by the name in their standard.

    Masked: 张**, 330*************4, 1985-**-**; of a code nothing is shown.
    """
    if value is None or value == "":
        return ""
    text = decoded(field, str(value))
    if field == "birth_date":
        text = text.removesuffix(" day")
    if unmasked or field not in SENSITIVE:
        return text
    if field in CODE_TABLES:
        return "**"
    if field == "birth_date":
        return f"{text[:4]}-**-**"
    if field in NAMES:
        return mask_text(text)
    return re.sub(r"\*+", "***", mask_number(text)) if "address" in field else mask_number(text)


def decoded(field: str, code: str, *, english: bool = False) -> str:
    """The standard's name of a code, in ``english`` its romanisation or its translation in the reference table; other values as they are."""
    if field not in CODE_TABLES:
        return code
    table, column = CODE_TABLES[field]
    row = next((row for row in reference_rows(table) if row[column] == code), None)
    if row is None:
        return code
    return english_name(row) if english else row["name"]


def in_english(field: str, shown: str) -> str:
    """What ``show`` gave, in English: the name of a code; other values as they are."""
    if field not in CODE_TABLES:
        return shown
    row = next((row for row in reference_rows(CODE_TABLES[field][0]) if row["name"] == shown), None)
    return english_name(row) if row else shown


def english_name(row: Mapping[str, str]) -> str:
    """Of a row of a code list: the standard's own romanisation before a translation; the Chinese name where there is neither."""
    return row.get("romanised") or row.get("name_en") or row["name"]
