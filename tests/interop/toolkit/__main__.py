"""Runs the provider: its configuration is one line of JSON on standard input, and the end of the input ends it."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

import django
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application

from tests.interop.toolkit.records import RequestHandler, say


def main() -> None:
    """Serve on a free port of loopback until the tests hang up."""
    configuration = json.loads(sys.stdin.readline())
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.interop.toolkit.settings"
    django.setup()
    call_command("migrate", verbosity=0)
    register(configuration)
    server = ThreadedWSGIServer(("127.0.0.1", 0), RequestHandler)
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say({"issuer": f"http://localhost:{server.server_port}/o"})
    sys.stdin.read()
    server.shutdown()


def register(configuration: dict[str, Any]) -> None:
    """Create the people and the client that the tests name."""
    # Only after django.setup() are there models.
    from django.contrib.auth.models import Group, User
    from oauth2_provider.models import Application

    from tests.interop.toolkit.validator import UNVERIFIED

    unverified = Group.objects.create(name=UNVERIFIED)
    for name, claims in configuration["people"].items():
        user = User.objects.create_user(
            name,
            email=claims["email"],
            password=configuration["password"],
            first_name=claims["given_name"],
            last_name=claims["family_name"],
        )
        if not claims["email_verified"]:
            user.groups.add(unverified)
    Application.objects.create(
        **configuration["client"],
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        algorithm=Application.RS256_ALGORITHM,
    )


if __name__ == "__main__":
    main()
