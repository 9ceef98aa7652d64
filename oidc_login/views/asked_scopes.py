"""What pages ask for: the scopes of one request, in the form that connects and in the session of who was sent away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from django.db.models import F
from django.http import HttpRequest

from oidc_login import sealing
from oidc_login.exceptions import ParameterInvalid
from oidc_login.models import ConnectionQuerySet, OAuthConnection
from oidc_login.providers.base import OAuthProvider

ASKED_KEY: Final = "oidc_login_asked_scopes"  # in the session: what a person was sent away for, by provider
FIELD: Final = "scopes"


def own(request: HttpRequest, provider_key: str) -> ConnectionQuerySet:
    """Return the person's connections at a provider, the one that was used last first."""
    found = OAuthConnection.objects.get_queryset().filter(
        user=request.user,  # type: ignore[misc]  # signed in, of whatever model the site uses
        provider_key=provider_key,
    )
    return found.order_by(F("last_login_at").desc(nulls_last=True))


def scope_parameter(request: HttpRequest, provider: OAuthProvider, scopes: Sequence[str]) -> dict[str, Any]:
    """Return what to ask for: also what was granted before, which some providers take back otherwise."""
    known = own(request, provider.key).first()
    granted = known.scope.replace(",", " ").split() if known else []
    return {"scope": " ".join(dict.fromkeys([*provider.get_scope().split(), *granted, *scopes]))}


# The form. Its scopes are sealed for one person and provider: the browser may not choose what a provider is asked for.


def sealed_scopes(request: HttpRequest, provider_key: str, scopes: Sequence[str]) -> str:
    return sealing.seal(
        json.dumps(scopes).encode(),
        purpose="scopes",
        associated_data=_bound_to(request, provider_key),
        secrets=sealing.flow_keys(),
    )


def posted_scopes(request: HttpRequest, provider_key: str) -> tuple[str, ...]:
    """Return the scopes that a page put into the form, or `()`; raise `ParameterInvalid` for any others."""
    posted = request.POST.getlist(FIELD)
    if not posted:
        return ()
    if len(posted) > 1:
        raise ParameterInvalid(FIELD)
    bound_to = _bound_to(request, provider_key)
    try:
        plain = sealing.unseal(posted[0], purpose="scopes", associated_data=bound_to, secrets=sealing.flow_keys())
    except sealing.SealError as error:
        raise ParameterInvalid(FIELD) from error
    return tuple(json.loads(plain))


def _bound_to(request: HttpRequest, provider_key: str) -> bytes:
    return json.dumps([str(request.user.pk), provider_key]).encode()


# The session.


def remember_asked(request: HttpRequest, provider_key: str, scopes: Sequence[str]) -> None:
    """Remember what the person is sent away for."""
    asked = request.session.get(ASKED_KEY, {})
    request.session[ASKED_KEY] = {**asked, provider_key: sorted(scopes)}


def take_asked(request: HttpRequest, provider_key: str) -> list[str] | None:
    """Return what the person was sent away for, and forget it."""
    asked = dict(request.session.get(ASKED_KEY, {}))
    found: list[str] | None = asked.pop(provider_key, None)
    if found is not None:
        request.session[ASKED_KEY] = asked
    return found
