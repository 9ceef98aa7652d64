"""The cast of the tour: who has an account where when the demo starts, and what each person meets."""

from __future__ import annotations

from dataclasses import dataclass

from oidc_login.testing import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One person of the cast: at which provider, known to the site or not, and what they meet."""

    person: User
    provider: str = "Example ID"
    has_account: bool = False
    is_staff: bool = False
    confirmed: bool = True
    meets: str

    @property
    def username(self) -> str:
        return self.person.sub

    @property
    def password(self) -> str:
        """The password of the site's user; the demo tells it to everybody."""
        return self.person.sub if self.has_account else ""


ALICE = User("alice", name="Alice Ash", email="alice@example.org", email_verified=True)
BOB = User("bob", name="Bob Birch", email="bob@example.org")
CAROL = User("carol", name="Carol Cedar", email="carol@example.org", email_verified=True)
DAVE = User("dave", name="Dave Dogwood", email="dave@example.org")
ERIN = User("erin", name="Erin Elm", email="erin@example.org", email_verified=True)
FRANK = User("frank", name="Frank Fir", email="frank@example.org", email_verified=True)
GINA = User("gina", name="Gina Grove", email="gina@example.org", email_verified=True)

CAST = (
    Part(person=ALICE, provider="both providers", meets="is new here: signs up, then links her second provider"),
    Part(person=BOB, meets="is new here, and his address is not verified: signs up without it"),
    Part(person=CAROL, has_account=True, meets="has an account here: linked by her verified address"),
    Part(
        person=DAVE, has_account=True, meets="has an account here, but Example ID did not verify his address: refused"
    ),
    Part(
        person=ERIN,
        has_account=True,
        confirmed=False,
        meets="has an account here with an address that she never confirmed: signs in to it once",
    ),
    Part(person=FRANK, has_account=True, is_staff=True, meets="runs this site: staff are not linked by address"),
    Part(person=GINA, provider="the GitHub-style provider", meets="is new here: signs up without OpenID Connect"),
)

AT_OPENID = [ALICE, BOB, CAROL, DAVE, ERIN, FRANK]
AT_GITHUB = [GINA, ALICE]


def described(part: Part) -> str:
    password = f" (password here: {part.password})" if part.password else ""
    return f"  {part.username:6}{part.meets}{password}"


DESCRIPTION = "The cast:\n" + "\n".join(described(part) for part in CAST) + "\n"
