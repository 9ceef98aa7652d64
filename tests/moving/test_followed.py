"""The pages of docs/migrating, followed to the letter at sites of the real packages, with a hundred people each."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from oidc_login.testing import OpenIDProvider, User, serve

pytestmark = [pytest.mark.heavy]

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ROOT / "build" / "moving"
SUBS = [f"sub-{number}" for number in range(100)]
COMMAND = re.compile(r"^ *python manage\.py (.+)$", re.MULTILINE)

COMMON = """
from pathlib import Path
SECRET_KEY = "x" * 50
ALLOWED_HOSTS = ["*"]
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).parent / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                      "LOCATION": str(Path(__file__).parent / "cache")}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
                  "django.contrib.messages"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
              "django.middleware.csrf.CsrfViewMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
              "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": ["django.template.context_processors.request",
                           "django.contrib.auth.context_processors.auth",
                           "django.contrib.messages.context_processors.messages"]}}]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
LOGIN_REDIRECT_URL = "/"
"""

FORGE = """
import requests
from oauthlogin.providers import OAuthProvider, OAuthToken, OAuthUser


class ForgeProvider(OAuthProvider):
    authorization_url = "ISSUER/authorize"

    def get_oauth_token(self, *, code, request):
        answer = requests.post("ISSUER/token", timeout=10, auth=(self.get_client_id(), self.get_client_secret()), data={
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.get_callback_url(request=request)})
        return OAuthToken(access_token=answer.json()["access_token"])

    def get_oauth_user(self, *, oauth_token):
        headers = {"Authorization": f"Bearer {oauth_token.access_token}"}
        found = requests.get("ISSUER/userinfo", timeout=10, headers=headers).json()
        return OAuthUser(id=found["sub"], email=found.get("email", ""), username=found["sub"])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldSite:
    """A site of another package: what it wrote, and where a sign-in begins there and here."""

    page: str
    settings: str
    urls: str
    begin: tuple[str, str]
    begin_here: str
    app: str
    requirement: str = ""  # what is not installed for the tests
    apps_conflict: bool = False
    module: str = ""  # further code of the site, forge.py
    keeps_identities: bool = True


SITES = [
    OldSite(
        page="allauth",
        settings="""
INSTALLED_APPS += ["allauth", "allauth.account", "allauth.socialaccount",
                   "allauth.socialaccount.providers.openid_connect"]
MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS += ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
SOCIALACCOUNT_STORE_TOKENS = True
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [{"provider_id": "company", "name": "Company",
    "client_id": "client", "secret": "secret", "settings": {"server_url": "ISSUER"}}]}}
""",
        urls='path("accounts/", include("allauth.urls"))',
        begin=("POST", "/accounts/oidc/company/login/"),
        begin_here="/oauth/company/login/",
        app="allauth",
    ),
    OldSite(
        page="social-auth",
        settings="""
INSTALLED_APPS += ["social_django"]
AUTHENTICATION_BACKENDS += ["social_core.backends.open_id_connect.OpenIdConnectAuth"]
SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = "ISSUER"
SOCIAL_AUTH_OIDC_KEY = "client"
SOCIAL_AUTH_OIDC_SECRET = "secret"
""",
        urls='path("", include("social_django.urls", namespace="social"))',
        begin=("POST", "/login/oidc/"),
        begin_here="/oauth/oidc/login/",
        app="social_django",
    ),
    OldSite(
        page="mozilla-django-oidc",
        settings="""
INSTALLED_APPS += ["mozilla_django_oidc"]
AUTHENTICATION_BACKENDS += ["mozilla_django_oidc.auth.OIDCAuthenticationBackend"]
OIDC_RP_CLIENT_ID, OIDC_RP_CLIENT_SECRET, OIDC_RP_SIGN_ALGO = "client", "secret", "RS256"
OIDC_OP_AUTHORIZATION_ENDPOINT, OIDC_OP_TOKEN_ENDPOINT = "ISSUER/authorize", "ISSUER/token"
OIDC_OP_USER_ENDPOINT, OIDC_OP_JWKS_ENDPOINT = "ISSUER/userinfo", "ISSUER/jwks"
""",
        urls='path("oidc/", include("mozilla_django_oidc.urls"))',
        begin=("GET", "/oidc/authenticate/"),
        begin_here="/oidc/oidc/login/",
        app="mozilla_django_oidc",
        keeps_identities=False,
    ),
    OldSite(
        page="django-oauth-login",
        settings="""
INSTALLED_APPS += ["oauthlogin"]
OAUTH_LOGIN_PROVIDERS = {"forge": {"class": "forge.ForgeProvider", "kwargs": {
    "client_id": "client", "client_secret": "secret", "scope": "openid email"}}}
""",
        urls='path("oauth/", include("oauthlogin.urls"))',
        begin=("POST", "/oauth/forge/login/"),
        begin_here="/oauth/forge/login/",
        app="oauthlogin",
        requirement="django-oauth-login",
        apps_conflict=True,
        module=FORGE,
    ),
]


@pytest.fixture
def provider() -> Iterator[OpenIDProvider]:
    """A hundred people: some without a verified address, and some whose address is written in another way."""
    people = [
        User(sub, email=f"{address(number)}@example.org", email_verified=number % 10 != 3)
        for number, sub in enumerate(SUBS)
    ]
    op = OpenIDProvider(users=people, require_pkce=False, require_nonce=False)  # not all of them send these
    with serve(op):
        yield op


