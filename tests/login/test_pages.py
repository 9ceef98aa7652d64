"""The pages that people see, and `{% provider_buttons %}` for a site's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import django
import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.utils import translation
from django.utils.translation import trans_real
from hypothesis import given
from hypothesis import strategies as st

import oidc_login
from oidc_login import exceptions, providers, registry
from oidc_login.models import OAuthConnection
from oidc_login.templatetags.oidc_login import contrast, legible_on, refresh_url, stylesheet
from tests.support.markup import Markup

if TYPE_CHECKING:
    from pytest_django import Settings

HOSTILE = """</span><script>alert('x')</script><img src=x onerror="alert(1)">{{ 7|add:7 }}&"""
PAGES = ["/oauth/", "/oauth/forge/login/", "/oauth/nobody/login/", "/oauth/forge/callback/?state=s&code=c"]
ELSEWHERE = [
    "https://elsewhere.example/",
    "//elsewhere.example/",
    "/\\elsewhere.example/",
    "javascript:alert(1)",
    "/" + "a" * 2000,
    "/a\nb",
]
WAYS = {"provider": True, "retry_url": "/again/", "providers_url": "/others/?next=/basket/"}


@pytest.fixture(autouse=True)
def two_providers(settings: Settings) -> None:
    """Neither needs a network to be shown or to be begun with."""
    settings.OIDC_LOGIN_PROVIDERS = {
        "forge": {
            "class": "oidc_login.providers.GitHubProvider",
            "client_id": "f",
            "client_secret": "s",
            "label": "Forge",
        },
        "bare": {"issuer": "https://op.example", "client_id": "b", "client_secret": "s"},
    }


@pytest.fixture
def client() -> Client:
    """A browser that Django's CSRF check looks at."""
    return Client(enforce_csrf_checks=True)


def page(client: Client, url: str) -> Markup:
    return Markup(client.get(url).content.decode())


def buttons(source: str, context: Context) -> Markup:
    return Markup(Template("{% load oidc_login %}" + source).render(context))


def request_context(path: str = "/sign-in/", **values: Any) -> Context:
    request = RequestFactory().get(path)
    request.user = AnonymousUser()
    return Context({"request": request, "csrf_token": "token", **values})


# Every page.


@pytest.mark.django_db
@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("url", [*PAGES, "/oauth/connections/", "/oauth/logout/", "/oauth/logout/done/"])
@pytest.mark.parametrize(("written", "sent"), [(None, "DENY"), ("sameorigin", "SAMEORIGIN")])
def test_page_is_in_no_frame_of_another_site_even_without_the_middleware(
    client: Client, settings: Settings, url: str, signed_in: bool, written: str | None, sent: str
) -> None:
    """Somebody could be made to click on a button of ours that they do not see."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "clickjacking" not in name]
    if written is not None:
        settings.X_FRAME_OPTIONS = written
    if signed_in:
        client.force_login(User.objects.create_user("alice"), backend="django.contrib.auth.backends.ModelBackend")

    assert client.get(url)["X-Frame-Options"] == sent


@pytest.mark.parametrize("url", PAGES)
def test_page_says_its_language_title_and_width(client: Client, url: str) -> None:
    seen = page(client, url)

    assert seen.balanced
    assert seen.all("html") == [{"lang": "en", "class": "oidc-login-page"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in seen.all("meta")
    assert seen.texts["title"]
    assert seen.texts["h1"]


@pytest.mark.parametrize("url", PAGES)
def test_page_loads_nothing_and_runs_nothing(client: Client, url: str) -> None:
    answer = client.get(url).content.decode()
    seen = Markup(answer)

    assert not {"script", "img", "link", "iframe", "object", "embed", "use", "image"} & {
        tag for tag, _ in seen.elements
    }
    assert not [name for _, attributes in seen.elements for name in attributes if name.startswith("on")]
    assert "url(" not in answer and "@import" not in answer
    for _, attributes in seen.elements:
        for name in ("href", "src", "action"):
            assert attributes.get(name, "/").startswith("/oauth/") or attributes.get(name) is None


@pytest.mark.parametrize("url", PAGES)
def test_page_keeps_its_style_in_the_one_block(client: Client, url: str) -> None:
    seen = page(client, url)

    assert len(seen.all("style")) == 1
    assert not [attributes for _, attributes in seen.elements if "style" in attributes]


@pytest.mark.parametrize("url", PAGES)
def test_page_is_kept_by_no_cache(client: Client, url: str) -> None:
    assert "no-store" in client.get(url)["Cache-Control"]


@pytest.mark.parametrize("language", ["ar", "he", "fa"])
def test_page_is_marked_as_the_english_that_it_is_where_there_is_no_translation(client: Client, language: str) -> None:
    with translation.override(language):
        seen = page(client, "/oauth/")

    assert seen.all("html") == [{"lang": "en", "class": "oidc-login-page"}]


def test_page_is_written_from_right_to_left_where_the_site_has_translated_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site's own catalogue says which language it is in, and so the direction."""
    with translation.override("ar"):
        monkeypatch.setitem(translation_catalogue("ar")._catalogs[0], "code of this language\x04en", "ar")
        seen = Markup(render_to_string("oidc_login/providers.html", {"providers": []}))

    assert seen.all("html") == [{"lang": "ar", "dir": "rtl", "class": "oidc-login-page"}]


