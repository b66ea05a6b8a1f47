"""The description: valid, and true whatever is sent."""

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from openapi_spec_validator import validate
from schemathesis import checks
from schemathesis.specs.openapi import checks as of_openapi


def test_the_description_is_openapi_3_1(base):
    description = requests.get(f"{base}/api/openapi.json").json()
    assert description["openapi"].startswith("3.1.")
    validate(description)


@pytest.fixture(scope="session")
def description(base):
    return schemathesis.openapi.from_url(f"{base}/api/openapi.json")


interface = schemathesis.pytest.from_fixture("description")

HELD_TO = [
    checks.not_a_server_error,
    of_openapi.status_code_conformance,
    of_openapi.content_type_conformance,
    of_openapi.response_headers_conformance,
    of_openapi.response_schema_conformance,
]


@interface.parametrize()
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_is_described(case):
    case.call_and_validate(checks=HELD_TO, timeout=20)
