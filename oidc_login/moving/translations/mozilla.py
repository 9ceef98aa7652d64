"""mozilla-django-oidc: its settings remain valid. The entry adds what they do not say."""

from __future__ import annotations

from oidc_login.exceptions import OAuthError, ProviderUnknown
from oidc_login.moving.translations.values import Entry, Include, Translation, included_at
from oidc_login.mozilla.entry import KEY, described_entry, get
from oidc_login.protocol.errors import ProtocolError
from oidc_login.registry import build_provider

ISSUER_UNKNOWN = (
    'Write "issuer": "https://..." with the issuer of the ID tokens. No discovery document was found next to your '
    "endpoints, "
    "and without the issuer nobody can sign in."
)
TRUST = (
    "mozilla-django-oidc found people by their address, verified or not, and this entry does the same. Set trust_email "
    "to False if people can choose an address at the provider without proving that it is theirs."
)


def translate(alias: str) -> Translation:
    """Return the translated settings of a site with mozilla-django-oidc."""
    return Translation(
        package="mozilla-django-oidc",
        entries=[entry()] if get("OIDC_RP_CLIENT_ID") else [],
        replaced=("mozilla_django_oidc.",),
        includes=[
            Include(
                path=included_at("oidc_authentication_callback", below="callback/", usual="oidc/"),
                module="oidc_login.urls",
            )
        ],
        remarks=["Keep your settings that begin with OIDC_.", *own_backends()],
    )


def entry() -> Entry:
    issuer = find_issuer()
    arguments = {**({"issuer": issuer} if issuer else {}), "trust_email": True, "link_by_email": "verified"}
    return Entry(key=KEY, old=KEY, arguments=arguments, remarks=[TRUST, *([] if issuer else [ISSUER_UNKNOWN])])


def find_issuer() -> str:
    """Return the issuer in the discovery document next to the endpoints, or "" if there is none."""
    try:
        return build_provider(KEY, described_entry()).get_issuer()
    except (OAuthError, ProtocolError, ProviderUnknown):
        return ""


def own_backends() -> list[str]:
    known = ("django.", "mozilla_django_oidc.", "oidc_login.")
    found = [path for path in get("AUTHENTICATION_BACKENDS", []) if not path.startswith(known)]
    return [
        f"If {path} is a subclass of mozilla-django-oidc's backend, derive it from OIDCLoginBackend instead."
        for path in found
    ]