def translation_catalogue(language: str) -> Any:
    found: Any = trans_real.translation(language)
    return found._catalog


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_borders_have_the_contrast_that_wcag_asks_for(scheme: int) -> None:
    pairs = dict(re.findall(r"--oidc-login-(\w+): light-dark\((.+?)\);", stylesheet()))
    colors = {name: pair.split(", ")[scheme] for name, pair in pairs.items()}

    for background in ("page", "surface"):
        for text in ("text", "quiet", "accent"):
            assert contrast(colors[text], colors[background]) >= 4.5
        assert contrast(colors["line"], colors[background]) >= 3


def test_a_site_puts_the_pages_into_its_own_frame(client: Client, settings: Settings) -> None:
    templates = Path(oidc_login.__file__).parent / "templates" / "oidc_login"
    own = {"oidc_login/base.html": "<body>SHOP {% block content %}{% endblock %}</body>"}
    rest = {f"oidc_login/{file.name}": file.read_text() for file in templates.glob("*.html")}
    loaders = [("django.template.loaders.locmem.Loader", {**rest, **own})]
    engine = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**engine, "APP_DIRS": False, "OPTIONS": {**engine["OPTIONS"], "loaders": loaders}}]

    answer = client.get("/oauth/").content.decode()

    assert answer.startswith("<body>SHOP ")
    assert len(Markup(answer).forms) == 2
    assert "<style" not in answer


@pytest.mark.parametrize("kept_in", ["csp_nonce", "_csp_nonce", "context"])
def test_style_carries_the_nonce_of_the_sites_policy(kept_in: str) -> None:
    request: Any = RequestFactory().get("/")
    context = {"csp_nonce": 'a"b'}
    if kept_in != "context":
        setattr(request, kept_in, context.pop("csp_nonce"))

    seen = Markup(render_to_string("oidc_login/providers.html", context, request))

    assert seen.all("style") == [{"nonce": 'a"b'}]


@pytest.mark.skipif(django.VERSION < (6, 0), reason="the middleware is part of Django 6.0")
@pytest.mark.parametrize("url", ["/oauth/", "/oauth/forge/login/"])
def test_style_carries_the_nonce_of_djangos_policy(client: Client, settings: Settings, url: str) -> None:
    from django.utils.csp import CSP

    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.csp.ContentSecurityPolicyMiddleware"]
    settings.SECURE_CSP = {"style-src": [CSP.SELF, CSP.NONCE]}

    answer = client.get(url)

    (style,) = Markup(answer.content.decode()).all("style")
    assert answer["Content-Security-Policy"] == f"style-src 'self' 'nonce-{style['nonce']}'"


# All ways to sign in.


def test_providers_page_has_one_form_a_provider(client: Client) -> None:
    seen = page(client, "/oauth/")

    assert [(form.method, form.action, form.button) for form in seen.forms] == [
        ("post", "/oauth/forge/login/", "Continue with Forge"),
        ("post", "/oauth/bare/login/", "Continue with Bare"),
    ]
    assert [[name for name, _ in form.fields] for form in seen.forms] == [["csrfmiddlewaretoken"]] * 2


@pytest.mark.parametrize("url", ["/oauth/", "/oauth/forge/login/"])
def test_the_pages_form_begins_a_sign_in(client: Client, url: str) -> None:
    form = page(client, f"{url}?next=/basket/").forms[0]

    answer = client.post(form.action, dict(form.fields))

    assert answer.status_code == 302
    assert answer["Location"].startswith("https://github.com/login/oauth/authorize?")


