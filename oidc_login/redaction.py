"""Keeps codes, tokens and secrets of a sign-in out of the site's error reports."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from types import FrameType
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.views.debug import get_default_exception_reporter_filter


def hide_parameters(request: HttpRequest, *, keep: Collection[str] = ()) -> None:
    """Remove code and state from the request, so that the site's error reports and logs do not contain them."""
    request.GET, request.POST = _kept(request.GET, keep), _kept(request.POST, keep)
    request.META["QUERY_STRING"] = request.GET.urlencode()
    for name in ("REQUEST_URI", "RAW_URI"):  # uWSGI and mod_wsgi; gunicorn
        if name in request.META:
            request.META[name] = request.path


def _kept(data: QueryDict, names: Collection[str]) -> Any:
    kept = [(name, value) for name in names for value in data.getlist(name)]
    return QueryDict(urlencode(kept)) if kept else QueryDict()


def hide_variables(request: HttpRequest) -> None:
    """Hide local variables in error reports about this request, including the page under DEBUG."""
    site_filter: Any = type(get_default_exception_reporter_filter())
    request.exception_reporter_filter = hiding_filter(site_filter)


@lru_cache(maxsize=8)
def hiding_filter(site_filter: Any) -> Any:
    """Return the site's own filter with local variables hidden.

    Django ignores `sensitive_variables` under DEBUG and below generators, such as the one that reads a queryset.
    """

    def hidden(self: Any, request: HttpRequest, tb_frame: FrameType) -> list[tuple[str, str]]:
        return [(name, self.cleansed_substitute) for name in tb_frame.f_locals]

    return type("HidingFilter", (site_filter,), {"get_traceback_frame_variables": hidden})()
