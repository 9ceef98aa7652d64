"""Scopes that pages request: what is granted, and what a person was sent to a provider for."""

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
from oidc_login.session_state import read_state, write_state

FIELD: Final = "scopes"


def connections_at(request: HttpRequest, provider_key: str) -> ConnectionQuerySet:
    """Return the person's connections at a provider, the most recently used first."""
    found = OAuthConnection.objects.get_queryset().filter(
        user=request.user,  # type: ignore[misc]  # signed in, of whatever model the site uses
        provider_key=provider_key,
    )
    return found.order_by(F("last_login_at").desc(nulls_last=True))


def scope_parameter(request: HttpRequest, provider: OAuthProvider, scopes: Sequence[str]) -> dict[str, Any]:
    """Return the scope to request, with what was granted before: some providers withdraw it otherwise."""
    known = connections_at(request, provider.key).first()
    granted = known.scope.replace(",", " ").split() if known else []
    return {"scope": " ".join(dict.fromkeys([*provider.get_scope().split(), *granted, *scopes]))}


# The form. Its scopes are sealed for one person and provider, so that the browser cannot choose what is requested.


def seal_scopes(request: HttpRequest, provider_key: str, scopes: Sequence[str]) -> str:
    bound_to = _bound_to(request, provider_key)
    return sealing.seal_json(scopes, purpose="scopes", bound_to=bound_to, secrets=sealing.flow_keys())


def posted_scopes(request: HttpRequest, provider_key: str) -> tuple[str, ...]:
    """Return the scopes that a page put into the form, `()` for none, or raise `ParameterInvalid`."""
    posted = request.POST.getlist(FIELD)
    if len(posted) > 1:
        raise ParameterInvalid(FIELD)
    return unseal_scopes(request, provider_key, posted[0]) if posted else ()


def unseal_scopes(request: HttpRequest, provider_key: str, sealed: str) -> tuple[str, ...]:
    """Return the scopes that were sealed for this person and provider, or raise `ParameterInvalid`."""
    bound_to = _bound_to(request, provider_key)
    try:
        scopes = sealing.unseal_json(sealed, purpose="scopes", bound_to=bound_to, secrets=sealing.flow_keys())
    except sealing.SealError as error:
        raise ParameterInvalid(FIELD) from error
    return tuple(scopes)


def _bound_to(request: HttpRequest, provider_key: str) -> bytes:
    return json.dumps([str(request.user.pk), provider_key]).encode()


# The session.


def remember_requested_scopes(request: HttpRequest, provider_key: str, scopes: Sequence[str]) -> None:
    """Remember for which scopes the person was sent to a provider."""
    requested = read_state(request.session).requested_scopes
    write_state(request.session, requested_scopes={**requested, provider_key: sorted(scopes)})


def take_requested_scopes(request: HttpRequest, provider_key: str) -> list[str] | None:
    """Return for which scopes the person was sent to a provider, and forget it."""
    requested = dict(read_state(request.session).requested_scopes)
    found = requested.pop(provider_key, None)
    if found is not None:
        write_state(request.session, requested_scopes=requested)
    return found


def has_scopes(request: HttpRequest, provider_key: str, scopes: Sequence[str]) -> bool:
    """Whether one of the person's usable connections has them all."""
    usable = connections_at(request, provider_key).usable()
    granted = any(connection.has_scopes(*scopes) for connection in usable)
    if granted:
        take_requested_scopes(request, provider_key)
    return granted