@pytest.mark.parametrize("url", ["/oauth/", "/oauth/forge/login/"])
@pytest.mark.parametrize("target", ["/basket/?a=1&b=%22", "/κατάλογος/", "/a b'\"<>"])
def test_next_on_this_site_is_kept(client: Client, url: str, target: str) -> None:
    seen = Markup(client.get(url, {"next": target}).content.decode())

    assert seen.forms
    assert all(("next", target) in form.fields for form in seen.forms)


@pytest.mark.parametrize("url", ["/oauth/", "/oauth/forge/login/"])
@pytest.mark.parametrize("target", ELSEWHERE)
def test_next_that_leads_elsewhere_is_dropped(client: Client, url: str, target: str) -> None:
    answer = client.get(url, {"next": target}).content.decode()

    assert Markup(answer).forms
    assert 'name="next"' not in answer
    assert target not in answer


def test_next_given_twice_is_dropped(client: Client) -> None:
    assert 'name="next"' not in client.get("/oauth/?next=/a&next=/b").content.decode()


@pytest.mark.parametrize("url", ["/oauth/", "/oauth/forge/login/"])
def test_label_is_text_and_never_markup(client: Client, settings: Settings, url: str) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"forge": {**settings.OIDC_LOGIN_PROVIDERS["forge"], "label": HOSTILE}}

    seen = page(client, url)

    assert seen.balanced
    assert not seen.all("script") and not seen.all("img")
    assert seen.forms[0].button == "Continue with " + HOSTILE


def test_providers_page_shows_the_message_of_a_cancelled_sign_in(client: Client) -> None:
    form = page(client, "/oauth/").forms[0]
    begun = client.post(form.action, dict(form.fields))
    state = parse_qs(urlsplit(begun["Location"]).query)["state"][0]

    cancelled = client.get("/oauth/forge/callback/", {"state": state, "error": "access_denied"})
    answer = client.get(cancelled["Location"]).content.decode()

    assert "You did not sign in." in Markup(answer).texts["li"]


