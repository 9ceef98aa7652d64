"""The rules for the value of one argument of a provider, or of one setting. No rule shows what may be secret."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.utils.functional import Promise

from oidc_login.checks.messages import Problem, listed, near
from oidc_login.protocol.authorization import FLOW_PARAMETERS
from oidc_login.protocol.client_auth import METHODS, read_assertion
from oidc_login.protocol.errors import ClientMisconfigured, MetadataInvalid
from oidc_login.protocol.http.client import MAX_TIMEOUT, check_url
from oidc_login.protocol.http.proxy import Proxy
from oidc_login.protocol.id_token import MAX_LEEWAY
from oidc_login.protocol.jose import ASYMMETRIC_ALGORITHMS, SYMMETRIC_ALGORITHMS, PrivateKey
from oidc_login.protocol.metadata import FLAGS, LISTS, OPTIONAL_URLS, REQUIRED_URLS
from oidc_login.providers.mapping import NAMES, PATH
from oidc_login.providers.oauth2 import ENDPOINTS
from oidc_login.signin.profile import may_be_written
from oidc_login.signin.users import get_field

Rule = Callable[[Any], Iterable[Problem]]

ALGORITHMS = (*ASYMMETRIC_ALGORITHMS, *SYMMETRIC_ALGORITHMS)

# Whom a client assertion can be for, beside any other text.
AUDIENCES = ("issuer", "token_endpoint")

# What is asked for by these is also expected of the answer, so they have arguments of their own.
ARGUMENT_PARAMETERS = ("scope", "response_mode", "max_age")

_DOMAIN = re.compile(r"\.?[^\s@*/:.]+(\.[^\s@*/:.]+)*")


def problem(number: str, argument: str = "", **values: Any) -> Problem:
    return Problem(number=number, argument=argument, values=values)


# Rules made of a type, a choice or a range.


def of_type(expected: str, example: str, *types: type) -> Rule:
    """Return the rule that a value has one of these types; True is not a number."""

    def rule(value: Any) -> Iterator[Problem]:
        unwanted_bool = isinstance(value, bool) and bool not in types
        if unwanted_bool or not isinstance(value, types):
            yield problem("E007", expected=expected, example=example, found=type(value).__name__)

    return rule


def one_of(*choices: str) -> Rule:
    """Return the rule that a value is one of the choices."""

    def rule(value: Any) -> Iterator[Problem]:
        if value not in choices:
            yield problem("E009", value=value, near=near(value, choices), names=listed(choices))

    return rule


def number(expected: str, example: str, accepts: Callable[[float], bool], *types: type) -> Rule:
    """Return the rule that a value is a number in a range."""

    def rule(value: Any) -> Iterator[Problem]:
        wrong_type = list(of_type("a number", example, *types)(value))
        yield from wrong_type
        if not wrong_type and not accepts(value):
            yield problem("E010", expected=expected, example=example)

    return rule


def optional(rule: Rule) -> Rule:
    """Return the rule that a value is None or keeps the other rule."""
    return lambda value: () if value is None else rule(value)


boolean = of_type("True or False", "True", bool)
text = of_type("a string", '"..."', str)
dictionary = of_type("a dictionary", "{...}", Mapping)


def strings(value: Any) -> Iterator[Problem]:
    """A list of strings, and not one string, whose letters would be taken for them."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        yield problem("E007", expected="a list of strings", example='["..."]', found=describe(value))


def text_or_strings(value: Any) -> Iterable[Problem]:
    return () if isinstance(value, str) else strings(value)


def describe(value: Any) -> str:
    """Return the type of a value, or of what a list holds beside strings."""
    others = [item for item in value if not isinstance(item, str)] if isinstance(value, (list, tuple)) else []
    return f"a {type(value).__name__} with {type(others[0]).__name__}" if others else type(value).__name__


def text_map(value: Any) -> Iterator[Problem]:
    """A dictionary from strings to strings."""
    yield from dictionary(value)
    pairs = value.items() if isinstance(value, Mapping) else ()
    others = [item for pair in pairs for item in pair if not isinstance(item, str)]
    if others:
        found = f"a dictionary with {type(others[0]).__name__}"
        yield problem("E007", expected="a dictionary of strings", example='{"...": "..."}', found=found)


# Rules for one argument.


def groups_claim(value: Any) -> Iterator[Problem]:
    """A claim or a path, or several."""
    wrong_type = list(text_or_strings(value))
    yield from wrong_type
    if not wrong_type and not isinstance(value, str) and not all(value):
        yield problem("E190")


