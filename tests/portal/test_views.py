"""What each role sees of each table: worked out here from the two files once more, column by column, and compared with what comes back."""

from typing import Any

import pytest

from linkage.kernel.config import read_config, read_yaml
from linkage.kernel.contracts import contract
from linkage.portal.access import READABLE
from linkage.portal.viewer import Viewer
from linkage.portal.views import view_of
from linkage.release.sharing import SharingConfig
from tests.portal.conftest import CONFIG, PEOPLE, Portal, access

ROLES = {role["role"]: role for role in read_yaml(CONFIG / "access.yaml")["roles"]}
SHARING = {entry["source"]: entry for entry in read_yaml(CONFIG / "sharing.yaml")["departments"]}


def viewer(username: str, **more: Any) -> Viewer:
    department, roles = PEOPLE[username]
    place = {"area_level": "district", "area_name": ""} | more
    return Viewer(username, username, username, department, role_names=roles, access=access(), **place)


def expected_columns(username: str, table: str) -> dict[str, str | None]:
    """Column -> mask by the plain text of both files (the roles of PEOPLE hold one role each)."""
    department, roles = PEOPLE[username]
    for role in roles:
        for read in ROLES[role].get("reads", ()):
            if read["table"] != table or (read.get("rows") != "all" and department not in SHARING):
                continue
            if read["columns"] == "all":
                more = ["restriction"] if table == "persons" else []
                return dict.fromkeys([*contract(table).column_names, *more])
            if read["columns"] == "as_shared":
                return {
                    name: SHARING[department].get("mask", {}).get(name) for name in SHARING[department].get(table, ())
                }
            return dict.fromkeys(read["columns"])
    return {}


@pytest.mark.parametrize("table", READABLE)
@pytest.mark.parametrize("username", PEOPLE)
def test_each_role_sees_the_columns_that_the_files_grant_and_no_others(
    portal: Portal, username: str, table: str
) -> None:
    found = view_of(viewer(username), table, portal.settings.sharing)
    assert (dict(found.columns) if found else {}) == expected_columns(username, table)
    if found is not None:
        rows = found.rows(portal.settings.registers.current().con, tail="LIMIT 5")
        assert all(set(row) == set(expected_columns(username, table)) for row in rows)


def count(portal: Portal, who: Viewer, table: str = "persons", where: str = "true") -> int:
    found = view_of(who, table, portal.settings.sharing)
    return len(found.rows(portal.settings.registers.current().con, where)) if found else 0


@pytest.mark.parametrize(
    ("username", "where"),
    [
        ("steward", "true"),
        ("police_reader", "true"),
        ("civil_reader", "true"),
        ("health_reader", "list_contains(sources, 'health')"),
        ("grid_reader", "list_contains(sources, 'grid')"),
        ("auditor", "false"),
        ("sysadmin", "false"),
        ("nobody", "false"),
    ],
)
def test_each_department_sees_the_persons_in_its_scope(portal: Portal, username: str, where: str) -> None:
    (expected,) = portal.settings.registers.current().rows(f"SELECT count(*) AS n FROM persons WHERE {where}")
    assert count(portal, viewer(username)) == expected["n"]


@pytest.mark.parametrize(
    ("level", "column"), [("street", "residence_street"), ("community", "residence_community"), ("grid", "grid_code")]
)
@pytest.mark.parametrize("username", ["steward", "grid_reader"])
def test_an_area_bounds_persons_and_all_that_hangs_on_them(
    portal: Portal, username: str, level: str, column: str
) -> None:
    register = portal.settings.registers.current()
    (largest,) = register.rows(
        f"SELECT {column} AS name FROM persons WHERE list_contains(sources, 'grid') AND {column} <> '' GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
    )
    who = viewer(username, area_level=level, area_name=largest["name"])
    own = "AND list_contains(sources, 'grid')" if username == "grid_reader" else ""
    inside = register.rows(f"SELECT person_id FROM persons WHERE {column} = $name {own}", name=largest["name"])
    assert 0 < count(portal, who) == len(inside)
    if level == "grid":  # so small a district may have one street and one community
        assert len(inside) < count(portal, viewer(username))
    for table in ("members", "values", "crosswalk"):
        found = view_of(who, table, portal.settings.sharing)
        assert found is not None
        seen = {row["person_id"] for row in found.rows(register.con)}
        assert seen and seen <= {row["person_id"] for row in inside}


def test_masked_columns_come_back_masked(portal: Portal) -> None:
    con = portal.settings.registers.current().con
    found = view_of(viewer("grid_reader"), "persons", portal.settings.sharing)
    assert found is not None
    numbers = [row["identity_number"] for row in found.rows(con, "length(identity_number) = 18")]
    assert numbers and all(len(number) == 18 and number[3:14] == "*" * 11 for number in numbers)
    values = view_of(viewer("grid_reader"), "values", portal.settings.sharing)
    assert values is not None
    shown = [row["value"] for row in values.rows(con, "field = 'identity_number'", "LIMIT 500")]
    assert shown and all("*" in value for value in shown)


def test_values_of_fields_that_are_not_granted_do_not_come_back(portal: Portal) -> None:
    found = view_of(viewer("health_reader"), "values", portal.settings.sharing)
    assert found is not None
    fields = {row["field"] for row in found.rows(portal.settings.registers.current().con)}
    assert fields and fields <= set(SHARING["health"]["persons"])


@pytest.mark.parametrize(
    "mistake", ["not_shared_to_departments", "administrator_reads", "auditor_missing", "others_grant_roles"]
)
def test_a_wrong_access_file_is_refused(tmp_path: Any, mistake: str) -> None:
    import shutil

    import yaml

    from linkage.kernel.errors import ConfigurationError
    from linkage.kernel.run import State
    from linkage.portal.settings import read_settings

    config = tmp_path / "config"
    shutil.copytree(CONFIG, config)
    access_file = read_yaml(config / "access.yaml")
    by_name = {role["role"]: role for role in access_file["roles"]}
    if mistake == "not_shared_to_departments":
        sharing = read_yaml(config / "sharing.yaml")
        sharing["classes"].append(
            {"field": "ethnicity", "class": "not_shared", "basis": "《个人信息保护法》第二十八条"}
        )
        for department in sharing["departments"]:
            department["persons"] = [name for name in department["persons"] if name != "ethnicity"]
        (config / "sharing.yaml").write_text(yaml.safe_dump(sharing, allow_unicode=True))
        by_name["verifier"]["reads"][0]["columns"] = ["person_id", "ethnicity"]
    elif mistake == "administrator_reads":
        by_name["auditor"]["reads"] = [{"table": "persons", "columns": ["person_id"]}]
    elif mistake == "auditor_missing":
        access_file["roles"].remove(by_name["auditor"])
    else:
        by_name["steward"]["may"].append("grants")
    (config / "access.yaml").write_text(yaml.safe_dump(access_file, allow_unicode=True))
    read_config(config / "sharing.yaml", SharingConfig)
    with pytest.raises(ConfigurationError):
        read_settings(State(tmp_path / "state"), config)
