"""LinkedIn: what it leaves out is left out for it alone, and what it does send is held to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from oidc_login.testing import Answer, UnsignedToken
from tests.providers.openid_service import OpenIDService, openid_service
from tests.providers.openid_table import LINKEDIN

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def service(settings: Settings) -> Iterator[OpenIDService]:
    """As LinkedIn answers most apps: `invalid_client` where a verifier is sent."""
    with openid_service(LINKEDIN, settings) as service:

        def refuse_verifier(good: Answer) -> Answer:
            if "code_verifier" in service.op.requests[-1].form:
                return LINKEDIN.refused_client
            return service._tokens(good)

        service.op.bend("token", refuse_verifier)
        yield service


def test_a_person_signs_in_where_a_verifier_is_refused(service: OpenIDService) -> None:
    assert service.sign_in().status_code == 302


def test_a_nonce_that_does_come_has_to_be_ours(service: OpenIDService) -> None:
    """It is sent, so that the day LinkedIn returns it changes nothing for anybody."""

    def say(token: UnsignedToken) -> UnsignedToken:
        token = service._id_token(token)
        token.claims["nonce"] = "another browser's"
        return token

    service.op.bend("id_token", say)

    response = service.sign_in()

    assert response.status_code == 502
    assert service.browser.begun[0]["nonce"]
