"""The base of views about one provider: each failure results in one page, one log record and one signal."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import Resolver404, get_script_prefix, resolve, reverse
from django.utils.decorators import classonlymethod
from django.views import View

from oidc_login import signals
from oidc_login.advice import advice_for, explain
from oidc_login.conf import django
from oidc_login.exceptions import Cancelled, OAuthError, WrongHost
from oidc_login.faults import seen_as, site_fault
from oidc_login.flow import hosts
from oidc_login.flow.pending import state_for_log, state_hash
from oidc_login.models import OAuthConnection
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.providers.base import OAuthProvider
from oidc_login.redaction import hide_variables
from oidc_login.registry import KEY, get_login_providers

logger = logging.getLogger("oidc_login")

A = TypeVar("A")
V = TypeVar("V", bound=Callable[..., Any])


def outside_transactions(view: V) -> V:
    """Exempt a view from `ATOMIC_REQUESTS`.

    Its transaction would stay open during requests to a provider, and could not begin again on a new connection.
    """
    for alias in connections:
        transaction.non_atomic_requests(using=alias)(view)
    return view


class ProviderView(View):
    """A view about one provider: each failure results in one page, one log record and one signal."""

    provider: OAuthProvider | None = None
    provider_key = ""  # from the URL
    next_url = ""
    state = ""
    failure_id = ""  # on the page and in the log record

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        return outside_transactions(super().as_view(**initkwargs))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        hide_variables(request)
        self.provider_key = key_in_url(kwargs.get("provider", self.provider_key))
        response = self.respond(request, partial(super().dispatch, request, *args, **kwargs))
        response["Cache-Control"] = "no-store"
        forbid_frames(response)
        return response

    def respond(self, request: HttpRequest, work: Callable[[], A]) -> A | HttpResponse:
        """Return what `work` returns, or the page of its error."""
        try:
            with time_budget(MAX_TIMEOUT):
                return work()
        except Exception as error:
            seen = seen_as(error)
            if seen is None:
                raise
        return self.respond_to_error(request, seen)

    def respond_to_error(self, request: HttpRequest, error: OAuthError) -> HttpResponse:
        """Return the response of `failed`, or a simpler page if a store that it needs fails too."""
        try:
            return self.failed(request, error)
        except Exception as another:  # an error in the page, or in a receiver of the signal
            fault = site_fault(another)
            if fault is None:
                raise
        return self.render_error(None, fault)

    def failed(self, request: HttpRequest, error: OAuthError) -> HttpResponse:
        """Log a failure, send its signal, and return its page."""
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
        """Return the URL for a person who cancelled: the site's own sign-in page, or the package's."""
        login_url = own_login_page()
        if login_url:
            return redirect_to_login(self.next_url, login_url).url if self.next_url else login_url
        return with_next(reverse("oidc_login:providers"), self.next_url)

    def retry_urls(self) -> tuple[str, str]:
        """Return the URLs to try again and to choose another way, "" for none."""
        providers_url = reverse("oidc_login:providers")
        retry_url = reverse("oidc_login:login", args=[self.provider.key]) if self.provider else providers_url
        return with_next(retry_url, self.next_url), with_next(providers_url, self.next_url)

    def other_providers(self) -> list[OAuthProvider]:
        """Return the providers that this person did not come from."""
        return [provider for provider in get_login_providers() if provider is not self.provider]

    def other_login_url(self, error: OAuthError) -> str:
        """Return the URL where a person usually signs in; "" if it is the provider they came from.

        If `LOGIN_URL` is that provider's button, or there is no other way to sign in, they would go in a circle.
        """
        url = redirect_to_login(reverse("oidc_login:connections")).url
        path = url.partition("?")[0]
        if self.provider is None or error.status_code != 409:
            return url
        ways = {reverse("oidc_login:login", args=[self.provider.key]), reverse("oidc_authentication_init")}
        if path in ways:
            return ""
        return url if self.other_providers() or path != reverse("oidc_login:providers") else ""

    def render_error(self, request: HttpRequest | None, error: OAuthError) -> HttpResponse:
        """Return the error page. Without a request, it runs no context processors and reads no stores."""
        retry_url, providers_url = self.retry_urls()
        if isinstance(error, WrongHost):
            retry_url, providers_url = hosts.base_url() + retry_url, ""
        context = {
            "oauth_error": error,
            "failure_id": self.failure_id,
            "explanation": explain(error) if django.DEBUG else None,
            "provider": self.provider,
            "retry_url": retry_url,
            "providers_url": providers_url,
            "login_url": self.other_login_url(error),
            "other_ways": bool(self.other_providers()),
        }
        response = render(request, error.template_name, context, status=error.status_code)
        if error.retry_after is not None:
            response["Retry-After"] = str(error.retry_after)
        return response


def own_login_page() -> str:
    """Return `LOGIN_URL` if it is the site's own page, or "" if it is ours, on another host, or missing."""
    url = resolve_url(django.LOGIN_URL)
    path, prefix = urlsplit(url).path, get_script_prefix()
    if urlsplit(url).netloc or not path.startswith(prefix):
        return ""
    try:
        match = resolve("/" + path.removeprefix(prefix))
    except Resolver404:
        return ""
    is_ours = "oidc_login" in match.namespaces or match.url_name == "oidc_authentication_init"
    return "" if is_ours else url


def forbid_frames(response: HttpResponseBase) -> None:
    """Forbid other sites to show the page in a frame, even without Django's middleware (clickjacking)."""
    response.headers.setdefault("X-Frame-Options", str(django.X_FRAME_OPTIONS).upper())


def key_in_url(key: object) -> str:
    """Return the provider key in a URL, or "" if it is not a valid key."""
    return key if isinstance(key, str) and KEY.fullmatch(key) else ""


def log_failure(error: OAuthError, *, provider_key: str, state: str, failure_id: str) -> None:
    """Log a failure once: its code and reason, the provider, and what to do; never a value."""
    reason = error.reason or error.code
    extra = {
        "provider": provider_key,
        "code": error.code,
        "reason": reason,
        "connection": error.connection_id,
        "failure_id": failure_id,
        **state_for_log(state),
    }
    advice = advice_for(reason) if error.status_code in (500, 503) else ""
    text = "sign-in failed: %s (%s) at %s reference=%s" + (": %s" if advice else "%s")
    logger.log(level_of(error), text, error.code, reason, provider_key, failure_id, advice, extra=extra)


def level_of(error: OAuthError) -> int:
    """Return the log level of a failure: error for faults, warning for refusals, so both are shown by default.

    Cancelled sign-ins and URLs of unknown providers are only informational.
    """
    if error.reason == "circuit_open":
        return logging.DEBUG
    if error.status_code >= 500:
        return logging.ERROR
    return logging.INFO if error.status_code in (302, 404) else logging.WARNING


def is_prefetch(request: HttpRequest) -> bool:
    """Whether the browser only prefetches the page (Sec-Purpose; the older header is still sent)."""
    purpose = str(request.META.get("HTTP_SEC_PURPOSE", "")) + str(request.META.get("HTTP_PURPOSE", ""))
    return "prefetch" in purpose.lower()


def with_next(url: str, next_url: str) -> str:
    return f"{url}?{urlencode({'next': next_url})}" if next_url else url
