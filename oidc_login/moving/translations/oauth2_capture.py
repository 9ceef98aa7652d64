"""oauth2-capture: `OAUTH2_CONFIG`, for accounts that people connect but do not sign in with."""

from __future__ import annotations

from collections.abc import Mapping

from oidc_login.conf import django
from oidc_login.moving.sources.oauth2_capture import COUNTERPARTS
from oidc_login.moving.translations.values import Entries, Include, Translation, included_at, openid_scope, words

CONNECT_ONLY = "allow_login is False: people connect this account, as before, and nobody signs in with it."
REGISTER = (
    "Register the new callback addresses at the providers, which are those of oidc_login.urls: each ends in "
    "PROVIDER/callback/. If the path is the one of before and the key is the old name, the address is the same."
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
            arguments={"scope": scope, "allow_login": False},
            remarks=[CONNECT_ONLY],
        )
    path = included_at("oauth2_capture:oauth2_callback", arguments=["x"], below="x/callback/", usual="oauth/")
    return Translation(
        package="oauth2-capture",
        entries=entries.made,
        replaced=("oauth2_capture.",),
        includes=[Include(path=path, module="oidc_login.urls")],
        remarks=[REGISTER, *(f"No class is shipped for {name!r}." for name in missing)],
    )
