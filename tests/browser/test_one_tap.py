"""One Tap in a browser: with stand-ins for Google's script and for the browser's FedCM API, and without any script."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from playwright.sync_api import Dialog, Page, expect

from oidc_login.testing import OpenIDProvider
from tests.browser.served_site import PEOPLE, Run
from tests.one_tap.page import OneTapProvider
from tests.one_tap.page import page as page_with_tag

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CSP = "default-src 'none'; script-src 'nonce-abc'; form-action 'self'; connect-src 'self'"
# What Google's script does with `g_id_onload`: it asks the browser (FedCM), sets its cookie and posts a form.
SCRIPT = """
(async () => {
  const told = document.getElementById("g_id_onload").dataset;
  if (told.use_fedcm_for_prompt !== "true") return;
  const provider = { configURL: "https://op.example/fedcm.json", clientId: told.client_id, nonce: told.nonce };
  const mediation = told.auto_select === "true" ? "optional" : "required";
  const { token } = await navigator.credentials.get({ identity: { providers: [provider] }, mediation });
  const csrf = crypto.randomUUID();
  document.cookie = `g_csrf_token=${csrf}; path=/`;
  const form = Object.assign(document.createElement("form"), { method: "POST", action: told.login_uri });
  for (const [name, value] of Object.entries({ credential: token, g_csrf_token: csrf, select_by: "fedcm" }))
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  document.body.append(form);
  form.submit();
})();
"""
# What the browser does (FedCM): a dialog of its own, unless `mediation` lets it choose, and the provider's token.
FEDCM = """
navigator.credentials.get = async ({ identity, mediation }) => {
  const [{ configURL, clientId, nonce }] = identity.providers;
  if (!configURL.startsWith("https://")) throw new DOMException("configURL", "NotAllowedError");
  if (mediation !== "optional" && !confirm("Continue as Alice?")) throw new DOMException("dismissed", "NetworkError");
  const answer = await fetch(`/assertion/?client_id=${clientId}&nonce=${encodeURIComponent(nonce)}`);
  return { type: "identity", token: await answer.text(), isAutoSelected: mediation === "optional" };
};
"""
running: list[OpenIDProvider] = []


class ScriptHere(OneTapProvider):
    one_tap_script = "/script.js"


class ScriptNowhere(OneTapProvider):
    one_tap_script = "/nowhere.js"


def shop(request: HttpRequest) -> HttpResponse:
    """A page of a site with a content security policy."""
    auto = " auto_select=True" if "auto" in request.GET else ""
    tag = f'{{% one_tap "op" next="/"{auto} %}}<p>Hello {request.user}</p>'
    response = page_with_tag(request, tag, csp_nonce="abc")
    response["Content-Security-Policy"] = CSP
    return response


def script(request: HttpRequest) -> HttpResponse:
    return HttpResponse(SCRIPT, content_type="text/javascript")


def assertion(request: HttpRequest) -> HttpResponse:
    """The ID assertion endpoint of the provider."""
    op, now, alice = running[-1], int(time.time()), PEOPLE[0]
    claims = {"iss": op.issuer, "sub": alice.sub, "aud": request.GET["client_id"], "iat": now, "exp": now + 60}
    verified = {"email": alice.email, "email_verified": True, "nonce": request.GET["nonce"]}
    return HttpResponse(op.unsigned_token({**claims, **verified}).signed())


urlpatterns = [
    path("", shop, name="home"),
    path("script.js", script),
    path("assertion/", assertion),
    path("oauth/", include("oidc_login.urls")),
    path("one-tap/", include("oidc_login.contrib.one_tap.urls")),
]


@pytest.mark.parametrize("auto_select", [False, True])
def test_person_is_signed_in(run: Run, page: Page, settings: Settings, auto_select: bool) -> None:
    asked: list[str] = []

    def agree(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept()

    page.on("dialog", agree)
    page.add_init_script(FEDCM)
    with run(**{"class": f"{__name__}.ScriptHere"}) as served:
        settings.ROOT_URLCONF = __name__
        running[:] = [served.provider]
        page.goto(served.site + ("/?auto" if auto_select else "/"))
        expect(page.get_by_text("Hello alice")).to_be_visible()
        assert page.locator("#g_id_onload").count() == 0
    assert asked == ([] if auto_select else ["Continue as Alice?"])


@pytest.mark.parametrize("broken", ["no script", "no FedCM", "dismissed"])
def test_page_works_without_it(run: Run, page: Page, settings: Settings, broken: str) -> None:
    if broken == "dismissed":
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.add_init_script(FEDCM)
    name = "ScriptNowhere" if broken == "no script" else "ScriptHere"
    with run(**{"class": f"{__name__}.{name}"}) as served:
        settings.ROOT_URLCONF = __name__
        page.goto(served.site)
        expect(page.get_by_text("Hello AnonymousUser")).to_be_visible()
        page.goto(f"{served.site}/oauth/")
        expect(page.get_by_role("button", name="Continue with Example ID")).to_be_visible()
