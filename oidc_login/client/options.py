"""What may be registered for a client: which options there are, what each must be, and which are refused.

The names are those of Authlib and of metadata (RFC 8414). Nothing here shows a value that may be secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from oidc_login.protocol.authorization import FLOW_PARAMETERS, MAX_STATE_LENGTH
from oidc_login.protocol.client_auth import METHODS
from oidc_login.protocol.errors import MetadataInvalid
from oidc_login.protocol.id_token import MAX_LEEWAY
from oidc_login.protocol.jose import ASYMMETRIC_ALGORITHMS, PrivateKey
from oidc_login.protocol.metadata import FLAGS, LISTS, OPTIONAL_URLS, REQUIRED_URLS
from oidc_login.protocol.transport import MAX_TIMEOUT
from oidc_login.protocol.urls import check_url

Kind = Literal["unknown", "refused", "value", "unused"]

# An option's value, and what is wrong with it: the kind, the finding, and what to write instead.
Finding = tuple[Kind, str, str]
Rule = Callable[[Any], Finding | None]

# Arguments of an HTTP client that the original takes for a token request.
REQUEST_ARGUMENTS = ("auth", "body", "headers", "method")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one option, and what to write instead."""

    kind: Kind
    option: str
    finding: str
    advice: str

    def __str__(self) -> str:
        return f"{self.option} {self.finding}. {self.advice}"


def refuse(where: str, problems: Iterable[Problem]) -> None:
    """Raise `ImproperlyConfigured` where one of the problems stands in the way."""
    found = [str(problem) for problem in problems if problem.kind != "unused"]
    if found:
        raise ImproperlyConfigured(f"{where}: {' '.join(found)}")


# Rules.


def wrong(expected: str, example: str) -> Finding:
    return "value", f"must be {expected}", f"Write {example}."


def text(value: Any) -> Finding | None:
    return None if isinstance(value, str) else wrong("a string", '"..."')


def texts(value: Any) -> Finding | None:
    """A string, or a list of them."""
    items = [value] if isinstance(value, str) else value
    if isinstance(items, (list, tuple)) and all(isinstance(item, str) for item in items):
        return None
    return wrong("a string or a list of strings", '"..." or ["..."]')


def names(value: Any) -> Finding | None:
    """A list of strings, and not one string."""
    return texts(value) if isinstance(value, (list, tuple)) else wrong("a list of strings", '["..."]')


def flag(value: Any) -> Finding | None:
    return None if isinstance(value, bool) else wrong("True or False", "True")


def url(value: Any) -> Finding | None:
    """A URL that requests may go to; a relative one is nobody's."""
    try:
        if isinstance(value, str) and check_url(value):
            return None
    except MetadataInvalid:
        pass
    return "value", "is not a URL that can be used", "Write an absolute https:// URL; http:// is for localhost alone."


def algorithms(value: Any) -> Finding | None:
    """Signatures that everybody can verify; neither none at all nor one made with the client's own secret."""
    if isinstance(value, (list, tuple)) and value and all(name in ASYMMETRIC_ALGORITHMS for name in value):
        return None
    return "refused", "names an algorithm that is not accepted here", f"Write some of {listed(ASYMMETRIC_ALGORITHMS)}."


def between(low: float, high: float, example: str, *, above: bool = False) -> Rule:
    """Return the rule that a value is a number of seconds in a range."""

    def rule(value: Any) -> Finding | None:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and low <= value <= high and not (above and value == low):
            return None
        return "refused", f"must be a number of seconds from {low:g} to {high:g}", f"Write {example}."

    return rule


def one_of(*choices: str, kind: Kind = "value") -> Rule:
    return lambda value: None if value in choices else (kind, "has another value", f"Write one of {listed(choices)}.")


def only(accepted: Any, finding: str, advice: str) -> Rule:
    """Return the rule that a value is the safe one, which is used without being written too."""
    return lambda value: None if value is accepted or value == accepted else ("refused", finding, advice)


