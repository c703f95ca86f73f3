"""The sharing table is closed: no typing mistake opens data, and what may not be shared is not."""

import json
from pathlib import Path
from typing import Any

import pytest

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError
from linkage.release.sharing import SharingConfig, cites_a_law
from linkage.release.shown import safe_sql, shown_sql

POLICE: dict[str, Any] = {"source": "police", "scope": "all", "purpose": "x", "persons": ["person_id", "phone"]}
LAW = "《中华人民共和国个人信息保护法》第三十四条"


def read(tmp_path: Path, **change: Any) -> SharingConfig:
    (tmp_path / "sharing.yaml").write_text(json.dumps({"departments": [POLICE]} | change))
    return read_config(tmp_path / "sharing.yaml", SharingConfig)


def classes(field: str, class_: str, basis: str) -> dict[str, Any]:
    return {"classes": [{"field": field, "class": class_, "basis": basis}]}


def department(**change: Any) -> dict[str, Any]:
    return {"departments": [POLICE | change]}


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("不予共享 without a citation", classes("phone", "not_shared", "敏感"), "art. 15"),
    ("a field that is 不予共享", classes("phone", "not_shared", LAW), "不予共享"),
    ("a class of a field that does not exist", classes("phon", "not_shared", LAW), "phon: neither"),
    ("a sensitive field for everybody", classes("phone", "unconditional", "x"), "sensitive"),
    ("two classes of one field", {"classes": 2 * classes("phone", "conditional", "x")["classes"]}, "phone twice"),
    ("an unknown field", department(persons=["nonsense"]), "nonsense"),
    ("a field twice", department(persons=["person_id", "phone", "phone"]), "phone twice"),
    ("a mask of a field that does not exist", department(mask={"phon": "phone"}), "phon"),
    ("a mask of a field that is not delivered", department(mask={"full_name": "name"}), "full_name"),
    ("a mask of a date", department(persons=["birth_date"], mask={"birth_date": "number"}), "birth_date"),
    ("a department twice", {"departments": [POLICE, POLICE]}, "police twice"),
    ("a conditional field without a purpose", department(purpose=" "), "有条件共享, without a purpose"),
]


@pytest.mark.parametrize(("name", "change", "message"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_is_refused(tmp_path: Path, name: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read(tmp_path, **change)


def test_unconditional_fields_need_no_purpose(tmp_path: Path) -> None:
    read(tmp_path, **department(purpose="", persons=["person_id", "residence_street"]))


@pytest.mark.parametrize(
    ("basis", "good"),
    [
        (LAW, True),
        ("《民法典》第1034条", True),
        ("《艾滋病防治条例》第三十九条", True),
        ("《城市生活无着的流浪乞讨人员救助条例》第三条", True),
        ("《国务院关于加强未成年人保护的决定》第三条", True),
        ("国务院《某某规定》第五条第二款", True),
        ("《中华人民共和国个人信息保护法》", False),
        ("《某市某局管理办法》第三条", False),
        ("《某部门数据管理规定》第三条", False),
        ("《某省公共数据条例》第三条", False),
        ("《某市数据条例》第三条", False),
        ("《统计方法》第三条", False),
        ("国务院办公厅关于某某的规定第三条", False),
        ("第十五条", False),
    ],
)
def test_what_forbids_sharing(basis: str, good: bool) -> None:
    assert cites_a_law(basis) is good


@pytest.fixture(scope="module")
def engine() -> Any:
    with Engine() as running:
        yield running


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        ("number", "330106198503121234", "330***********1234"),
        ("number", "E12345678", "E******78"),
        ("number", "1234567", "*******"),
        ("number", "12", "**"),
        ("phone", "13911112222", "139****2222"),
        ("phone", "87654321", "********"),
        ("phone", "12345", "*****"),
        ("name", "张小明", "张**"),
        ("name", "张", "*"),
        ("name", "", ""),
        ("address", "浙江省杭州市西湖区翠苑街道学院路1号", "浙江省杭州市西湖区翠苑街道"),
        ("address", "春江花园3幢2单元101室", ""),
    ],
)
def test_what_a_mask_shows(engine: Engine, mask: str, value: str, shown: str) -> None:
    sql = f"SELECT {shown_sql('value', mask)} FROM (SELECT CAST($value AS VARCHAR) AS value)"
    assert engine.scalar(sql, {"value": value}) == shown


@pytest.mark.parametrize(
    "before", ["", " ", "\u00a0", "\u3000", "\u200b", "\ufeff", "\t", "\r", "\n", " \u200b\u3000 ", "\x00"]
)
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠"])
def test_a_formula_is_neutralised_whatever_stands_before_it(engine: Engine, before: str, sign: str) -> None:
    value = f"{before}{sign}1+1"
    sql = f"SELECT {safe_sql('value')} FROM (SELECT CAST($value AS VARCHAR) AS value)"
    assert engine.scalar(sql, {"value": value}) == f"'{value}"


@pytest.mark.parametrize("value", ["张伟", " 张-伟", "1=1", "\tx", "330106198503121234"])
def test_other_cells_stay(engine: Engine, value: str) -> None:
    sql = f"SELECT {safe_sql('value')} FROM (SELECT CAST($value AS VARCHAR) AS value)"
    assert engine.scalar(sql, {"value": value}) == (f"'{value}" if value.startswith("\t") else value)
