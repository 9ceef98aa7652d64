"""Telling the tests what the provider does, by lines of JSON on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from django.core.servers.basehttp import WSGIRequestHandler
from django.http import HttpRequest, HttpResponse


class RequestHandler(WSGIRequestHandler):
    """Tells the application which connection a request came by."""

    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), "REMOTE_PORT": self.client_address[1]}


def say(record: dict[str, Any]) -> None:
    # As one, since each request has its thread.
    sys.stdout.write(f"{json.dumps(record)}\n")
    sys.stdout.flush()


def record_exchanges(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Write one line before each answer."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        say(
            {
                "method": request.method,
                "path": request.path,
                "agent": request.headers.get("User-Agent", ""),
                "connection": request.META["REMOTE_PORT"],
                "status": response.status_code,
                "content_type": response.get("Content-Type", "").partition(";")[0],
            }
        )
        return response

    return middleware
