"""The API answers as its own description says, whatever is sent to it (schemathesis over the OpenAPI)."""

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from linkage.portal.access import PERMISSIONS, READABLE
from linkage.portal.sessions import read_token
from linkage.portal.tokens import create_token
from linkage.portal.viewer import Viewer
from linkage.portal.views import view_of
from tests.portal.conftest import Portal, add_person

pytestmark = pytest.mark.slow
ROLES = ("department_system", "department_reader", "downloader", "correction_handler")
CHECKS = (
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.negative_data_rejection,
    openapi_checks.ignored_auth,
)
EXAMPLES = 25


@pytest.fixture(scope="module")
def bearer(portal: Portal) -> str:
    """A token that may do all that a department's accounts may."""
    user_id = add_person(portal, "contract", "grid", ROLES)
    access = portal.settings.access
    viewer = Viewer(user_id, "contract", "contract", "grid", "district", "", ROLES, access)
    tables = {
        table: list(view.columns) for table in READABLE if (view := view_of(viewer, table, portal.settings.sharing))
    }
    _, text = create_token(
        portal.state, viewer, name="contract", purpose="register_quality", may=PERMISSIONS, tables=tables, days=1
    )
    assert read_token(portal.settings, text) is not None
    return text


def description(portal: Portal, bearer: str) -> dict[str, Any]:
    answer = portal.client().get("/api/v1/openapi.json", headers={"authorization": f"Bearer {bearer}"})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_the_api_keeps_its_own_description(portal: Portal, bearer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal.settings.pace, "allows", lambda who, per_minute: True)
    schema = schemathesis.openapi.from_dict(description(portal, bearer))
    schema.app = portal.app
    faults: list[str] = []
    operations = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        operations += 1

        @settings(
            max_examples=EXAMPLES,
            database=None,
            deadline=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def try_it(case: schemathesis.Case) -> None:
            case.call_and_validate(
                base_url="http://localhost:8090", headers={"Authorization": f"Bearer {bearer}"}, checks=CHECKS
            )

        try:
            try_it()
        except Exception as fault:
            faults.append(f"{operation.label}: {fault}"[:2000])
    assert operations >= 12
    assert faults == [], json.dumps(faults, indent=1, ensure_ascii=False)
