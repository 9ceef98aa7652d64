"""The calls that Authlib's client answers: which ones are answered here, and what is written in place of the others.

Each row is a call as a site writes it. `pytest -s` prints how many are answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

from oidc_login import client as module
from oidc_login.client import OAuth
from oidc_login.client.errors import OAuthError
from oidc_login.client.options import CLIENT_KWARGS, CODE_OPTIONS, OPTIONS, is_further_metadata
from tests.client.conftest import CALLBACK, company
from tests.client.trip import Trip
from tests.support.oauth1 import RecordingOAuth1
from tests.support.served import CLIENT_SECRET, RecordingGitHub, RecordingOpenIDProvider
from tests.tokens.conftest import granted

if TYPE_CHECKING:
    from pytest_django import Settings

pytest.importorskip("oauthlib")


@dataclass(frozen=True)
class Refused:
    """The call is refused, and the message has this advice."""

    advice: str


class World:
    """What the rows name: clients, an open flow of each, and a stored token."""

    def __init__(self, op: RecordingOpenIDProvider, github: RecordingGitHub, photos: RecordingOAuth1) -> None:
        self.op, self.github, self.photos = op, github, photos
        self.oauth = OAuth(cache=None)
        self.company = self.oauth.register("company")
        self.forge = self.oauth.register("forge")
        self.twitter = self.oauth.register("twitter")
        self.trip = Trip(self.company)
        self.request = self.trip.request("/login")
        token = granted(op)
        self.token = {
            "token_type": "Bearer",
            "access_token": token.access_token,
            "refresh_token": token.refresh_token,
            "expires_at": 99999999999,
        }

    def register(self, **options: Any) -> Any:
        return OAuth().register("own", **{**company(self.op), **options})

    def begin(self, **parameters: Any) -> dict[str, str]:
        self.trip.begin(**parameters)
        return self.trip.begun

    def end(self, **arguments: Any) -> Any:
        """The end of a flow, and the token request that the provider got."""
        answer = self.op.authorization_answer(self.trip.begin())
        token = self.trip.end(answer, **arguments)
        sent = next(request.form for request in reversed(self.op.requests) if request.endpoint == "token")
        return {"token": token, "sent": sent}

    def end_photos(self, **params: Any) -> Any:
        client = OAuth().register("twitter", access_token_params=params or None)
        trip = Trip(client)
        token = trip.end(self.photos.authorization_answer(trip.begin()))
        assert params.items() <= self.photos.requests[-1].form.items()
        return token

    def parsed(self) -> Any:
        token = self.end()["token"]
        return self.company.parse_id_token(token, self.trip.begun["nonce"])

    def data(self, **parameters: Any) -> Any:
        return self.company.create_authorization_url(CALLBACK, **parameters)

    def saved(self, **changes: Any) -> None:
        self.company.save_authorize_data(self.request, **{**self.data(), "redirect_uri": CALLBACK, **changes})

    def session(self) -> Any:
        session = self.company._get_oauth_client()
        session.token = self.token
        return session


REGISTRY: list[tuple[str, Any]] = [
    ("OAuth()", True),
    ("OAuth(cache=object()).cache", True),
    ("OAuth(fetch_token=print).fetch_token", True),
    ("OAuth(update_token=print).update_token", True),
    ("w.oauth.company is w.company", True),
    ("w.oauth.create_client('company') is w.company", True),
    ("w.oauth.create_client('nobody')", None),
    ("hasattr(w.oauth, 'nobody')", False),
    ("w.oauth.register('company', overwrite=True).client_id", "client"),
    ("w.register(client_cls=module.DjangoOAuth2App).name", "own"),
    ("w.register(fetch_token=print).name", "own"),
    ("w.register(update_token=print).name", "own"),
    ("w.register(user_agent='shop/1').name", "own"),
    ("isinstance(w.company, module.DjangoOAuth2App)", True),
    ("isinstance(w.twitter, module.DjangoOAuth1App)", True),
    ("module.DjangoIntegration('company').name", "company"),
    ("module.DjangoIntegration.load_config(w.oauth, 'company', ())['client_id']", "client"),
    ("module.DjangoIntegration('company').update_token({}, refresh_token='r')", None),
    ("module.token_update", True),
    ("module.OAuthError('a', 'b').error", "a"),
    ("module.OAuthError('a', 'b').description", "b"),
    ("w.register(token_revocation_hint='x').server_metadata['token_revocation_hint']", "x"),
    ("w.register(extra={'a': 1}).server_metadata['extra']", {"a": 1}),
    ("w.register(client_idd='x')", Refused("client_id")),
    ("w.register(verify=False)", Refused("Remove it")),
    ("w.register(verify=True)", Refused('client_kwargs={"verify": ...}')),
    ("w.register(token_endpoint_auth_method='none')", Refused('client_kwargs={"token_endpoint_auth_method": ...}')),
    ("w.register(scope='openid')", Refused('client_kwargs={"scope": ...}')),
    ("w.register(client_kwargs={'verify': False})", Refused("path")),
    ("w.register(client_kwargs={'token_placement': 'uri'})", Refused("header")),
    ("w.register(client_kwargs={'token_placement': 'body'})", Refused("header")),
    ("w.register(client_kwargs={'response_type': 'token'})", Refused('"code"')),
    ("w.register(compliance_fix=print)", Refused("OIDC_LOGIN_PROVIDERS")),
]
ATTRIBUTES: list[tuple[str, Any]] = [
    ("w.company.name", "company"),
    ("w.company.client_id", "client"),
    ("OAuth().register('later').client_id", None),
    ("w.company.client_secret", CLIENT_SECRET),
    ("w.company.client_kwargs", {"scope": "openid email profile"}),
    ("OAuth().register('later').client_kwargs", {}),
    ("w.company.api_base_url", lambda found, w: found == f"{w.op.issuer}/"),
    ("w.company.authorize_url", None),
    ("w.forge.authorize_url", lambda found, w: found == w.github.authorization_endpoint),
    ("w.forge.access_token_url", lambda found, w: found == w.github.token_endpoint),
    ("w.register(authorize_params={'hd': 'x'}).authorize_params", {"hd": "x"}),
    ("w.company.authorize_params", None),
    ("w.register(access_token_params={'audience': 'x'}).access_token_params", {"audience": "x"}),
    ("w.forge.access_token_params", None),
    ("w.forge.refresh_token_url", None),
    ("w.company.refresh_token_params", None),
    ("w.twitter.request_token_url", lambda found, w: found == w.photos.request_token_endpoint),
    ("w.twitter.request_token_params", None),
    ("w.twitter.client_id", "client"),
    ("w.twitter.authorize_url", lambda found, w: found == w.photos.authorization_endpoint),
    ("w.company.server_metadata", {}),
    ("w.forge.server_metadata['token_endpoint']", lambda found, w: found == w.github.token_endpoint),
    ("w.company.load_server_metadata()['issuer']", lambda found, w: found == w.op.issuer),
    ("w.company.load_server_metadata()['subject_types_supported']", True),
    ("w.company.load_server_metadata()['response_types_supported']", True),
    ("(w.company.load_server_metadata(), w.company.server_metadata['subject_types_supported'])[1]", True),
    ("w.register(end_session_endpoint='https://op.example/end').load_server_metadata()['end_session_endpoint']", True),
    ("w.company.fetch_jwk_set()['keys']", True),
    ("w.company.fetch_jwk_set(force=True)['keys']", True),
]
BEGINNING: list[tuple[str, Any]] = [
    ("w.company.authorize_redirect(w.request, CALLBACK).status_code", 302),
    ("w.company.authorize_redirect(w.request, redirect_uri=CALLBACK).status_code", 302),
    ("w.forge.authorize_redirect(w.request, CALLBACK).status_code", 302),
    ("w.twitter.authorize_redirect(w.request, CALLBACK).status_code", 302),
    ("w.begin()['response_type']", "code"),
    ("w.begin()['nonce']", True),
    ("w.begin()['code_challenge_method']", "S256"),
    ("w.begin(prompt='login')['prompt']", "login"),
    ("w.begin(login_hint='jo')['login_hint']", "jo"),
    ("w.begin(scope='openid email')['scope']", "openid email"),
    ("w.begin(max_age=60)['max_age']", "60"),
    ("w.begin(audience='https://api.example')['audience']", "https://api.example"),
    ("w.begin(acr_values='mfa')['acr_values']", "mfa"),
    ("w.begin(ui_locales='de')['ui_locales']", "de"),
    ("w.begin(state='s' * 40)['state']", "s" * 40),
    ("w.begin(code_challenge_method='S256')['code_challenge']", True),
    ("w.data()['url']", True),
    ("w.data()['state']", True),
    ("w.data()['nonce']", True),
    ("w.data()['code_verifier']", True),
    ("w.saved()", None),
    ("w.twitter.create_authorization_url(CALLBACK)['request_token']", True),
    ("w.begin(state='guess')", Refused("secrets.token_urlsafe(32)")),
    ("w.begin(code_challenge_method='plain')", Refused("S256")),
    ("w.begin(response_type='token')", Refused('"code"')),
    ("w.saved(nonce='')", Refused("nonce")),
]
ENDING: list[tuple[str, Any]] = [
    ("w.end()['token']['access_token']", True),
    ("w.end()['token']['id_token']", True),
    ("w.end()['token']['userinfo']['sub']", True),
    ("w.end()['token']['userinfo'].sub", True),
    ("w.end()['token']['expires_at']", True),
    ("w.end()['token']['token_type'].lower()", "bearer"),
    ("w.end()['token'].is_expired()", False),
    ("w.end(claims_options={'sub': {'essential': True}})['token']['userinfo']", True),
    ("w.end(claims_cls=module.UserInfo)['token']['userinfo']", True),
    ("w.parsed().sub", True),
    ("w.company.parse_id_token({'access_token': 'a'}, 'nonce')", None),
    ("w.end(leeway=60)['token']['userinfo']", True),
    ("w.end(audience='https://api.example')['sent']['audience']", "https://api.example"),
    ("w.end(resource='https://api.example')['sent']['resource']", "https://api.example"),
    ("w.end(code='another')", Refused("Remove it")),
    ("w.end(method='GET')", Refused("Remove it")),
    ("w.end(claims_options={'aud': {'values': ['client', 'another']}})", Refused("'client'")),
    ("w.end_photos()['oauth_token']", True),
    ("w.end_photos(x_auth_mode='client_auth')['oauth_token']", True),
    ("w.company.authorize_access_token(w.trip.request('/authorize?code=x&state=y'))", Refused("mismatching_state")),
    (
        "w.company.authorize_access_token(w.trip.request('/authorize?error=access_denied'))",
        Refused("mismatching_state"),
    ),
]
TOKENS: list[tuple[str, Any]] = [
    ("w.company.get('userinfo', token=w.token).status_code", 200),
    ("w.company.get(w.op.issuer + '/userinfo', token=w.token).status_code", 200),
    ("w.company.request('GET', 'userinfo', token=w.token).status_code", 200),
    ("w.company.post('userinfo', token=w.token, data={'a': 'b'}).status_code", True),
    ("w.company.put('userinfo', token=w.token, json={'a': 'b'}).status_code", True),
    ("w.company.patch('userinfo', token=w.token, json={'a': 'b'}).status_code", True),
    ("w.company.delete('userinfo', token=w.token).status_code", True),
    ("w.company.get('userinfo', withhold_token=True).status_code", 401),
    ("w.company.get('userinfo', token=w.token, params={'a': 'b'}).status_code", 200),
    ("w.company.get('userinfo', token=w.token, headers={'Accept': 'application/json'}).status_code", 200),
    ("w.register(fetch_token=lambda request: w.token).get('userinfo', request=w.request).status_code", 200),
    ("w.company.userinfo(token=w.token)['sub']", True),
    ("w.company.userinfo(token=w.token).email", True),
    ("w.company.ensure_active_token(w.token) is w.token", True),
    ("w.session().get('userinfo').status_code", 200),
    ("w.session().request('GET', 'userinfo').status_code", 200),
    ("w.session().refresh_token()['access_token']", True),
    ("w.session().refresh_token(w.op.token_endpoint, refresh_token=w.token['refresh_token'])['access_token']", True),
    ("w.company.get('userinfo')", Refused("give token=")),
    ("w.company.get('userinfo', token=w.token, verify=False)", Refused("path")),
    ("w.company.fetch_access_token(username='jo', password='x')", Refused("authorize_redirect()")),
    ("w.company.create_logout_url(CALLBACK)['url']", True),
    ("w.company.create_logout_url(CALLBACK, id_token_hint='h')['state']", True),
    ("w.company.logout_redirect(w.request, CALLBACK).status_code", 302),
    ("w.company.logout_redirect(w.request).status_code", 302),
    ("w.company.validate_logout_response(w.request)", Refused('Missing "state"')),
    ("w.company.get('userinfo', token=w.token, timeout=5).status_code", 200),
    ("module.OAuth2Token({'access_token': 'a'})['access_token']", "a"),
    ("module.UserInfo(sub='1').sub", "1"),
    ("module.UserInfo(sub='1').email", None),
    ("module.UserInfo(sub='1', email='a@b.example').filter('openid')", {"sub": "1"}),
]
ROWS = [*REGISTRY, *ATTRIBUTES, *BEGINNING, *ENDING, *TOKENS]


@pytest.fixture
def world(op: RecordingOpenIDProvider, github: RecordingGitHub, photos: RecordingOAuth1, settings: Settings) -> World:
    op.always_refresh_token = True
    return World(op, github, photos)


def call(expression: str, world: World) -> Any:
    names = {"w": world, "OAuth": OAuth, "module": module, "CALLBACK": CALLBACK, "RequestFactory": RequestFactory}
    return eval(expression, names)  # the rows of this file


@pytest.mark.parametrize(("expression", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_call_of_authlib(world: World, expression: str, expected: Any) -> None:
    if isinstance(expected, Refused):
        with pytest.raises((ImproperlyConfigured, OAuthError, RuntimeError)) as caught:
            call(expression, world)
        assert expected.advice in f"{getattr(caught.value, 'error', '')} {caught.value}"
        return
    found = call(expression, world)
    if callable(expected):
        assert expected(found, world)
    elif expected is True:
        assert found
    else:
        assert found == expected


def test_count_of_answered_calls() -> None:
    answered = [expected for _, expected in ROWS if not isinstance(expected, Refused)]

    print(f"\n{len(ROWS)} calls of Authlib's client: {len(answered)} answered, {len(ROWS) - len(answered)} refused")
    assert len(answered) >= 115


@pytest.mark.parametrize(
    ("name", "is_kept"),
    [
        ("label", True),
        ("organization_url", True),
        ("client_id", False),
        ("clientid", False),
        ("server_metadata_ur", False),
        ("fetch_token", False),
        ("scope", False),
        ("verify", False),
        ("verifi", False),
    ],
)
def test_keyword_is_kept_only_if_it_can_be_no_other(world: World, name: str, is_kept: bool) -> None:
    """Of the options, those of the settings among them, none is taken for metadata, and no misspelling of one is."""
    assert is_further_metadata(name) is is_kept
    if is_kept:
        options = {**company(world.op), name: "their own"}
        assert OAuth().register("company", **options).server_metadata[name] == "their own"


def test_no_option_is_kept_unread() -> None:
    names = [*OPTIONS, *CODE_OPTIONS, *CLIENT_KWARGS]
    assert [name for name in names if is_further_metadata(name) or is_further_metadata(f"{name}_")] == []
