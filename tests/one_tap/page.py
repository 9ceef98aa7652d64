"""A page with `{% one_tap %}`, and what the provider's script does on it."""

from __future__ import annotations

import html
import re
import time
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine, RequestContext, Template

import oidc_login
from oidc_login.providers import OIDCProvider
from tests.support.browser import Browser
from tests.support.served import ALICE

PACKAGE = Path(oidc_login.__file__).parent / "contrib" / "one_tap"
# As in a site that has the application in INSTALLED_APPS.
ENGINE = Engine(
    dirs=[str(PACKAGE / "templates")],
    libraries={"oidc_login_one_tap": "oidc_login.contrib.one_tap.templatetags.oidc_login_one_tap"},
)
CSRF_TOKEN = "what the script made up"


class OneTapProvider(OIDCProvider):
    """Has a script for pages, as Google has."""

    one_tap_script = "https://op.example/script.js"


def page(request: HttpRequest, tag: str = '{% one_tap "op" %}', **context: Any) -> HttpResponse:
    template = Template(f"{{% load oidc_login_one_tap %}}<p>A page.</p>{tag}", engine=ENGINE)
    return HttpResponse(template.render(RequestContext(request, context)))


def page_without_request(tag: str) -> str:
    return str(Template(f"{{% load oidc_login_one_tap %}}{tag}", engine=ENGINE).render(Context()))


def attributes_in(response: Any) -> dict[str, str]:
    """Return what the page tells the script."""
    return {
        name: html.unescape(value) for name, value in re.findall(r'data-(\w+)="([^"]*)"', response.content.decode())
    }


def nonce_in(response: Any) -> str:
    return attributes_in(response)["nonce"]


def id_token(op: Any, **claims: Any) -> str:
    """An ID token as the script gets it; `None` leaves a claim out."""
    now = int(time.time())
    good = {"iss": op.issuer, "sub": ALICE.sub, "aud": "client", "azp": "client", "iat": now, "exp": now + 600}
    verified = {"email": ALICE.email, "email_verified": True}
    made = {name: value for name, value in {**good, **verified, **claims}.items() if value is not None}
    return str(op.unsigned_token(made).signed())


def post_credential(
    browser: Browser, credential: Any, *, key: str = "op", cookie: str = CSRF_TOKEN, **fields: Any
) -> Any:
    """Post what the script posts: a form, with the value of a cookie that it set on this host."""
    if cookie:
        browser.client.cookies["g_csrf_token"] = cookie
        browser._keep({"g_csrf_token": browser.client.cookies["g_csrf_token"]})
    sent = {"credential": credential, "g_csrf_token": CSRF_TOKEN, **fields}
    sent = {name: value for name, value in sent.items() if value is not None}
    return browser.request("POST", f"/one-tap/{key}/", sent)
