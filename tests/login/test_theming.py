"""What a site builds its own pages from: the style sheet, the arguments of the buttons, and where people come back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import RequestFactory
from django.urls import include, path

import oidc_login
from oidc_login.flow.cookies import COOKIE
from oidc_login.models import OAuthConnection, SignedInSession
from oidc_login.templatetags.oidc_login import SEEN_AT_ONCE, stylesheet
from oidc_login.testing import GitHubStyleProvider, OpenIDProvider
from tests.support.browser import Browser
from tests.support.markup import Markup

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

FILE = Path(oidc_login.__file__).parent / "static" / "oidc_login" / "oidc_login.css"
STATIC_FILES = "django.contrib.staticfiles"
OP = {"issuer": "https://op.example", "client_id": "client"}


def page(request: HttpRequest) -> HttpResponse:
    """A sign-in page of the site's own."""
    return HttpResponse("the site's own page")


urlpatterns = [
    path("", page, name="home"),
    path("members/sign-in/", page, name="sign_in"),
    path("oauth/", include("oidc_login.urls")),
]


def rendered(source: str, *, cookies: dict[str, str] | None = None, user: Any = None, **values: Any) -> Markup:
    request = RequestFactory().get("/sign-in/")
    request.COOKIES.update(cookies or {})
    request.user = user or AnonymousUser()
    template = Template("{% load oidc_login %}" + source)
    return Markup(template.render(Context({"request": request, "csrf_token": "token", **values})))


def keys(seen: Markup) -> list[str]:
    """Return the providers of the buttons, in order."""
    return [form.action.split("/")[2] for form in seen.forms]


@pytest.fixture
def many(settings: Settings) -> list[str]:
    """Eleven providers, more than are seen at once."""
    names = [f"p{number:02}" for number in range(SEEN_AT_ONCE + 3)]
    settings.OIDC_LOGIN_PROVIDERS = dict.fromkeys(names, OP)
    return names


# The style sheet.


def test_page_links_the_file_where_the_site_serves_static_files(settings: Settings, browser: Browser) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, STATIC_FILES]

    seen = Markup(browser.get("/oauth/").content.decode())

    assert seen.all("link") == [{"rel": "stylesheet", "href": "/static/oidc_login/oidc_login.css"}]
    assert not seen.all("style")


def test_page_holds_the_same_style_where_no_static_files_are_served(browser: Browser) -> None:
    text = browser.get("/oauth/").content.decode()

    assert FILE.read_text() in text
    assert not Markup(text).all("link")


def test_page_holds_the_style_where_the_storage_does_not_know_the_file(settings: Settings, browser: Browser) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, STATIC_FILES]
    manifest = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": manifest, "OPTIONS": {"location": "/none"}}}

    assert browser.get("/oauth/").status_code == 200
    assert FILE.read_text() in browser.get("/oauth/").content.decode()


def test_style_sheet_loads_nothing_and_styles_only_what_is_the_packages() -> None:
    rules = re.sub(r"/\*.*?\*/", "", stylesheet(), flags=re.DOTALL)
    selectors = re.findall(r"^(?!\s*--)([^{}@\n][^{};]*)\{", rules, re.MULTILINE)

    assert "url(" not in rules and "@import" not in rules and "</" not in rules
    parts = {part.strip() for selector in selectors for part in selector.split(",")}
    assert {part for part in parts if not part.startswith(".oidc-login-")} == {":root"}


def test_every_class_of_the_templates_is_documented() -> None:
    text = (Path(oidc_login.__file__).parents[1] / "docs" / "theming.md").read_text()
    templates = "".join(file.read_text() for file in (FILE.parents[2] / "templates").rglob("*.html"))
    used = set(re.findall(r"oidc-login-[a-z-]+[a-z]", templates + stylesheet()))

    assert {name for name in used if name not in text} == set()


def test_every_template_and_block_is_documented() -> None:
    text = (Path(oidc_login.__file__).parents[1] / "docs" / "theming.md").read_text()
    for file in (FILE.parents[2] / "templates" / "oidc_login").glob("*.html"):
        assert f"`{file.name}`" in text
        for block in re.findall(r"\{% block (\w+)", file.read_text()):
            assert f"`{block}`" in text, (file.name, block)


# The arguments of the buttons.


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ("", ["google", "github", "company"]),
        ("only='github'", ["github"]),
        ("only='company, google'", ["company", "google"]),
        ("only=wanted", ["company", "github"]),
        ("only='nobody'", []),
        ("exclude='google'", ["github", "company"]),
        ("only='google,github' exclude='google'", ["github"]),
    ],
)
@pytest.mark.parametrize("tag", ["provider_buttons", "connect_buttons"])
def test_buttons_of_the_providers_that_a_page_names(
    settings: Settings, tag: str, arguments: str, shown: list[str]
) -> None:
    settings.OIDC_LOGIN_PROVIDERS = dict.fromkeys(("google", "github", "company"), OP)

    assert keys(rendered(f"{{% {tag} {arguments} %}}", wanted=["company", "github"])) == shown


