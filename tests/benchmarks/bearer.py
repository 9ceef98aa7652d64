"""What a call with a JWT costs in CPU time, beside four other packages: `python -m tests.benchmarks.bearer`.

Each package serves the same REST framework view with tokens of the same test provider. The calls are interleaved in
rounds, and the median of the rounds is printed, as a ratio to what cannot be left out: PyJWT with a ready key, and one
indexed SELECT. The provider is stopped before the rounds, so a package that has to ask it fails.

Not the same for all, because it cannot be: django-oauth-toolkit verifies no JWT. It introspects the token once, then
finds it in its own table. django-auth-adfs only reads documents of Microsoft, so it gets key and issuer directly. It
also saves the user at each call.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import django
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils.module_loading import import_string

from oidc_login.testing import Answer, OpenIDProvider, User, serve

FOLDER = Path(__file__).resolve().parents[2] / "build" / "benchmarks"
# Without their dependencies, of which only this one is not in the environment of the tests.
PACKAGES = ("djangorestframework-simplejwt", "drf-oidc-auth", "django-auth-adfs", "django-oauth-toolkit", "joserfc")
API = "https://api.example.org"
PERSON = "ada"
TARGET = 1.3
ROUNDS, CALLS = 31, 60
AUTHENTICATORS = {
    "django-oidc-login": "oidc_login.contrib.drf.BearerAuthentication",
    "djangorestframework-simplejwt": "rest_framework_simplejwt.authentication.JWTAuthentication",
    "drf-oidc-auth": "oidc_auth.authentication.JSONWebTokenAuthentication",
    "django-auth-adfs": "django_auth_adfs.rest_framework.AdfsAccessTokenAuthentication",
    "django-oauth-toolkit": "oauth2_provider.contrib.rest_framework.OAuth2Authentication",
}
Call = Callable[[], Any]


def install() -> None:
    """Install the other packages into a folder of their own, behind everything that is installed already."""
    if not FOLDER.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(FOLDER), *PACKAGES]
        subprocess.run(command, check=True)
    sys.path.append(str(FOLDER))


def configure(op: OpenIDProvider) -> None:
    """Configure one site with all five packages."""
    introspection = {
        "RESOURCE_SERVER_INTROSPECTION_URL": f"{op.base_url}/introspect",
        "RESOURCE_SERVER_INTROSPECTION_CREDENTIALS": (op.client_id, op.client_secret),
    }
    settings.configure(
        SECRET_KEY="for the benchmark alone " + "x" * 40,
        USE_TZ=True,
        ALLOWED_HOSTS=["testserver"],
        ROOT_URLCONF="tests.settings.urls",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oidc_login",
            "oauth2_provider",
            "rest_framework",
        ],
        AUTHENTICATION_BACKENDS=[
            "django_auth_adfs.backend.AdfsAccessTokenBackend",
            "oidc_login.backends.OIDCLoginBackend",
        ],
        OIDC_LOGIN_PROVIDERS={
            "op": {"issuer": op.issuer, "client_id": op.client_id, "client_secret": op.client_secret}
        },
        OIDC_LOGIN_BEARER_PROVIDERS={"op": API},
        SIMPLE_JWT={
            "ALGORITHM": "RS256",
            "JWK_URL": f"{op.base_url}/jwks",
            "AUDIENCE": API,
            "ISSUER": op.issuer,
            "USER_ID_CLAIM": "sub",
            "USER_ID_FIELD": "username",
            "TOKEN_TYPE_CLAIM": None,
        },
        OIDC_AUTH={
            "OIDC_ENDPOINT": op.issuer,
            "OIDC_CLAIMS_OPTIONS": {"aud": {"essential": True, "value": API}},
            "JWT_AUTH_HEADER_PREFIX": "Bearer",
        },
        AUTH_ADFS={
            "SERVER": "adfs.example",
            "CLIENT_ID": op.client_id,
            "RELYING_PARTY_ID": API,
            "AUDIENCE": API,
            "USERNAME_CLAIM": "sub",
            "GROUPS_CLAIM": None,
            "CREATE_NEW_USERS": False,
        },
        OAUTH2_PROVIDER=introspection,
        LOGGING_CONFIG=None,
    )
    django.setup()


def give_key_to_adfs(op: OpenIDProvider, key: RSAPublicKey) -> None:
    """Give django-auth-adfs what it would read from a server of Microsoft, until the end of the day."""
    config = import_module("django_auth_adfs.config").provider_config
    config.signing_keys, config.issuer, config._config_timestamp = [key], op.issuer, datetime.now()


def access_token(op: OpenIDProvider) -> str:
    """A JWT access token that each of the packages takes (RFC 9068 2.2)."""
    now = int(time.time())
    token = op.unsigned_token(
        {
            "iss": op.issuer,
            "sub": PERSON,
            "aud": API,
            "client_id": "spa",
            "iat": now,
            "exp": now + 3600,
            "jti": "1",
            "scope": "orders.read",
        }
    )
    token.header = {**token.header, "typ": "at+jwt"}
    return token.signed()


def create_person(op: OpenIDProvider) -> None:
    user = import_string("django.contrib.auth.models.User").objects.create_user(PERSON, email="ada@example.org")
    import_string("oidc_login.models.OAuthConnection").objects.create(
        user=user, provider_key="op", issuer=op.issuer, provider_user_id=PERSON, link_reason="signed_up"
    )


def introspected(answer: Answer) -> Answer:
    """The provider's answer about its JWT, which names the user as django-oauth-toolkit wants it."""
    return Answer.of_json(
        {"active": True, "username": PERSON, "scope": "orders.read", "exp": int(time.time()) + 3600, "aud": []}
    )


