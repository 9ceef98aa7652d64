"""One registered client: its options, merged with the settings, and its provider."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from oidc_login.client.options import METADATA, Problem, problems_of, refuse
from oidc_login.client.providers import RegisteredOAuth2Provider, RegisteredOpenIDProvider
from oidc_login.conf import django, settings
from oidc_login.protocol.metadata import REQUIRED_URLS, issuers_for
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import build_provider, get_configuration, import_provider_class

SETTING = "AUTHLIB_OAUTH_CLIENTS"
LEEWAY = 120  # seconds of clock skew that a registered provider may have, unless a call sets another value

# Two options that are metadata under another name.
ALIASES = {"authorize_url": "authorization_endpoint", "access_token_url": "token_endpoint"}
# Without any of these, the provider comes from OIDC_LOGIN_PROVIDERS.
ADDRESSES = ("request_token_url", "server_metadata_url", "issuer", *ALIASES, *ALIASES.values())
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint")
# Arguments that only OAuth 2.0 providers take.
OAUTH2_ARGUMENTS = frozenset({"access_token_params", "client_key", "response_mode", "token_endpoint_auth_method"})

Options = Mapping[str, Any]


class Registration:
    """The registration under a name. The settings are read when the provider is needed, and when they change."""

    def __init__(
        self, name: str, options: Options, *, overwrite: bool, further: Mapping[str, Any] | None = None
    ) -> None:
        self.name = name
        self.further = dict(further or {})  # metadata that the package does not use
        self._own = given(options)
        self._overwrite = overwrite
        self._made: dict[float | None, tuple[object, OAuthProvider]] = {}
        self._making = threading.Lock()

    def options(self) -> dict[str, Any]:
        """Return the options; the settings fill gaps, or take precedence with `overwrite`."""
        options = dict(self._own)
        for name, value in configured(self.name).items():
            if name not in options:
                options[name] = value
            elif self._overwrite and value:
                both = isinstance(value, Mapping) and isinstance(options[name], Mapping)
                options[name] = {**options[name], **value} if both else value
        return options

    def credentials(self) -> dict[str, Any]:
        """Return what the provider issued to the site, as far as it is written anywhere."""
        options = self.options()
        entry = None if is_complete(options) else get_configuration(self.name)
        return {**credentials_of(entry or {}), **credentials_of(options)}

    def made_provider(self) -> OAuthProvider | None:
        """Return the provider if it has been built already."""
        known = self._made.get(None)
        return None if known is None else known[1]

    def is_oauth1(self) -> bool:
        """Whether the provider uses OAuth 1.0; a provider of `OIDC_LOGIN_PROVIDERS` says so by its class."""
        try:
            options = self.options()
            if has_address(options) or self.name not in settings.PROVIDERS:
                return is_oauth1(options)
            provider_class = import_provider_class(self.name, settings.PROVIDERS[self.name])
        except ImproperlyConfigured:  # reported by the system checks
            return False
        return hasattr(provider_class, "request_token_endpoint")

    def provider(self, *, leeway: float | None = None) -> OAuthProvider:
        """Return the provider; it is only rebuilt when the options or the settings change."""
        options = self.options()
        source = (options, None if is_complete(options) else get_configuration(self.name))
        known = self._made.get(leeway)
        if known is not None and known[0] == source:
            return known[1]
        with self._making:
            known = self._made.get(leeway)
            if known is None or known[0] != source:
                known = self._made[leeway] = (source, self._build(*source, leeway=leeway))
            return known[1]

    def _build(self, options: Options, entry: Options | None, *, leeway: float | None) -> OAuthProvider:
        refuse(f"{SETTING}[{self.name!r}]", problems_of(configured(self.name)))
        if entry is not None and not has_address(options):
            configuration = {**entry, **arguments_of(options)}
        else:
            options = {**credentials_of(entry or {}), **options}
            refuse(f"the client {self.name!r}", problems_together(options))
            configuration = {**arguments_of(options), **address_of(options)}
        if leeway is not None:
            configuration["leeway"] = leeway
        return build_provider(self.name, configuration)


def configured(name: str) -> dict[str, Any]:
    """Return the options from the settings for a name."""
    clients = django.get(SETTING, None) or {}
    options = (clients.get(name) or {}) if isinstance(clients, Mapping) else None
    if not isinstance(options, Mapping):
        raise ImproperlyConfigured(f"{SETTING}[{name!r}] must be a dictionary")
    return given(options)


def given(options: Options) -> dict[str, Any]:
    """Return the options that are not `None`."""
    return {name: value for name, value in options.items() if value is not None}


def has_address(options: Options) -> bool:
    return any(name in options for name in ADDRESSES)


def is_complete(options: Options) -> bool:
    """Whether the options are complete without an entry in `OIDC_LOGIN_PROVIDERS`."""
    return has_address(options) and "client_id" in options


def credentials_of(options: Options) -> dict[str, Any]:
    return {name: options[name] for name in ("client_id", "client_secret") if name in options}


def is_oauth1(options: Options) -> bool:
    return bool(options.get("request_token_url"))


def is_openid(options: Options) -> bool:
    """Whether an ID token is requested, and the provider's description is sufficient to verify it."""
    scope = (options.get("client_kwargs") or {}).get("scope") or ""
    asked = scope.split() if isinstance(scope, str) else scope
    return "openid" in asked or "server_metadata_url" in options or "issuer" in options