def group_map(value: Any) -> Iterator[Problem]:
    """Names to names or lists of names, with at most one star in each, for a user model that has groups."""
    yield from needs_field("groups", value)
    wrong_type = list(dictionary(value)) or [found for pair in value.items() for found in wrong_group(*pair)]
    yield from wrong_type
    for name, groups in () if wrong_type else value.items():
        for group in (groups,) if isinstance(groups, str) else groups:
            if name.count("*") > 1 or group.count("*") > name.count("*"):
                yield problem("E191", name=name, group=group)


def wrong_group(name: Any, groups: Any) -> Iterable[Problem]:
    """Both sides of a group map are text; the right one may be a list."""
    if isinstance(name, str):
        return text_or_strings(groups)
    found = f"a dictionary with {type(name).__name__}"
    return [problem("E007", expected="a dictionary of strings", example='{"...": "..."}', found=found)]


def flag_groups(flag: str) -> Rule:
    """Return the rule for the groups that set a flag of the user model."""
    return lambda value: [*strings(value), *needs_field(flag, value)]


def needs_field(name: str, value: Any) -> Iterator[Problem]:
    """What is written into a field needs the field."""
    if value and get_field(name) is None:
        yield problem("E027", name=name)


def client_id(value: Any) -> Iterable[Problem]:
    """The client has a name; None and "" are what an environment variable leaves that is not set."""
    if value is None or value == "":
        return [problem("E008", found="None" if value is None else "empty")]
    return text(value)


def client_secret(value: Any) -> Iterable[Problem]:
    """One secret, several while one is replaced, or "" for a client without."""
    if value is None:
        return [problem("E008", found="None")]
    if isinstance(value, (list, tuple)) and any(item is None or item == "" for item in value):
        return [problem("E008", found="a list with an empty secret")]
    return text_or_strings(value)


def ca_bundle(value: Any) -> Iterator[Problem]:
    """The certificates can be read."""
    if not isinstance(value, (str, os.PathLike)):
        yield from text(value)
        return
    try:
        if not os.path.isdir(value):
            ssl.create_default_context(cafile=value)
    except (OSError, ValueError):  # no such file, none of ours to read, or no certificate in it
        yield problem("E013")


def client_key(value: Any) -> Iterator[Problem]:
    """The private key can be read."""
    if not isinstance(value, (str, Mapping)):
        yield from text(value)
        return
    try:
        PrivateKey(value)
    except (KeyError, ValueError):  # KeyError: jwcrypto, asked about a JWK without members
        yield problem("E014")


def client_assertion_audience(value: Any) -> Iterator[Problem]:
    """A word that is known, or the very text; what is nearly one of the words is a slip."""
    yield from text(value)
    if (
        isinstance(value, str)
        and value not in AUDIENCES
        and (not value or (":" not in value and near(value, AUDIENCES)))
    ):
        names = f"{listed(AUDIENCES)}, or the text that the provider expects"
        yield problem("E009", value=value, near=near(value, AUDIENCES), names=names)


def client_assertion_file(value: Any) -> Iterator[Problem]:
    """There is an assertion in the file; whoever writes it may come after the site has started."""
    if not isinstance(value, str):
        yield from text(value)
        return
    try:
        read_assertion(value)
    except ClientMisconfigured:
        yield problem("W160")


def authorization_params(value: Any) -> Iterator[Problem]:
    """They add to the request and replace none of what the flow depends on (RFC 9700 4.7)."""
    yield from dictionary(value)
    for name in value if isinstance(value, Mapping) else ():
        if name in FLOW_PARAMETERS:
            yield problem("E016", name=name, reason="which is set for each sign-in anew", instead="")
        if name in ARGUMENT_PARAMETERS:
            reason = f"for which there is the argument {name}"
            yield problem("E016", name=name, reason=reason, instead=f" and write {name!r} beside it")


def allowed_email_domains(value: Any) -> Iterator[Problem]:
    """Domains, not addresses or patterns."""
    wrong_type = list(strings(value))
    yield from wrong_type
    for domain in () if wrong_type else value:
        if not _DOMAIN.fullmatch(domain):
            yield problem("E017", domain=domain)


def signing_algorithms(value: Any) -> Iterator[Problem]:
    """Algorithms that are implemented; `none` is not one (RFC 8725 3.2)."""
    wrong_type = list(strings(value))
    yield from wrong_type
    if not value and not wrong_type:
        yield problem("E010", expected="a list with at least one algorithm, or left out", example='["RS256"]')
    for name in () if wrong_type else value:
        if name.lower() == "none":
            reason = "which would accept ID tokens without a signature"
            yield problem("E015", name=name, reason=reason, near="", names=listed(ALGORITHMS))
        elif name not in ALGORITHMS:
            suggestion = near(name, ALGORITHMS)
            names = listed(ALGORITHMS)
            yield problem("E015", name=name, reason="which is not known", near=suggestion, names=names)