def test_providers_page_without_providers_says_so(client: Client, settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {}

    seen = page(client, "/oauth/")

    assert not seen.forms
    assert "You cannot sign in at the moment." in seen.texts["p"]
    assert "OIDC_LOGIN_PROVIDERS" not in seen.texts["p"]


def test_developer_is_told_which_setting_is_empty() -> None:
    seen = Markup(render_to_string("oidc_login/providers.html", {"providers": [], "debug": True}))

    assert seen.texts["code"] == "OIDC_LOGIN_PROVIDERS"


# One way to sign in.


def test_login_page_shows_one_button_and_the_way_to_the_others(client: Client) -> None:
    answer = client.get("/oauth/forge/login/", {"next": "/a?b=1&c=2"})
    seen = Markup(answer.content.decode())

    assert answer.status_code == 200
    assert [form.button for form in seen.forms] == ["Continue with Forge"]
    assert seen.links == {"Other ways to sign in": "/oauth/?next=%2Fa%3Fb%3D1%26c%3D2"}


# What did not work.


def test_error_page_says_why_and_what_to_do_without_a_form(client: Client) -> None:
    answer = client.get("/oauth/forge/callback/?state=s3cr3t-state&code=s3cr3t-code&error_description=h3llo")
    text = answer.content.decode()
    seen = Markup(text)

    assert answer.status_code == 400
    assert not seen.forms
    assert seen.links == {"Try again": "/oauth/forge/login/", "Sign in another way": "/oauth/"}
    assert "You started to sign in with another browser" in seen.texts["p"]
    assert "Error 400 (state_unknown)" in seen.texts["p"]
    assert "s3cr3t" not in text and "h3llo" not in text


def test_error_page_at_the_callback_gives_no_referrer_away(client: Client) -> None:
    assert client.get("/oauth/forge/callback/?state=s&code=c")["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("error", "offered"),
    [
        (exceptions.ProviderUnavailable(), ["Try again", "Sign in another way"]),
        (exceptions.StateExpired(), ["Try again", "Sign in another way"]),
        (exceptions.SignupClosed(), ["Sign in another way", "Try again"]),
        (exceptions.EmailNotVerified(), ["Sign in the way you usually do", "Sign in another way"]),
        (exceptions.IdentityConflict(), ["Sign in the way you usually do", "Sign in another way"]),
        (exceptions.IdentityTaken(), ["Back to how you sign in"]),
        (exceptions.LastLoginMethod(), ["Back to how you sign in"]),
        (exceptions.ConnectUserChanged(), ["Back to how you sign in"]),
    ],
    ids=lambda value: value.code if isinstance(value, exceptions.OAuthError) else "",
)
def test_error_page_offers_first_what_can_help(error: exceptions.OAuthError, offered: list[str]) -> None:
    context = {**WAYS, "oauth_error": error, "login_url": "/sign-in/?next=/oauth/connections/"}
    seen = Markup(render_to_string("oidc_login/error.html", context))

    assert list(seen.links) == offered
    classes = ["oidc-login-action oidc-login-primary", "oidc-login-action"]
    assert [link["class"] for link in seen.all("a")] == classes[: len(offered)]


def test_error_page_offers_one_page_once() -> None:
    """A site whose `LOGIN_URL` is the page with all buttons."""
    context = {**WAYS, "oauth_error": exceptions.EmailNotVerified(), "login_url": "/others/?next=/oauth/connections/"}
    seen = Markup(render_to_string("oidc_login/error.html", context))

    assert seen.links == {"Sign in the way you usually do": "/others/?next=/oauth/connections/"}


@pytest.mark.parametrize("url", ["/oauth/nobody/login/", "/oauth/%3Cscript%3E/login/"])
def test_error_page_of_an_unknown_provider_leads_to_the_known_ones(client: Client, url: str) -> None:
    answer = client.get(url)
    text = answer.content.decode()

    assert answer.status_code == 404
    assert Markup(text).links == {"Go to the sign-in page": "/oauth/"}
    assert "nobody" not in text and "script" not in text


# A link that waits.


def test_page_of_a_waiting_link_leads_to_the_sign_in_without_a_form() -> None:
    """It also stands at the callback's URL, and says nothing about the account."""
    error = exceptions.ConfirmLink()
    context = {**WAYS, "oauth_error": error, "provider": {"label": HOSTILE}, "login_url": "/sign-in/?next=/a/"}
    text = render_to_string(error.template_name, {**context, "email": "alice@example.org"})
    seen = Markup(text)

    assert seen.balanced
    assert not seen.forms and not seen.all("script")
    assert seen.links == {"Sign in to your account": "/sign-in/?next=/a/"}
    assert HOSTILE in seen.texts["p"]
    assert "alice@example.org" not in text


# The person's own connections.


@pytest.fixture
def alice(client: Client, db: None) -> User:
    """Somebody who is signed in, and has a password."""
    user = User.objects.create_user("alice", password="a password")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return user


def connect(user: User, subject: str, **values: Any) -> None:
    identity = {"provider_key": "forge", "provider_user_id": subject}
    OAuthConnection.objects.create(**{**identity, "user": user, "link_reason": "connected", **values})


def test_connections_page_is_for_the_person_alone(client: Client) -> None:
    answer = client.get("/oauth/connections/")

    assert (answer.status_code, answer["Location"]) == (302, "/oauth/?next=/oauth/connections/")


def test_connections_page_lists_ones_own_and_what_else_there_is(client: Client, alice: User) -> None:
    connect(User.objects.create_user("bob"), "1", email="bob@example.org")
    connect(alice, "2", email="alice@example.org")
    connect(alice, "3", provider_key="bare", issuer="https://op.example", status="revoked")
    answer = client.get("/oauth/connections/")
    seen = Markup(answer.content.decode())

    assert seen.balanced
    assert "no-store" in answer["Cache-Control"]
    assert [(form.action, form.button) for form in seen.forms] == [
        ("/oauth/bare/connect/", "Reconnect Bare"),
        ("/oauth/bare/disconnect/", "Disconnect Bare"),
        ("/oauth/forge/disconnect/", "Disconnect Forge alice@example.org"),
    ]
    assert dict(seen.forms[1].fields).items() >= {"provider_user_id": "3", "issuer": "https://op.example"}.items()
    assert all(("next", "/oauth/connections/") in form.fields for form in seen.forms)
    assert "bob@example.org" not in answer.content.decode()


def test_the_pages_form_disconnects(client: Client, alice: User) -> None:
    connect(alice, "a'b\"c<d>&")
    form = page(client, "/oauth/connections/").forms[0]

    answer = client.post(form.action, dict(form.fields))

    assert (answer.status_code, answer["Location"]) == (302, "/oauth/connections/")
    assert not OAuthConnection.objects.exists()


def test_what_a_provider_said_is_text_and_never_markup(client: Client, alice: User) -> None:
    connect(alice, HOSTILE, email=HOSTILE, status="needs_reauth")
    connect(alice, HOSTILE, email=HOSTILE, provider_key="gone")
    seen = page(client, "/oauth/connections/")

    assert seen.balanced
    assert not seen.all("script") and not seen.all("img")
    assert dict(seen.forms[1].fields)["provider_user_id"] == HOSTILE


def test_last_way_in_has_no_form_to_disconnect_it(client: Client, alice: User) -> None:
    alice.set_unusable_password()
    alice.save()
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    connect(alice, "1")
    seen = page(client, "/oauth/connections/")

    assert [form.button for form in seen.forms] == ["Connect Bare"]
    assert "This is your only way to sign in" in seen.texts["p"]


def test_provider_that_was_removed_can_be_disconnected_and_not_be_connected(client: Client, alice: User) -> None:
    connect(alice, "1", provider_key="gone", status="needs_reauth")
    seen = page(client, "/oauth/connections/")

    assert [form.button for form in seen.forms] == ["Disconnect gone", "Connect Forge", "Connect Bare"]
    assert "You can no longer use this to sign in here." in seen.texts["p"]


def test_connections_stand_in_a_sites_own_page(alice: User) -> None:
    connect(alice, "1")
    context = request_context("/account/")
    context["request"].user = alice
    seen = buttons("{% connections next='/account/' %}{% connect_buttons next=elsewhere %}", context)

    assert seen.balanced
    assert [form.button for form in seen.forms] == ["Disconnect Forge", "Connect Bare"]
    assert [dict(form.fields)["csrfmiddlewaretoken"] for form in seen.forms] == ["token"] * 2
    assert [dict(form.fields).get("next", "") for form in seen.forms] == ["/account/", ""]


def test_connections_of_nobody_are_none() -> None:
    assert not buttons("{% connections %}", request_context()).forms
    assert not buttons("{% connections %}", Context()).forms


# Buttons for the admin.


def test_buttons_for_the_admin_lead_back_there() -> None:
    seen = buttons('{% include "oidc_login/admin_login.html" %}', request_context(next="/admin/", csp_nonce="n"))

    assert seen.balanced
    assert [dict(form.fields)["next"] for form in seen.forms] == ["/admin/", "/admin/"]
    assert seen.all("style") == [{"nonce": "n"}]


# Moving on by itself.


@pytest.mark.parametrize(
    ("url", "encoded"),
    [
        ("/basket/?a=1&b=%22#c", "/basket/?a=1&b=%22#c"),
        ("/κ", "/%CE%BA"),
        ("'//elsewhere.example/'", "%27//elsewhere.example/%27"),
        ('"//elsewhere.example/"', "%22//elsewhere.example/%22"),
        ("\\\\elsewhere.example", "%5C%5Celsewhere.example"),
        ("/a b", "/a%20b"),
    ],
)
def test_refresh_leads_where_a_redirect_would(url: str, encoded: str) -> None:
    seen = Markup(render_to_string("oidc_login/moving_on.html", {"next_url": url}))

    assert refresh_url(url) == encoded
    assert {"http-equiv": "refresh", "content": f"0;url={encoded}"} in seen.all("meta")
    assert seen.links == {"Continue": url}


def test_page_that_moves_on_leaves_the_messages_to_the_next() -> None:
    text = render_to_string("oidc_login/moving_on.html", {"next_url": "/", "messages": ["Connected."]})

    assert "Connected." not in text


# The buttons on a site's own page.


def test_buttons_stand_in_a_sites_own_page() -> None:
    seen = buttons("{% provider_buttons %}", request_context())

    assert seen.balanced
    assert [form.button for form in seen.forms] == ["Continue with Forge", "Continue with Bare"]
    assert [form.fields for form in seen.forms] == [[("csrfmiddlewaretoken", "token")]] * 2


@pytest.mark.parametrize(
    ("source", "path", "values", "kept"),
    [
        ("{% provider_buttons %}", "/", {"next": "/a/"}, "/a/"),
        ("{% provider_buttons %}", "/?next=/a/", {}, "/a/"),
        ("{% provider_buttons %}", "/?next=/a/", {"next": ""}, ""),
        ("{% provider_buttons next='/b/' %}", "/?next=/a/", {"next": "/a/"}, "/b/"),
        ("{% provider_buttons next=target %}", "/", {"target": "/c/"}, "/c/"),
        ("{% provider_buttons next=target %}", "/", {"target": "//elsewhere.example"}, ""),
        ("{% provider_buttons %}", "/", {"next": "https://elsewhere.example/"}, ""),
        ("{% provider_buttons %}", "/?next=//elsewhere.example", {}, ""),
        ("{% provider_buttons %}", "/?next=/a/&next=/b/", {}, ""),
    ],
)
def test_buttons_pass_on_a_next_that_stays_here(source: str, path: str, values: dict[str, str], kept: str) -> None:
    form = buttons(source, request_context(path, **values)).forms[0]

    assert dict(form.fields).get("next", "") == kept


def test_buttons_without_a_request_pass_on_no_next() -> None:
    seen = buttons("{% provider_buttons next='/a/' %}", Context())

    assert [form.fields for form in seen.forms] == [[], []]


def test_buttons_of_no_provider_are_nothing(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {}

    assert not buttons("{% provider_buttons %}", request_context()).elements


def test_buttons_of_a_page_without_a_csrf_token_still_have_one() -> None:
    """A view that renders no other form: the token comes with the request context."""
    request: HttpRequest = RequestFactory().get("/")
    template = "oidc_login/provider_buttons.html"

    seen = Markup(render_to_string(template, {"providers": registry.get_providers()}, request))

    assert all(form.fields[0][0] == "csrfmiddlewaretoken" and form.fields[0][1] for form in seen.forms)


# The monogram.


@given(st.from_regex(r"#(?:[0-9a-fA-F]{3}){1,2}", fullmatch=True))
def test_letters_can_be_read_on_any_colour(color: str) -> None:
    assert contrast(color, legible_on(color)) >= 4.5


@pytest.mark.parametrize(
    ("color", "filled", "letters"),
    [
        ("#fff", "#fff", "#000000"),
        ("#FFCC00", "#FFCC00", "#000000"),
        ("#1a56c4", "#1a56c4", "#ffffff"),
        ("rebeccapurple", "#374151", "#ffffff"),
        ('#fff" onload="alert(1)', "#374151", "#ffffff"),
    ],
)
def test_monogram_stands_on_the_providers_colour(
    monkeypatch: pytest.MonkeyPatch, color: str, filled: str, letters: str
) -> None:
    monkeypatch.setattr(providers.GitHubProvider, "brand_color", color)

    seen = buttons("{% provider_buttons %}", request_context())

    assert seen.all("svg")[0]["aria-hidden"] == "true"
    assert seen.all("rect")[0]["fill"] == filled
    assert seen.all("text")[0]["fill"] == letters
    assert seen.texts["text"].startswith("GH")


# An icon of the site's own.

OP = {"issuer": "https://op.example", "client_id": "client"}


def test_an_icon_may_be_a_static_file(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"op": {**OP, "icon": "shop/op & co.svg"}}

    seen = buttons("{% provider_buttons %}{% connect_buttons %}", request_context())

    assert [image["src"] for image in seen.all("img")] == ["/static/shop/op%20%26%20co.svg"] * 2
    assert {image["alt"] for image in seen.all("img")} == {""}
    assert not seen.all("svg")


def test_an_icon_may_be_a_template(settings: Settings) -> None:
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": False,
            "OPTIONS": {
                **settings.TEMPLATES[0]["OPTIONS"],
                "loaders": [
                    ("django.template.loaders.locmem.Loader", {"icons/op.html": "<svg class='own'></svg>"}),
                    "django.template.loaders.app_directories.Loader",
                ],
            },
        }
    ]
    settings.OIDC_LOGIN_PROVIDERS = {"op": {**OP, "icon": "icons/op.html"}}

    seen = buttons("{% provider_buttons %}", request_context())

    assert [image["class"] for image in seen.all("svg")] == ["own"]
    assert not seen.all("rect")


def test_a_button_may_have_a_colour_and_letters_of_the_sites_choice(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"op": {**OP, "brand_color": "#abc", "monogram": "EX"}}

    seen = buttons("{% provider_buttons %}", request_context())

    assert (seen.all("rect")[0]["fill"], seen.texts["text"]) == ("#abc", "EX")
