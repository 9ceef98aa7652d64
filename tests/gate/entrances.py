"""The entrances: every way by which an identity comes in. Each is prepared, and used once a rule forbids something."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from oidc_login.backends import OIDCLoginBackend
from oidc_login.client import OAuth
from oidc_login.exceptions import OAuthError
from oidc_login.models import LinkWindow, OAuthConnection
from oidc_login.providers import OAuthToken, OAuthUser
from oidc_login.signin.link_window import forget_closed
from tests.drf.conftest import API, jwt, opaque
from tests.gate.world import ALLOWED, SIGNED_OUT, World
from tests.one_tap.page import id_token, nonce_in, post_credential
from tests.sessions.conftest import grow_old
from tests.support.browser import Browser
from tests.support.served import ALICE, CLIENT_SECRET

FRESHNESS = ["oidc_login.middleware.SessionLogout", "oidc_login.middleware.SessionRefresh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """How a site is prepared for it, and how it is used; `use` returns "allowed" or what came instead."""

    prepare: Callable[[World], Any]
    use: Callable[[World, Any], str]


# Signing in.


def walk(world: World, browser: Browser, view: str = "login") -> Browser:
    """Go from the button to the provider and back, if the site sends the browser there at all."""
    begun = browser.begin(world.key, view=view)
    if world.op.base_url in begun.get("Location", ""):
        browser.end(browser.authorize(world.op, begun))
    return browser


def sign_in(world: World, prepared: Any) -> str:
    return world.signed_in(walk(world, Browser()))


def third_party(world: World, prepared: Any) -> str:
    """Another site begins the sign-in, in a browser where nobody is signed in (Core 4)."""
    browser = Browser()
    begun = browser.get(f"/oauth/{world.key}/initiate/", {"iss": world.op.issuer}, cross_site=True)
    if world.op.base_url in begun.get("Location", ""):
        browser.end(browser.authorize(world.op, begun))
    return world.signed_in(browser)


def opened_to_third_parties(world: World) -> None:
    world.configure(third_party_initiated_login=True)
    world.connect_alice()


def sign_up(world: World, prepared: Any) -> str:
    return world.outcome(walk(world, Browser()).user is not None)


def connect(world: World, browser: Browser) -> str:
    walk(world, browser, "connect")
    return world.outcome(OAuthConnection.objects.filter(user__username="local", provider_user_id=ALICE.sub).exists())


def password_session(world: World) -> Browser:
    browser = Browser()
    browser.log_in(world.open_account())
    return browser


def again(path: str) -> Callable[[World, Browser], str]:
    """Ask for a page that sends the person to the provider first; it is shown to the same person alone."""

    def use(world: World, browser: Browser) -> str:
        response = browser.get(path)
        if response.status_code != 302 or world.op.base_url not in response["Location"]:
            return shown(world, browser, response)
        browser.end(browser.authorize(world.op, response))
        return shown(world, browser, browser.get(path))

    return use


def shown(world: World, browser: Browser, response: Any) -> str:
    """Whether the page was shown, to the person whose it is."""
    if response.status_code == 200 and response.content == b"local":
        return ALLOWED
    return world.codes.seen[-1] if world.codes.seen else SIGNED_OUT


def step_up(world: World) -> Browser:
    world.settings.ROOT_URLCONF = "tests.gate.urls"
    browser: Browser = world.connect_alice()
    return browser


# Sessions that their provider confirms.


def old_session(*, refresh_token: bool) -> Callable[[World], Browser]:
    def prepare(world: World) -> Browser:
        world.settings.ROOT_URLCONF = "tests.gate.urls"
        world.settings.MIDDLEWARE = [*world.settings.MIDDLEWARE, *FRESHNESS]
        world.op.always_refresh_token = refresh_token
        browser: Browser = world.connect_alice()
        grow_old(browser)
        return browser

    return prepare


def upstreams_session(world: World) -> Browser:
    world.settings.ROOT_URLCONF = "tests.gate.urls"
    world.settings.MIDDLEWARE = [*world.settings.MIDDLEWARE, "mozilla_django_oidc.middleware.SessionRefresh"]
    state_upstreams_settings(world)
    world.settings.OIDC_USE_PKCE = True
    browser: Browser = world.connect_alice()
    session: Any = browser.session
    session["oidc_id_token_expiration"] = time.time() - 10
    session.save()
    return browser


def state_upstreams_settings(world: World) -> None:
    settings, url = world.settings, world.op.base_url
    settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET = "client", CLIENT_SECRET
    settings.OIDC_RP_SIGN_ALGO = "RS256"
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT, settings.OIDC_OP_TOKEN_ENDPOINT = f"{url}/authorize", f"{url}/token"
    settings.OIDC_OP_USER_ENDPOINT, settings.OIDC_OP_JWKS_ENDPOINT = f"{url}/userinfo", f"{url}/jwks"
    settings.OIDC_TOKEN_USE_BASIC_AUTH = True


# APIs.


def api(
    path: str,
    make_token: Callable[[Any], str],
    *,
    people: Callable[[World], Any] = World.connect_alice,
    user: str = "local",
    **members: Any,
) -> Entrance:
    """A call with a token. `members` are those of the entry, and `people` makes the account."""

    def prepare(world: World) -> str:
        world.settings.ROOT_URLCONF = "tests.gate.api_urls"
        world.settings.OIDC_LOGIN_BEARER_PROVIDERS = {world.key: {"audience": [API, "client"], **members}}
        people(world)
        return make_token(world.op)

    def use(world: World, token: str) -> str:
        response = Client(raise_request_exception=False).get(path, headers={"Authorization": f"Bearer {token}"})
        if response.status_code == 200 and response.json() == {"user": user}:
            return ALLOWED
        return world.codes.seen[-1] if world.codes.seen else f"{response.status_code}"

    return Entrance(prepare=prepare, use=use)


def first_token(op: Any) -> str:
    """A token with an address, of somebody who never came before."""
    return jwt(op, aud=API, email=ALICE.email, email_verified=True, preferred_username="alice")


def client_credentials(op: Any) -> str:
    return jwt(op, sub="robot", client_id="robot", aud=API)


# `oidc_login.client`.


def client_token(world: World) -> tuple[Any, str]:
    client = OAuth().register(world.key)
    begun = client.create_authorization_url("https://site.example/callback")
    answer = world.op.authorization_answer(begun["url"], "alice")
    code = dict(answer.parameters)["code"]
    token = client.fetch_access_token(
        redirect_uri="https://site.example/callback", code=code, code_verifier=begun["code_verifier"]
    )
    return token, begun["nonce"]


def parse_id_token(world: World, prepared: tuple[Any, str]) -> str:
    token, nonce = prepared
    return asked(lambda: OAuth().register(world.key).parse_id_token(token, nonce))


def client_userinfo(world: World, prepared: tuple[Any, str]) -> str:
    return asked(lambda: OAuth().register(world.key).userinfo(token=prepared[0]))


def asked(ask: Callable[[], Any]) -> str:
    try:
        claims = ask()
    except Exception as error:  # whatever the client raises, the code of the refusal is told
        cause = error.__cause__ or error.__context__ or error
        return str(getattr(cause, "code", None) or getattr(error, "code", None) or getattr(error, "error", error))
    return ALLOWED if claims["sub"] == ALICE.sub else "somebody else"


# Hooks of a site.


class FindsByName(OIDCLoginBackend):
    def filter_users_by_claims(self, claims: dict[str, Any]) -> Iterable[Any]:
        return get_user_model().objects.filter(username="local")


class MakesByName(OIDCLoginBackend):
    """Answers with an account that is there already; nobody is found by an address."""

    def filter_users_by_claims(self, claims: dict[str, Any]) -> Iterable[Any]:
        return []

    def create_user(self, claims: dict[str, Any]) -> Any:
        return get_user_model().objects.get_or_create(username="local")[0]


class DoesAll(OIDCLoginBackend):
    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> Any:
        return get_user_model().objects.get_or_create(username="local")[0]


def hook(backend: type[OIDCLoginBackend]) -> Callable[[World], None]:
    def prepare(world: World) -> None:
        world.open_account()
        world.use_backend(backend)

    return prepare


# The methods of django-oauth-login's model.


def from_code(world: World, call: Callable[..., OAuthConnection], **arguments: Any) -> str:
    person = OAuthUser(id=ALICE.sub, email=ALICE.email, email_verified=True, username="alice")
    try:
        made = call(provider_key=world.key, oauth_token=OAuthToken("from the site"), oauth_user=person, **arguments)
    except OAuthError as error:
        return error.code
    return ALLOWED if (made.user.get_username(), made.access_token) == ("local", "from the site") else "another"


def call_connect(world: World, user: Any) -> str:
    return from_code(world, OAuthConnection.connect, user=user)


def call_get_or_createuser(world: World, prepared: Any) -> str:
    return from_code(world, OAuthConnection.get_or_createuser)


# Others.


def is_unconfirmed(user: Any) -> bool:
    return False


def unconfirmed_account(world: World) -> None:
    world.settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = f"{__name__}.is_unconfirmed"
    world.open_account()


def confirm_link(world: World, prepared: None) -> str:
    browser = walk(world, Browser())
    if world.codes.seen[-1:] != ["confirm_link"]:
        return world.outcome(False)
    user = get_user_model().objects.get(username="local")
    browser.log_in(user)
    return world.outcome(OAuthConnection.objects.filter(user=user, provider_user_id=ALICE.sub).exists())


LOADED: dict[str, Any] = {}


def load() -> Mapping[str, Any]:
    return LOADED


def loader_entry(world: World) -> None:
    """The entry stands in the site's database; only there is loopback allowed, for the test."""
    entries = dict(world.settings.OIDC_LOGIN_PROVIDERS)
    LOADED.clear()
    LOADED["op"] = {**entries.pop("op"), "refuse_private_addresses": False, "link_by_email": "verified"}
    world.settings.OIDC_LOGIN_PROVIDERS = entries
    world.settings.OIDC_LOGIN_PROVIDER_LOADER = f"{__name__}.load"
    world.loaded = LOADED
    world.open_account()


