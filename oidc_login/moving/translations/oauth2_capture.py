"""oauth2-capture: `OAUTH2_CONFIG`, for accounts that people connect but do not sign in with."""

from __future__ import annotations

from collections.abc import Mapping

from oidc_login.conf import django
from oidc_login.moving.sources.oauth2_capture import COUNTERPARTS
from oidc_login.moving.translations.values import Entries, Include, Translation, included_at, openid_scope, words

CONNECT_ONLY = "allow_login is False: as before, people can connect this account but not sign in with it."
REGISTER = (
    "Register the callback URLs of oidc_login.urls with the providers; they end in PROVIDER/callback/. With the old "
    "path and the old name as the key, the URL stays the same."
)


def translate(alias: str) -> Translation:
    """Return the translated settings of a site with oauth2-capture."""
    entries, missing = Entries(), []
    config = django.get("OAUTH2_CONFIG", {})
    for name, options in (config if isinstance(config, Mapping) else {}).items():
        if name not in COUNTERPARTS:
            missing.append(name)
            continue
        counterpart = COUNTERPARTS[name]
        scope = openid_scope(counterpart, words(options.get("scope")))
        entries.add(
            counterpart,
            old=name,
            client_id=options.get("client_id"),
            arguments={"scope": scope, "allow_login": False, **counterpart.arguments},
            remarks=[CONNECT_ONLY],
        )
    path = included_at("oauth2_capture:oauth2_callback", arguments=["x"], below="x/callback/", usual="oauth/")
    return Translation(
        package="oauth2-capture",
        entries=entries.made,
        replaced=("oauth2_capture.",),
        includes=[Include(path=path, module="oidc_login.urls")],
        remarks=[REGISTER, *(f"The package has no class for {name!r}." for name in missing)],
    )
