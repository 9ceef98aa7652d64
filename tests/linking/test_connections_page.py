"""The page of one's own connections, the tags for a site's own page, and the context processor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, User
from django.template import RequestContext, Template
from django.test import RequestFactory

from oidc_login.context_processors import oauth_provider_keys
from oidc_login.models import OAuthConnection
from oidc_login.testing import GitHubStyleProvider, OpenIDProvider
from tests.support.browser import Browser
from tests.support.markup import Markup
from tests.support.served import ALICE, configure

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

pytestmark = pytest.mark.django_db

URL = "/oauth/connections/"


def test_nobody_is_asked_to_sign_in(browser: Browser, op: OpenIDProvider) -> None:
    response = browser.get(URL)

    assert (response.status_code, response["Location"]) == (302, "/oauth/?next=/oauth/connections/")


def test_page_shows_ones_own_connections_alone(op: OpenIDProvider, signed_in: Browser) -> None:
    signed_in.connect(op)
    other = get_user_model().objects.create_user("another")
    OAuthConnection.objects.create(
        user=other, provider_key="op", provider_user_id="another", email="another@example.org"
    )

    text = signed_in.get(URL).content.decode()

    assert ALICE.email in text
    assert "another@example.org" not in text


def test_forms_of_the_page_work(op: OpenIDProvider, github: GitHubStyleProvider, signed_in: Browser) -> None:
    signed_in.connect(op)
    forms = {form.action: dict(form.fields) for form in Markup(signed_in.get(URL).content.decode()).forms}

    assert "/oauth/github/connect/" in forms
    fields = forms["/oauth/op/disconnect/"]
    assert (fields["provider_user_id"], fields["issuer"]) == (ALICE.sub, op.issuer)
    assert signed_in.post("/oauth/github/connect/", forms["/oauth/github/connect/"]).status_code == 302
    assert signed_in.post("/oauth/op/disconnect/", fields).status_code == 302
    assert not OAuthConnection.objects.exists()


def test_person_comes_back_to_the_page_from_connecting(op: OpenIDProvider, signed_in: Browser) -> None:
    forms = {form.action: dict(form.fields) for form in Markup(signed_in.get(URL).content.decode()).forms}

    assert forms["/oauth/op/connect/"]["next"] == URL
    assert signed_in.connect(op, next=URL)["Location"] == URL


def test_last_way_in_has_no_button_to_remove_it(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)

    forms = [form.action for form in Markup(browser.get(URL).content.decode()).forms]

    assert "/oauth/op/disconnect/" not in forms


def test_page_without_connections(op: OpenIDProvider, signed_in: Browser) -> None:
    assert "not connected any other accounts" in signed_in.get(URL).content.decode()


def test_connection_of_a_provider_that_is_gone_is_shown_and_can_be_removed(
    op: OpenIDProvider, signed_in: Browser, user: User
) -> None:
    OAuthConnection.objects.create(user=user, provider_key="gone", provider_user_id="1")

    text = signed_in.get(URL).content.decode()

    assert "gone" in text
    assert "/oauth/gone/disconnect/" in [form.action for form in Markup(text).forms]
    assert "/oauth/gone/connect/" not in text


@pytest.mark.parametrize("status", ["needs_reauth", "revoked"])
def test_connection_that_lost_its_tokens_can_be_renewed(
    op: OpenIDProvider, signed_in: Browser, user: User, status: str
) -> None:
    signed_in.connect(op)
    OAuthConnection.objects.update(status=status)
    assert "Reconnect" in signed_in.get(URL).content.decode()

    signed_in.connect(op)

    assert OAuthConnection.objects.get().status == "ok"
    assert "Reconnect" not in signed_in.get(URL).content.decode()


def test_page_holds_no_token(op: OpenIDProvider, signed_in: Browser) -> None:
    signed_in.connect(op)
    connection = OAuthConnection.objects.get()

    text = signed_in.get(URL).content.decode()

    assert connection.access_token not in text
    assert "no-store" in signed_in.get(URL)["Cache-Control"]


def test_failed_connect_leads_back_to_the_page(op: OpenIDProvider, signed_in: Browser) -> None:
    """ "Try again" must not sign in to somebody else's account."""
    Browser().sign_in(op, user="bob")

    response = signed_in.connect(op, user="bob")

    assert response.status_code == 409
    links = Markup(response.content.decode()).links.values()
    assert list(links) == [URL]


def test_cancelled_connect_leads_back_to_the_page(op: OpenIDProvider, signed_in: Browser) -> None:
    response = signed_in.connect(op, user=None)

    assert (response.status_code, response["Location"]) == (302, URL)


# A site's own page.


def render(source: str, user: Any) -> str:
    request = RequestFactory().get("/settings/")
    request.user = user
    return Template("{% load oidc_login %}" + source).render(RequestContext(request, {}))


def test_tags_show_connections_and_buttons(
    op: OpenIDProvider, github: GitHubStyleProvider, signed_in: Browser, user: User
) -> None:
    signed_in.connect(op)

    text = render("{% connections %}{% connect_buttons next='/settings/' %}", user)

    forms = {form.action: dict(form.fields) for form in Markup(text).forms}
    assert forms["/oauth/op/disconnect/"]["provider_user_id"] == ALICE.sub
    assert forms["/oauth/github/connect/"]["next"] == "/settings/"
    assert "/oauth/op/connect/" not in forms
    assert all("csrfmiddlewaretoken" in fields for fields in forms.values())


def test_connect_buttons_drop_a_next_that_leads_elsewhere(op: OpenIDProvider, user: User) -> None:
    text = render("{% connect_buttons next='https://evil.example/' %}", user)

    assert "evil.example" not in text


def test_tags_show_nobody_elses_connections(op: OpenIDProvider, signed_in: Browser) -> None:
    signed_in.connect(op)

    assert ALICE.sub not in render("{% connections %}", AnonymousUser())


def test_context_processor_names_the_providers(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "second", issuer="https://op.example", client_id="x")
    request = RequestFactory().get("/")
    context = oauth_provider_keys(request)

    assert Template("{{ oauth_provider_keys|join:' ' }}").render(RequestContext(request, context)) == "op second"
    assert context["oauth_provider_keys"] == ["op", "second"]


asked: list[str] = []


def counting_loader() -> dict[str, Any]:
    asked.append("asked")
    return {}


def test_context_processor_looks_up_nothing_that_no_template_asks_for(settings: Settings) -> None:
    asked.clear()
    settings.OIDC_LOGIN_PROVIDER_LOADER = f"{__name__}.counting_loader"

    context = oauth_provider_keys(RequestFactory().get("/"))
    assert asked == []
    assert list(context["oauth_provider_keys"]) == []
    assert asked == ["asked"]


def test_page_asks_the_database_once_for_all_connections(
    op: OpenIDProvider, signed_in: Browser, user: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10):
        OAuthConnection.objects.create(user=user, provider_key="op", provider_user_id=str(number))

    with django_assert_max_num_queries(4):
        signed_in.get(URL)