def implied_entry(world: World) -> None:
    """The entry is made of mozilla-django-oidc's settings; the site adds to it under its key."""
    world.settings.OIDC_LOGIN_PROVIDERS = {}
    world.key = "oidc"
    world.settings.ROOT_URLCONF = "tests.gate.urls"
    state_upstreams_settings(world)
    world.open_account()


# Phones.

APP = "com.example.app"


def open_account_for_app(world: World) -> None:
    world.settings.ROOT_URLCONF = "tests.gate.urls"
    world.settings.OIDC_LOGIN_APP_SESSIONS = True
    world.configure(native_client_ids=[APP])
    world.open_account()


def sign_in_natively(world: World, prepared: Any) -> str:
    answer = native_answer(world)
    return ALLOWED if answer.status_code == 200 else str(answer.json()["code"])


def native_answer(world: World) -> Any:
    """Sign in with the ID token of a phone's SDK."""
    client = Client()
    begun = client.post(f"/api/auth/{world.key}/nonce/")
    if begun.status_code != 200:
        return begun
    nonce, now = begun.json()["nonce"], int(time.time())
    claims = {"iss": world.op.issuer, "sub": ALICE.sub, "aud": APP, "iat": now, "exp": now + 60, "nonce": nonce}
    verified = {"email": ALICE.email, "email_verified": True}
    body = {"nonce": nonce, "id_token": world.op.unsigned_token({**claims, **verified}).signed()}
    return client.post(f"/api/auth/{world.key}/token/", body, content_type="application/json")


