"""The session of a person who has signed in through a provider."""

from oidc_login.models.session import new_mark as new_mark  # migrations import it from here
