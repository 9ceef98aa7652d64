"""Booleans and numbers of the claims, taken over into fields of the user."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.testing import OpenIDProvider
from tests.customuser.models import Member
from tests.linking.test_provisioning import says
from tests.support.browser import Browser
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

FITTING: list[tuple[str, Any, Any]] = [
    ("wants_news", True, True),
    ("wants_news", "true", False),
    ("wants_news", 1, False),
    ("employee_number", 4711, 4711),
    ("employee_number", 4711.0, 4711),
    ("employee_number", 0, 0),
    ("employee_number", 47.11, None),
    ("employee_number", "4711", None),
    ("employee_number", True, None),
    ("employee_number", 2**70, None),
    ("employee_number", 1e300, None),
    ("employee_number", [4711], None),
    ("workload", 0.8, 0.8),
    ("workload", 1, 1.0),
    ("hourly_rate", 12.5, Decimal("12.50")),
    ("hourly_rate", 12345, None),
    ("hourly_rate", 1.234, None),
    ("name", 4711, ""),
    ("name", True, ""),
    ("is_active", False, True),
    ("is_staff", True, False),
    ("is_superuser", True, False),
]


@pytest.mark.parametrize(("field", "claim", "written"), FITTING, ids=range(len(FITTING)))
def test_field_takes_what_is_of_its_kind(
    op: OpenIDProvider, settings: Settings, browser: Browser, field: str, claim: Any, written: Any
) -> None:
    configure(settings, "op", profile_map={field: "extra"})
    says(op, extra=claim)

    assert browser.sign_in(op).status_code == 302

    assert getattr(Member.objects.get(), field) == written


def test_value_that_does_not_fit_leaves_the_one_before(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", profile_map={"employee_number": "extra", "wants_news": "news.wanted"})
    says(op, extra=4711, news={"wanted": True})
    Browser().sign_in(op)
    says(op, extra="unknown", news=[])
    Browser().sign_in(op)

    member = Member.objects.get()
    assert (member.employee_number, member.wants_news) == (4711, True)