def calls(op: OpenIDProvider, raw: str, key: RSAPublicKey) -> dict[str, tuple[Call, Call]]:
    """Return for each package its authentication alone, and the whole view."""
    user_model = import_string("django.contrib.auth.models.User")
    authentication = import_module("rest_framework.authentication")
    permission = import_string("rest_framework.permissions.IsAuthenticated")
    factory = import_string("rest_framework.test.APIRequestFactory")()
    rest_request, rest_response = (
        import_string("rest_framework.request.Request"),
        import_string("rest_framework.response.Response"),
    )
    renderer = import_string("rest_framework.renderers.JSONRenderer")
    view_class = import_string("rest_framework.views.APIView")

    def verify() -> Any:
        claims = jwt.decode(raw, key, algorithms=["RS256"], audience=API, issuer=op.issuer)
        return user_model.objects.get(username=claims["sub"])

    class Raw(authentication.BaseAuthentication):  # type: ignore[name-defined,misc]  # imported after configure()
        def authenticate(self, request: Any) -> Any:
            return verify(), None

    def of(authenticator: Any) -> tuple[Call, Call]:
        class View(view_class):  # type: ignore[valid-type,misc]  # as above
            authentication_classes = (authenticator,)
            permission_classes = (permission,)
            renderer_classes = (renderer,)

            def get(self, request: Any) -> Any:
                return rest_response({"user": request.user.get_username()})

        view = View.as_view()
        request = factory.get("/", headers={"Authorization": f"Bearer {raw}"})

        def alone() -> Any:
            return authenticator().authenticate(rest_request(request))

        def whole() -> Any:
            response = view(request)
            response.render()
            return response

        return alone, whole

    found = {"raw verification and one SELECT": (verify, of(Raw)[1])}
    return found | {name: of(import_string(path)) for name, path in AUTHENTICATORS.items()}


def check(name: str, whole: Call) -> int:
    """Check that the call is answered for the right person, and return the number of its SQL statements."""
    statements: list[str] = []

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    whole()  # what the first call has to fetch
    with connection.execute_wrapper(record):
        response = whole()
    if (response.status_code, response.data) != (200, {"user": PERSON}):
        raise SystemExit(f"{name} refuses the token: {response.status_code} {response.data}")
    return sum(not sql.startswith(("SAVEPOINT", "RELEASE", "BEGIN")) for sql in statements)


def measure(functions: dict[str, Call]) -> dict[str, float]:
    """Return the median CPU time of a call of each, in microseconds; the rounds are interleaved."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    names = list(functions)
    for number in range(ROUNDS):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            gc.collect()
            function, began = functions[name], time.process_time()
            for _ in range(CALLS):
                function()
            times[name].append((time.process_time() - began) / CALLS * 1e6)
    return {name: median(found) for name, found in times.items()}


def main() -> None:
    install()
    op = OpenIDProvider(users=[User(PERSON)])
    with serve(op), op.bend("introspection", introspected):
        configure(op)
        call_command("migrate", verbosity=0)
        create_person(op)
        raw = access_token(op)
        key = op.signing_keys["RSA"].private_key.public_key()
        assert isinstance(key, RSAPublicKey)
        give_key_to_adfs(op, key)
        packages = calls(op, raw, key)
        statements = {name: check(name, whole) for name, (_, whole) in packages.items()}
    alone = measure({name: function for name, (function, _) in packages.items()})
    whole = measure({name: function for name, (_, function) in packages.items()})
    first = next(iter(packages))
    print(f"{'':34}{'authentication':>20}{'whole view':>20}{'SQL':>6}")
    for name in packages:
        cells = (f"{found[name]:6.0f} µs {found[name] / found[first]:8.2f}" for found in (alone, whole))
        print(f"{name:34}" + "".join(f"{cell:>20}" for cell in cells) + f"{statements[name]:>6}")
    ours = alone["django-oidc-login"] / alone[first]
    print(f"\ndjango-oidc-login: {ours:.2f} times the raw verification and one SELECT; the target is {TARGET}")


if __name__ == "__main__":
    main()
