"""The configured providers: which class, which arguments, and what is said about wrong ones."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from oidc_login import providers
from oidc_login.cache import SharedValues
from oidc_login.exceptions import ProviderUnknown
from oidc_login.providers import (
    AppleProvider,
    GitHubProvider,
    GoogleProvider,
    OAuth2Provider,
    OAuthProvider,
    OIDCProvider,
    get_provider,
    get_provider_keys,
)
from oidc_login.providers.shipped import shipped_classes
from oidc_login.registry import argument_names, argument_problems, build_provider, get_providers
from tests.support.signing import ids

OP = {"issuer": "https://op.example", "client_id": "client", "client_secret": "CANARY"}
GITHUB = {"class": "oidc_login.providers.GitHubProvider", "client_id": "client", "client_secret": "CANARY"}


class SiteProvider(OAuth2Provider):
    """A site's own class, named by its path in the tests below."""

    def __init__(self, *, custom_arg: int, colour: str = "red", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.custom_arg = custom_arg
        self.colour = colour


class ClosedProvider(OAuthProvider):
    """A class that takes nothing but what it names."""

    def __init__(self, *, provider_key: str, client_id: str) -> None:
        super().__init__(provider_key=provider_key, client_id=client_id)


NotAClass = "text"


def path_of(name: str) -> str:
    return f"{__name__}.{name}"


def problem(configuration: dict[str, Any]) -> str:
    """What is said about a wrong entry; never with a secret in it."""
    with pytest.raises(ImproperlyConfigured) as caught:
        build_provider("op", configuration)
    said = str(caught.value)
    assert said.startswith("OIDC_LOGIN_PROVIDERS['op']: ")
    assert "CANARY" not in said
    return said


# The class


CLASSES: list[tuple[str, Any, type[OAuthProvider]]] = [
    ("none named", {}, OIDCProvider),
    ("shipped", {"class": "oidc_login.providers.GoogleProvider"}, GoogleProvider),
    ("shipped, by its module", {"class": "oidc_login.providers.google.GoogleProvider"}, GoogleProvider),
    ("a class itself", {"class": GoogleProvider}, GoogleProvider),
]


@pytest.mark.parametrize(("named", "provider_class"), [row[1:] for row in CLASSES], ids=ids(CLASSES))
def test_the_class_is_named_or_the_generic_one(named: dict[str, Any], provider_class: type[OAuthProvider]) -> None:
    provider = build_provider("op", {**OP, **named})
    assert type(provider) is provider_class
    assert provider.key == "op"


def test_a_sites_own_class_gets_its_arguments() -> None:
    entry = {"class": path_of("SiteProvider"), "client_id": "client", "custom_arg": 3}
    provider = build_provider("op", entry)
    assert isinstance(provider, SiteProvider)
    assert (provider.custom_arg, provider.colour) == (3, "red")
    assert type(build_provider("op", {"class": path_of("ClosedProvider"), "client_id": "x"})) is ClosedProvider


NO_CLASSES: list[tuple[str, Any]] = [
    ("no such module", "nowhere.at.all.Provider"),
    ("no such name", "oidc_login.providers.NoSuchProvider"),
    ("no path", "Provider"),
    ("empty", ""),
    ("not a provider", "django.http.HttpRequest"),
    ("another class", dict),
    ("not a class", path_of("NotAClass")),
    ("a number", 5),
    ("null", None),
]


@pytest.mark.parametrize("named", [row[1] for row in NO_CLASSES], ids=ids(NO_CLASSES))
def test_a_class_that_is_no_provider_is_named(named: Any) -> None:
    assert "class" in problem({**OP, "class": named})


# The arguments


ARGUMENTS: list[tuple[str, dict[str, Any], str]] = [
    (
        "unknown, near",
        {**OP, "client_secert": "CANARY"},
        "unknown argument 'client_secert', did you mean 'client_secret'?",
    ),
    ("unknown, of the subclass", {**OP, "isuer": "x"}, "unknown argument 'isuer', did you mean 'issuer'?"),
    ("unknown, far", {**OP, "zzz": 1}, "unknown argument 'zzz'"),
    ("of another class", {**OP, "hosted_domain": "x"}, "unknown argument 'hosted_domain'"),
    ("the key itself", {**OP, "provider_key": "other"}, "unknown argument 'provider_key'"),
    ("missing", {"issuer": "https://op.example"}, "missing argument 'client_id'"),
    (
        "missing in a site's class",
        {"class": path_of("SiteProvider"), "client_id": "client"},
        "missing argument 'custom_arg'",
    ),
    ("not taken by a closed class", {"class": path_of("ClosedProvider"), **OP}, "unknown argument 'issuer'"),
    ("of the wrong type", {**OP, "allowed_email_domains": 5}, "not iterable"),
    ("a broken key", {**OP, "client_key": {"kty": "RSA", "n": "CANARY"}}, "client_key is not a private JWK"),
    ("a null secret", {**OP, "client_secret": None}, "NoneType"),
]


@pytest.mark.parametrize(("entry", "said"), [row[1:] for row in ARGUMENTS], ids=ids(ARGUMENTS))
def test_a_wrong_argument_is_named(entry: dict[str, Any], said: str) -> None:
    assert said in problem(entry)


def test_all_problems_of_an_entry_are_found() -> None:
    found = argument_problems(SiteProvider, {"client_di": "x", "colur": "blue"})
    assert found == [
        "unknown argument 'client_di', did you mean 'client_id'?",
        "unknown argument 'colur', did you mean 'colour'?",
        "missing argument 'custom_arg'",
        "missing argument 'client_id'",
    ]


def test_the_arguments_are_those_of_the_class_and_its_bases() -> None:
    names = argument_names(SiteProvider)
    assert names["custom_arg"] is names["client_id"] is True
    assert names["colour"] is names["client_secret"] is names["token_endpoint_auth_method"] is False
    assert not {"self", "kwargs", "provider_key", "issuer"} & names.keys()
    assert argument_names(ClosedProvider) == {"client_id": True}


@pytest.mark.parametrize("provider_class", [OIDCProvider, GoogleProvider, GitHubProvider, AppleProvider])
def test_every_shipped_class_needs_a_client_id(provider_class: type[OAuthProvider]) -> None:
    assert argument_names(provider_class)["client_id"] is True


# The registry


@override_settings(OIDC_LOGIN_PROVIDERS={"op": OP, "github": GITHUB})
def test_a_provider_is_made_once() -> None:
    provider = get_provider("op")
    assert get_provider("op") is provider
    assert get_provider_keys() == ["op", "github"]
    assert [made.key for made in get_providers()] == ["op", "github"]


@override_settings(OIDC_LOGIN_PROVIDERS={"op": OP})
@pytest.mark.parametrize("key", ["nope", "", "OP", "../op", "class"])
def test_an_unknown_key_is_not_found(key: str) -> None:
    with pytest.raises(ProviderUnknown) as caught:
        get_provider(key)
    assert (caught.value.status_code, caught.value.code) == (404, "provider_unknown")


def test_a_provider_is_made_anew_when_its_settings_change() -> None:
    with override_settings(OIDC_LOGIN_PROVIDERS={"op": OP}):
        before = get_provider("op")
    with override_settings(OIDC_LOGIN_PROVIDERS={"op": {**OP, "label": "Other"}}):
        assert get_provider("op").label == "Other"
    with override_settings(OIDC_LOGIN_PROVIDERS={}), pytest.raises(ProviderUnknown):
        get_provider("op")
    assert before.label == "Op"


def test_a_change_inside_an_entry_is_a_change() -> None:
    entry: dict[str, Any] = {**OP, "authorization_params": {"prompt": "login"}}
    with override_settings(OIDC_LOGIN_PROVIDERS={"op": entry}):
        before = get_provider("op")
        entry["authorization_params"]["prompt"] = "consent"
        after = get_provider("op")
    assert after is not before
    assert after.authorization_params == {"prompt": "consent"}
    assert before.authorization_params == {"prompt": "login"}


@override_settings(OIDC_LOGIN_PROVIDERS={"op": OP})
def test_threads_that_come_at_once_share_one_provider() -> None:
    """Two would fetch every document twice."""
    interval, start = sys.getswitchinterval(), threading.Barrier(20)
    sys.setswitchinterval(1e-6)
    try:

        def first_use() -> OAuthProvider:
            start.wait()
            return get_provider("op")

        with ThreadPoolExecutor(20) as pool:
            made = [future.result() for future in [pool.submit(first_use) for _ in range(20)]]
    finally:
        sys.setswitchinterval(interval)
    assert len(set(map(id, made))) == 1


@override_settings(OIDC_LOGIN_PROVIDERS={"op": OP, "github": GITHUB})
def test_documents_are_shared_through_djangos_cache() -> None:
    provider = get_provider("op")
    assert isinstance(provider, OIDCProvider)
    assert isinstance(provider.documents.store, SharedValues)
    assert not hasattr(get_provider("github"), "store")


# Providers of a site's own database


def customers() -> dict[str, dict[str, Any]]:
    return {"customer": {**OP, "label": "Customer"}, "op": {**OP, "label": "Customer's"}}


@override_settings(OIDC_LOGIN_PROVIDERS={"op": OP}, OIDC_LOGIN_PROVIDER_LOADER=path_of("customers"))
def test_a_loader_brings_further_providers_and_replaces_none() -> None:
    assert sorted(get_provider_keys()) == ["customer", "op"]
    assert (get_provider("customer").label, get_provider("op").label) == ("Customer", "Op")


# The package's names


@pytest.mark.parametrize("name", [*providers.__all__, *shipped_classes()])
def test_every_name_is_found(name: str) -> None:
    assert getattr(providers, name).__name__ == name


def imported_for_type_checkers() -> set[str]:
    """The names under `if TYPE_CHECKING`, which type checkers and editors know."""
    tree = ast.parse(Path(str(providers.__file__)).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {alias.asname for node in imports for alias in node.names if alias.asname}


def test_every_public_name_is_listed_and_known_to_type_checkers() -> None:
    listed = {*providers.__all__}

    assert {*shipped_classes()} < listed
    assert listed == imported_for_type_checkers()
    assert listed < {*dir(providers)}
    assert "__all__" in dir(providers)


def test_star_import_brings_them_all() -> None:
    names: dict[str, Any] = {}
    exec("from oidc_login.providers import *", names)  # noqa: S102  # the statement cannot stand in a function

    assert {*providers.__all__} < {*names}


@pytest.mark.parametrize(
    "name", ["NoSuchProvider", "Provider", "BaseProvider", "AppleProviderX", "Apple", "ORMProvider"]
)
def test_another_name_is_none(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        getattr(importlib.import_module("oidc_login.providers"), name)


def test_no_shipped_class_is_overlooked() -> None:
    """A class without a display name would have no section in the documentation; base classes need none."""
    last = {found for found in subclasses(OAuthProvider) if not subclasses(found)}
    assert last == {*shipped_classes().values()}


def subclasses(of: type[OAuthProvider]) -> set[type[OAuthProvider]]:
    """The package's own classes that derive from another one."""
    direct = {found for found in of.__subclasses__() if is_ours(found)}
    return direct.union(*map(subclasses, direct))


def is_ours(found: type[OAuthProvider]) -> bool:
    """Whether a class is found in a module of the package; the examples of the documentation are not."""
    module = sys.modules.get(found.__module__)
    return found.__module__.startswith("oidc_login.providers.") and getattr(module, found.__name__, None) is found


def test_a_class_that_lacks_its_extra_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "oidc_login.providers.slack", None)  # what an import that fails looks like
    assert "SlackProvider" not in shipped_classes()
    assert "TwitchProvider" in shipped_classes()


GOOGLES = {
    "access_tokens",
    "base",
    "claim_paths",
    "discovery",
    "google",
    "interface",
    "mapping",
    "oauth2",
    "oidc",
    "openid_id_token",
    "openid_userinfo",
    "values",
}


@pytest.mark.parametrize(
    ("used", "loaded"),
    [
        ("", set()),
        ("OAuthToken", {"values"}),
        ("GoogleProvider", GOOGLES),
    ],
)
def test_a_provider_is_imported_when_it_is_first_used(used: str, loaded: set[str]) -> None:
    """So that forty providers cost no more than one."""
    program = (
        f"import sys, oidc_login.providers as p; {f'p.{used}' if used else ''}\n"
        "print(*[n.removeprefix(f'{p.__name__}.') for n in sys.modules if n.startswith(f'{p.__name__}.')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert set(done.stdout.split()) == loaded
