"""Who has an account where when the demo starts."""

from __future__ import annotations

from oidc_login.testing import User

# People at Example ID, the OpenID provider.
ALICE = User("alice", name="Alice Ash", email="alice@example.org", email_verified=True)
BOB = User("bob", name="Bob Birch", email="bob@example.org")
CAROL = User("carol", name="Carol Cedar", email="carol@example.org", email_verified=True)
AT_OPENID = [ALICE, BOB, CAROL]

# People at the GitHub-style provider; Alice has the same address at both.
GINA = User("gina", name="Gina Grove", email="gina@example.org", email_verified=True)
AT_GITHUB = [GINA, ALICE]

# The one user whom the site knows already.
LOCAL_USERNAME = LOCAL_PASSWORD = "carol"  # noqa: S105 - the demo says it to everybody
LOCAL_EMAIL = CAROL.email

DESCRIPTION = f"""\
At Example ID, the OpenID provider, you can be
  alice   her address is verified: she signs up, and from then on signs in
  bob     his address is not verified: he signs up, and the site does not take the address
  carol   her verified address is that of the site's user carol: she is linked to it
          (password of that user: {LOCAL_PASSWORD})
At the GitHub-style provider you can be
  gina    signs up
  alice   has the same verified address as above: linked to the user that has it, if there is one
"""
