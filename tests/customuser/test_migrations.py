"""The tables fit a user model with a UUID."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from oidc_login.models import OAuthConnection
from tests.customuser.models import Member


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.django_db
def test_connection_belongs_to_a_user_with_a_uuid() -> None:
    member = Member.objects.create_user("alice@example.com")

    OAuthConnection.objects.create(user=member, provider_key="op", provider_user_id="1", link_reason="signed_up")

    assert OAuthConnection.objects.get(user_id=member.pk).user == member
