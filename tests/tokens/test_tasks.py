"""The refresh as a task of Django 6, run by a backend of Django's."""

from __future__ import annotations

from datetime import timedelta

import django
import pytest
from django.utils import timezone

from oidc_login.testing import User
from tests.support.served import RecordingOpenIDProvider
from tests.tokens.conftest import Connect, stored, works

pytestmark = pytest.mark.django_db(transaction=True)

with_tasks = pytest.mark.skipif(django.VERSION < (6, 0), reason="django.tasks is part of Django 6.0")


@with_tasks
def test_task_refreshes_what_expires_within_the_time(op: RecordingOpenIDProvider, connect: Connect) -> None:
    from oidc_login.contrib.tasks import refresh_tokens

    op.users.add(User("soon"))
    op.users.add(User("later"))
    soon, later = (
        connect(sub, sub=sub, access_token_expires_at=timezone.now() + timedelta(minutes=minutes))
        for sub, minutes in (("soon", 10), ("later", 40))
    )

    result = refresh_tokens.enqueue(within_seconds=20 * 60, provider_keys=["op"])

    assert (result.return_value["due"], result.return_value["refreshed"]) == (1, 1)
    assert stored(soon).access_token != soon.access_token and works(op, soon)
    assert stored(later).access_token == later.access_token


@with_tasks
def test_task_is_found_again_by_a_worker() -> None:
    from django.utils.module_loading import import_string

    from oidc_login.contrib.tasks import refresh_tokens

    assert import_string(refresh_tokens.module_path) is refresh_tokens


@pytest.mark.skipif(django.VERSION >= (6, 0), reason="django.tasks is part of Django 6.0")
def test_older_django_is_told_what_to_call_instead() -> None:
    with pytest.raises(ImportError, match=r"Django 6\.0 or later.*refresh_expiring\(\)"):
        import oidc_login.contrib.tasks  # noqa: F401
