"""PayPal (https://developer.paypal.com/docs/log-in-with-paypal)."""

from __future__ import annotations

from typing import Any

from oidc_login.protocol.errors import UserInfoInvalid
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.values import OAuthToken, OAuthUser


class PayPalProvider(OAuth2Provider):
    """Log in with PayPal. Despite OpenID Connect it often sends no ID token, so userinfo identifies people."""

    display_name = "PayPal"
    brand_color = "#003087"
    monogram = "P"
    default_scope = "openid profile email"
    home = ("https://api-m.paypal.com",)

    def __init__(self, *, sandbox: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        site = "https://www.sandbox.paypal.com" if sandbox else "https://www.paypal.com"
        api = "https://api-m.sandbox.paypal.com" if sandbox else "https://api-m.paypal.com"
        self.authorization_endpoint = f"{site}/signin/authorize"
        self.token_endpoint = f"{api}/v1/oauth2/token"
        self.userinfo_endpoint = f"{api}/v1/identity/oauth2/userinfo?schema=paypalv1.1"

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        if not isinstance(userinfo, dict) or not isinstance(userinfo.get("user_id"), str) or not userinfo["user_id"]:
            raise UserInfoInvalid("user_id")
        names = {name: userinfo[name] for name in ("given_name", "family_name") if name in userinfo}
        return OAuthUser(
            id=userinfo["user_id"],
            email=primary_email(userinfo),
            email_verified=userinfo.get("email_verified") is True,
            name=_text(userinfo.get("name")),
            claims=names,
        )


def primary_email(userinfo: dict[str, Any]) -> str:
    """Return the address from either form of the response: `email`, or the primary one of `emails`."""
    if "email" in userinfo:
        return _text(userinfo["email"])
    addresses = userinfo.get("emails")
    for address in addresses if isinstance(addresses, list) else []:
        if isinstance(address, dict) and address.get("primary") is True:
            return _text(address.get("value"))
    return ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
