"""What the views of one provider share: whatever goes wrong ends in one page, one log record and one signal."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import classonlymethod
from django.views import View

from oidc_login import hosts, signals
from oidc_login.advice import advice_for, explain
from oidc_login.conf import django
from oidc_login.exceptions import Cancelled, OAuthError, WrongHost
from oidc_login.faults import seen_as, site_fault
from oidc_login.flow.pending import log_id, state_hash
from oidc_login.models import OAuthConnection
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.providers.base import OAuthProvider
from oidc_login.redaction import hide_variables
from oidc_login.registry import KEY

logger = logging.getLogger("oidc_login")

A = TypeVar("A")
V = TypeVar("V", bound=Callable[..., Any])

SESSION_KEY = "oidc_login"  # how the person of a session signed in


def outside_transactions(view: V) -> V:
    """Exempt a view from `ATOMIC_REQUESTS`.

    Its transaction would stay open while a provider is asked, and could not be begun again on a new connection.
    """
    for alias in connections:
        transaction.non_atomic_requests(using=alias)(view)
    return view


class ProviderView(View):
    """A view of one provider: whatever goes wrong in it ends in one page, one log record and one signal."""

    provider: OAuthProvider | None = None
    provider_key = ""  # as the URL names it
    next_url = ""
    state = ""
    failure_id = ""  # on the page and in the log record

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        return outside_transactions(super().as_view(**initkwargs))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        hide_variables(request)
        self.provider_key = key_in_url(kwargs.get("provider", self.provider_key))
        response = self.answered(request, partial(super().dispatch, request, *args, **kwargs))
        response["Cache-Control"] = "no-store"
        forbid_frames(response)
        return response

    def answered(self, request: HttpRequest, work: Callable[[], A]) -> A | HttpResponse:
        """Return what the work returns, or else the page of what went wrong."""
        try:
            with time_budget(MAX_TIMEOUT):
                return work()
        except Exception as error:
            seen = seen_as(error)
            if seen is None:
                raise
        return self.told(request, seen)

    def told(self, request: HttpRequest, error: OAuthError) -> HttpResponse:
        """Return what `failed` answers, also where that needs a store that fails."""
        try:
            return self.failed(request, error)
        except Exception as another:  # of the page, or of a receiver of the signal
            fault = site_fault(another)
            if fault is None:
                raise
        return self.render_error(None, fault)

    def failed(self, request: HttpRequest, error: OAuthError) -> HttpResponse:
        """Tell the person, the log and the site that this did not work."""
        provider_key = self.provider.key if self.provider else self.provider_key
        self.failure_id = state_hash(self.state)[:8] if self.state else secrets.token_hex(4)
        log_failure(error, provider_key=provider_key, state=self.state, failure_id=self.failure_id)
        reason = error.reason or error.code
        signals.login_failed.send(OAuthConnection, request=request, error=error, provider=provider_key, reason=reason)
        if isinstance(error, Cancelled):
            messages.info(request, str(error), fail_silently=True)
            return HttpResponseRedirect(self.cancelled_url())
        return self.render_error(request, error)

    def cancelled_url(self) -> str:
        """Return where a person goes on who did not sign in."""
        return with_next(reverse("oidc_login:providers"), self.next_url)

    def ways_on(self) -> tuple[str, str]:
        """Return where a person tries again whose request failed, and where there are other ways, "" for nowhere."""
        providers_url = reverse("oidc_login:providers")
        retry_url = reverse("oidc_login:login", args=[self.provider.key]) if self.provider else providers_url
        return with_next(retry_url, self.next_url), with_next(providers_url, self.next_url)

    def render_error(self, request: HttpRequest | None, error: OAuthError) -> HttpResponse:
        """Return the page of an error; without a request it is made without context processors and reads no store."""
        retry_url, providers_url = self.ways_on()
        if isinstance(error, WrongHost):
            retry_url, providers_url = hosts.base_url() + retry_url, ""
        context = {
            "oauth_error": error,
            "failure_id": self.failure_id,
            "explanation": explain(error) if django.DEBUG else None,
            "provider": self.provider,
            "retry_url": retry_url,
            "providers_url": providers_url,
            "login_url": redirect_to_login(reverse("oidc_login:connections")).url,
        }
        response = render(request, error.template_name, context, status=error.status_code)
        if error.retry_after is not None:
            response["Retry-After"] = str(error.retry_after)
        return response


def forbid_frames(response: HttpResponseBase) -> None:
    """Keep a page of ours out of other sites' frames, also without Django's middleware for that (clickjacking)."""
    response.headers.setdefault("X-Frame-Options", str(django.X_FRAME_OPTIONS).upper())


def key_in_url(key: object) -> str:
    """Return the key of a provider that a URL names, "" for anything that cannot be one."""
    return key if isinstance(key, str) and KEY.fullmatch(key) else ""


def log_failure(error: OAuthError, *, provider_key: str, state: str, failure_id: str) -> None:
    """Write the one record of a failure: its code, the provider, what was wrong and what to do, never a value."""
    reason = error.reason or error.code
    extra = {
        "provider": provider_key,
        "code": error.code,
        "reason": reason,
        "connection": error.connection_id,
        "failure_id": failure_id,
        **log_id(state),
    }
    advice = advice_for(reason) if error.status_code == 503 else ""
    text = "sign-in failed: %s (%s) at %s: %s [%s]" if advice else "sign-in failed: %s (%s) at %s%s [%s]"
    logger.log(level_of(error), text, error.code, reason, provider_key, advice, failure_id, extra=extra)


def level_of(error: OAuthError) -> int:
    """Return the level of a failure: errors for faults, warnings for refusals, so that both are seen by default.

    What a person cancelled, and an address that leads to no provider, is no fault of anybody.
    """
    if error.reason == "circuit_open":
        return logging.DEBUG
    if error.status_code >= 500:
        return logging.ERROR
    return logging.INFO if error.status_code in (302, 404) else logging.WARNING


def with_next(url: str, next_url: str) -> str:
    return f"{url}?{urlencode({'next': next_url})}" if next_url else url