def metadata(value: Any) -> Iterator[Problem]:
    """What replaces the discovery document keeps its rules; the issuer is judged with the argument `issuer`."""
    yield from dictionary(value)
    members = value if isinstance(value, Mapping) else {}
    for name in (*REQUIRED_URLS[1:], *OPTIONAL_URLS):
        left_out = name not in members or (members[name] is None and name in OPTIONAL_URLS)
        if not left_out and not is_url(members[name]):
            yield problem("E011", f"metadata[{name!r}]")
    for names, rule in ((("issuer",), optional(text)), (LISTS, optional(strings)), (FLAGS, optional(boolean))):
        for name in names:
            for found in rule(members.get(name)):
                yield problem(found.number, f"metadata[{name!r}]", **found.values)


def profile_map(value: Any) -> Iterator[Problem]:
    """Fields of the user model that hold plain values, and that nobody is found or let in by."""
    claims = {name: "" if callable(source) else source for name, source in value.items()} if is_map(value) else value
    yield from text_map(claims)
    for name in value if isinstance(value, Mapping) else ():
        if not isinstance(name, str) or not may_be_written(name):
            yield problem("E026", name=name)


def is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def mapping(value: Any) -> Iterator[Problem]:
    """What can be read of an answer, and dotted paths to it."""
    wrong_type = list(text_map(value))
    yield from wrong_type
    for name, path in () if wrong_type else value.items():
        if name not in NAMES:
            yield problem("E077", name=name, near=near(name, NAMES), names=listed(NAMES))
        elif not PATH.fullmatch(path):
            yield problem("E078", name=name, path=path)


def url(value: Any) -> Iterable[Problem]:
    """An address that can be asked, or none."""
    return text(value) if not isinstance(value, str) or not value or is_url(value) else [problem("E011")]


def proxy(value: Any) -> Iterator[Problem]:
    """The proxy can be spoken to; its URL may hold a password, so the message does not repeat it."""
    yield from text(value)
    try:
        Proxy.from_url(value if isinstance(value, str) else "http://-")
    except ValueError:
        yield problem("E170")


def is_url(value: Any) -> bool:
    """Whether a value is a URL that the transport would ask."""
    try:
        return isinstance(value, str) and bool(check_url(value))
    except MetadataInvalid:
        return False


ARGUMENT_RULES: Mapping[str, Rule] = {
    "client_id": client_id,
    "client_secret": client_secret,
    "scope": optional(text_or_strings),
    "label": optional(of_type("a string", '"..."', str, Promise)),
    "authorization_params": optional(authorization_params),
    "timeout": number(
        f"more than 0 and at most {MAX_TIMEOUT} seconds", "10", lambda n: 0 < n <= MAX_TIMEOUT, int, float
    ),
    "ca_bundle": optional(ca_bundle),
    "allow_signup": optional(boolean),
    "link_by_email": optional(one_of("verified", "never")),
    "allowed_email_domains": allowed_email_domains,
    "trust_email": boolean,
    "store_tokens": boolean,
    "groups_claim": groups_claim,
    "groups_from": one_of("claims", "graph"),
    "graph_names": boolean,
    "graph_url": url,
    "groups_missing": one_of("remove", "keep", "refuse"),
    "create_groups": boolean,
    "group_map": optional(group_map),
    "staff_groups": flag_groups("is_staff"),
    "superuser_groups": flag_groups("is_superuser"),
    "profile_map": optional(profile_map),
    "refuse_private_addresses": boolean,
    "proxy": optional(proxy),
    "token_endpoint_auth_method": optional(one_of(*METHODS)),
    "client_key": optional(client_key),
    "client_assertion_audience": client_assertion_audience,
    "client_assertion_file": optional(client_assertion_file),
    **dict.fromkeys((*ENDPOINTS, "api_base_url"), url),
    "mapping": optional(mapping),
    "discovery_url": text,
    "issuer": text,
    "metadata": optional(metadata),
    "id_token_signing_algs": optional(signing_algorithms),
    "userinfo": one_of("auto", "always", "never"),
    "leeway": number(f"from 0 to {MAX_LEEWAY} seconds", "30", lambda n: 0 <= n <= MAX_LEEWAY, int, float),
    "max_age": optional(number("0 seconds or more", "3600", lambda n: n >= 0, int)),
    "prompt": optional(text),
    "acr_values": optional(text),
    "ui_locales": optional(text),
    "claims": optional(dictionary),
    "response_mode": optional(one_of("query", "form_post")),
    "push_authorization_requests": boolean,
    "third_party_initiated_login": boolean,
    "signature_method": optional(one_of("HMAC-SHA1", "RSA-SHA1", "PLAINTEXT")),
    "signature_type": one_of("HEADER", "QUERY", "BODY"),
    "realm": text,
    "long_lived_tokens": boolean,
}
