"""The rules that the tour meets, by the names that logs, signals and error pages use."""

from __future__ import annotations

from dataclasses import dataclass

from oidc_login.advice import docs_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: its name, what it says, and the page of the documentation that has all of it."""

    name: str
    title: str
    text: str
    page: str

    @property
    def source(self) -> str:
        """The file of the page in the repository."""
        path, _, anchor = self.page.partition("#")
        return f"docs/{path}.md" + (f"#{anchor}" if anchor else "")

    @property
    def url(self) -> str:
        """The address of the page, where the installed package names its documentation."""
        path, _, anchor = self.page.partition("#")
        return docs_url(f"{path}.html" + (f"#{anchor}" if anchor else ""))


RULES = (
    Rule(
        name="signed_up",
        title="A new person gets an account",
        text="Nobody here has this identity or this address, and sign-up is open. The account and the connection are "
        "created together. The account gets the address only if the provider has verified it. "
        "`OIDC_LOGIN_ALLOW_SIGNUP` closes sign-up.",
        page="linking#signing-in",
    ),
    Rule(
        name="known_identity",
        title="A known identity signs in to its account",
        text="This identity is connected already, so its account is signed in. The address plays no part, even if it "
        "has changed.",
        page="linking#signing-in",
    ),
    Rule(
        name="verified_email",
        title="A verified address links to the account that has it",
        text="The identity is new, the provider has verified its address, and exactly one account here has that "
        "address. The two are linked. `OIDC_LOGIN_EMAIL_LINKING` turns this off.",
        page="linking#signing-in",
    ),
    Rule(
        name="email_not_verified",
        title="An unverified address links to nothing",
        text="An account here has this address, but the provider did not verify it. Anybody could have typed it there. "
        "So the person signs in the usual way first, and then connects the provider.",
        page="linking#signing-in",
    ),
    Rule(
        name="connected",
        title="A person who is signed in connects what they like",
        text="The person began this while signed in, so the identity is connected to their account, whatever its "
        "address. An identity of somebody else would be refused (`identity_taken`).",
        page="linking#connecting",
    ),
    Rule(
        name="confirm_link",
        title="An unconfirmed account is signed in to once",
        text="The account with this address never confirmed it here, so somebody else may have opened it. The link "
        "waits until the owner of the account signs in to it, in this browser. `OIDC_LOGIN_LOCAL_EMAIL_VERIFIED` says "
        "which addresses are confirmed.",
        page="linking#one-sign-in-to-the-account",
    ),
    Rule(
        name="confirmed",
        title="One sign-in to the account made the link",
        text="The link waited for a sign-in to this account, and this was it. The provider was not asked again.",
        page="linking#one-sign-in-to-the-account",
    ),
    Rule(
        name="staff_linking_off",
        title="Staff are not linked by address",
        text="The account with this address may enter the admin. An address opens such an account only if the "
        'provider\'s own entry says `"link_by_email": "verified"`. So staff sign in with the password once, and '
        "connect the provider.",
        page="linking#signing-in",
    ),
    Rule(
        name="last_login_method",
        title="The last way in stays",
        text="Without this connection the person could not sign in any more: they have no password and no other one.",
        page="linking#disconnecting",
    ),
    Rule(
        name="step_up",
        title="A page can ask for a stronger sign-in",
        text="This page has the decorator `reauthentication_required`. A person with an older or weaker sign-in goes "
        "to the provider once more, and only the same person may come back.",
        page="step-up",
    ),
    Rule(
        name="tokens",
        title="Stored tokens call APIs",
        text="`connection.session()` sends the access token, which is encrypted in the database. An expired one is "
        "refreshed first, once, however many workers need it.",
        page="tokens",
    ),
    Rule(
        name="bearer",
        title="This site's API takes access tokens",
        text="The view has the decorator `bearer_required`. It accepts access tokens that Example ID issued for this "
        "site, and no session.",
        page="apis",
    ),
    Rule(
        name="signed_out",
        title="Signing out here also signs out there",
        text="The session here ends first. Then Example ID is asked to end its own, so that the next person at this "
        "browser is asked who they are.",
        page="logout#from-your-site",
    ),
    Rule(
        name="signed_out_elsewhere",
        title="A session can be ended from another browser",
        text="Each sign-in has a row in the database. Removing the row ends the session at its next request.",
        page="sessions",
    ),
    Rule(
        name="backchannel_logout",
        title="Signing out there also signs out here",
        text="Example ID sends a signed logout token to this site (OpenID Connect Back-Channel Logout). All sessions "
        "that it names end.",
        page="logout#from-the-provider",
    ),
    Rule(
        name="cancelled",
        title="A cancelled sign-in changes nothing",
        text="The person is taken back to the sign-in page with a short message. Nothing is wrong, so this is not an "
        "error.",
        page="errors#cancelled",
    ),
    Rule(
        name="id_token_invalid",
        title="A forged ID token is refused",
        text="No key that Example ID publishes verifies the signature. Nobody is signed in, and nothing is stored. The "
        "log has a record with the reference on the page.",
        page="errors#id_token_invalid",
    ),
    Rule(
        name="provider_unavailable",
        title="A provider that does not answer harms nothing",
        text="Example ID hung up during the token request. Nothing was stored, and the code is never sent twice. "
        "Trying again begins a new sign-in.",
        page="errors#provider_unavailable",
    ),
    Rule(
        name="admin",
        title="Operators see who signs in how, and never a token",
        text="The admin lists connections with the reason of each link, and sessions that can be ended.",
        page="linking#signing-in-to-the-admin",
    ),
)

BY_NAME = {rule.name: rule for rule in RULES}
