"""The API answers as its own description says, whatever is sent to it (schemathesis over the OpenAPI)."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.schemas import BaseSchema
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
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.negative_data_rejection,
    openapi_checks.positive_data_acceptance,
    openapi_checks.missing_required_header,
    openapi_checks.unsupported_method,
    openapi_checks.allow_header_conformance,
    openapi_checks.ignored_auth,
)
# What a schema cannot say, since blanks do not count: the description says it in words.
SAID_IN_WORDS = ("Give at least one field.", "Give at least 4 characters of the address.")
SETTINGS = settings(
    max_examples=25,
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


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


@pytest.fixture
def schema(portal: Portal, bearer: str, monkeypatch: pytest.MonkeyPatch) -> BaseSchema:
    """The description, its operations unhurried."""
    monkeypatch.setattr(portal.settings.pace, "allows", lambda who, per_minute: True)
    found = schemathesis.openapi.from_dict(description(portal, bearer))
    found.app = portal.app
    return found


def applies(check: Any, case: schemathesis.Case, answer: Response) -> bool:
    """Whether a check says anything of this answer."""
    if check is openapi_checks.positive_data_acceptance:
        return not (answer.status_code == 422 and answer.json()["title"] in SAID_IN_WORDS)
    if check is openapi_checks.negative_data_rejection:
        # Of requests drawn without a token: the test puts one in, and the rest of them may be right.
        drawn = case.meta.components.get(ParameterLocation.HEADER) if case.meta else None
        return drawn is None or drawn.mode is GenerationMode.POSITIVE
    return True


def faults_of(schema: BaseSchema, bearer: str, mode: HypothesisTestMode, checked: Sequence[Any] = CHECKS) -> list[str]:
    """What every operation answers otherwise than described."""
    faults: list[str] = []
    operations = 0
    sent: dict[str, Any] = {"base_url": "http://localhost:8090", "headers": {"Authorization": f"Bearer {bearer}"}}
    for result in schema.get_all_operations():
        operation = result.ok()
        operations += 1

        def try_it(case: schemathesis.Case) -> None:
            answer = case.call(**sent)
            case.validate_response(
                answer, checks=[check for check in checked if applies(check, case, answer)], transport_kwargs=dict(sent)
            )

        config = HypothesisTestConfig(project=schema.config, modes=[mode], settings=SETTINGS)
        try:
            create_test(operation=operation, test_func=try_it, config=config)()
        except BaseExceptionGroup as group:
            faults += [f"{operation.label}: {fault}"[:1500] for fault in group.exceptions]
        except Exception as fault:
            faults.append(f"{operation.label}: {fault}"[:1500])
    assert operations >= 12
    return faults


def test_the_api_keeps_its_own_description(schema: BaseSchema, bearer: str) -> None:
    faults = faults_of(schema, bearer, HypothesisTestMode.FUZZING)
    assert faults == [], json.dumps(faults, indent=1, ensure_ascii=False)


def test_the_api_keeps_it_at_every_boundary(schema: BaseSchema, bearer: str) -> None:
    """Every limit, every missing part and every other method, one at a time: the coverage phase."""
    # That tokens are asked for is tried above; here it would triple the requests.
    checked = [check for check in CHECKS if check is not openapi_checks.ignored_auth]
    faults = faults_of(schema, bearer, HypothesisTestMode.COVERAGE, checked)
    assert faults == [], json.dumps(faults, indent=1, ensure_ascii=False)
