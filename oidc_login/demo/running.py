"""Starting the demo: two providers, and a site with a database of its own, all on this machine."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connections

from oidc_login.demo import people
from oidc_login.demo.accounts import UNCONFIRMED
from oidc_login.demo.stage import stage
from oidc_login.testing import GitHubStyleProvider, OpenIDProvider, serve

CLIENT_ID = "demo"
CLIENT_SECRET = "the secret of the demo"  # noqa: S105 - made up, and the same in settings


@dataclass(frozen=True, slots=True)
class Demo:
    """What runs: the site's address, and the providers behind it."""

    site_url: str
    openid: OpenIDProvider
    github: GitHubStyleProvider


@contextmanager
def running(*, port: int) -> Iterator[Demo]:
    """Run the demo for the length of a `with` block; once per process, as Django's settings are.

    The providers are on `localhost` and the site is on `127.0.0.1`: for a browser two ports of one host are one site.
    """
    openid = OpenIDProvider(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, users=people.AT_OPENID)
    github = GitHubStyleProvider(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, users=people.AT_GITHUB)
    openid.name = "Example ID"
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="oidc-login-demo-"))
        os.environ["DEMO_DATABASE"] = str(Path(folder) / "db.sqlite3")
        os.environ["DEMO_OPENID_URL"] = stack.enter_context(serve(openid))
        os.environ["DEMO_GITHUB_URL"] = stack.enter_context(serve(github))
        stage.openid = openid
        set_up_site()
        stack.callback(connections.close_all)
        demo = Demo(serve_site(stack, port), openid, github)
        openid.backchannel_logout_uri = f"{demo.site_url}/oauth/openid/backchannel-logout/"
        yield demo


def set_up_site() -> None:
    """Create the tables, and the users whom the site knows already."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "oidc_login.demo.settings"
    django.setup()
    call_command("check", stdout=StringIO())
    call_command("migrate", verbosity=0)
    for part in people.CAST:
        if part.has_account:
            create_account(part)


def create_account(part: people.Part) -> None:
    from django.contrib.auth.models import Group, User

    create = User.objects.create_superuser if part.is_staff else User.objects.create_user
    user = create(part.username, part.person.email, part.password)
    if not part.confirmed:
        user.groups.add(Group.objects.get_or_create(name=UNCONFIRMED)[0])


def serve_site(stack: ExitStack, port: int) -> str:
    """Serve the site at the port, or at a free one where that is taken."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler

    application = StaticFilesHandler(get_wsgi_application())
    try:
        return stack.enter_context(serve(application, host="127.0.0.1", port=port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
    print(f"Port {port} is taken, so the site is at another one.")
    return stack.enter_context(serve(application, host="127.0.0.1"))