def never(finding: str, advice: str) -> Rule:
    return lambda value: ("refused", finding, advice)


def unused(advice: str) -> Rule:
    return lambda value: ("unused", "is not used", advice)


def verify(value: Any) -> Finding | None:
    """Certificates are verified, by the usual authorities or by those of a file."""
    if value is True or (isinstance(value, str) and os.path.exists(value)):
        return None
    if isinstance(value, str):
        return "value", "names no file of certificates", 'Write "/path/to/authorities.pem".'
    return "refused", "would switch TLS off", 'Remove it; for a private authority write "/path/to/authority.pem".'


def client_key(value: Any) -> Finding | None:
    """The private key can be read."""
    try:
        PrivateKey(value)
    except (KeyError, TypeError, ValueError):
        return wrong("a private key that can be read", "a JWK as a dictionary, a PEM text, or the path of a file")
    return None


def parameters(*taken: str) -> Rule:
    """Return the rule for a dictionary of parameters that leaves some names alone."""

    def rule(value: Any) -> Finding | None:
        if not isinstance(value, Mapping) or not all(isinstance(item, (str, int)) for item in value.values()):
            return wrong("a dictionary of strings", '{"...": "..."}')
        for name in value:
            if name in taken:
                return "refused", f"sets {name!r}, which is not a site's to choose", f"Remove {name!r}."
        return None

    return rule


def scalar(value: Any) -> Finding | None:
    return None if isinstance(value, (str, int)) else wrong("a string", '"..."; of a dictionary its json.dumps()')


def age(value: Any) -> Finding | None:
    is_age = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return None if is_age else wrong("a number of seconds", "3600")


def random_text(shortest: int, longest: int) -> Rule:
    """Return the rule for what a site makes up itself: as long and as plain as what would be made for it."""
    form = re.compile(f"[A-Za-z0-9._~-]{{{shortest},{longest}}}")
    advice = "Leave it out, and a new one is made; or write secrets.token_urlsafe(32)."

    def rule(value: Any) -> Finding | None:
        if isinstance(value, str) and form.fullmatch(value):
            return None
        return "refused", f"must be {shortest} to {longest} random letters, digits, '-', '.', '_' and '~'", advice

    return rule


def function(value: Any) -> Finding | None:
    return None if callable(value) else wrong("a function", "the function itself")


# What is registered under `client_kwargs`.
CLIENT_KWARGS: Mapping[str, Rule] = {
    "scope": texts,
    "token_endpoint_auth_method": one_of(*METHODS),
    "token_placement": only("header", "would show the token to logs", 'Remove it: it is "header" (RFC 9700 4.3.2).'),
    "code_challenge_method": only(
        "S256", "would show the verifier", 'Remove it: it is always "S256" (RFC 9700 2.1.1).'
    ),
    "response_type": only("code", "would hand tokens to the browser", 'Remove it: it is "code" (RFC 9700 2.1.2).'),
    "response_mode": one_of("query", "form_post", kind="refused"),
    "grant_type": one_of("authorization_code", "client_credentials", kind="refused"),
    "prompt": text,
    "login_hint": text,
    "default_timeout": between(0, MAX_TIMEOUT, "10", above=True),
    "leeway": between(0, MAX_LEEWAY, "60"),
    "verify": verify,
    "trust_env": only(False, "would let the environment choose where tokens go", "Remove it."),
    "proxies": never("is not supported", "Let requests go out directly, or through a proxy that needs no client."),
    "cert": never("is not supported", 'Write "token_endpoint_auth_method": "private_key_jwt" and client_key instead.'),
    "revocation_endpoint_auth_method": unused("The client proves itself by token_endpoint_auth_method everywhere."),
}


def client_kwargs(value: Any) -> Finding | None:
    return None if isinstance(value, Mapping) else wrong("a dictionary", '{"scope": "..."}')


