"""What the error page says of the cause: everything that helps under DEBUG, an id of the log record otherwise."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.protocol.errors import MAX_EVIDENCE, Evidence
from oidc_login.testing import OpenIDProvider, UnsignedToken
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged, Witness
from tests.support.served import ALICE, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

ROW = re.compile(r"<dt>(.+?)</dt><dd>(.*?)</dd>")


def rows(response: Any) -> dict[str, str]:
    """Return what the page explains."""
    return dict(ROW.findall(response.content.decode()))


def with_claim(**changed: Any) -> Any:
    return lambda token: replace(token, claims={**token.claims, **changed})


def with_header(**changed: Any) -> Any:
    def bent(token: UnsignedToken) -> UnsignedToken:
        return replace(token, header={**token.header, **changed})

    return bent


WRONG = {
    "iss": (with_claim(iss="https://evil.example"), "https://evil.example"),
    "aud": (with_claim(aud=["another-client"]), "another-client"),
    "typ": (with_header(typ="at+jwt"), "at+jwt"),
    "exp": (with_claim(exp=1_600_000_000), "2020-09-13 12:26:40 UTC"),
    "iat": (with_claim(iat=1_600_000_000), "2020-09-13 12:26:40 UTC"),
    "nbf": (with_claim(nbf=4_000_000_000), "2096-10-02 07:06:40 UTC"),
}


@pytest.mark.parametrize("claim", WRONG)
def test_page_under_debug_shows_what_was_expected_and_seen(
    op: OpenIDProvider,
    browser: Browser,
    settings: Settings,
    assert_nothing_changed: NothingChanged,
    witness: Witness,
    claim: str,
) -> None:
    settings.DEBUG = True
    bend, seen = WRONG[claim]
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure, op.bend("id_token", bend):
        failure.response = browser.end(answer)

    shown = rows(failure.response)
    assert (shown["Reason"], shown["Seen"]) == (claim, seen)
    assert shown["Expected"]
    assert shown["What to change"]
    assert seen not in witness.caplog.text


def test_page_under_debug_names_algorithm_and_keys(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.DEBUG = True
    configure(settings, "op", id_token_signing_algs=["ES256"])
    assert rows(browser.sign_in(op)) | {"Expected": "ES256", "Seen": "RS256"} == rows(browser.sign_in(op))


def test_page_under_debug_names_the_key_that_nobody_published(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    settings.DEBUG = True
    with op.bend("id_token", with_header(kid="lost")):
        shown = rows(browser.sign_in(op))

    assert (shown["Reason"], shown["Seen"]) == ("signature", "lost")


def test_page_under_debug_shows_of_an_email_only_the_domain(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    settings.DEBUG = True
    configure(settings, "op", allowed_email_domains=["corp.example"])
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    shown = rows(failure.response)
    assert (shown["Expected"], shown["Seen"]) == ("corp.example", "example.org")
    assert ALICE.email not in failure.response.content.decode()


def test_page_under_debug_leads_to_the_code_in_the_documentation(
    op: OpenIDProvider, browser: Browser, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True
    with op.bend("id_token", with_claim(aud="another-client")):
        assert rows(browser.sign_in(op))["Documentation"] == "docs/errors.md#id_token_invalid"

        install_metadata(tmp_path, "Project-URL: Documentation, https://docs.example/latest/")
        monkeypatch.syspath_prepend(tmp_path)
        link = rows(browser.sign_in(op))["Documentation"]

    assert 'href="https://docs.example/latest/errors.html#id_token_invalid"' in link
    page = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
    assert "### `id_token_invalid`" in page


def install_metadata(folder: Path, line: str) -> None:
    """Write the metadata of another installation of the package, which comes first on the path."""
    (folder / "django_oidc_login-9.dist-info").mkdir()
    text = f"Metadata-Version: 2.4\nName: django-oidc-login\nVersion: 9\n{line}\n"
    (folder / "django_oidc_login-9.dist-info" / "METADATA").write_text(text)


def test_page_under_debug_shows_names_in_the_advice_as_code(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    settings.DEBUG = True
    with op.bend("id_token", with_claim(aud="another-client")):
        advice = rows(browser.sign_in(op))["What to change"]

    assert advice == "Set <code>client_id</code> to the client that the token was issued to."


@pytest.mark.parametrize("claim", ["sub", "nonce", "azp"])
def test_page_under_debug_shows_no_other_claim(
    op: OpenIDProvider, browser: Browser, settings: Settings, claim: str
) -> None:
    settings.DEBUG = True
    value = "" if claim == "sub" else "somebody-elses"
    with op.bend("id_token", with_claim(**{claim: value})):
        response = browser.sign_in(op)

    assert rows(response)["Reason"] == claim
    assert "Seen" not in rows(response)
    assert "somebody-elses" not in response.content.decode()


def test_page_in_production_shows_no_cause_and_the_id_of_the_record(
    op: OpenIDProvider, browser: Browser, witness: Witness
) -> None:
    with op.bend("id_token", with_claim(aud="another-client")):
        text = browser.sign_in(op).content.decode()

    (record,) = [one for one in witness.caplog.records if one.getMessage().startswith("sign-in failed")]
    assert "another-client" not in text
    assert 'class="oidc-login-explanation"' not in text
    assert vars(record)["failure_id"] in text
    assert record.getMessage().endswith(f"reference={vars(record)['failure_id']}")


def test_failure_before_a_flow_began_has_an_id_too(browser: Browser, op: OpenIDProvider, witness: Witness) -> None:
    text = browser.get("/oauth/op/callback/").content.decode()

    (record,) = [one for one in witness.caplog.records if one.getMessage().startswith("sign-in failed")]
    assert vars(record)["failure_id"] in text


def test_decision_is_logged_at_a_level_that_is_seen_by_default(
    op: OpenIDProvider, browser: Browser, settings: Settings, witness: Witness
) -> None:
    configure(settings, "op", allowed_email_domains=["corp.example"])
    browser.sign_in(op)

    (record,) = [one for one in witness.caplog.records if one.getMessage().startswith("sign-in failed")]
    assert record.levelname == "WARNING"


@pytest.mark.parametrize("path", ["/oauth/nowhere/login/"])
def test_address_that_leads_nowhere_is_no_warning(browser: Browser, witness: Witness, path: str) -> None:
    browser.get(path)

    (record,) = [one for one in witness.caplog.records if one.getMessage().startswith("sign-in failed")]
    assert record.levelname == "INFO"


def test_evidence_is_bounded_and_on_one_line() -> None:
    evidence = Evidence.of(expected=("a", "b"), seen="x\n" * MAX_EVIDENCE)

    assert evidence.expected == "a, b"
    assert len(evidence.seen) == MAX_EVIDENCE
    assert "\n" not in evidence.seen


def test_evidence_is_in_no_repr() -> None:
    assert "secret" not in repr(Evidence.of(expected="secret", seen="secret"))


def test_time_that_no_calendar_knows_is_told_in_seconds() -> None:
    evidence = Evidence.of_time(expected="now", now=time.time(), seen=1e30)

    assert evidence.seen.endswith(" s after 1970")
