"""The tokens of this API, as dictionaries, and the signal for new tokens."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.dispatch import Signal
from django.views.decorators.debug import sensitive_variables

from oidc_login.client.discreet import Discreet
from oidc_login.client.errors import InvalidTokenError, UnsupportedTokenTypeError
from oidc_login.protocol.errors import TokenResponseInvalid
from oidc_login.protocol.tokens import read_scope, read_token
from oidc_login.providers.values import OAuthToken

AHEAD = 60  # seconds before its expiry that a token is refreshed


class OAuth2Token(Discreet):
    """A token response, with `expires_at` in seconds since the epoch."""

    def is_expired(self, leeway: float = AHEAD) -> bool | None:
        """Whether the access token has expired or will expire within `leeway` seconds; `None` if that is unknown."""
        left = seconds_left(self)
        return None if left is None else left < leeway


@sensitive_variables()
def as_dictionary(token: OAuthToken) -> OAuth2Token:
    """Return tokens as a dictionary, with all other members of the provider's response.

    `userinfo` contains verified claims, and never comes from the response.
    """
    members = {name: value for name, value in getattr(token, "members", {}).items() if name != "userinfo"}
    known = {
        "access_token": token.access_token,
        "token_type": members.get("token_type", "Bearer"),
        "refresh_token": token.refresh_token,
        "id_token": token.id_token,
        "scope": token.scope,
    }
    made = OAuth2Token({**members, **{name: value for name, value in known.items() if value}})
    if token.access_token_expires_at is not None:
        made["expires_at"] = int(token.access_token_expires_at.timestamp())
    return made


@sensitive_variables()
def as_token(token: Mapping[str, Any]) -> OAuthToken:
    """Return the tokens in a dictionary, or raise `OAuthError` if they cannot be used."""
    if not isinstance(token, Mapping):
        raise InvalidTokenError(description="A token is a dictionary, as authorize_access_token() returns it")
    kind = token.get("token_type") or "Bearer"
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise UnsupportedTokenTypeError(description="Only bearer tokens can be sent")
    try:
        access_token, refresh_token, id_token = (
            read_token(token, name) for name in ("access_token", "refresh_token", "id_token")
        )
    except TokenResponseInvalid as error:
        raise InvalidTokenError(description=f"{error.reason} is not a token") from error
    return OAuthToken(
        access_token=access_token,
        refresh_token=refresh_token,
        scope=read_scope(token.get("scope")) or "",
        id_token=id_token,
    )


def seconds_left(token: Mapping[str, Any]) -> float | None:
    """Return the remaining lifetime of the access token, or `None` if it is unknown."""
    value = token.get("expires_at")
    if isinstance(value, datetime):
        return value.timestamp() - time.time()
    try:
        moment = math.nan if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment - time.time() if math.isfinite(moment) else None


class TokenUpdate(Signal):
    """A signal that also accepts receivers without `**kwargs`, and passes them the arguments that they name."""

    def connect(
        self, receiver: Callable[..., Any], sender: object = None, weak: bool = True, dispatch_uid: Any = None
    ) -> None:
        if takes_everything(receiver):
            super().connect(receiver, sender, weak, dispatch_uid)
            return
        # Keep a strong reference, because nothing else does; `disconnect(receiver)` finds it by its identifier.
        super().connect(with_accepted_arguments(receiver), sender, False, dispatch_uid or identifier(receiver))


def takes_everything(receiver: Callable[..., Any]) -> bool:
    """Whether a receiver has `**kwargs`. Django's function for this would keep the receiver alive."""
    parameters = inspect.signature(receiver).parameters.values()
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)


def with_accepted_arguments(receiver: Callable[..., Any]) -> Callable[..., Any]:
    """Return a receiver that only passes the arguments that `receiver` accepts."""
    names = inspect.signature(receiver).parameters

    def receive(**sent: Any) -> Any:
        return receiver(**{name: value for name, value in sent.items() if name in names})

    return markcoroutinefunction(receive) if iscoroutinefunction(receiver) else receive


def identifier(receiver: Any) -> Any:
    """Return the identifier under which Django registers a receiver."""
    function = getattr(receiver, "__func__", None)
    return id(receiver) if function is None else (id(receiver.__self__), id(function))


# Sent with `name`, `token`, and the replaced `refresh_token` or `access_token`.
# The sender is the client class.
token_update = TokenUpdate()
