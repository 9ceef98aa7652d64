"""Which linking rules decide about a sign-in: its flow's purpose and the site's hooks say which."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.views.decorators.debug import sensitive_variables

from oidc_login.exceptions import OAuthError, SignedInAlready
from oidc_login.models import OAuthConnection
from oidc_login.signin import link_window, linking
from oidc_login.signin.values import Backend, Person, Verified

SAME_PERSON_PURPOSES = ("reauthenticate", "refresh", "scopes")
WITHOUT_BROWSER = ("token", "site")  # a program has sent a token, or the site's own code has asked for it


@sensitive_variables()
def decide(
    backend: Backend, verified: Verified, person: Person, *, found_by_site: AbstractBaseUser | None
) -> linking.Decision:
    """Return what to do with the person of a sign-in, or raise the `OAuthError` that refuses it."""
    try:
        return resolve(backend, verified, person, person.connection, found_by_site=found_by_site)
    except OAuthError:
        # The account that conflicts may be this identity's own, signed up between the two reads.
        if person.connection is not None:
            raise
        connection = OAuthConnection.objects.find(person.identity)
        if connection is None:
            raise
        return resolve(backend, verified, person, connection, found_by_site=found_by_site)


@sensitive_variables()
def resolve(
    backend: Backend,
    verified: Verified,
    person: Person,
    connection: OAuthConnection | None,
    *,
    found_by_site: AbstractBaseUser | None,
) -> linking.Decision:
    """Apply the linking rules for the purpose of the flow."""
    user, purpose = session_user(verified), verified.flow.purpose
    of_session: Any = {
        "connection": connection,
        "user": user,
        "user_key": verified.flow.user_key,
        "can_authenticate": backend.user_can_authenticate,
    }
    if purpose == "connect":
        return linking.resolve_connect(**of_session)
    site_rule: Any = {
        "find_users": lambda: (
            backend.filter_users_by_claims(person.claims) if found_by_site is None else [found_by_site]
        ),
        "site_vouches": found_by_site is not None or backend.overrides("filter_users_by_claims"),
    }
    if purpose in SAME_PERSON_PURPOSES:
        return linking.resolve_same_person(**of_session, **site_rule)
    if purpose == "initiated" and user is not None:  # another site never replaces a session
        of_session["user_key"] = str(user.pk)
        return linking.resolve_same_person(**of_session, **site_rule, refusal=SignedInAlready)
    # What comes without a browser proves less than a sign-in.
    resolve_sign_in = linking.resolve_sign_in if purpose in WITHOUT_BROWSER else link_window.resolve_sign_in
    return resolve_sign_in(
        person.identity,
        provider=verified.provider,
        connection=connection,
        can_authenticate=backend.user_can_authenticate,
        **site_rule,
    )


def session_user(verified: Verified) -> AbstractBaseUser | None:
    """Return the user of the request's session, `None` for a visitor."""
    if verified.flow.purpose in WITHOUT_BROWSER:  # a session that a program may have is not asked
        return None
    user = verified.request.user
    return user if user.is_authenticated else None
