"""Codes by their names: Chinese by the standard, English by its romanisation, or by the translation in the reference table."""

import re

import pytest

from linkage.explain.veil import CODE_TABLES, decoded, in_english
from linkage.kernel.reference import reference_rows

NAMES = [
    ("ethnicity", "05", "维吾尔族", "Uygur"),
    ("ethnicity", "04", "藏族", "Zang"),
    ("ethnicity", "97", "其他", "other"),
    ("sex", "2", "女性", "female"),
    ("marital_status", "23", "复婚", "remarried to the former spouse"),
    ("education", "21", "大学本科毕业", "undergraduate studies, graduated"),
    ("nationality", "CHN", "中国", "People's Republic of China"),
    ("nationality", "TWN", "中国台湾", "Taiwan, Province of China"),
    ("relation_to_head", "28", "女婿", "son-in-law"),
    ("relation_to_head", "no such code", "no such code", "no such code"),
    ("full_name", "欧阳娜娜", "欧阳娜娜", "欧阳娜娜"),
]


@pytest.mark.parametrize(("field", "code", "zh", "en"), NAMES)
def test_a_code_is_named_in_both_languages(field: str, code: str, zh: str, en: str) -> None:
    assert (decoded(field, code), decoded(field, code, english=True)) == (zh, en)
    assert in_english(field, zh) == en


@pytest.mark.parametrize("field", CODE_TABLES)
def test_every_code_has_an_english_name_of_its_own(field: str) -> None:
    table, column = CODE_TABLES[field]
    names = [decoded(field, row[column], english=True) for row in reference_rows(table)]
    assert names
    assert not [name for name in names if re.search(r"[\u3000-\u9fff]", name)]
    assert len(set(names)) == len(names)


def test_what_is_masked_stays_masked() -> None:
    assert in_english("ethnicity", "**") == "**"
