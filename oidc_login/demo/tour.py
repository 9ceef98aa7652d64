"""The stops of the tour, in the order in which they are best taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from oidc_login.demo.rules import BY_NAME, Rule
from oidc_login.demo.stage import stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One thing to try: what to do, what is seen then, and the rule behind it.

    `start` is the URL name at which it begins. The person is signed out first unless `stays_signed_in`; `prepare` sets
    the stage.
    """

    name: str
    title: str
    do: str
    see: str
    rule: str
    start: str = "login"
    stays_signed_in: bool = False
    prepare: Callable[[], None] | None = None

    @property
    def explained(self) -> Rule:
        return BY_NAME[self.rule]

    @property
    def number(self) -> int:
        return 1 + list(BY_STOP).index(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """Stops that belong together."""

    title: str
    stops: tuple[Stop, ...]


WHOSE = Chapter(
    title="Whose account is it?",
    stops=(
        Stop(
            name="sign-up",
            title="Sign-up",
            do="Continue with Example ID, as Alice Ash.",
            see="Alice is new, and has an account now.",
            rule="signed_up",
        ),
        Stop(
            name="repeat-sign-in",
            title="Signing in again",
            do="Continue with Example ID, as Alice Ash again. Take the first stop before this one.",
            see="The same account, after one request to the provider.",
            rule="known_identity",
        ),
        Stop(
            name="linking",
            title="Linking",
            do="Continue with Example ID, as Carol Cedar.",
            see="Carol gets the account that she had here before, with its password.",
            rule="verified_email",
        ),
        Stop(
            name="second-provider",
            title="A second provider",
            do="Continue with the GitHub-style provider, as Alice Ash.",
            see="Alice has the same verified address there, so both lead to her account.",
            rule="verified_email",
        ),
        Stop(
            name="github",
            title="Without OpenID Connect",
            do="Continue with the GitHub-style provider, as Gina Grove.",
            see="Gina signs up with plain OAuth 2.0: the site asks the provider's API who she is.",
            rule="signed_up",
        ),
        Stop(
            name="unverified-address",
            title="An address that nobody verified",
            do="Continue with Example ID, as Bob Birch.",
            see="Bob signs up, and his account does not take the address.",
            rule="signed_up",
        ),
        Stop(
            name="address-taken",
            title="An address that is taken",
            do="Continue with Example ID, as Dave Dogwood.",
            see="Dave has an account here with that address, but Example ID did not verify it: refused.",
            rule="email_not_verified",
        ),
        Stop(
            name="connect",
            title="Connecting",
            do='Sign in with the username "dave" and the password "dave". Then choose "Connect or disconnect", connect '
            "Example ID, and continue as Dave Dogwood.",
            see="Dave signs in with Example ID from now on.",
            rule="connected",
        ),
        Stop(
            name="confirm-link",
            title="One more step",
            do='Continue with Example ID, as Erin Elm. Then sign in with the username "erin" and the password "erin".',
            see="Erin never confirmed her address here, so the link waits until she signs in to her account.",
            rule="confirm_link",
        ),
        Stop(
            name="staff",
            title="Staff",
            do="Continue with Example ID, as Frank Fir.",
            see="Frank runs this site, so his address does not open his account: refused.",
            rule="staff_linking_off",
        ),
    ),
)

AFTERWARDS = Chapter(
    title="After the sign-in",
    stops=(
        Stop(
            name="step-up",
            title="A page that asks again",
            do="Open the page with the secret plans. If you are not signed in, sign in as Alice Ash.",
            see="Example ID asks Alice to confirm that it is her, and the page opens.",
            rule="step_up",
            start="plans",
            stays_signed_in=True,
        ),
        Stop(
            name="tokens",
            title="Calling APIs",
            do='Press "Call both APIs". Then let the access token expire, and call them again.',
            see="Both answer, also after the token has expired: it is refreshed.",
            rule="tokens",
            start="tokens",
            stays_signed_in=True,
        ),
        Stop(
            name="signing-out",
            title="Signing out",
            do='Sign in as Alice Ash, then press "Sign out" on the account page.',
            see="Alice's session ends here and at Example ID.",
            rule="signed_out",
        ),
        Stop(
            name="elsewhere",
            title="Signing out another browser",
            do="Sign in as Alice Ash here and in a private window. Then look at "
            '"Connect or disconnect": sign the other one out.',
            see="The other browser is signed out at its next click.",
            rule="signed_out_elsewhere",
        ),
        Stop(
            name="leaving-example-id",
            title="Signing out there",
            do='Sign in as Bob Birch, then follow "Sign out at Example ID" on the account page, and come back.',
            see="Bob left Example ID, so he is signed out here too.",
            rule="backchannel_logout",
        ),
    ),
)

GOING_WRONG = Chapter(
    title="When something goes wrong",
    stops=(
        Stop(
            name="cancel",
            title="Cancelling",
            do='Continue with Example ID, then press "Cancel" there.',
            see="Back to the sign-in page, nobody is signed in.",
            rule="cancelled",
        ),
        Stop(
            name="forged-token",
            title="A forged token",
            do="Continue with Example ID, as Alice Ash. A stranger signs this ID token.",
            see="Refused, nobody is signed in.",
            rule="id_token_invalid",
            prepare=stage.forge_a_token,
        ),
        Stop(
            name="provider-down",
            title="A provider that is down",
            do="Continue with Example ID, as Alice Ash. It hangs up during the sign-in.",
            see="The page says who did not answer, and trying again works.",
            rule="provider_unavailable",
            prepare=stage.go_down,
        ),
    ),
)

OPERATING = Chapter(
    title="For the people who run the site",
    stops=(
        Stop(
            name="admin",
            title="The admin",
            do='Sign in with the username "frank" and the password "frank". Look at connections, sessions and users.',
            see="Why each identity was linked, and who is signed in where; no token is shown.",
            rule="admin",
            start="admin:index",
        ),
    ),
)

CHAPTERS = (WHOSE, AFTERWARDS, GOING_WRONG, OPERATING)
BY_STOP = {stop.name: stop for chapter in CHAPTERS for stop in chapter.stops}
