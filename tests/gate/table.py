"""What must come of each rule at each entrance: the table of docs/security.md, cell by cell.

A cell is an outcome: "allowed", the code of a refusal, "signed out", or, for an API, a status. If a rule refuses
nothing at an entrance, `WHY` has the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.gate.entrances import ENTRANCES
from tests.gate.rules import RULES

ALLOWED, SIGNED_OUT = "allowed", "signed out"

# What most entrances say. A person whose identity is known is not linked and not signed up.
ADMISSION: Mapping[str, str] = {
    "inactive account": "inactive",
    "email domain": "domain_not_allowed",
    "tenant": "refused_by_site",
    "hosted domain": "refused_by_site",
    "`groups_missing`": "refused_by_site",
    "`verify_claims`": "refused_by_site",
    "`user_can_authenticate`": "refused_by_site",
    "private address": "metadata_invalid",
    "`allow_login`": "login_not_allowed",
}
KNOWN: Mapping[str, str] = {
    **ADMISSION,
    "staff": ALLOWED,
    "second identity": ALLOWED,
    "linking `never`": ALLOWED,
    "sign-up closed": ALLOWED,
}
LINKING: Mapping[str, str] = {
    **ADMISSION,
    "staff": "staff_linking_off",
    "second identity": "identity_conflict",
    "linking `never`": "email_linking_off",
    "sign-up closed": ALLOWED,
}
# Django has ended the session of such an account before the provider is asked.
IN_SESSION: Mapping[str, str] = {
    **KNOWN,
    "inactive account": SIGNED_OUT,
    "`user_can_authenticate`": SIGNED_OUT,
}
REFUSED_CLAIMS = ("email domain", "tenant", "hosted domain", "`groups_missing`", "`verify_claims`", "`allow_login`")
# What the claims do not allow ends the session, with the message that the provider did not confirm it.
CONFIRMED: Mapping[str, str] = {
    **IN_SESSION,
    **dict.fromkeys(REFUSED_CLAIMS, "cancelled"),
    "private address": ALLOWED,
}
CLIENT: Mapping[str, str] = {
    **KNOWN,
    "inactive account": ALLOWED,
    "`verify_claims`": ALLOWED,
    "`user_can_authenticate`": ALLOWED,
    "`allow_login`": ALLOWED,
}

CELLS: Mapping[str, Mapping[str, str]] = {
    "sign-in, known identity": KNOWN,
    "sign-in, new identity": LINKING,
    "sign-in in a window": {**LINKING, "linking `never`": ALLOWED},
    "sign-in begun by a third party": KNOWN,
    "sign-up": {**KNOWN, "inactive account": ALLOWED, "sign-up closed": "signup_closed"},
    "connect": {**KNOWN, "inactive account": SIGNED_OUT, "`allow_login`": ALLOWED},
    "step-up": {**IN_SESSION, "`allow_login`": "refused_by_site"},
    "more scopes": {**IN_SESSION, **dict.fromkeys(REFUSED_CLAIMS, "scope_not_granted"), "`allow_login`": ALLOWED},
    "confirm by refresh token": {**CONFIRMED, **dict.fromkeys(REFUSED_CLAIMS, SIGNED_OUT)},
    "confirm by `prompt=none`": CONFIRMED,
    "mozilla-django-oidc's `SessionRefresh`": {**CONFIRMED, "private address": "metadata_invalid"},
    "bearer token, JWT": KNOWN,
    "bearer token, introspected": KNOWN,
    "bearer token, Django Ninja": KNOWN,
    "bearer token, `bearer_required`": KNOWN,
    "bearer token, first call": LINKING,
    "bearer token, sign-up": {**KNOWN, "inactive account": ALLOWED, "sign-up closed": "signup_closed"},
    "bearer token, machine client": {**KNOWN, "email domain": ALLOWED, "`groups_missing`": ALLOWED},
    "bearer token, mozilla-django-oidc's class": {
        rule: outcome if outcome == ALLOWED else "401" for rule, outcome in KNOWN.items()
    },
    "native sign-in": LINKING,
    "app token, endpoints": {
        rule: ALLOWED if rule == "private address" or outcome == ALLOWED else "not_signed_in"
        for rule, outcome in KNOWN.items()
    },
    "app token, API": {**KNOWN, "private address": ALLOWED},
    "One Tap": LINKING,
    "`oidc_login.client`, ID token": CLIENT,
    "`oidc_login.client`, `userinfo()`": CLIENT,
    "hook `filter_users_by_claims`": {**LINKING, "linking `never`": ALLOWED},
    "hook `create_user`": {
        **LINKING,
        "inactive account": "refused_by_site",
        "linking `never`": ALLOWED,
        "sign-up closed": "signup_closed",
    },
    "hook `get_or_create_user`": {**LINKING, "linking `never`": ALLOWED},
    "`OAuthConnection.connect()`": {**KNOWN, "`allow_login`": ALLOWED},
    "`OAuthConnection.get_or_createuser()`, known identity": KNOWN,
    "`OAuthConnection.get_or_createuser()`, new identity": LINKING,
    "confirm-link": LINKING,
    "loader's entry": {**LINKING, "staff": ALLOWED},
    "entry of mozilla-django-oidc's settings": {**LINKING, "staff": ALLOWED},
}

# Why a rule refuses nothing at an entrance: by rule and entrance, or by rule only.
KNOWN_IDENTITY = "The identity already belongs to the account; the email does not matter."
NOBODY_LINKED = "Nobody is linked or signed up here."
NO_ACCOUNT = "A client signs nobody in, so there is no account to judge."
NO_PERSON = "A client that acts for itself has no address and no groups."
SITE_NAMED = "The site's settings name the account that the client uses."
NOT_ASKED = "The site issued the token itself; it sends no request to the provider."
HOOK_DECIDES = "The site's own hook chooses the account. This is not linking by email."
WHY: Mapping[str | tuple[str, str], str] = {
    "staff": KNOWN_IDENTITY,
    "second identity": KNOWN_IDENTITY,
    "linking `never`": KNOWN_IDENTITY,
    "sign-up closed": "The account already exists.",
    ("sign-up", "inactive account"): "No account has the address.",
    ("sign-up", "staff"): "No account has the address.",
    ("sign-up", "second identity"): "No account has the address.",
    ("sign-up", "linking `never`"): "No account has the address, so there is nothing to link.",
    ("bearer token, sign-up", "inactive account"): "No account has the address.",
    ("bearer token, sign-up", "staff"): "No account has the address.",
    ("bearer token, sign-up", "second identity"): "No account has the address.",
    ("bearer token, sign-up", "linking `never`"): "No account has the address, so there is nothing to link.",
    ("bearer token, machine client", "email domain"): NO_PERSON,
    ("bearer token, machine client", "`groups_missing`"): NO_PERSON,
    ("bearer token, machine client", "staff"): SITE_NAMED,
    ("bearer token, machine client", "second identity"): SITE_NAMED,
    ("bearer token, machine client", "linking `never`"): SITE_NAMED,
    ("connect", "staff"): "The signed-in person connects the identity with a form.",
    ("connect", "second identity"): "A person may connect several identities of one provider.",
    ("connect", "linking `never`"): "The person connects the identity; its email does not matter.",
    ("`OAuthConnection.connect()`", "staff"): "The site's own code names the account.",
    ("`OAuthConnection.connect()`", "second identity"): "A person may connect several identities of one provider.",
    ("`OAuthConnection.connect()`", "linking `never`"): "The site's own code names the account.",
    ("confirm by refresh token", "private address"): "The provider cannot be reached. The session has a grace period.",
    ("confirm by `prompt=none`", "private address"): "The provider cannot be reached. The session has a grace period.",
    ("app token, endpoints", "private address"): NOT_ASKED,
    ("app token, API", "private address"): NOT_ASKED,
    (
        "sign-in in a window",
        "linking `never`",
    ): "The claim of the window is not an email address. A window for `email` refuses.",
    "`allow_login`": "It signs nobody in.",
    ("`oidc_login.client`, ID token", "inactive account"): NO_ACCOUNT,
    ("`oidc_login.client`, ID token", "`verify_claims`"): "A client has no backend. Its calls take `claims_options`.",
    ("`oidc_login.client`, ID token", "`user_can_authenticate`"): NO_ACCOUNT,
    ("`oidc_login.client`, `userinfo()`", "inactive account"): NO_ACCOUNT,
    ("`oidc_login.client`, `userinfo()`", "`verify_claims`"): "A client has no backend.",
    ("`oidc_login.client`, `userinfo()`", "`user_can_authenticate`"): NO_ACCOUNT,
    ("hook `filter_users_by_claims`", "linking `never`"): HOOK_DECIDES,
    ("hook `create_user`", "linking `never`"): HOOK_DECIDES,
    ("hook `get_or_create_user`", "linking `never`"): HOOK_DECIDES,
    ("loader's entry", "staff"): 'The row itself has `"link_by_email": "verified"`.',
    ("entry of mozilla-django-oidc's settings", "staff"): "Such a site has always linked staff by the addresses of "
    "its own provider. `OIDC_LOGIN_EMAIL_LINKING` or the entry ends that.",
}


def cells() -> Iterator[tuple[str, str]]:
    """Yield every entrance with every rule."""
    for entrance in ENTRANCES:
        for rule in RULES:
            yield entrance, rule


def reason(entrance: str, rule: str) -> str:
    """Return why a rule forbids nothing at an entrance, "" where that is not said."""
    return WHY.get((entrance, rule)) or WHY.get(rule, "")


def as_markdown() -> str:
    """Return the table for the page, with a note for each cell where a rule forbids nothing."""
    notes: list[str] = []
    lines = ["| entrance | " + " | ".join(RULES) + " |", "|---" * (len(RULES) + 1) + "|"]
    for entrance in ENTRANCES:
        row = [entrance]
        for rule in RULES:
            outcome = CELLS[entrance][rule]
            if outcome != ALLOWED:
                row.append(outcome if outcome == SIGNED_OUT else f"`{outcome}`")
                continue
            why = reason(entrance, rule)
            if why not in notes:
                notes.append(why)
            row.append(f"allowed ({notes.index(why) + 1})")
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join([*lines, "", *(f"{number}. {note}" for number, note in enumerate(notes, 1))])
