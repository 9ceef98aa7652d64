"""LinkedIn: what it leaves out is left out for it alone, and what it does send is held to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from oidc_login.testing import Answer, UnsignedToken
from tests.providers.openid_stage import Stage, staged
from tests.providers.openid_table import LINKEDIN

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(settings: Settings) -> Iterator[Stage]:
    """As LinkedIn answers most apps: `invalid_client` where a verifier is sent."""
    with staged(LINKEDIN, settings) as stage:

        def refuse_verifier(good: Answer) -> Answer:
            if "code_verifier" in stage.op.requests[-1].form:
                return LINKEDIN.refused_client
            return stage._tokens(good)

        stage.op.bend("token", refuse_verifier)
        yield stage


def test_a_person_signs_in_where_a_verifier_is_refused(stage: Stage) -> None:
    assert stage.sign_in().status_code == 302


def test_a_nonce_that_does_come_has_to_be_ours(stage: Stage) -> None:
    """It is sent, so that the day LinkedIn returns it changes nothing for anybody."""

    def say(token: UnsignedToken) -> UnsignedToken:
        token = stage._id_token(token)
        token.claims["nonce"] = "another browser's"
        return token

    stage.op.bend("id_token", say)

    response = stage.sign_in()

    assert response.status_code == 502
    assert stage.browser.begun[0]["nonce"]