METADATA: Mapping[str, Rule] = {
    **dict.fromkeys((*REQUIRED_URLS, *OPTIONAL_URLS), url),
    **dict.fromkeys(LISTS, names),
    **dict.fromkeys(FLAGS, flag),
    "id_token_signing_alg_values_supported": algorithms,
}
OPTIONS: Mapping[str, Rule] = {
    "client_id": text,
    "client_secret": texts,
    "client_key": client_key,
    "server_metadata_url": url,
    "authorize_url": url,
    "authorize_params": parameters(*FLOW_PARAMETERS, "response_mode", "scope"),
    "access_token_url": url,
    "access_token_params": parameters(*REQUEST_ARGUMENTS),
    "refresh_token_url": unused("New tokens come from access_token_url (RFC 6749 6)."),
    "refresh_token_params": unused("What every token request needs is access_token_params."),
    "api_base_url": url,
    "client_kwargs": client_kwargs,
    "user_agent": text,
    **METADATA,
    **dict.fromkeys(
        ("fetch_token", "update_token", "client_cls"), never("is given by code alone", "Write it into register().")
    ),
    "jwks": never("would outlive the keys of the provider", "Write jwks_uri, or server_metadata_url."),
    "compliance_fix": never(
        "is not supported", "Write a provider class with its quirk, and name it in OIDC_LOGIN_PROVIDERS."
    ),
    "client_auth_methods": never(
        "is not supported", 'Write client_kwargs={"token_endpoint_auth_method": "private_key_jwt"} and client_key.'
    ),
}
# What only code can give.
CODE_OPTIONS: Mapping[str, Rule] = {"fetch_token": function, "update_token": function}


def check_redirect_uri(redirect_uri: str | None) -> str:
    """Return a URL of the site that a provider can send people back to (RFC 6749 3.1.2)."""
    if not redirect_uri:
        raise RuntimeError('Missing "redirect_uri" value')
    parts = urlsplit(redirect_uri)
    if parts.scheme not in ("https", "http") or not parts.netloc or "#" in redirect_uri:
        raise ImproperlyConfigured("redirect_uri is no absolute URL. Write request.build_absolute_uri(reverse(...)).")
    return redirect_uri


# What one authorization request may be given beside parameters of the provider's own.
AUTHORIZATION_REQUEST: Mapping[str, Rule] = {
    **dict.fromkeys(FLOW_PARAMETERS, never("is not a site's to choose", "Remove it.")),
    "state": random_text(20, MAX_STATE_LENGTH),
    "nonce": random_text(20, MAX_STATE_LENGTH),
    "code_verifier": random_text(43, 128),
    "response_type": CLIENT_KWARGS["response_type"],
    "code_challenge_method": CLIENT_KWARGS["code_challenge_method"],
    "response_mode": CLIENT_KWARGS["response_mode"],
    "scope": texts,
    "max_age": age,
}


def request_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Return what is wrong with the parameters of one authorization request."""
    return judged(values, {**dict.fromkeys(values, scalar), **AUTHORIZATION_REQUEST}, "{}")


def problems_of(options: Mapping[str, Any], rules: Mapping[str, Rule] = OPTIONS) -> Iterator[Problem]:
    """Return what is wrong with options, each by itself; one that is `None` is not given."""
    yield from judged(options, rules, "{}")
    nested = options.get("client_kwargs")
    if isinstance(nested, Mapping):
        yield from judged(nested, CLIENT_KWARGS, "client_kwargs[{!r}]")


def judged(options: Mapping[str, Any], rules: Mapping[str, Rule], written: str) -> Iterator[Problem]:
    for name, value in options.items():
        option = written.format(name)
        if name not in rules:
            near = get_close_matches(str(name), rules, n=1, cutoff=0.5)
            advice = f"Did you mean {near[0]!r}?" if near else f"The options are {listed(sorted(rules))}."
            yield Problem(kind="unknown", option=option, finding="is not known", advice=advice)
        elif value is not None and (found := rules[name](value)) is not None:
            kind, finding, advice = found
            yield Problem(kind=kind, option=option, finding=finding, advice=advice)


def listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
