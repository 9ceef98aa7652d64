"""The OpenAPI document, and the pop-up's last page."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tests.headless.conformance import document
from tests.headless.frontend import API, ORIGIN, FrontEnd
from tests.support.served import RecordingOpenIDProvider

pytestmark = pytest.mark.django_db


def test_the_document_is_served(frontend: FrontEnd) -> None:
    response = frontend.get("openapi.json")
    assert response.json() == document()
    assert response.json()["openapi"] == "3.1.0"


def test_every_endpoint_is_in_the_document(frontend: FrontEnd) -> None:
    from oidc_login.contrib.headless.urls import urlpatterns

    names = {str(pattern.name) for pattern in urlpatterns}
    described = {
        operation["operationId"].split("_", 1)[1]
        for operations in document()["paths"].values()
        for method, operation in operations.items()
        if method != "parameters"
    }
    assert names - described == {"openapi", "popup"}


def test_schemas_are_schemas(frontend: FrontEnd) -> None:
    def schemas(value: Any) -> Any:
        if isinstance(value, dict):
            for name, member in value.items():
                if name == "schema":
                    yield member
                yield from schemas(member)

    found = list(schemas(document()["paths"]))
    assert found
    for schema in found:
        jsonschema.Draft202012Validator.check_schema(schema)


def test_no_operation_answers_500(frontend: FrontEnd) -> None:
    for operations in document()["paths"].values():
        for method, operation in operations.items():
            assert method == "parameters" or "500" not in operation["responses"]


def test_a_sign_in_in_a_pop_up_ends_on_its_last_page(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    response = frontend.sign_in(op, popup_origin=ORIGIN)
    assert response["Location"] == f"{API}popup/?origin=https%3A%2F%2Fapp.example.com"
    assert response["Cross-Origin-Opener-Policy"] == "unsafe-none"
    page = frontend.browser.get(response["Location"])
    assert page["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert 'data-origin="https://app.example.com" data-error=""' in page.content.decode()


def test_a_pop_up_learns_the_code_of_an_error(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    response = frontend.sign_in(op, None, popup_origin=ORIGIN)
    assert 'data-error="cancelled"' in frontend.browser.get(response["Location"]).content.decode()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "*", "", "https://app.example.com/"])
def test_a_pop_up_tells_no_other_origin(frontend: FrontEnd, origin: str) -> None:
    assert frontend.browser.get(f"{API}popup/", {"origin": origin}).status_code == 404
    if origin:
        assert frontend.post("op/begin/", {"popup_origin": origin}).status_code == 400


def test_a_pop_up_shows_no_text_of_the_url(frontend: FrontEnd) -> None:
    page = frontend.browser.get(f"{API}popup/", {"origin": ORIGIN, "error": "<b>pay here</b>"})
    assert "pay here" not in page.content.decode()