def address(number: int) -> str:
    return f"Person.{number}" if number % 7 == 0 else f"person.{number}"


class Site:
    """A folder with a site, whose programs run in processes of their own."""

    def __init__(self, folder: Path, old: OldSite, issuer: str) -> None:
        self.folder, self.old, self.issuer = folder, old, issuer
        self.settings = "old_settings"
        self.unmoved: dict[str, list[Any]] = {}
        self.write("old_settings.py", f"{COMMON}{old.settings}ROOT_URLCONF = 'old_urls'\n")
        self.write("old_urls.py", urls(old.urls))
        self.write("forge.py", old.module)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text.replace("ISSUER", self.issuer))

    def run(self, *arguments: str, stdin: str = "", fails: tuple[int, ...] = (0,)) -> str:
        paths = [str(self.folder), str(PACKAGES / self.old.requirement), str(ROOT)]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "DJANGO_SETTINGS_MODULE": self.settings,
            **dict.fromkeys(("COMPANY_CLIENT_SECRET", "OIDC_CLIENT_SECRET", "FORGE_CLIENT_SECRET"), "secret"),
        }
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=environment, input=stdin, text=True, capture_output=True
        )
        assert done.returncode in fails, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def manage(self, line: str) -> str:
        return self.run("-m", "django", *line.split())

    def sign_in(self, method: str, path: str) -> dict[str, str]:
        answers: dict[str, str] = json.loads(
            self.run("-m", "tests.moving.driver", method, path, stdin=json.dumps(SUBS))
        )
        return answers

    def rows(self) -> dict[str, list[Any]]:
        """Return everything in the database, besides the records of the import and what Django counts."""
        with sqlite3.connect(self.folder / "db.sqlite3") as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            kept = [name for name in tables if "import" not in name and not name.startswith(("sqlite", "django_"))]
            return {name: sorted(database.execute(f'SELECT * FROM "{name}"'), key=repr) for name in kept}  # noqa: S608

    # What the page says.

    def install(self) -> None:
        """Step 1: this package beside the other one, or in its place where they cannot be installed together."""
        apps = 'INSTALLED_APPS += ["oidc_login"]\n'
        if self.old.apps_conflict:
            apps += f"INSTALLED_APPS.remove({self.old.app!r})\nROOT_URLCONF = 'no_urls'\n"
        self.write("both_settings.py", f"from old_settings import *\n{apps}")
        self.write("no_urls.py", "urlpatterns = []\n")
        self.settings = "both_settings"

    def paste(self, printed: str) -> None:
        """Step 2: the printed settings and URLs."""
        settings, _, own_urls = printed.partition("# urls.py\n")
        self.write("new_settings.py", f"from both_settings import *\nROOT_URLCONF = 'new_urls'\n{settings}")
        kept = "" if self.old.apps_conflict else "from old_urls import urlpatterns as old\nurlpatterns += old\n"
        self.write("new_urls.py", f"urlpatterns = []\n{own_urls}\n{kept}")
        self.write("forge.py", self.old.module.replace("oauthlogin.providers", "oidc_login.providers"))
        self.settings = "new_settings"

    def follow(self) -> str:
        """Run every command of the page that comes before the window, in order; return all that was printed."""
        page = (ROOT / "docs" / "migrating" / f"{self.old.page}.md").read_text()
        said = []
        for line in COMMAND.findall(page):
            if "oidc_login_window" in line:
                continue
            if line.endswith("--apply"):
                self.unmoved = self.rows()
            said.append(self.manage(line))
            if line.endswith("--settings"):
                self.paste(said[-1])
        return "\n".join(said)


def urls(pattern: str) -> str:
    home = 'path("", lambda request: HttpResponse())'
    imports = "from django.http import HttpResponse\nfrom django.urls import include, path\n"
    return f"{imports}urlpatterns = [{home}, {pattern}]\n"


@pytest.fixture(params=SITES, ids=[site.page for site in SITES])
def site(request: pytest.FixtureRequest, tmp_path: Path, provider: OpenIDProvider) -> Site:
    old: OldSite = request.param
    if old.requirement and not (PACKAGES / old.requirement).exists():
        target = str(PACKAGES / old.requirement)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, old.requirement]
        subprocess.run(pip, check=True, timeout=300)
    (tmp_path / "people.csv").write_text(
        "sub,email\n" + "".join(f"{sub},{address(number)}@example.org\n" for number, sub in enumerate(SUBS))
    )
    return Site(tmp_path, old, provider.issuer)


def test_everybody_moves(site: Site, tmp_path: Path) -> None:
    site.manage("migrate --verbosity 0")
    before = site.sign_in(*site.old.begin)
    assert len(set(before.values())) == len(SUBS), before
    users = site.rows()["auth_user"]

    site.install()
    said = site.follow()

    assert "secret" not in said.replace("client_secret", "").replace("without secrets", ""), said
    assert len(site.rows()["oidc_login_oauthconnection"]) == len(SUBS), said
    shutil.copy(tmp_path / "db.sqlite3", tmp_path / "moved.sqlite3")
    assert site.sign_in("POST", site.old.begin_here) == before
    assert len(site.rows()["auth_user"]) == len(users)

    shutil.copy(tmp_path / "moved.sqlite3", tmp_path / "db.sqlite3")
    source = re.search(r"oidc_login_import (\w+)", (ROOT / f"docs/migrating/{site.old.page}.md").read_text())
    assert source is not None
    site.manage(f"oidc_login_import {source[1]} --undo 1 --apply")
    assert site.rows() == site.unmoved
