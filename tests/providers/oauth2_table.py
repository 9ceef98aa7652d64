"""The OAuth 2.0 providers: one row for each, with answers in the form that it writes them. All values are made up."""

from __future__ import annotations

from oidc_login import providers
from oidc_login.testing import Shape
from tests.providers.oauth2_rows import (
    DAY,
    EMAIL,
    MISSING,
    SESSION_ENDED,
    InstagramStyleProvider,
    Row,
    described,
    errors,
    graph_error,
    instagram_tokens,
    strava_error,
    without,
)

TABLE = (
    Row(
        provider_class=providers.AmazonProvider,
        shape=Shape(
            authorization_path="/www.amazon.com/ap/oa",
            token_path="/api.amazon.com/auth/o2/token",
            revocation_path="",
            rotates_refresh_tokens=False,
            tokens=without("scope"),
            error=errors(
                code=described("invalid_grant", "The request has an invalid grant parameter : code", request_id="8b2a"),
                client=described("invalid_client", "Client authentication failed", request_id="8b2a"),
                other=described("invalid_grant", "The request has an invalid grant parameter", request_id="8b2a"),
            ),
        ),
        answers={
            "user": (
                "/api.amazon.com/user/profile",
                {"user_id": "amzn1.account.K2LI23KL2LK2", "email": EMAIL, "name": "Ada Byron", "postal_code": "98052"},
            )
        },
        identity="amzn1.account.K2LI23KL2LK2",
        identity_at="user/user_id",
        email=EMAIL,
        name="Ada Byron",
        renamed={"user/name": "Ada Lovelace", "user/email": "ada.lovelace@example.org"},
        without_email={"user/email": MISSING},
    ),
    Row(
        provider_class=providers.BitbucketProvider,
        shape=Shape(
            authorization_path="/bitbucket.org/site/oauth2/authorize",
            token_path="/bitbucket.org/site/oauth2/access_token",
            revocation_path="",
            access_token_lifetime=7200,
            tokens=without("scope", scopes="account email team"),
            error=errors(
                code=described("invalid_grant", "The specified code is not valid."),
                client=described("invalid_client", "Invalid OAuth client credentials"),
                other=described("invalid_grant", "Invalid refresh_token"),
            ),
        ),
        answers={
            "user": (
                "/api.bitbucket.org/2.0/user",
                {
                    "type": "user",
                    "uuid": "{397621dc-0f78-329f-8d6d-727396248e3f}",
                    "account_id": "557058:aaaa-bbbb",
                    "username": "ada",
                    "nickname": "ada",
                    "display_name": "Ada Byron",
                    "links": {
                        "avatar": {"href": "https://secure.gravatar.com/a.png"},
                        "html": {"href": "https://bitbucket.org/ada"},
                    },
                },
            ),
            "emails": (
                "/api.bitbucket.org/2.0/user/emails",
                {
                    "size": 2,
                    "values": [
                        {"type": "email", "email": "old@example.org", "is_primary": False, "is_confirmed": True},
                        {"type": "email", "email": EMAIL, "is_primary": True, "is_confirmed": True},
                    ],
                },
            ),
        },
        identity="{397621dc-0f78-329f-8d6d-727396248e3f}",
        identity_at="user/uuid",
        email=EMAIL,
        vouches=True,
        username="ada",
        name="Ada Byron",
        picture="https://secure.gravatar.com/a.png",
        renamed={"user/username": "lovelace", "user/nickname": "lovelace", "emails/values.1.email": "new@example.org"},
        without_email={"emails/values": []},
        unverified={"emails/values.1.is_confirmed": False},
    ),
    Row(
        provider_class=providers.DiscordProvider,
        shape=Shape(
            authorization_path="/discord.com/oauth2/authorize",
            token_path="/discord.com/api/oauth2/token",
            revocation_path="/discord.com/api/oauth2/token/revoke",
            access_token_lifetime=604_800,
            error=errors(
                code=described("invalid_grant", 'Invalid "code" in request.'),
                client={"error": "invalid_client"},
                other=described("invalid_grant", 'Invalid "refresh_token" in request.'),
            ),
        ),
        answers={
            "user": (
                "/discord.com/api/v10/users/@me",
                {
                    "id": "80351110224678912",
                    "username": "ada",
                    "discriminator": "0",
                    "global_name": "Ada",
                    "avatar": "a_8342729096ea3675442027381ff50dfe",
                    "locale": "en-GB",
                    "mfa_enabled": True,
                    "verified": True,
                    "email": EMAIL,
                },
            )
        },
        identity="80351110224678912",
        identity_at="user/id",
        email=EMAIL,
        vouches=True,
        username="ada",
        name="Ada",
        picture="https://cdn.discordapp.com/avatars/80351110224678912/a_8342729096ea3675442027381ff50dfe.gif",
        renamed={"user/username": "lovelace", "user/email": "new@example.org", "user/avatar": None},
        without_email={"user/email": None},
        unverified={"user/verified": False},
    ),
    Row(
        provider_class=providers.DropboxProvider,
        shape=Shape(
            authorization_path="/www.dropbox.com/oauth2/authorize",
            token_path="/api.dropboxapi.com/oauth2/token",
            revocation_path="/api.dropboxapi.com/2/auth/token/revoke",
            revocation_method="POST",
            access_token_lifetime=14_400,
            rotates_refresh_tokens=False,
            offline=("token_access_type", "offline"),
            error=errors(
                code=described("invalid_grant", "code doesn't exist or has expired"),
                client=described("invalid_client", "Invalid client_id or client_secret"),
                other=described("invalid_grant", "refresh token is malformed"),
            ),
        ),
        answers={
            "user": (
                "/api.dropboxapi.com/2/users/get_current_account",
                {
                    "account_id": "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc",
                    "name": {
                        "given_name": "Ada",
                        "surname": "Byron",
                        "familiar_name": "Ada",
                        "display_name": "Ada Byron",
                        "abbreviated_name": "AB",
                    },
                    "email": EMAIL,
                    "email_verified": True,
                    "disabled": False,
                    "locale": "en",
                    "profile_photo_url": "https://dl-web.dropbox.com/x",
                    "account_type": {".tag": "basic"},
                },
            )
        },
        methods={"user": "POST"},
        identity="dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc",
        identity_at="user/account_id",
        email=EMAIL,
        vouches=True,
        name="Ada Byron",
        picture="https://dl-web.dropbox.com/x",
        renamed={"user/name.display_name": "Ada Lovelace", "user/email": "new@example.org"},
        without_email={"user/email": MISSING},
        unverified={"user/email_verified": False},
    ),
    Row(
        provider_class=providers.FacebookProvider,
        arguments={"long_lived_tokens": True},
        shape=Shape(
            authorization_path="/www.facebook.com/v24.0/dialog/oauth",
            token_path="/graph.facebook.com/v24.0/oauth/access_token",
            revocation_path="/graph.facebook.com/v24.0/me/permissions",
            revocation_method="DELETE",
            auth_methods=("client_secret_post",),
            scope_separator=",",
            access_token_lifetime=5400,
            refresh_token_lifetime=None,
            exchange_grant="fb_exchange_token",
            tokens=without("scope", token_type="bearer"),
            error=errors(
                client_status=400,
                code=graph_error("This authorization code has been used.", 100, 36009),
                client=graph_error("Error validating client secret.", 1),
                other=SESSION_ENDED,
            ),
        ),
        answers={
            "user": (
                "/graph.facebook.com/v24.0/me",
                {
                    "id": "10158123456789012",
                    "name": "Ada Byron",
                    "first_name": "Ada",
                    "last_name": "Byron",
                    "email": EMAIL,
                    "picture": {
                        "data": {
                            "height": 50,
                            "width": 50,
                            "is_silhouette": False,
                            "url": "https://platform-lookaside.fbsbx.com/x",
                        }
                    },
                },
            )
        },
        queries={"user": {"fields": "id,name,.*", "appsecret_proof": "[0-9a-f]{64}"}},
        identity="10158123456789012",
        identity_at="user/id",
        email=EMAIL,
        name="Ada Byron",
        picture="https://platform-lookaside.fbsbx.com/x",
        renamed={"user/name": "Ada Lovelace", "user/email": "new@example.org"},
        without_email={"user/email": MISSING},
        scope="email public_profile",
    ),
    Row(
        provider_class=providers.GitLabRESTProvider,
        shape=Shape(
            authorization_path="/gitlab.com/oauth/authorize",
            token_path="/gitlab.com/oauth/token",
            revocation_path="/gitlab.com/oauth/revoke",
            access_token_lifetime=7200,
            tokens=without(created_at=1_760_000_000),
            error=errors(
                client=described("invalid_client", "Client authentication failed due to unknown client"),
                other=described("invalid_grant", "The provided authorization grant is invalid, expired, revoked"),
            ),
        ),
        answers={
            "user": (
                "/gitlab.com/api/v4/user",
                {
                    "id": 2,
                    "username": "ada",
                    "name": "Ada Byron",
                    "state": "active",
                    "locked": False,
                    "avatar_url": "https://gitlab.com/uploads/a.png",
                    "web_url": "https://gitlab.com/ada",
                    "created_at": "2015-03-02T16:53:58.885Z",
                    "confirmed_at": "2015-03-02T16:53:58.370Z",
                    "email": EMAIL,
                    "commit_email": EMAIL,
                    "two_factor_enabled": True,
                },
            )
        },
        identity="2",
        identity_at="user/id",
        email=EMAIL,
        vouches=True,
        username="ada",
        name="Ada Byron",
        picture="https://gitlab.com/uploads/a.png",
        renamed={"user/username": "lovelace", "user/email": "new@example.org"},
        without_email={"user/email": ""},
        unverified={"user/confirmed_at": None},
        refused={"user/state": "blocked"},
    ),
    Row(
        provider_class=providers.InstagramProvider,
        arguments={"long_lived_tokens": True},
        server_class=InstagramStyleProvider,
        shape=Shape(
            authorization_path="/www.instagram.com/oauth/authorize",
            token_path="/api.instagram.com/oauth/access_token",
            revocation_path="",
            auth_methods=("client_secret_post",),
            pkce="refused",
            scope_separator=",",
            refresh_token_lifetime=None,
            tokens=instagram_tokens,
            error=errors(
                client_status=400,
                client={"error_type": "OAuthException", "code": 400, "error_message": "Invalid platform app"},
                other={
                    "error_type": "OAuthException",
                    "code": 400,
                    "error_message": "Matching code was not found or was already used",
                },
            ),
        ),
        answers={
            "user": (
                "/graph.instagram.com/me",
                {
                    "user_id": "17841400000000000",
                    "username": "ada.makes",
                    "name": "Ada",
                    "profile_picture_url": "https://scontent.cdninstagram.com/x.jpg",
                    "id": "24012345678901234",
                },
            )
        },
        queries={"user": {"fields": "user_id,username,.*"}},
        identity="17841400000000000",
        identity_at="user/user_id",
        username="ada.makes",
        name="Ada",
        picture="https://scontent.cdninstagram.com/x.jpg",
        renamed={"user/username": "ada.lovelace"},
        scope="instagram_business_basic instagram_business_content_publish",
    ),
    Row(
        provider_class=providers.KakaoProvider,
        shape=Shape(
            authorization_path="/kauth.kakao.com/oauth/authorize",
            token_path="/kauth.kakao.com/oauth/token",
            revocation_path="/kapi.kakao.com/v1/user/unlink",
            revocation_method="POST",
            auth_methods=("client_secret_post",),
            scope_separator=",",
            access_token_lifetime=21_599,
            tokens=without(token_type="bearer", refresh_token_expires_in=5_184_000),
            error=errors(
                code=described("invalid_grant", "authorization code not found for code=…", error_code="KOE320"),
                client=described("invalid_client", "Bad client credentials", error_code="KOE010"),
                other=described("invalid_grant", "expired_or_invalid_refresh_token", error_code="KOE322"),
            ),
        ),
        answers={
            "user": (
                "/kapi.kakao.com/v2/user/me",
                {
                    "id": 123456789,
                    "connected_at": "2026-04-11T01:45:28Z",
                    "kakao_account": {
                        "profile_needs_agreement": False,
                        "profile": {
                            "nickname": "Ada",
                            "profile_image_url": "https://k.kakaocdn.net/x.jpg",
                            "is_default_image": False,
                        },
                        "has_email": True,
                        "email_needs_agreement": False,
                        "is_email_valid": True,
                        "is_email_verified": True,
                        "email": EMAIL,
                    },
                },
            )
        },
        identity="123456789",
        identity_at="user/id",
        email=EMAIL,
        vouches=True,
        name="Ada",
        picture="https://k.kakaocdn.net/x.jpg",
        renamed={"user/kakao_account.profile.nickname": "Lovelace", "user/kakao_account.email": "new@example.org"},
        without_email={"user/kakao_account.email": MISSING},
        unverified={"user/kakao_account.is_email_valid": False},
        scope="account_email profile_nickname",
    ),
    Row(
        provider_class=providers.LinkedInPostingProvider,
        shape=Shape(
            authorization_path="/www.linkedin.com/oauth/v2/authorization",
            token_path="/www.linkedin.com/oauth/v2/accessToken",
            revocation_path="",
            auth_methods=("client_secret_post",),
            pkce="refused",
            access_token_lifetime=60 * DAY,
            rotates_refresh_tokens=False,
            tokens=without(refresh_token_expires_in=365 * DAY),
            error=errors(
                code=described(
                    "invalid_request",
                    "Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization "
                    "code. Or authorization code expired. Or external member binding exists",
                ),
                client=described("invalid_client", "Client authentication failed"),
                other=described(
                    "invalid_request",
                    "The provided authorization grant or refresh token is invalid, expired or revoked",
                ),
            ),
        ),
        answers={
            "user": (
                "/api.linkedin.com/v2/userinfo",
                {
                    "sub": "782bbtaQ9z",
                    "name": "Ada Byron",
                    "given_name": "Ada",
                    "family_name": "Byron",
                    "picture": "https://media.licdn.com/dms/image/x",
                    "locale": {"country": "GB", "language": "en"},
                    "email": EMAIL,
                    "email_verified": True,
                },
            )
        },
        identity="782bbtaQ9z",
        identity_at="user/sub",
        email=EMAIL,
        vouches=True,
        name="Ada Byron",
        picture="https://media.licdn.com/dms/image/x",
        renamed={"user/name": "Ada Lovelace", "user/email": "new@example.org"},
        without_email={"user/email": MISSING},
        unverified={"user/email_verified": False},
        cancellation="user_cancelled_authorize",
    ),
    Row(
        provider_class=providers.MastodonProvider,
        arguments={"base_url": "https://social.example/"},
        shape=Shape(
            authorization_path="/social.example/oauth/authorize",
            token_path="/social.example/oauth/token",
            revocation_path="/social.example/oauth/revoke",
            access_token_lifetime=None,
            refresh_token_lifetime=None,
            tokens=without(created_at=1_760_000_000),
            error=errors(
                client=described("invalid_client", "Client authentication failed due to unknown client"),
                other=described("invalid_grant", "The provided authorization grant is invalid, expired, revoked"),
            ),
        ),
        answers={
            "user": (
                "/social.example/api/v1/accounts/verify_credentials",
                {
                    "id": "14715",
                    "username": "ada",
                    "acct": "ada",
                    "display_name": "Ada Byron",
                    "locked": False,
                    "bot": False,
                    "url": "https://social.example/@ada",
                    "avatar": "https://cdn.social.example/x.jpg",
                    "source": {"privacy": "public", "sensitive": False, "language": ""},
                },
            )
        },
        identity="14715@social.example",
        identity_at="user/id",
        username="ada",
        name="Ada Byron",
        picture="https://cdn.social.example/x.jpg",
        renamed={"user/username": "lovelace", "user/acct": "lovelace"},
    ),
    Row(
        provider_class=providers.NotionProvider,
        shape=Shape(
            authorization_path="/api.notion.com/v1/oauth/authorize",
            token_path="/api.notion.com/v1/oauth/token",
            revocation_path="/api.notion.com/v1/oauth/revoke",
            auth_methods=("client_secret_basic",),
            takes_json=True,
            pkce="refused",
            headers={"notion-version": r"\d{4}-\d\d-\d\d"},
            offline=("owner", "user"),
            revokes_refresh_tokens=False,
            access_token_lifetime=None,
            tokens=without("scope", token_type="bearer", bot_id="b3414d65", workspace_id="9b6e", workspace_name="Acme"),
            error=errors(
                client={"error": "invalid_client", "request_id": "8b2a"},
                other={"error": "invalid_grant", "request_id": "8b2a"},
            ),
        ),
        answers={
            "user": (
                "/api.notion.com/v1/users/me",
                {
                    "object": "user",
                    "id": "b3414d65-0000-4000-8000-000000000000",
                    "name": "Shop",
                    "type": "bot",
                    "bot": {
                        "owner": {
                            "type": "user",
                            "user": {
                                "object": "user",
                                "id": "d40e767c-d7af-4b18-a86d-55c61f1e39a4",
                                "type": "person",
                                "name": "Ada Byron",
                                "avatar_url": "https://s3.amazonaws.com/notion/x.png",
                                "person": {"email": EMAIL},
                            },
                        },
                        "workspace_name": "Acme",
                    },
                },
            )
        },
        identity="d40e767c-d7af-4b18-a86d-55c61f1e39a4",
        identity_at="user/bot.owner.user.id",
        email=EMAIL,
        name="Ada Byron",
        picture="https://s3.amazonaws.com/notion/x.png",
        renamed={"user/bot.owner.user.name": "Lovelace", "user/bot.owner.user.person.email": "new@example.org"},
        without_email={"user/bot.owner.user.person": {}},
    ),
    Row(
        provider_class=providers.PinterestProvider,
        shape=Shape(
            authorization_path="/www.pinterest.com/oauth/",
            token_path="/api.pinterest.com/v5/oauth/token",
            revocation_path="",
            auth_methods=("client_secret_basic",),
            pkce="refused",
            scope_separator=",",
            access_token_lifetime=30 * DAY,
            refresh_token_lifetime=60 * DAY,
            tokens=without(token_type="bearer", response_type="authorization_code", refresh_token_expires_in=60 * DAY),
            error=errors(
                status=401,
                client={"code": 2, "message": "Authentication failed.", "status": "failure"},
                other={"code": 283, "message": "The authorization grant is invalid"},
            ),
        ),
        answers={
            "user": (
                "/api.pinterest.com/v5/user_account",
                {
                    "id": "2783136121146311751",
                    "username": "adapins",
                    "account_type": "BUSINESS",
                    "profile_image": "https://i.pinimg.com/280x280_RS/x.jpg",
                    "website_url": "https://example.org",
                    "business_name": "Ada's",
                    "board_count": 3,
                },
            )
        },
        identity="2783136121146311751",
        identity_at="user/id",
        username="adapins",
        name="Ada's",
        picture="https://i.pinimg.com/280x280_RS/x.jpg",
        renamed={"user/username": "lovelace"},
        scope="user_accounts:read pins:write",
    ),
    Row(
        provider_class=providers.RedditProvider,
        shape=Shape(
            authorization_path="/www.reddit.com/api/v1/authorize",
            token_path="/www.reddit.com/api/v1/access_token",
            revocation_path="/www.reddit.com/api/v1/revoke_token",
            auth_methods=("client_secret_basic",),
            pkce="refused",
            headers={"user-agent": r"web:client:\S+ \(.*\)"},
            offline=("duration", "permanent"),
            tokens=without(token_type="bearer", expires_in=3600.0),
            error=errors(
                status=200,
                client={"message": "Unauthorized", "error": 401},
                refresh_token={"error": "invalid_grant"},
                other={"error": "invalid_grant"},
            ),
        ),
        answers={
            "user": (
                "/oauth.reddit.com/api/v1/me",
                {
                    "id": "33bma",
                    "name": "ada_b",
                    "created_utc": 1203420772.0,
                    "link_karma": 34,
                    "comment_karma": 167,
                    "has_verified_email": True,
                    "verified": True,
                    "icon_img": "https://styles.redditmedia.com/x.png?width=256&amp;s=1",
                    "over_18": False,
                },
            )
        },
        identity="33bma",
        identity_at="user/id",
        username="ada_b",
        name="ada_b",
        picture="https://styles.redditmedia.com/x.png?width=256&s=1",
        renamed={"user/name": "lovelace"},
    ),
    Row(
        provider_class=providers.SpotifyProvider,
        shape=Shape(
            authorization_path="/accounts.spotify.com/authorize",
            token_path="/accounts.spotify.com/api/token",
            revocation_path="",
            rotates_refresh_tokens=False,
            error=errors(
                client_status=400,
                code=described("invalid_grant", "Invalid authorization code"),
                client=described("invalid_client", "Invalid client secret"),
                other=described("invalid_grant", "Refresh token revoked"),
            ),
        ),
        answers={
            "user": (
                "/api.spotify.com/v1/me",
                {
                    "id": "ada1815",
                    "display_name": "Ada",
                    "email": EMAIL,
                    "country": "GB",
                    "product": "premium",
                    "images": [{"url": "https://i.scdn.co/image/x", "height": 64, "width": 64}],
                    "external_urls": {"spotify": "https://open.spotify.com/user/ada1815"},
                    "uri": "spotify:user:ada1815",
                },
            )
        },
        identity="ada1815",
        identity_at="user/id",
        email=EMAIL,
        name="Ada",
        picture="https://i.scdn.co/image/x",
        renamed={"user/display_name": "Lovelace", "user/email": "new@example.org", "user/images": []},
        without_email={"user/email": MISSING},
    ),
    Row(
        provider_class=providers.StravaProvider,
        shape=Shape(
            authorization_path="/www.strava.com/oauth/authorize",
            token_path="/www.strava.com/api/v3/oauth/token",
            revocation_path="/www.strava.com/oauth/deauthorize",
            revocation_method="POST",
            auth_methods=("client_secret_post",),
            scope_separator=",",
            access_token_lifetime=21_600,
            tokens=without("scope", expires_at=1_760_021_600, athlete={"id": 134815}),
            error=errors(
                code=strava_error("AuthorizationCode", "code"),
                client=strava_error("Application", "", message="Authorization Error"),
                other=strava_error("RefreshToken", "refresh_token"),
            ),
        ),
        answers={
            "user": (
                "/www.strava.com/api/v3/athlete",
                {
                    "id": 134815,
                    "username": "ada",
                    "firstname": "Ada",
                    "lastname": "Byron",
                    "city": "London",
                    "country": "United Kingdom",
                    "profile": "avatar/athlete/large.png",
                },
            )
        },
        identity="134815",
        identity_at="user/id",
        username="ada",
        name="Ada Byron",
        renamed={"user/username": None, "user/lastname": "Lovelace"},
        scope="read activity:read",
    ),
    Row(
        provider_class=providers.TikTokProvider,
        shape=Shape(
            authorization_path="/www.tiktok.com/v2/auth/authorize/",
            token_path="/open.tiktokapis.com/v2/oauth/token/",
            revocation_path="/open.tiktokapis.com/v2/oauth/revoke/",
            auth_methods=("client_secret_post",),
            client_id_name="client_key",
            revokes_refresh_tokens=False,
            pkce="refused",
            scope_separator=",",
            access_token_lifetime=DAY,
            refresh_token_lifetime=365 * DAY,
            tokens=without(open_id="723f24d7-e717-40f8-a2b6-cb8464cd23b4", refresh_expires_in=365 * DAY),
            error=errors(
                status=200,
                client_status=200,
                code=described("invalid_grant", "Authorization code is expired.", log_id="2026"),
                client=described("invalid_client", "Client key or secret is incorrect.", log_id="2026"),
                other=described("invalid_grant", "Refresh token is invalid or expired.", log_id="2026"),
            ),
        ),
        answers={
            "user": (
                "/open.tiktokapis.com/v2/user/info/",
                {
                    "data": {
                        "user": {
                            "open_id": "723f24d7-e717-40f8-a2b6-cb8464cd23b4",
                            "union_id": "c9c60f44",
                            "display_name": "Ada",
                            "avatar_url": "https://p19-sign.tiktokcdn-us.com/x",
                        }
                    },
                    "error": {"code": "ok", "message": "", "log_id": "2026"},
                },
            )
        },
        queries={"user": {"fields": "open_id,.*"}},
        identity="723f24d7-e717-40f8-a2b6-cb8464cd23b4",
        identity_at="user/data.user.open_id",
        name="Ada",
        picture="https://p19-sign.tiktokcdn-us.com/x",
        renamed={"user/data.user.display_name": "Lovelace"},
        scope="user.info.basic video.list",
    ),
    Row(
        provider_class=providers.XProvider,
        shape=Shape(
            authorization_path="/x.com/i/oauth2/authorize",
            token_path="/api.x.com/2/oauth2/token",
            revocation_path="/api.x.com/2/oauth2/revoke",
            auth_methods=("client_secret_basic",),
            pkce="required",
            access_token_lifetime=7200,
            offline=("scope", "offline.access"),
            tokens=without(token_type="bearer"),
            error=errors(
                code=described("invalid_request", "Value passed for the authorization code was invalid."),
                client=described("unauthorized_client", "Missing valid authorization header"),
                other=described("invalid_request", "Value passed for the token was invalid."),
            ),
        ),
        answers={
            "user": (
                "/api.x.com/2/users/me",
                {
                    "data": {
                        "id": "2244994945",
                        "name": "Ada Byron",
                        "username": "adab",
                        "profile_image_url": "https://pbs.twimg.com/profile_images/1/x_normal.jpg",
                        "confirmed_email": EMAIL,
                    }
                },
            )
        },
        queries={"user": {"user.fields": "profile_image_url,confirmed_email"}},
        identity="2244994945",
        identity_at="user/data.id",
        email=EMAIL,
        vouches=True,
        username="adab",
        name="Ada Byron",
        picture="https://pbs.twimg.com/profile_images/1/x_normal.jpg",
        renamed={"user/data.username": "lovelace", "user/data.confirmed_email": "new@example.org"},
        without_email={"user/data.confirmed_email": MISSING},
        scope="users.read tweet.read users.email offline.access",
    ),
    Row(
        provider_class=providers.YouTubeProvider,
        shape=Shape(
            authorization_path="/accounts.google.com/o/oauth2/v2/auth",
            token_path="/oauth2.googleapis.com/token",
            revocation_path="/oauth2.googleapis.com/revoke",
            rotates_refresh_tokens=False,
            offline=("access_type", "offline"),
            tokens=without(
                scope="openid https://www.googleapis.com/auth/userinfo.email "
                "https://www.googleapis.com/auth/userinfo.profile https://www.googleapis.com/auth/youtube.readonly"
            ),
            error=errors(
                code=described("invalid_grant", "Malformed auth code."),
                client=described("invalid_client", "The provided client secret is invalid."),
                other=described("invalid_grant", "Token has been expired or revoked."),
            ),
        ),
        answers={
            "user": (
                "/openidconnect.googleapis.com/v1/userinfo",
                {
                    "sub": "104223344556677889900",
                    "name": "Ada Byron",
                    "given_name": "Ada",
                    "family_name": "Byron",
                    "picture": "https://lh3.googleusercontent.com/a/x",
                    "email": EMAIL,
                    "email_verified": True,
                },
            ),
            "channels": (
                "/www.googleapis.com/youtube/v3/channels",
                {
                    "kind": "youtube#channelListResponse",
                    "pageInfo": {"totalResults": 1, "resultsPerPage": 5},
                    "items": [
                        {
                            "kind": "youtube#channel",
                            "id": "UCx0000000000000000000",
                            "snippet": {
                                "title": "Ada's engine",
                                "customUrl": "@adasengine",
                                "thumbnails": {"default": {"url": "https://yt3.ggpht.com/x", "width": 88}},
                            },
                        }
                    ],
                },
            ),
        },
        queries={"channels": {"part": "snippet", "mine": "true"}},
        identity="104223344556677889900",
        identity_at="user/sub",
        email=EMAIL,
        vouches=True,
        username="adasengine",
        name="Ada's engine",
        picture="https://yt3.ggpht.com/x",
        renamed={"channels/items": [], "user/email": "new@example.org"},
        without_email={"user/email": MISSING},
        unverified={"user/email_verified": False},
    ),
)
