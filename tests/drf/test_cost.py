"""What a call with a token costs: statements, and requests to the provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache

from oidc_login.access_tokens import judge
from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer
from tests.drf.conftest import API, Call, jwt, opaque
from tests.support.served import ALICE, RecordingOpenIDProvider
from tests.support.threads import at_once

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.mark.django_db
@pytest.mark.parametrize("framework", ["drf", "ninja", "plain"])
def test_jwt_costs_one_statement_and_no_request(
    op: RecordingOpenIDProvider,
    settings: Settings,
    call: Call,
    framework: str,
    django_assert_num_queries: Any,
) -> None:
    settings.ROOT_URLCONF = "tests.drf.api_urls"
    user = get_user_model().objects.create_user("alice")
    OAuthConnection.objects.create(
        user=user, provider_key="op", issuer=op.issuer, provider_user_id=ALICE.sub, link_reason="signed_up"
    )
    assert call(f"/{framework}/", jwt(op)).status_code == 200  # the keys are known from now on
    op.clear()

    with django_assert_num_queries(1):
        assert call(f"/{framework}/", jwt(op)).status_code == 200
    assert op.requests == []


def test_fifty_threads_ask_about_one_token_once(op: RecordingOpenIDProvider) -> None:
    cache.clear()
    op.bend("introspection", lambda good: Answer.of_json({**good.json, "aud": API}))
    token = opaque(op)
    op.clear()

    found = at_once(*[lambda: judge(token)[0].subject for _thread in range(50)])

    assert found == [ALICE.sub] * 50
    assert [request.path for request in op.requests].count("/introspect") == 1
