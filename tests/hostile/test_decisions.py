"""Linking by itself: what a whole sign-in cannot reach, since something before it says no first."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from oidc_login.exceptions import ConnectUserChanged
from oidc_login.models import OAuthConnection
from oidc_login.signin.linking import Decision, check_same_person
from oidc_login.user_model import is_active
from tests.hostile.stage import Stage, remember_alice
from tests.support.browser import Browser
from tests.support.served import ALICE


def test_decision_to_sign_up_has_no_user_and_no_connection_yet() -> None:
    """Whoever asks for them all the same must not go on with nobody."""
    decision = Decision(action="sign_up", reason="no account has this email")

    with pytest.raises(ValueError, match="sign_up"):
        decision.get_user()
    with pytest.raises(ValueError, match="sign_up"):
        decision.get_connection()


def test_person_who_began_was_deactivated_meanwhile() -> None:
    """The backend gives no such user; a site may have another one in front of it that does."""
    check_same_person(User(pk=1), "1", can_authenticate=is_active)
    with pytest.raises(ConnectUserChanged):
        check_same_person(User(pk=1, is_active=False), "1", can_authenticate=is_active)
    with pytest.raises(ConnectUserChanged):
        check_same_person(User(pk=1), "2", can_authenticate=is_active)
    with pytest.raises(ConnectUserChanged):
        check_same_person(None, "1", can_authenticate=is_active)


@pytest.mark.django_db
def test_account_of_staff_with_another_identity_is_a_conflict_first(stage: Stage) -> None:
    """The address was given to somebody else: no setting of the provider makes that good."""
    staff = User.objects.create_user("staff", ALICE.email, is_staff=True)
    remember_alice(stage.op)
    OAuthConnection.objects.update(user=staff, provider_user_id="who had the address before")
    browser = Browser()
    answer = browser.authorize(stage.op, browser.begin())

    with stage.witness.nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (409, "identity_conflict")
