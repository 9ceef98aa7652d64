"""The checks of the middleware that ends sessions from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieSession

from oidc_login.middleware import SessionLogout
from tests.login.test_checks import messages, numbers

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

PATH = "oidc_login.middleware.SessionLogout"
COOKIES = "django.contrib.sessions.backends.signed_cookies"


class OwnSessionLogout(SessionLogout):
    pass


class SessionStore(CookieSession):
    """A site's own engine: this module is one."""


@pytest.mark.parametrize("engine", [COOKIES, __name__])
@pytest.mark.parametrize("path", [PATH, f"{__name__}.OwnSessionLogout"])
def test_cookie_sessions_need_the_middleware(settings: Settings, engine: str, path: str) -> None:
    settings.SESSION_ENGINE = engine
    (found,) = messages()
    assert found.id == "oidc_login.E090"
    assert PATH in str(found.hint)

    settings.MIDDLEWARE = [*settings.MIDDLEWARE, path]

    assert messages() == []


@pytest.mark.parametrize("engine", ["db", "cache", "cached_db", "file"])
def test_sessions_that_the_site_keeps_do_without(settings: Settings, engine: str) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"

    assert messages() == []


@pytest.mark.parametrize("behind", ["SessionMiddleware", "AuthenticationMiddleware"])
def test_middleware_stands_behind_those_of_django(settings: Settings, behind: str) -> None:
    at = [path.endswith(behind) for path in settings.MIDDLEWARE].index(True)
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:at], PATH, *settings.MIDDLEWARE[at:]]
    found = messages()

    assert set(numbers(found)) == {"E091"}
    assert any(behind in message.msg for message in found)


def test_middleware_without_those_of_django_is_told_once(settings: Settings) -> None:
    settings.MIDDLEWARE = [PATH]

    assert numbers(messages()) == ["E043", "E044"]


@pytest.mark.parametrize("engine", ["no.such.module", "tests.logout.notices", None])
def test_engine_that_is_none_is_djangos_to_report(settings: Settings, engine: Any) -> None:
    settings.SESSION_ENGINE = engine

    assert messages() == []
