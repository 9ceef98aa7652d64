"""A site with `USE_TZ = False`: its times have no zone, and are those of a place that is not at UTC."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.utils import timezone as site_time

from oidc_login.fields import stored_moment
from oidc_login.models import OAuthConnection, SignedInSession
from oidc_login.providers import FacebookProvider, OAuthToken
from oidc_login.session_state import KEYS
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)

MIDDLEWARE = ["oidc_login.middleware.SessionLogout", "oidc_login.middleware.SessionRefresh"]
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True, params=["Pacific/Auckland", "America/Los_Angeles"])
def site(settings: Settings, request: pytest.FixtureRequest) -> None:
    settings.USE_TZ = False
    settings.TIME_ZONE = request.param
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, *MIDDLEWARE]


@pytest.fixture
def op(op: OpenIDProvider) -> OpenIDProvider:
    op.always_refresh_token = op.rotate_refresh_tokens = True
    return op


def the_connection() -> OAuthConnection:
    return OAuthConnection.objects.get()


def test_people_sign_in_again_and_again(op: OpenIDProvider, browser: Browser) -> None:
    assert browser.sign_in(op).status_code == 302
    assert Browser().sign_in(op).status_code == 302
    assert browser.get("/").content == b"alice"
    assert browser.get("/oauth/connections/").status_code == 200


def test_tokens_expire_when_the_provider_says(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    connection = the_connection()
    expires_at = connection.access_token_expires_at
    assert expires_at is not None
    assert abs(expires_at - datetime.now() - HOUR) < timedelta(minutes=1), "an hour from now, by the site's clock"
    assert not connection.access_token_expired()
    assert OAuthConnection.objects.usable().exists()

    OAuthConnection.objects.update(access_token_expires_at=datetime.now() - timedelta(seconds=1))

    assert the_connection().access_token_expired()
    assert OAuthConnection.objects.get_queryset().expiring(HOUR).count() == 0, "it was signed in with just now"


def test_tokens_are_refreshed(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    connection = the_connection()
    connection.refresh_access_token()

    for one in (connection, the_connection()):
        assert not one.access_token_expired()
        assert not one.refresh_token_expired()
        assert one.access_token_expires_at is not None
        assert site_time.is_naive(one.access_token_expires_at)
        assert one.refreshed_at is not None
        assert abs(one.refreshed_at - datetime.now()) < timedelta(minutes=1)
    with connection.session(hosts=["localhost"]) as session:
        assert session.get(op.url("/userinfo")).status_code == 200


def test_a_session_is_confirmed_by_refresh_token(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    session = browser.session
    session[KEYS["confirm_at"]] -= 24 * 3600
    session.save()
    op.clear()

    assert browser.get("/").content == b"alice"
    assert op.asked().count("token") == 1
    assert browser.get("/").content == b"alice"
    assert op.asked().count("token") == 1, "for a while it is not asked again"


def test_sessions_are_listed_ended_and_cleared(op: OpenIDProvider, browser: Browser) -> None:
    here, other = browser, Browser()
    here.sign_in(op)
    other.sign_in(op)
    assert SignedInSession.objects.lasting().count() == 2

    assert here.post("/oauth/connections/sessions/end-others/").status_code == 302

    assert other.get("/").content == b""
    assert here.get("/").content == b"alice"
    SignedInSession.objects.update(expires_at=datetime.now() - timedelta(seconds=1))
    call_command("oidc_login_clearsessions", stdout=StringIO())
    assert not SignedInSession.objects.exists()


def test_commands_work(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    long_ago = datetime.now() - timedelta(days=1)
    OAuthConnection.objects.update(last_login_at=long_ago, access_token_expires_at=datetime.now() + HOUR / 2)

    told = StringIO()
    call_command("oidc_login_refresh", "--expiring-within", "1h", stdout=told)
    call_command("oidc_login_rotate_keys", stdout=StringIO())

    assert "1 refreshed" in told.getvalue()
    assert not the_connection().access_token_expired()


def test_a_provider_may_give_either_kind_of_time(settings: Settings) -> None:
    """Classes that were written for other packages give what `timezone.now()` gives."""
    moment = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
    naive = site_time.make_naive(moment, site_time.get_default_timezone())
    assert stored_moment(moment) == stored_moment(naive) == naive

    settings.USE_TZ = True

    assert stored_moment(moment) == stored_moment(naive) == moment


def test_a_token_without_a_zone_can_be_exchanged_for_the_next(settings: Settings) -> None:
    """A provider whose access token is exchanged for a newer one looks at its time."""
    provider = FacebookProvider(provider_key="facebook", client_id="x", client_secret="y")
    later, before = datetime.now() + timedelta(seconds=9), datetime.now() - timedelta(seconds=9)

    assert provider.can_refresh(oauth_token=OAuthToken("token", access_token_expires_at=later))
    assert not provider.can_refresh(oauth_token=OAuthToken("token", access_token_expires_at=before))
