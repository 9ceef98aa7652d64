"""Microsoft: the tenant decides who somebody is, whether they may come, and what their address is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.models import OAuthConnection
from oidc_login.protocol.errors import InvalidIDToken, MetadataInvalid
from oidc_login.protocol.metadata import ProviderMetadata
from oidc_login.providers import MicrosoftProvider
from oidc_login.testing import Answer, UnsignedToken
from tests.providers.openid_service import OpenIDService, Person, document_of, openid_service
from tests.providers.openid_table import MICROSOFT, ONE_TENANT, ORGANIZATIONS, PERSONAL, TENANT
from tests.support.signing import ids

if TYPE_CHECKING:
    from pytest_django import Settings

OTHER = "bbbbbbbb-bbbb-cccc-dddd-eeeeeeeeeeee"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"


def microsoft(**arguments: Any) -> MicrosoftProvider:
    return MicrosoftProvider(**{"provider_key": "op", "client_id": "client", "tenant": TENANT, **arguments})


# What a site writes

ADDRESSES: list[tuple[str, dict[str, Any], str]] = [
    ("a GUID", {"tenant": TENANT}, f"https://login.microsoftonline.com/{TENANT}/v2.0"),
    ("a GUID in capitals", {"tenant": TENANT.upper()}, f"https://login.microsoftonline.com/{TENANT}/v2.0"),
    ("a domain", {"tenant": "contoso.example"}, "https://login.microsoftonline.com/contoso.example/v2.0"),
    ("personal accounts", {"tenant": "consumers"}, "https://login.microsoftonline.com/consumers/v2.0"),
    (
        "a national cloud",
        {"authority": "https://login.microsoftonline.us/"},
        f"https://login.microsoftonline.us/{TENANT}/v2.0",
    ),
]


@pytest.mark.parametrize(("arguments", "address"), [row[1:] for row in ADDRESSES], ids=ids(ADDRESSES))
def test_the_document_is_that_of_the_tenant(arguments: dict[str, Any], address: str) -> None:
    assert microsoft(**arguments).discovery_url == f"{address}/.well-known/openid-configuration"


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("many tenants, none named", {"tenant": "common"}, "allowed_tenants"),
    ("work accounts, none named", {"tenant": "organizations", "allowed_tenants": []}, "allowed_tenants"),
    ("in capitals, none named", {"tenant": "Common"}, "allowed_tenants"),
    ("a domain among the tenants", {"tenant": "common", "allowed_tenants": ["contoso.example"]}, "GUID"),
    ("a word among the tenants", {"tenant": "common", "allowed_tenants": ["organizations"]}, "GUID"),
    ("a star among others", {"tenant": "common", "allowed_tenants": ["*", "x"]}, "GUID"),
    ("one tenant with a list", {"tenant": TENANT, "allowed_tenants": [OTHER]}, "no meaning"),
    ("personal accounts with a list", {"tenant": "consumers", "allowed_tenants": "*"}, "no meaning"),
    (
        "trust in everybody's tenant",
        {"tenant": "organizations", "allowed_tenants": "*", "trust_email": True},
        "trust_email",
    ),
]


@pytest.mark.parametrize(("arguments", "said"), [row[1:] for row in WRONG], ids=ids(WRONG))
def test_settings_that_let_in_others_than_they_seem_to_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        microsoft(**arguments)


# The document

DOCUMENTS: list[tuple[str, str, dict[str, Any], bool]] = [
    ("of the tenant", "entra-tenant", {"tenant": "a51dae83-9ea9-4d51-ae6b-52ae0337a7f9"}, True),
    ("of another tenant", "entra-tenant", {"tenant": TENANT}, False),
    ("of the tenant of a domain", "entra-tenant", {"tenant": "contoso.example"}, True),
    ("of many tenants", "entra-common", {"tenant": "common", "allowed_tenants": "*"}, True),
    ("of one tenant for many", "entra-tenant", {"tenant": "common", "allowed_tenants": "*"}, False),
    ("of many tenants for one", "entra-common", {"tenant": TENANT}, False),
    ("of many tenants for a domain", "entra-common", {"tenant": "contoso.example"}, False),
    ("of personal accounts", "entra-consumers", {"tenant": "consumers"}, True),
    ("of another tenant for personal accounts", "entra-tenant", {"tenant": "consumers"}, False),
    ("of an older form", "entra-v1-common", {"tenant": "common", "allowed_tenants": "*"}, False),
    ("of another cloud", "entra-china-common", {"tenant": "common", "allowed_tenants": "*"}, False),
]


@pytest.mark.parametrize(("folder", "arguments", "accepted"), [row[1:] for row in DOCUMENTS], ids=ids(DOCUMENTS))
def test_the_document_is_of_the_tenant_that_was_asked(folder: str, arguments: dict[str, Any], accepted: bool) -> None:
    provider = microsoft(**arguments)
    metadata = ProviderMetadata.from_json(document_of(folder), tenants=provider.tenants)
    if accepted:
        provider.check_document(metadata)
        return
    with pytest.raises(MetadataInvalid, match="issuer_mismatch"):
        provider.check_document(metadata)


@pytest.mark.parametrize(
    "issuer",
    [
        f"https://evil.example/{TENANT}/v2.0",
        f"https://login.microsoftonline.com/{TENANT}",
        f"https://login.microsoftonline.com/{TENANT}/v2.0/v2.0",
        f"{TENANT}/v2.0",
        "https://login.microsoftonline.com/contoso.example/v2.0",
    ],
)
def test_a_domains_document_names_a_tenant_of_the_same_authority(issuer: str) -> None:
    metadata = replace(ProviderMetadata.from_json(document_of("entra-tenant")), issuer=issuer)
    with pytest.raises(MetadataInvalid, match="issuer_mismatch"):
        microsoft(tenant="contoso.example").check_document(metadata)


# Tenants


@pytest.fixture
def common(settings: Settings) -> Iterator[OpenIDService]:
    """A site that lets the people of one tenant come through the endpoint of all."""
    with openid_service(MICROSOFT, settings) as service:
        yield service


def say(service: OpenIDService, **claims: Any) -> None:
    """Let the ID token have other claims, with `{}` for the address of the provider; `None` takes one away."""

    def bent(token: UnsignedToken) -> UnsignedToken:
        token = service._id_token(token)
        said = {name: v.format(service.op.base_url) if isinstance(v, str) else v for name, v in claims.items()}
        token.claims = {name: value for name, value in {**token.claims, **said}.items() if value is not None}
        return token

    service.op.bend("id_token", bent)


FOREIGN: list[tuple[str, dict[str, Any], tuple[int, str]]] = [
    ("another tenant", {"iss": "{}/" + OTHER + "/v2.0", "tid": OTHER}, (403, "refused_by_site")),
    ("a personal account", {"iss": "{}/" + CONSUMERS + "/v2.0", "tid": CONSUMERS}, (403, "refused_by_site")),
    ("another tenant under an allowed name", {"iss": "{}/" + OTHER + "/v2.0"}, (502, "id_token_invalid")),
    ("an allowed tenant under another name", {"tid": OTHER}, (502, "id_token_invalid")),
    ("no tenant", {"tid": None}, (502, "id_token_invalid")),
    ("the template", {"iss": "{}/{{tenantid}}/v2.0", "tid": "{{tenantid}}"}, (502, "id_token_invalid")),
    ("the word", {"iss": "{}/common/v2.0", "tid": "common"}, (502, "id_token_invalid")),
    ("another authority", {"iss": f"https://evil.example/{TENANT}/v2.0"}, (502, "id_token_invalid")),
    ("the older form", {"iss": f"https://sts.windows.net/{TENANT}/"}, (502, "id_token_invalid")),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("claims", "seen"), [row[1:] for row in FOREIGN], ids=ids(FOREIGN))
def test_nobody_comes_from_another_tenant(common: OpenIDService, claims: dict[str, Any], seen: tuple[int, str]) -> None:
    say(common, **claims)

    response = common.sign_in()

    assert response.status_code == seen[0]
    assert seen[1] in response.content.decode()
    assert not OAuthConnection.objects.exists()


@pytest.mark.parametrize(
    ("tenant", "allowed", "tid", "admitted"),
    [
        ("common", "*", OTHER, True),
        ("common", "*", CONSUMERS, True),
        ("common", [TENANT, OTHER], OTHER, True),
        ("common", [TENANT.upper()], TENANT, True),
        ("common", [TENANT], CONSUMERS, False),
        ("common", [CONSUMERS], CONSUMERS, True),
        ("organizations", "*", OTHER, True),
        ("organizations", "*", CONSUMERS, False),
        ("organizations", [CONSUMERS], CONSUMERS, False),
        ("common", [TENANT], ["x"], False),
        ("common", [TENANT], None, False),
        ("common", [TENANT], "*", False),
    ],
)
def test_the_list_names_who_may_come(tenant: str, allowed: Any, tid: Any, admitted: bool) -> None:
    assert microsoft(tenant=tenant, allowed_tenants=allowed).check_claims({"tid": tid}) is admitted


@pytest.mark.django_db
def test_the_same_subject_of_another_tenant_is_somebody_else(settings: Settings) -> None:
    with openid_service(ORGANIZATIONS, settings) as service:
        assert service.sign_in().status_code == 302
        first, service.person = service.browser.user, Person(email="")
        say(service, iss="{}/" + OTHER + "/v2.0", tid=OTHER)

        assert service.sign_in().status_code == 302

        assert service.browser.user != first
        assert OAuthConnection.objects.values("issuer", "provider_user_id").distinct().count() == 2


@pytest.mark.django_db
def test_a_person_is_named_for_all_apps_in_the_claims(common: OpenIDService) -> None:
    common.sign_in()

    claims = common.connection.claims
    assert (claims["tid"], claims["oid"]) == (TENANT, "99999999-8888-7777-6666-555555555555")
    assert common.connection.provider_user_id == "AbCd-pairwise"


# Keys


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("issuer", "status"),
    [
        ("{}/{{tenantid}}/v2.0", 302),
        ("{}/" + TENANT + "/v2.0", 302),
        ("{}/" + CONSUMERS + "/v2.0", 502),
        ("https://evil.example/{{tenantid}}/v2.0", 502),
    ],
)
def test_a_key_signs_for_the_tenants_that_it_names(common: OpenIDService, issuer: str, status: int) -> None:
    """The set for all tenants also has the keys of personal accounts."""

    def bind(good: Answer) -> Answer:
        shaped = common._key_set(good)
        return replace(
            shaped, json={"keys": [{**k, "issuer": issuer.format(common.op.base_url)} for k in shaped.json["keys"]]}
        )

    common.op.bend("jwks", bind)

    assert common.sign_in().status_code == status


# The address

VOUCHED: list[tuple[str, dict[str, Any], bool, bool]] = [
    # what is said, whether it counts, whether it counts with trust_email
    ("the domain is the tenant's", {"xms_edov": True}, True, True),
    ("in words", {"xms_edov": "true"}, True, True),
    ("as a figure", {"xms_edov": "1"}, True, True),
    ("as a number", {"xms_edov": 1}, False, False),
    ("not the tenant's", {"xms_edov": False}, False, False),
    ("not, in words", {"xms_edov": "false"}, False, False),
    ("not, as a figure", {"xms_edov": "0"}, False, False),
    ("a list", {"xms_edov": [True]}, False, False),
    ("nothing", {}, False, True),
    ("the standard claim, which is no word about the domain", {"email_verified": True}, False, True),
    ("the standard claim says no", {"email_verified": False}, False, False),
]


@pytest.mark.parametrize(("claims", "counts", "trusted"), [row[1:] for row in VOUCHED], ids=ids(VOUCHED))
def test_an_address_counts_where_its_domain_is_the_tenants(claims: dict[str, Any], counts: bool, trusted: bool) -> None:
    """nOAuth: an administrator may write any address into an account of the tenant."""
    said = {"email": "ada@contoso.example", **claims}
    assert microsoft().is_email_verified(said) is counts
    assert microsoft(trust_email=True).is_email_verified(said) is trusted


@pytest.mark.django_db
def test_what_was_said_of_no_address_is_not_said_of_the_one_in_user_info(common: OpenIDService) -> None:
    say(common, email=None, xms_edov=True)

    assert common.sign_in().status_code == 302
    assert (common.connection.email, common.connection.email_verified) == ("ada@example.org", False)


# One tenant


@pytest.mark.django_db
@pytest.mark.parametrize("row", [ONE_TENANT, PERSONAL], ids=lambda row: row.id)
def test_one_tenant_is_one_issuer(settings: Settings, row: Any) -> None:
    with openid_service(row, settings) as service:
        say(service, iss="{}/" + OTHER + "/v2.0", tid=OTHER)
        assert service.sign_in().status_code == 502


def test_an_assertion_of_the_client_is_for_the_token_endpoint_of_many_tenants(settings: Settings) -> None:
    """There is no one issuer that it could be for."""
    with openid_service(MICROSOFT, settings) as service:
        shared = microsoft(authority=service.op.base_url, tenant="common", allowed_tenants="*")
        assert (shared.get_issuer(), shared.get_audience()) == ("", service.op.token_endpoint)


# Signing out


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("allowed", "iss", "signed_out"),
    [
        ([TENANT], TENANT, True),
        ([TENANT, OTHER], OTHER, False),
        ([TENANT], "{tenantid}", False),
        ([TENANT], OTHER, False),
        ("*", TENANT, False),
    ],
    ids=["its own", "another one that may come", "the template", "a foreign one", "any"],
)
def test_a_logout_names_the_tenant_of_the_session(
    common: OpenIDService, settings: Settings, allowed: Any, iss: str, signed_out: bool
) -> None:
    """Front-Channel Logout 2."""
    settings.OIDC_LOGIN_PROVIDERS = {"op": {**common.entry(), "allowed_tenants": allowed}}
    say(common, sid="the session")
    assert common.sign_in().status_code == 302

    query = {"iss": f"{common.op.base_url}/{iss}/v2.0", "sid": "the session"}
    common.browser.get("/oauth/op/frontchannel-logout/", query, cross_site=True)

    assert (common.browser.user is None) is signed_out


def test_an_access_token_alone_does_not_say_whose_tenant_it_is_of() -> None:
    with pytest.raises(InvalidIDToken, match="iss"):
        microsoft(tenant="common", allowed_tenants="*").get_identity_issuer({})
