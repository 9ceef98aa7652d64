"""The checks of client authentication: secrets, keys and assertions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from oidc_login.checks.entries import Entry
from oidc_login.checks.parts import is_given
from oidc_login.checks.reports import Problem, Report
from oidc_login.checks.values import text, text_or_strings, wrong_choice
from oidc_login.protocol.client_auth import read_assertion
from oidc_login.protocol.errors import ClientMisconfigured
from oidc_login.protocol.jose import MIN_SECRET_BYTES, SYMMETRIC_ALGORITHMS, has_symmetric
from oidc_login.providers.base import OAuthProvider
from oidc_login.validation import nearest

# The special values of client_assertion_audience.
AUDIENCES = ("issuer", "token_endpoint")

VALUE_MISSING = Report(
    "E008",
    "{subject} is {found}.",
    'Check that the environment variable is set. {written} os.environ["{variable}"] raises an error at start if it '
    "is not.",
)
SECRET_MISSING = Report(
    "E023",
    "{entry}: {needed_by} needs a client_secret.",
    'Write "client_secret": os.environ["{variable}"], or "token_endpoint_auth_method": "none" if the client has no '
    "secret.",
)
SECRET_TOO_SHORT = Report(
    "E024",
    "{entry}: {needed_by} needs a client_secret of at least {length} bytes.",
    "Have the provider issue a longer secret, or use another {argument}.",
)
KEY_MISSING = Report(
    "E025",
    "{entry}: {needed_by} needs a client_key.",
    'Write "client_key": the path of a PEM file, a PEM string or a private JWK.',
)
ASSERTION_UNREADABLE = Report(
    "W160",
    "{subject} does not contain a readable assertion.",
    "Write the path of the file that holds the signed JWT, and give this process permission to read it. Nobody can "
    "sign in until the file exists.",
)
ASSERTION_COMBINED = Report(
    "E161",
    "{entry}: client_assertion_file and {argument} cannot be used together.",
    "The client authenticates with the assertion in the file, which is sent unchanged. Remove one of the two.",
)


# Single arguments.


def client_id(value: Any) -> Iterable[Problem]:
    """The client has an ID; None and "" usually come from an unset environment variable."""
    if value is None or value == "":
        return [VALUE_MISSING.problem(found="None" if value is None else "empty")]
    return text(value)


def client_secret(value: Any) -> Iterable[Problem]:
    """One secret, several during a rotation, or "" for a public client."""
    if value is None:
        return [VALUE_MISSING.problem(found="None")]
    if isinstance(value, (list, tuple)) and any(item is None or item == "" for item in value):
        return [VALUE_MISSING.problem(found="a list with an empty secret")]
    return text_or_strings(value)


def client_assertion_audience(value: Any) -> Iterator[Problem]:
    """A special value, or other text that does not look like a misspelt special value."""
    yield from text(value)
    if not isinstance(value, str) or value in AUDIENCES:
        return
    if not value or (":" not in value and nearest(value, AUDIENCES)):
        yield wrong_choice(value, AUDIENCES, otherwise="the text that the provider expects")


def client_assertion_file(value: Any) -> Iterable[Problem]:
    """The file contains an assertion; only a warning, because the file may be written after the site has started."""
    if not isinstance(value, str):
        return text(value)
    try:
        read_assertion(value)
    except ClientMisconfigured:
        return [ASSERTION_UNREADABLE.problem()]
    return ()


# The provider as a whole.


def check_client_secret(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """There is a secret if the client authentication method requires one (RFC 6749 2.3)."""
    broken = entry.broken & {"client_secret", "client_assertion_file"}
    if authenticates_otherwise(provider) or broken:
        return
    method = provider.token_endpoint_auth_method
    secrets = [secret for secret in provider.client_secrets if secret]
    if method and method.startswith("client_secret_") and not secrets:
        yield SECRET_MISSING.problem(needed_by=f"token_endpoint_auth_method {method!r}")
    if method == "client_secret_jwt" and any(map(is_short, secrets)):
        yield too_short("token_endpoint_auth_method", method)
    offered = offered_methods(provider)
    has_key = provider.private_key is not None or "client_key" in entry.broken
    if not method and not secrets and not has_key and offered and "none" not in offered:
        yield SECRET_MISSING.problem(needed_by=f"{offered[0]}, which the provider requires,")


def authenticates_otherwise(provider: OAuthProvider) -> bool:
    """Whether the class authenticates the client in its own way, or with an assertion from a file."""
    if provider.client_assertion_file:
        return True
    own = ("authenticate_client", "get_oauth_token", "get_client_secret", "get_client_secrets")
    return any(is_given(provider, name) for name in own)


def offered_methods(provider: OAuthProvider) -> tuple[str, ...]:
    """Return the client authentication methods that are known without a request, or ()."""
    named = provider.metadata_overrides.get("token_endpoint_auth_methods_supported")
    by_class = is_given(provider, "token_endpoint_auth_methods_supported")
    return tuple(named or (provider.token_endpoint_auth_methods_supported if by_class else ()))


def check_client_key(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """There is a key if the client authentication method requires one (Core 9)."""
    if entry.broken & {"client_key", "client_assertion_file"}:
        return
    has_key = provider.private_key is not None or bool(provider.client_assertion_file)
    if provider.token_endpoint_auth_method == "private_key_jwt" and not has_key:  # noqa: S105
        yield KEY_MISSING.problem(needed_by="token_endpoint_auth_method 'private_key_jwt'")


def check_assertion_file(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """A request uses one authentication method (RFC 6749 2.3): the assertion from the file, if there is one."""
    if not provider.client_assertion_file:
        return
    if any(provider.client_secrets) and not has_symmetric(provider.id_token_signing_algs):
        yield ASSERTION_COMBINED.problem("client_secret")
    if provider.token_endpoint_auth_method not in (None, "private_key_jwt"):
        yield ASSERTION_COMBINED.problem("token_endpoint_auth_method")
    if provider.client_assertion_audience != "issuer":
        yield ASSERTION_COMBINED.problem("client_assertion_audience")


def check_mac_secret(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """The secret of a MAC is at least as long as its hash (Core 10.1, RFC 7518 3.2)."""
    if "client_secret" in entry.broken:
        return
    for name in provider.id_token_signing_algs:
        if name not in SYMMETRIC_ALGORITHMS:
            continue
        if not any(provider.client_secrets):
            yield SECRET_MISSING.problem(needed_by=f"id_token_signing_algs {name!r}")
        elif any(map(is_short, provider.client_secrets)):
            yield too_short("id_token_signing_algs", name)


def is_short(secret: str) -> bool:
    return len(secret.encode()) < MIN_SECRET_BYTES


def too_short(argument: str, value: str) -> Problem:
    return SECRET_TOO_SHORT.problem(argument, needed_by=f"{argument} {value!r}", length=MIN_SECRET_BYTES)