def app_token(world: World) -> str:
    """The token of an app in which the person of the account has signed in."""
    open_account_for_app(world)
    return str(native_answer(world).json()["app_token"])


def use_endpoints(world: World, token: str) -> str:
    response = Client().get("/api/auth/session/", headers={"Authorization": f"Bearer {token}"})
    return ALLOWED if response.status_code == 200 else str(response.json()["code"])


def use_apis(world: World, token: str) -> str:
    """Call the API of each framework, which all say the same."""
    world.settings.ROOT_URLCONF = "tests.gate.api_urls"
    headers = {"Authorization": f"Bearer {token}"}
    answers = [Client().get(path, headers=headers) for path in ("/whoami/", "/ninja/", "/plain/")]
    statuses = {answer.status_code for answer in answers}
    if statuses == {200} and all(answer.json() == {"user": "local"} for answer in answers):
        return ALLOWED
    return world.codes.seen[-1] if statuses == {401} else f"{statuses}"


# A window.


def open_window(world: World) -> None:
    """An account without an address, which the claim of an open window names."""
    get_user_model().objects.create_user("local", "", "password")
    world.op.users.add(replace(ALICE, claims={**ALICE.claims, "employee": "local"}))
    forget_closed()
    now = timezone.now()
    LinkWindow.objects.create(
        provider_key=world.key,
        issuer=world.op.issuer,
        claim="employee",
        user_field="username",
        opened_at=now,
        ends_at=now + timedelta(hours=1),
    )


