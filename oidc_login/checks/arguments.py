"""The rules for the arguments of providers in `OIDC_LOGIN_PROVIDERS`. No rule shows a value that may be secret."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise

from oidc_login import validation
from oidc_login.checks.addresses import allowed_email_domains
from oidc_login.checks.buttons import color, icon, letters
from oidc_login.checks.credentials import client_assertion_audience, client_assertion_file, client_id, client_secret
from oidc_login.checks.groups import flag_groups, group_map, groups_claim, profile_map
from oidc_login.checks.network import ca_bundle, proxy
from oidc_login.checks.oauth2 import mapping
from oidc_login.checks.old_callbacks import callback
from oidc_login.checks.openid import metadata, signing_algorithms
from oidc_login.checks.parameters import authorization_params
from oidc_login.checks.values import (
    Rule,
    boolean,
    dictionary,
    number,
    one_of,
    private_key,
    reporting,
    strings,
    text,
    text_or_strings,
    url,
)
from oidc_login.protocol.client_auth import METHODS
from oidc_login.protocol.http.client import MAX_TIMEOUT
from oidc_login.protocol.id_token import MAX_LEEWAY
from oidc_login.providers.oauth2 import ENDPOINTS
from oidc_login.validation import optional

label = reporting(validation.of_type("a string", '"..."', str, Promise))
timeout = number(f"more than 0 and at most {MAX_TIMEOUT} seconds", "10", int, float, above=0, maximum=MAX_TIMEOUT)
leeway = number(f"from 0 to {MAX_LEEWAY} seconds", "30", int, float, minimum=0, maximum=MAX_LEEWAY)

ARGUMENT_RULES: Mapping[str, Rule] = {
    "client_id": client_id,
    "client_secret": client_secret,
    "scope": optional(text_or_strings),
    "label": optional(label),
    "icon": icon,
    "brand_color": optional(color),
    "monogram": optional(letters),
    "authorization_params": optional(authorization_params),
    "timeout": timeout,
    "ca_bundle": optional(ca_bundle),
    "allow_signup": optional(boolean),
    "link_by_email": optional(one_of("verified", "never")),
    "allowed_email_domains": allowed_email_domains,
    "trust_email": boolean,
    "allow_login": boolean,
    "callback": optional(callback),
    "store_tokens": boolean,
    "groups_claim": groups_claim,
    "groups_from": one_of("claims", "graph"),
    "graph_names": boolean,
    "graph_url": url,
    "groups_missing": one_of("remove", "keep", "refuse"),
    "create_groups": boolean,
    "group_map": optional(group_map),
    "staff_groups": flag_groups("is_staff"),
    "superuser_groups": flag_groups("is_superuser"),
    "profile_map": optional(profile_map),
    "refuse_private_addresses": boolean,
    "proxy": optional(proxy),
    "token_endpoint_auth_method": optional(one_of(*METHODS)),
    "client_key": optional(private_key),
    "client_assertion_audience": client_assertion_audience,
    "client_assertion_file": optional(client_assertion_file),
    **dict.fromkeys((*ENDPOINTS, "api_base_url"), url),
    "mapping": optional(mapping),
    "discovery_url": text,
    "issuer": text,
    "metadata": optional(metadata),
    "id_token_signing_algs": optional(signing_algorithms),
    "userinfo": one_of("auto", "always", "never"),
    "leeway": leeway,
    "max_age": optional(number("0 seconds or more", "3600", int, minimum=0)),
    "prompt": optional(text),
    "acr_values": optional(text),
    "ui_locales": optional(text),
    "claims": optional(dictionary),
    "response_mode": optional(one_of("query", "form_post")),
    "push_authorization_requests": boolean,
    "third_party_initiated_login": boolean,
    "native_client_ids": strings,
    "signature_method": optional(one_of("HMAC-SHA1", "RSA-SHA1", "PLAINTEXT")),
    "signature_type": one_of("HEADER", "QUERY", "BODY"),
    "realm": text,
    "long_lived_tokens": boolean,
    "identify_by": one_of("account", "channel"),
}
