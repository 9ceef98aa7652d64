"""OAuth 2.0 providers that are declared: client authentication, PKCE, secrets in rotation, resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oidc_login.protocol.errors import (
    ClientMisconfigured,
    ProtocolError,
    ProviderUnavailable,
    TokenErrorResponse,
    TokenResponseInvalid,
    UserInfoInvalid,
)
from oidc_login.providers import OAuth2Provider, OAuthToken, OAuthUser
from oidc_login.testing import Answer, OpenIDProvider
from oidc_login.testing.application import FORM
from tests.providers.flows import CALLBACK, VERIFIER, asked_parameters, code_from, exchange, request_with_flow


class DeclaredProvider(OAuth2Provider):
    """Endpoints and what the answer means, and nothing else."""

    default_scope = "openid email profile"

    def __init__(self, *, base_url: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.authorization_endpoint = f"{base_url}/authorize"
        self.token_endpoint = f"{base_url}/token"
        self.userinfo_endpoint = f"{base_url}/userinfo"
        self.revocation_endpoint = f"{base_url}/revoke"

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        return OAuthUser(id=userinfo["sub"], email=userinfo.get("email", ""), claims=userinfo)


@pytest.fixture
def op(op: OpenIDProvider) -> OpenIDProvider:
    op.require_nonce = False
    return op


def declared(op: OpenIDProvider, provider_class: type[DeclaredProvider] = DeclaredProvider, **changes: Any) -> Any:
    arguments = {"provider_key": "op", "client_id": "client", "client_secret": "secret", **changes}
    return provider_class(base_url=op.base_url, **arguments)


def secrets_tried(op: OpenIDProvider) -> list[str]:
    """The client secret of each token request, as the form carried it."""
    return [request.form["client_secret"] for request in op.requests if request.endpoint == "token"]


def refusal(call: Callable[[], object]) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        call()
    return caught.value


# The sign-in


def test_a_declared_provider_signs_in(op: OpenIDProvider) -> None:
    provider = declared(op)
    token = exchange(op, provider)
    assert provider.get_userinfo(token, claims={})["email"] == "alice@example.org"
    assert op.asked() == ["token", "userinfo"]
    assert op.connections == 1


def test_the_token_request_repeats_the_redirect_uri_and_proves_the_verifier(op: OpenIDProvider) -> None:
    """RFC 6749 4.1.3, RFC 7636 4.5."""
    exchange(op, declared(op))
    form = op.requests[0].form
    assert form["grant_type"] == "authorization_code"
    assert form["redirect_uri"] == CALLBACK
    assert form["code_verifier"] == VERIFIER


def test_a_code_of_another_flow_is_refused_by_the_verifier(op: OpenIDProvider) -> None:
    provider = declared(op)
    code = code_from(op, provider)
    other = request_with_flow(code_verifier="w" * 43)
    assert refusal(lambda: provider.get_oauth_token(code=code, request=other)).reason == "invalid_grant"


def test_a_challenge_is_always_sent(op: OpenIDProvider) -> None:
    """RFC 9700 2.1.1; by confidential and public clients alike."""
    for changes in ({}, {"client_secret": ""}, {"authorization_params": {"code_challenge_method": "plain"}}):
        assert asked_parameters(declared(op, **changes))["code_challenge_method"] == "S256"


def test_only_a_class_goes_without_a_challenge(op: OpenIDProvider) -> None:
    class WithoutPKCE(DeclaredProvider):
        uses_pkce = False

    class OwnTokenRequest(DeclaredProvider):
        def get_oauth_token(self, *, code: str, request: Any) -> OAuthToken:
            return OAuthToken(access_token=code)

    class OwnTokenRequestWithPKCE(OwnTokenRequest):
        uses_pkce = True

    assert "code_challenge" not in asked_parameters(declared(op, WithoutPKCE))
    assert "code_challenge" not in asked_parameters(declared(op, OwnTokenRequest))
    assert "code_challenge" in asked_parameters(declared(op, OwnTokenRequestWithPKCE))
    op.require_pkce = False
    exchange(op, declared(op, WithoutPKCE))
    assert "code_verifier" not in op.requests[0].form


def test_the_granted_scope_is_kept_or_the_one_that_was_asked(op: OpenIDProvider) -> None:
    provider = declared(op, scope="openid email")
    assert exchange(op, provider).scope == "openid email"
    op.bend("token", lambda good: Answer.of_json({**good.json, "scope": "openid"}))
    assert exchange(op, provider).scope == "openid"
    op.bend("token", lambda good: Answer.of_json({k: v for k, v in good.json.items() if k != "scope"}))
    assert exchange(op, provider).scope == "openid email"


# Client authentication

BASIC, POST, BY_SECRET, NONE = "client_secret_basic", "client_secret_post", "client_secret_jwt", "none"
LONG_SECRET = "a client secret of more than thirty-two bytes: %+ ü"


@pytest.mark.parametrize("method", [BASIC, POST, BY_SECRET])
def test_each_way_to_prove_a_secret_is_accepted(op: OpenIDProvider, method: str) -> None:
    op.client_secret, op.token_endpoint_auth_method = LONG_SECRET, method
    provider = declared(op, client_secret=LONG_SECRET, token_endpoint_auth_method=method)
    assert exchange(op, provider).access_token


def test_a_client_without_a_secret_names_itself_alone(op: OpenIDProvider) -> None:
    op.client_secret = ""
    assert exchange(op, declared(op, client_secret="")).access_token
    assert op.requests[0].form["client_id"] == "client"
    assert "authorization" not in op.requests[0].headers


def test_the_class_says_which_way_the_provider_takes(op: OpenIDProvider) -> None:
    class Posting(DeclaredProvider):
        token_endpoint_auth_methods_supported = (POST,)

    exchange(op, declared(op))
    exchange(op, declared(op, Posting))
    assert ["authorization" in request.headers for request in op.requests] == [True, False]
    assert ["client_secret" in request.form for request in op.requests] == [False, True]


def test_a_secret_too_short_for_the_one_way_there_is_is_no_crash(op: OpenIDProvider) -> None:
    class ByAssertion(DeclaredProvider):
        token_endpoint_auth_methods_supported = (BY_SECRET,)

    error = refusal(lambda: exchange(op, declared(op, ByAssertion)))
    assert isinstance(error, ClientMisconfigured)
    assert op.requests == []


def test_an_assertion_is_for_the_token_endpoint_where_there_is_no_issuer(op: OpenIDProvider) -> None:
    assert declared(op).get_audience() == op.token_endpoint


# Secrets in rotation (RFC 6749 3.2.1)


def rotating(op: OpenIDProvider, *secrets: str) -> Any:
    return declared(op, client_secret=list(secrets), token_endpoint_auth_method=POST)


def test_the_next_secret_is_tried_after_invalid_client_and_remembered(op: OpenIDProvider) -> None:
    provider = rotating(op, "new", "secret", "oldest")
    assert exchange(op, provider).access_token
    assert secrets_tried(op) == ["new", "secret"]
    exchange(op, provider)
    assert secrets_tried(op) == ["new", "secret", "secret"]
    # The provider has changed over.
    op.client_secret = "new"
    exchange(op, provider)
    exchange(op, provider)
    assert secrets_tried(op)[3:] == ["secret", "oldest", "new", "new"]


def test_each_secret_is_tried_once(op: OpenIDProvider) -> None:
    op.client_secret = "another"
    error = refusal(lambda: exchange(op, rotating(op, "one", "two", "three")))
    assert (type(error), error.reason) == (TokenErrorResponse, "invalid_client")
    assert secrets_tried(op) == ["one", "two", "three"]


def error_answer(error: str, status: int = 400) -> Callable[[Answer], Answer]:
    return lambda good: Answer.of_json({"error": error}, status=status)


@pytest.mark.parametrize(
    "change",
    [
        error_answer("invalid_grant"),
        error_answer("invalid_request"),
        error_answer("unauthorized_client"),
        error_answer("invalid_client_metadata"),
        error_answer("server_error", 500),
        error_answer("invalid_client", 503),
        error_answer("", 401),
        lambda good: Answer(status=401, body=b"invalid_client"),
    ],
)
def test_no_other_answer_costs_a_second_post(op: OpenIDProvider, change: Callable[[Answer], Answer]) -> None:
    """A code is posted once: after anything else the provider may have used it up."""
    op.bend("token", change)
    refusal(lambda: exchange(op, rotating(op, "secret", "other")))
    assert secrets_tried(op) == ["secret"]


def test_a_secret_that_failed_for_another_reason_is_not_remembered(op: OpenIDProvider) -> None:
    provider = rotating(op, "new", "secret")
    with op.bend("token", lambda good: good if good.status == 401 else error_answer("invalid_grant")(good)):
        assert refusal(lambda: exchange(op, provider)).reason == "invalid_grant"
    exchange(op, provider)
    assert secrets_tried(op) == ["new", "secret", "new", "secret"]


def test_one_secret_is_tried_once(op: OpenIDProvider) -> None:
    refusal(lambda: exchange(op, rotating(op, "wrong")))
    assert secrets_tried(op) == ["wrong"]


def test_tokens_are_taken_back_with_the_secret_that_worked(op: OpenIDProvider) -> None:
    """RFC 7009 2.1."""
    provider = rotating(op, "new", "secret")
    token = exchange(op, provider)
    provider.revoke_oauth_token(oauth_token=token)
    assert op.requests[-1].endpoint == "revocation"
    assert op.requests[-1].form["client_secret"] == "secret"
    assert isinstance(refusal(lambda: provider.get_oauth_user(oauth_token=token)), UserInfoInvalid)


# Answers


def test_a_form_answer_is_for_classes_that_expect_it(op: OpenIDProvider) -> None:
    class FormAnswering(DeclaredProvider):
        allow_form_answer = True

    def as_form(good: Answer) -> Answer:
        return Answer(headers={"Content-Type": FORM}, json={"access_token": "a", "token_type": "bearer"})

    op.bend("token", as_form)
    assert exchange(op, declared(op, FormAnswering)).access_token == "a"
    error = refusal(lambda: exchange(op, declared(op)))
    assert (type(error), error.reason) == (TokenResponseInvalid, "content_type")


def test_what_a_provider_asks_of_every_request_is_sent(op: OpenIDProvider) -> None:
    class Picky(DeclaredProvider):
        request_headers = {"Api-Version": "2026-01-01"}

    provider = declared(op, Picky)
    provider.get_oauth_user(oauth_token=exchange(op, provider))
    assert [request.headers["api-version"] for request in op.requests] == ["2026-01-01"] * 2


def test_a_resource_is_asked_for_with_the_token_in_the_header(op: OpenIDProvider) -> None:
    provider = declared(op)
    token = exchange(op, provider)
    assert provider.get_resource(provider.userinfo_endpoint, oauth_token=token)["sub"] == "alice"
    assert op.requests[-1].headers["authorization"] == f"Bearer {token.access_token}"
    assert op.requests[-1].query == ""


def test_a_resource_that_is_refused_describes_nobody(op: OpenIDProvider) -> None:
    provider = declared(op)
    token = OAuthToken(access_token="expired")
    assert refusal(lambda: provider.get_oauth_user(oauth_token=token)).reason == "status"
    op.bend("userinfo", lambda good: Answer(status=503, headers={"Retry-After": "3"}, body=b""))
    error = refusal(lambda: provider.get_oauth_user(oauth_token=token))
    assert isinstance(error, ProviderUnavailable)
    assert error.retry_after == 3


def test_without_a_mapping_an_answer_is_about_nobody() -> None:
    provider = OAuth2Provider(provider_key="x", client_id="client")
    with pytest.raises(UserInfoInvalid):
        provider.user_from_userinfo({"": "7", "id": "7"}, oauth_token=OAuthToken(access_token="a"))


def test_without_openid_connect_there_is_no_id_token_and_no_issuer(op: OpenIDProvider) -> None:
    provider = declared(op)
    token = OAuthToken(access_token="a", id_token="x.y.z")
    assert provider.verify_id_token(token, request=request_with_flow()) == {}
    assert provider.get_issuer() == ""
    assert provider.get_identity_issuer({"iss": "https://evil.example"}) == op.base_url
    assert provider.requires_response_issuer() is False
    assert provider.needs_userinfo({}, is_known=True, wanted=[]) is True
    assert provider.check_claims({}) is True


def test_a_key_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="client_key"):
        OAuth2Provider(provider_key="x", client_id="client", client_key="/nowhere/key.pem")
