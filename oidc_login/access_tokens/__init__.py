"""Access tokens that programs send to the site's own API: their issuer, their audience, and what they allow.

Django REST framework, Django Ninja and plain views share it. `judge` verifies a token, `account_of` finds its user.
"""

from oidc_login.access_tokens.accounts import account_of, user_of_userinfo
from oidc_login.access_tokens.judging import judge
from oidc_login.access_tokens.values import AccessToken

__all__ = ["AccessToken", "account_of", "judge", "user_of_userinfo"]