# The arguments that an entry in `OIDC_LOGIN_PROVIDERS` would have.


def arguments_of(options: Options) -> dict[str, Any]:
    """Return the arguments that do not locate the provider."""
    kwargs = options.get("client_kwargs") or {}
    hints = {name: kwargs.get(name) for name in ("prompt", "login_hint")}
    verify = kwargs.get("verify")
    arguments = {
        **credentials_of(options),
        "client_key": options.get("client_key"),
        "scope": kwargs.get("scope"),
        "timeout": kwargs.get("default_timeout"),
        "ca_bundle": verify if isinstance(verify, str) else None,
        "token_endpoint_auth_method": kwargs.get("token_endpoint_auth_method"),
        "response_mode": kwargs.get("response_mode"),
        "authorization_params": given({**hints, **(options.get("authorize_params") or {})}) or None,
        "access_token_params": options.get("access_token_params") or None,
        "user_agent": options.get("user_agent"),
    }
    return given(arguments)


def address_of(options: Options) -> dict[str, Any]:
    """Return the class of a registered provider, and the arguments that locate it."""
    members = {name: options[name] for name in METADATA if name in options}
    members |= {ALIASES[name]: options[name] for name in ALIASES if name in options}
    if is_oauth1(options):
        return oauth1_address_of(options)
    if not is_openid(options):
        return {"class": RegisteredOAuth2Provider, **{name: members[name] for name in ENDPOINTS if name in members}}
    address = {"class": RegisteredOpenIDProvider, "metadata": members, "leeway": LEEWAY}
    if "server_metadata_url" in options:
        address["discovery_url"] = options["server_metadata_url"]
    if "server_metadata_url" in options or not all(name in members for name in REQUIRED_URLS):
        # Not as metadata, which would override the document, so that a difference would go unnoticed.
        address |= {"issuer": members.pop("issuer")} if "issuer" in members else {}
    return address


def oauth1_address_of(options: Options) -> dict[str, Any]:
    """Return the same for OAuth 1.0, with the signature method."""
    from oidc_login.client.oauth1 import RegisteredOAuth1Provider  # needs an extra

    kwargs = options.get("client_kwargs") or {}
    names = {"request_token_url": "request_token_endpoint", "authorize_url": "authorization_endpoint"}
    endpoints = {**names, "access_token_url": "access_token_endpoint"}
    signing = {name: kwargs.get(name) for name in ("signature_method", "signature_type", "realm")}
    return {
        "class": RegisteredOAuth1Provider,
        **{argument: options[name] for name, argument in endpoints.items()},
        **given({**signing, "client_key": kwargs.get("rsa_key")}),
        **given({name: options.get(name) for name in ("request_token_params", "access_token_params")}),
    }


def problems_together(options: Options) -> Iterator[Problem]:
    """Yield missing or contradictory options among options that are valid on their own."""
    if not options.get("client_id"):
        yield missing("client_id", "Write client_id, as the provider gave it to you.")
    if is_oauth1(options):
        yield from oauth1_problems(options)
        return
    document = options.get("server_metadata_url")
    if is_openid(options) and "issuer" not in options:
        if document is None:
            advice = "It says whose ID tokens are accepted. Write it, or issuer and jwks_uri."
            yield missing("server_metadata_url", advice)
        elif not issuers_for(document):
            advice = (
                "server_metadata_url does not end in /.well-known/openid-configuration. Write the document's issuer."
            )
            yield missing("issuer", advice)
    elif not is_openid(options) and not any(name in options for name in ("access_token_url", "token_endpoint")):
        yield missing("access_token_url", "Write the URL of the token endpoint.")


def oauth1_problems(options: Options) -> Iterator[Problem]:
    for name in ("authorize_url", "access_token_url"):
        if name not in options:
            yield missing(name, f"Write {name}, as the provider's documentation has it.")
    for name in sorted(OAUTH2_ARGUMENTS & set(arguments_of(options)) - {"access_token_params"}):
        yield Problem(kind="refused", option=name, finding="means nothing in OAuth 1.0", advice="Remove it.")


def missing(option: str, advice: str) -> Problem:
    return Problem(kind="value", option=option, finding="is missing", advice=advice)