def test_login_hint_reaches_the_provider(op: OpenIDProvider, browser: Browser) -> None:
    form = rendered("{% provider_buttons login_hint=hint %}", hint="ada@example.org").forms[0]
    assert dict(form.fields)["login_hint"] == "ada@example.org"

    browser.begin(login_hint="ada@example.org")

    assert browser.begun[0]["login_hint"] == "ada@example.org"


@pytest.mark.parametrize("hint", ["", "two\nlines", "x" * 257])
def test_login_hint_that_is_no_short_line_is_dropped(op: OpenIDProvider, browser: Browser, hint: str) -> None:
    browser.begin(login_hint=hint)

    assert "login_hint" not in browser.begun[0]


def test_connect_buttons_leave_out_what_is_connected(op: OpenIDProvider, github: GitHubStyleProvider) -> None:
    user = get_user_model().objects.create_user("ada")
    OAuthConnection.objects.create(user=user, provider_key="op", provider_user_id="1")

    assert keys(rendered("{% connect_buttons %}", user=user)) == ["github"]


def test_providers_after_the_first_eight_are_folded(many: list[str]) -> None:
    seen = rendered("{% provider_buttons %}")

    assert seen.balanced
    assert len(seen.all("details")) == 1
    assert keys(seen) == many
    order = [name for name, _ in seen.elements if name in ("form", "details")]
    assert order == ["form"] * SEEN_AT_ONCE + ["details"] + ["form"] * 3


