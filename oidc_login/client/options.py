"""The options for registering a client: which exist, what values they take, and which are rejected.

The names are those of Authlib and of metadata (RFC 8414). No message shows a value that may be secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from oidc_login.client.rules import (
    Finding,
    Kind,
    Rule,
    age,
    algorithms,
    between,
    client_key,
    flag,
    function,
    names,
    never,
    one_of,
    only,
    parameters,
    random_text,
    scalar,
    text,
    texts,
    unused,
    url,
    verify,
    wrong,
)
from oidc_login.protocol.authorization import FLOW_PARAMETERS, MAX_STATE_LENGTH
from oidc_login.protocol.client_auth import METHODS
from oidc_login.protocol.http.client import MAX_TIMEOUT
from oidc_login.protocol.id_token import MAX_LEEWAY
from oidc_login.protocol.metadata import FLAGS, LISTS, OPTIONAL_URLS, REQUIRED_URLS
from oidc_login.validation import listed, nearest

# Arguments that Authlib passes to the HTTP client of a token request.
REQUEST_ARGUMENTS = ("auth", "body", "headers", "method")
# The response is checked against these, so they are not just parameters.
ASKED_AND_EXPECTED = ("max_age", "response_mode", "scope")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The problem of one option, and what to write instead."""

    kind: Kind
    option: str
    finding: str
    advice: str

    def __str__(self) -> str:
        return f"{self.option} {self.finding}. {self.advice}"


def refuse(where: str, problems: Iterable[Problem]) -> None:
    """Raise `ImproperlyConfigured` if there is a problem."""
    found = [str(problem) for problem in problems if problem.kind != "unused"]
    if found:
        raise ImproperlyConfigured(f"{where}: {' '.join(found)}")


# The contents of `client_kwargs`.
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
    # OAuth 1.0
    "signature_method": one_of("HMAC-SHA1", "RSA-SHA1", "PLAINTEXT"),
    "signature_type": one_of("HEADER", "QUERY", "BODY"),
    "rsa_key": client_key,
    "realm": text,
    "force_include_body": only(False, "is not supported", "Remove it: a form is signed, and nothing else is."),
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
    "request_token_url": url,
    "request_token_params": parameters(*REQUEST_ARGUMENTS),
    "authorize_url": url,
    "authorize_params": parameters(*FLOW_PARAMETERS, *ASKED_AND_EXPECTED, "code_verifier"),
    "access_token_url": url,
    "access_token_params": parameters(*REQUEST_ARGUMENTS),
    "refresh_token_url": unused("New tokens come from access_token_url (RFC 6749 6)."),
    "refresh_token_params": unused("What every token request needs is access_token_params."),
    "api_base_url": url,
    "client_kwargs": client_kwargs,
    "grant_type": CLIENT_KWARGS["grant_type"],
    "user_agent": text,
    **METADATA,
    **dict.fromkeys(
        ("fetch_token", "update_token", "client_cls"), never("can only be set in code", "Write it into register().")
    ),
    "jwks": never("would outlive the keys of the provider", "Write jwks_uri, or server_metadata_url."),
    "compliance_fix": never(
        "is not supported", "Write a provider class with its quirk, and name it in OIDC_LOGIN_PROVIDERS."
    ),
    "client_auth_methods": never(
        "is not supported", 'Write client_kwargs={"token_endpoint_auth_method": "private_key_jwt"} and client_key.'
    ),
}
# Options that can only be set in code.
CODE_OPTIONS: Mapping[str, Rule] = {"fetch_token": function, "update_token": function}


def check_redirect_uri(redirect_uri: str | None) -> str:
    """Return a URL of the site that a provider can redirect to (RFC 6749 3.1.2)."""
    if not redirect_uri:
        raise RuntimeError('Missing "redirect_uri" value')
    parts = urlsplit(redirect_uri)
    if parts.scheme not in ("https", "http") or not parts.netloc or "#" in redirect_uri:
        raise ImproperlyConfigured("redirect_uri is no absolute URL. Write request.build_absolute_uri(reverse(...)).")
    return redirect_uri


# Parameters of one authorization request, in addition to the provider's own.
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


# What a token request has of the flow and of the client; a call cannot replace it.
OF_THE_GRANT = ("grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret")


def token_rules(parameters: Mapping[str, Any]) -> Mapping[str, Rule]:
    """Return the rules for parameters that a call adds to the token request."""
    own = never("belongs to the flow", "Remove it.")
    transport = never("is not a parameter of the request", "Remove it; the client says how it authenticates.")
    return {
        **dict.fromkeys(parameters, scalar),
        **dict.fromkeys(OF_THE_GRANT, own),
        **dict.fromkeys(REQUEST_ARGUMENTS, transport),
    }


def request_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems of the parameters of one authorization request."""
    return judged(values, {**dict.fromkeys(values, scalar), **AUTHORIZATION_REQUEST}, "{}")


def problems_of(options: Mapping[str, Any], rules: Mapping[str, Rule] = OPTIONS) -> Iterator[Problem]:
    """Yield the problems of single options; `None` counts as missing."""
    yield from judged(options, rules, "{}")
    nested = options.get("client_kwargs")
    if isinstance(nested, Mapping):
        yield from judged(nested, CLIENT_KWARGS, "client_kwargs[{!r}]")


def misplaced(option: str, name: str, value: Any) -> Problem:
    """Return where an option of `client_kwargs` belongs, or why not even there."""
    found = CLIENT_KWARGS[name](value)
    if found is not None:
        kind, finding, advice = found
        return Problem(kind=kind, option=option, finding=finding, advice=advice)
    advice = f'Write client_kwargs={{"{name}": ...}}.'
    return Problem(kind="unknown", option=option, finding="belongs into client_kwargs", advice=advice)


def is_further_metadata(name: str) -> bool:
    """Whether `register()` keeps an option that it does not know: one that is no misspelling of another."""
    known = {**OPTIONS, **CODE_OPTIONS, **CLIENT_KWARGS}
    return name not in known and not get_close_matches(name, known, cutoff=0.8)


def judged(options: Mapping[str, Any], rules: Mapping[str, Rule], written: str) -> Iterator[Problem]:
    for name, value in options.items():
        option = written.format(name)
        if name not in rules:
            near = nearest(name, rules)
            if rules is not CLIENT_KWARGS and name in CLIENT_KWARGS:
                yield misplaced(option, name, value)
                continue
            advice = f"Did you mean {near!r}?" if near else f"The options are {listed(sorted(rules))}."
            yield Problem(kind="unknown", option=option, finding="is not known", advice=advice)
        elif value is not None and (found := rules[name](value)) is not None:
            kind, finding, advice = found
            yield Problem(kind=kind, option=option, finding=finding, advice=advice)
