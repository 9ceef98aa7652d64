"""The session of a person who signed in through a provider, from the sign-in to the logout."""

from oidc_login.models.session import new_mark as new_mark  # migrations import it from here