def test_eight_providers_are_not_folded(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {f"p{number}": OP for number in range(SEEN_AT_ONCE)}

    assert not rendered("{% provider_buttons %}").all("details")


# The provider that was used last.


def test_browser_remembers_the_provider_and_the_button_says_so(
    op: OpenIDProvider, github: GitHubStyleProvider, browser: Browser
) -> None:
    browser.sign_in(op)
    cookie = browser.jar[COOKIE]

    seen = Markup(browser.get("/oauth/").content.decode())

    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("op", True, "Lax")
    assert [form.button for form in seen.forms] == ["Continue with Op Last used", "Continue with GitHub"]


def test_cookie_is_secure_over_https(op: OpenIDProvider) -> None:
    browser = Browser(https=True)
    browser.sign_in(op)

    assert browser.jar[COOKIE]["secure"]


def test_refused_sign_in_is_not_remembered(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_LOGIN_ALLOW_SIGNUP = False
    browser.sign_in(op)

    assert COOKIE not in browser.jar


def test_connecting_is_not_remembered(op: OpenIDProvider, browser: Browser) -> None:
    browser.log_in(get_user_model().objects.create_user("ada"))
    browser.connect(op)

    assert COOKIE not in browser.jar


def test_site_can_turn_it_off(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_LOGIN_REMEMBER_LAST_USED = False
    browser.sign_in(op)

    assert COOKIE not in browser.jar
    assert not [name for name, _ in rendered("{% provider_buttons %}", cookies={COOKIE: "op"}).elements if name == "b"]


@pytest.mark.parametrize("value", ["nobody", '"><script>', "p00\0"])
def test_cookie_that_names_no_provider_marks_none(many: list[str], value: str) -> None:
    seen = rendered("{% provider_buttons %}", cookies={COOKIE: value})

    assert keys(seen) == many
    assert not [one for one in seen.all("span") if one.get("class") == "oidc-login-badge"]


def test_provider_that_was_used_last_is_never_folded(many: list[str]) -> None:
    assert keys(rendered("{% provider_buttons %}", cookies={COOKIE: many[-1]}))[0] == many[-1]


# A site's own page without a style sheet.


def test_tags_hold_no_text_that_only_a_style_sheet_would_hide(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    browser.sign_in(op)
    user = get_user_model().objects.get()
    user.set_password("so that it can be disconnected")
    user.save()

    text = Template("{% load oidc_login %}{% connections %}").render(
        Context({"request": request_of(user), "csrf_token": "token"})
    )

    assert "oidc-login-hidden" not in text
    assert re.findall(r"<button[^>]*>(.*?)</button>", text) == ["Disconnect"]
    assert 'aria-label="Disconnect Op ' in text


def request_of(user: Any) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user
    return request


# Where people come back.


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("login_url", "next", "target"),
    [
        ("sign_in", "", "/members/sign-in/"),
        ("sign_in", "/basket/", "/members/sign-in/?next=/basket/"),
        ("/members/sign-in/?from=oidc", "/basket/", "/members/sign-in/?from=oidc&next=/basket/"),
        ("oidc_login:providers", "/basket/", "/oauth/?next=%2Fbasket%2F"),
        ("/nowhere/", "", "/oauth/"),
        ("https://elsewhere.example/", "", "/oauth/"),
    ],
)
def test_cancelled_sign_in_ends_on_the_sites_own_sign_in_page(
    op: OpenIDProvider, browser: Browser, settings: Settings, login_url: str, next: str, target: str
) -> None:
    settings.LOGIN_URL = login_url
    settings.LOGIN_REDIRECT_URL = "/"
    begun = browser.begin(next=next) if next else browser.begin()

    assert browser.end(browser.authorize(op, begun, user=None))["Location"] == target


@pytest.mark.parametrize(
    ("query", "redirect_to", "link"),
    [
        ("", "home", "/"),
        ("?next=/settings/", "home", "/settings/"),
        ("?next=https://evil.example/", "home", "/"),
        ("", "oidc_login:connections", None),
    ],
)
def test_connections_page_has_a_way_back(
    op: OpenIDProvider, browser: Browser, settings: Settings, query: str, redirect_to: str, link: str | None
) -> None:
    browser.log_in(get_user_model().objects.create_user("ada"))
    settings.LOGIN_REDIRECT_URL = redirect_to

    seen = Markup(browser.get(f"/oauth/connections/{query}").content.decode())

    assert seen.links.get("Back to the site") == link


def test_person_without_a_password_finds_where_to_set_one(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    settings.OIDC_LOGIN_SET_PASSWORD_URL = "home"
    browser.sign_in(op)

    assert Markup(browser.get("/oauth/connections/").content.decode()).links["Set a password"] == "/"
    settings.OIDC_LOGIN_SET_PASSWORD_URL = None
    assert "Set a password" not in browser.get("/oauth/connections/").content.decode()


# A database without the package's tables, and the admin.


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["oidc_login_oauthconnection", "auth_user", "django_session"])
def test_missing_tables_are_named_with_what_to_do(
    op: OpenIDProvider, browser: Browser, caplog: pytest.LogCaptureFixture, table: str
) -> None:
    answer = browser.authorize(op, browser.begin())
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO kept_elsewhere")
    try:
        response = browser.end(answer)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE kept_elsewhere RENAME TO {table}")

    assert response.status_code == 500
    assert "site_misconfigured" in response.content.decode()
    assert "run `manage.py migrate`" in caplog.text


@pytest.fixture
def admin(browser: Browser) -> Browser:
    browser.log_in(get_user_model().objects.create_superuser("root"))
    return browser


def test_admin_lists_sessions_and_ends_them(op: OpenIDProvider, browser: Browser, admin: Browser) -> None:
    other = Browser()
    other.sign_in(op)
    row = SignedInSession.objects.get()
    url = "/admin/oidc_login/signedinsession/"

    text = admin.get(url).content.decode() + admin.get(f"{url}{row.pk}/change/").content.decode()
    assert "Unknown" in text or row.provider_key in text
    assert row.session_key not in text
    admin.post(f"{url}{row.pk}/delete/", {"post": "yes"})

    assert not SignedInSession.objects.exists()
    assert other.user is None


def test_admin_signs_out_the_selected_sessions(op: OpenIDProvider, browser: Browser, admin: Browser) -> None:
    other = Browser()
    other.sign_in(op)
    row = SignedInSession.objects.get()
    selected = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}

    admin.post("/admin/oidc_login/signedinsession/", selected)

    assert not SignedInSession.objects.exists()
    assert other.user is None


def test_admin_inline_shows_a_users_connections_and_changes_none(
    op: OpenIDProvider, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.admin import site

    from oidc_login.admin import OAuthConnectionInline

    user = get_user_model().objects.create_user("ada")
    row = OAuthConnection.objects.create(
        user=user, provider_key="op", provider_user_id="1", email="ada@example.org", access_token="in-clear"
    )
    if get_user_model() not in site._registry:
        from django.contrib.auth.admin import UserAdmin

        site.register(get_user_model(), UserAdmin)
    monkeypatch.setattr(type(site._registry[get_user_model()]), "inlines", [OAuthConnectionInline])

    text = admin.get(f"/admin/auth/user/{user.pk}/change/").content.decode()

    assert "ada@example.org" in text
    assert f"/admin/oidc_login/oauthconnection/{row.pk}/change/" in text
    assert "in-clear" not in text
