"""Who may what, as people responsible read it; and what no role may be configured to show."""

import html
from pathlib import Path

import pytest
import yaml

from linkage.configuration import check_configuration
from linkage.kernel.config import read_config
from linkage.kernel.errors import ConfigurationError
from linkage.portal.access import PERMISSIONS, AccessConfig, check_against_sharing
from linkage.portal.matrix import table_matrices
from linkage.portal.permission_words import PERMISSION_WORDS
from linkage.release.sharing import SharingConfig
from tests.portal.bare import bare_portal
from tests.portal.conftest import CONFIG, access

LAW = "《中华人民共和国个人信息保护法》第二十八条"


def sharing() -> SharingConfig:
    return read_config(CONFIG / "sharing.yaml", SharingConfig)


def cell(table: str, column: str, role: str) -> dict[str, str]:
    """Department -> how the role sees the column."""
    matrix = next(m for m in table_matrices(access(), sharing()) if m.table == table)
    index = [r.role for r in matrix.roles].index(role)
    return {seen.department: seen.how for seen in matrix.columns[column][index].seen}


@pytest.mark.parametrize(
    ("table", "column", "role", "expected"),
    [
        ("persons", "identity_number", "steward", {"office": "full"}),
        (
            "persons",
            "identity_number",
            "department_reader",
            {"police": "full", "civil": "full", "health": "full", "grid": "number"},
        ),
        (
            "persons",
            "phone",
            "department_reader",
            {"police": "full", "civil": "phone", "health": "full", "grid": "full"},
        ),
        ("persons", "marital_status", "department_reader", {"police": "", "civil": "full", "health": "", "grid": ""}),
        ("persons", "status", "verifier", dict.fromkeys(("police", "civil", "health", "grid"), "full")),
        ("persons", "full_name", "verifier", dict.fromkeys(("police", "civil", "health", "grid"), "")),
    ],
)
def test_a_cell_says_what_the_role_sees_in_each_department(
    table: str, column: str, role: str, expected: dict[str, str]
) -> None:
    assert cell(table, column, role) == expected


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_names_every_role_and_permission(tmp_path: Path, language: str) -> None:
    portal = bare_portal(tmp_path, ("auditor",))
    client = portal.client("auditor", purpose=None)
    client.cookies.set("gridroll_language", language)
    page = html.unescape(client.get("/accounts/matrix").text)
    for role in portal.settings.access.roles:
        assert (role.en if language == "en" else role.zh) in page
    for permission in PERMISSIONS:
        assert f"<code>{permission}</code>" in page


def test_every_permission_has_its_words() -> None:
    assert set(PERMISSION_WORDS) == set(PERMISSIONS)


# --- 不予共享 -----------------------------------------------------------------------------------------------------------


def hiding(*fields: str) -> SharingConfig:
    """The sharing file with these fields 不予共享, and nobody receiving them."""
    raw = yaml.safe_load((CONFIG / "sharing.yaml").read_text(encoding="utf-8"))
    raw["classes"] = [c for c in raw["classes"] if c["field"] not in fields]
    raw["classes"] += [{"field": field, "class": "not_shared", "basis": LAW} for field in fields]
    for department in raw["departments"]:
        for section in ("persons", "households"):
            department[section] = [name for name in department.get(section, []) if name not in fields]
        department["mask"] = {k: v for k, v in department.get("mask", {}).items() if k not in fields}
    return SharingConfig.model_validate(raw)


def with_read(read: dict[str, object]) -> AccessConfig:
    """The access file with one more role that departments may hold."""
    raw = yaml.safe_load((CONFIG / "access.yaml").read_text(encoding="utf-8"))
    raw["roles"].append({"role": "extra", "zh": "x", "en": "x", "may": ["look_up"], "reads": [read]})
    return AccessConfig.model_validate(raw)


def test_what_ships_shows_nothing_that_may_not_be_shared() -> None:
    check_against_sharing(access(), sharing())
    check_against_sharing(access(), hiding("phone", "ethnicity"))
    check_configuration(CONFIG)


@pytest.mark.parametrize(
    "read",
    [
        {"table": "persons", "columns": ["person_id", "phone"], "rows": "as_shared"},
        {"table": "persons", "columns": "all", "rows": "as_shared"},
        {"table": "common_records", "columns": ["record_key", "phone"]},
        {"table": "common_records", "columns": ["record_key", "phones"]},
        {"table": "common_records", "columns": ["record_key", "contact_phone"]},
        {"table": "common_records", "columns": "all"},
    ],
    ids=str,
)
def test_a_role_of_departments_that_would_show_it_is_refused(read: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="不予共享"):
        check_against_sharing(with_read(read), hiding("phone"))


def test_values_of_a_hidden_field_are_not_shown_because_the_field_is_not(tmp_path: Path) -> None:
    hidden = hiding("phone")
    from linkage.portal.viewer import Viewer
    from linkage.portal.views import view_of

    viewer = Viewer("", "", "", "police", "district", "", ("department_reader",), access())
    view = view_of(viewer, "values", hidden)
    assert view is not None and view.fields is not None
    assert "phone" not in view.fields and "full_name" in view.fields


def test_doctor_and_the_night_find_it_too(tmp_path: Path) -> None:
    for path in CONFIG.iterdir():
        (tmp_path / path.name).symlink_to(path)
    raw = yaml.safe_load((CONFIG / "sharing.yaml").read_text(encoding="utf-8"))
    raw["classes"].append({"field": "relation_to_head", "class": "not_shared", "basis": LAW})
    for name in ("sharing.yaml", "access.yaml"):
        (tmp_path / name).unlink()
    raw["classes"][-1]["field"] = "ethnicity"
    for department in raw["departments"]:
        department["persons"] = [name for name in department["persons"] if name != "ethnicity"]
    (tmp_path / "sharing.yaml").write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
    roles = yaml.safe_load((CONFIG / "access.yaml").read_text(encoding="utf-8"))
    (tmp_path / "access.yaml").write_text(yaml.safe_dump(roles, allow_unicode=True), encoding="utf-8")
    check_configuration(tmp_path)
    roles["roles"][2]["reads"][0] = {"table": "persons", "columns": ["person_id", "ethnicity"], "rows": "as_shared"}
    (tmp_path / "access.yaml").write_text(yaml.safe_dump(roles, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="ethnicity"):
        check_configuration(tmp_path)


@pytest.mark.parametrize(
    "basis", ["", "本局规定", "《某省条例》第三条", "《数据管理办法》第五条", "《个人信息保护法》"]
)
def test_a_declaration_without_a_law_and_article_is_refused(basis: str) -> None:
    raw = yaml.safe_load((CONFIG / "sharing.yaml").read_text(encoding="utf-8"))
    raw["classes"].append({"field": "education", "class": "not_shared", "basis": basis})
    with pytest.raises(ValueError, match="must cite a law"):
        SharingConfig.model_validate(raw)