# One Tap.


def page_with_one_tap(world: World) -> tuple[Browser, str]:
    world.settings.ROOT_URLCONF = "tests.gate.urls"
    world.configure(**{"class": "tests.one_tap.page.OneTapProvider"})
    world.open_account()
    browser = Browser()
    return browser, nonce_in(browser.get("/page/"))


def sign_in_by_one_tap(world: World, prepared: tuple[Browser, str]) -> str:
    """The ID token that the provider's script gets for a page, posted with the cookie that the script sets."""
    browser, nonce = prepared
    post_credential(browser, id_token(world.op, nonce=nonce), key=world.key)
    return world.signed_in(browser)


ENTRANCES: Mapping[str, Entrance] = {
    "sign-in, known identity": Entrance(prepare=World.connect_alice, use=sign_in),
    "sign-in, new identity": Entrance(prepare=World.open_account, use=sign_in),
    "sign-in in a window": Entrance(prepare=open_window, use=sign_in),
    "sign-in begun by a third party": Entrance(prepare=opened_to_third_parties, use=third_party),
    "sign-up": Entrance(prepare=lambda world: None, use=sign_up),
    "connect": Entrance(prepare=password_session, use=connect),
    "step-up": Entrance(prepare=step_up, use=again("/recent/")),
    "more scopes": Entrance(prepare=step_up, use=again("/calendar/")),
    "confirm by refresh token": Entrance(prepare=old_session(refresh_token=True), use=again("/")),
    "confirm by `prompt=none`": Entrance(prepare=old_session(refresh_token=False), use=again("/")),
    "mozilla-django-oidc's `SessionRefresh`": Entrance(prepare=upstreams_session, use=again("/")),
    "bearer token, JWT": api("/whoami/", jwt),
    "bearer token, introspected": api("/whoami/", opaque),
    "bearer token, first call": api("/whoami/", first_token, people=World.open_account, signup=True),
    "bearer token, sign-up": api("/whoami/", first_token, people=lambda world: None, user="alice", signup=True),
    "bearer token, machine client": api(
        "/whoami/", client_credentials, people=World.open_account, clients={"robot": "local"}
    ),
    "bearer token, Django Ninja": api("/ninja/", jwt),
    "bearer token, `bearer_required`": api("/plain/", jwt),
    "bearer token, mozilla-django-oidc's class": api("/upstream/", opaque),
    "native sign-in": Entrance(prepare=open_account_for_app, use=sign_in_natively),
    "app token, endpoints": Entrance(prepare=app_token, use=use_endpoints),
    "app token, API": Entrance(prepare=app_token, use=use_apis),
    "One Tap": Entrance(prepare=page_with_one_tap, use=sign_in_by_one_tap),
    "`oidc_login.client`, ID token": Entrance(prepare=client_token, use=parse_id_token),
    "`oidc_login.client`, `userinfo()`": Entrance(prepare=client_token, use=client_userinfo),
    "hook `filter_users_by_claims`": Entrance(prepare=hook(FindsByName), use=sign_in),
    "hook `create_user`": Entrance(prepare=hook(MakesByName), use=sign_in),
    "hook `get_or_create_user`": Entrance(prepare=hook(DoesAll), use=sign_in),
    "`OAuthConnection.connect()`": Entrance(prepare=World.open_account, use=call_connect),
    "`OAuthConnection.get_or_createuser()`, known identity": Entrance(
        prepare=World.connect_alice, use=call_get_or_createuser
    ),
    "`OAuthConnection.get_or_createuser()`, new identity": Entrance(
        prepare=World.open_account, use=call_get_or_createuser
    ),
    "confirm-link": Entrance(prepare=unconfirmed_account, use=confirm_link),
    "loader's entry": Entrance(prepare=loader_entry, use=sign_in),
    "entry of mozilla-django-oidc's settings": Entrance(prepare=implied_entry, use=sign_in),
}
