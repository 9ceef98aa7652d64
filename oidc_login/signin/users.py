"""The site's users, with any user model: found by email address, named and created, and which of them are new."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, UserManager
from django.db import router
from django.db.models import CharField, Field, Manager, Model, QuerySet, TextField
from django.db.models.signals import post_save
from django.utils.crypto import get_random_string
from django.views.decorators.debug import sensitive_variables

from oidc_login.exceptions import EmailNotTaken, EmailRequired
from oidc_login.models.queries import find_users_by_text
from oidc_login.signin.claims import Identity, email_key, text, username_from
from oidc_login.user_model import get_field

if TYPE_CHECKING:
    from oidc_login.providers.base import OAuthProvider
    from oidc_login.signin.values import Backend


SUFFIX_LENGTH = 6  # digits after a hyphen
NAME_CLAIMS = {"first_name": "given_name", "last_name": "family_name"}
RESERVED_USERNAMES = frozenset(
    {
        "admin",
        "administrator",
        "anonymous",
        "hostmaster",
        "moderator",
        "operator",
        "owner",
        "postmaster",
        "root",
        "security",
        "staff",
        "superuser",
        "support",
        "sysadmin",
        "system",
        "webmaster",
    }
)


def find_by_email(email: str) -> list[AbstractBaseUser]:
    """Return the users that have an address, compared safely; the database may return others too."""
    model = get_user_model()
    field = get_field(model.get_email_field_name())
    if not email or field is None:
        return []
    found = model._default_manager.using(router.db_for_write(model)).filter(**{f"{field.name}__iexact": email})
    return with_email(found, email, field)


def with_email(users: Iterable[Any], email: str, field: Field[Any, Any]) -> list[AbstractBaseUser]:
    return [user for user in users if email_key(getattr(user, field.attname) or "") == email_key(email)]


def find_by_email_or_name(email: str, name: str) -> tuple[list[AbstractBaseUser], bool]:
    """Return the users that have an address, and whether it is known that nobody has a user name: by one query.

    A sign-up needs both. Where managers of the site may hide users, only addresses are searched.
    """
    model = get_user_model()
    field = get_field(model.get_email_field_name())
    if not email or not name or field is None or field.name == model.USERNAME_FIELD or not has_plain_managers():
        return find_by_email(email), False
    found = find_users_by_text({f"{field.name}__iexact": email, username_lookup(): name})
    return with_email(found, email, field), not found


def has_plain_managers() -> bool:
    """Whether the managers of the user model find every user."""
    managers: Any = (get_user_model()._default_manager, get_user_model()._base_manager)
    return all(
        type(manager).get_queryset is Manager.get_queryset and manager._queryset_class is QuerySet
        for manager in managers
    )


def creates_user_at_once(backend: Backend) -> bool:
    """Whether the first statement of creating a user is its INSERT: no code of the site, and no search for a name."""
    if not backend.known_free_username or backend.overrides("create_user", "get_username"):
        return False
    create_user = find_create_user()
    is_plain = create_user is None or is_djangos(create_user)
    return is_plain and get_user_model().save in (Model.save, AbstractBaseUser.save)


@sensitive_variables()
def make_user(
    identity: Identity, claims: Mapping[str, Any], *, provider: OAuthProvider, get_username: Callable[[], str]
) -> AbstractBaseUser:
    """Return a new saved user with an unusable password.

    The model's manager creates it if possible: its `create_user` may know what a new account needs.
    Raise `EmailRequired` if the model or its manager requires an address.
    """
    values = values_for(identity, claims, provider=provider, get_username=get_username)
    create_user = manager_create_user(values)
    if create_user is None:
        user: Any = get_user_model()(**values)
        user.set_unusable_password()
        user.save()
        return user  # type: ignore[no-any-return]  # of whatever model the site uses
    try:
        user = create_user(**accepted(create_user, values))
    except ValueError as error:  # how a manager refuses a missing value
        if not values.get(get_user_model().get_email_field_name(), "not asked for"):
            raise no_email(identity, provider) from error
        raise
    complete(user, values)
    return user  # type: ignore[no-any-return]  # likewise


def values_for(
    identity: Identity, claims: Mapping[str, Any], *, provider: OAuthProvider, get_username: Callable[[], str]
) -> dict[str, Any]:
    """Return the values of a new user, by the names of the model's fields."""
    model = get_user_model()
    email_field, username_field = get_field(model.get_email_field_name()), get_field(model.USERNAME_FIELD)
    values: dict[str, Any] = {}
    if email_field is not None:
        values[email_field.name] = email_for(identity, email_field, provider=provider)
    if username_field is not None and username_field is not email_field:
        values[username_field.name] = get_username()
    for name, claim in NAME_CLAIMS.items():
        if (field := get_field(name)) is not None:
            values[name] = text(claims, claim, max_length=field.max_length)
    return values


def manager_create_user(values: Mapping[str, Any]) -> Callable[..., Any] | None:
    """Return the `create_user` of the model's manager; `None` if it needs more than these values.

    Django's own stores a missing address as an empty string, which a unique column can store only once.
    """
    create_user = find_create_user()
    if create_user is None or (is_djangos(create_user) and None in values.values()):
        return None
    try:
        signature_of(create_user).bind(**accepted(create_user, values))
    except TypeError:
        return None
    return create_user


def find_create_user() -> Callable[..., Any] | None:
    """Return the `create_user` of the model's default manager, or else of `objects`."""
    model: Any = get_user_model()
    managers = (model._default_manager, getattr(model, "objects", None))
    return next((found for manager in managers if (found := getattr(manager, "create_user", None))), None)


def is_djangos(create_user: Callable[..., Any]) -> bool:
    """Whether a `create_user` is Django's own, which does not know the site's fields."""
    return getattr(create_user, "__func__", None) is UserManager.create_user


@lru_cache(maxsize=8)
def signature_of(create_user: Callable[..., Any]) -> Signature:
    """Return the signature of a `create_user`; to make it takes half as long as to create the user."""
    return signature(create_user)


def accepted(create_user: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments for a `create_user`: the values that it accepts, and no password if it has one."""
    parameters = signature_of(create_user).parameters
    takes_all = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values())
    given = {name: value for name, value in values.items() if takes_all or name in parameters}
    return {**given, "password": None} if "password" in parameters else given


def complete(user: Any, values: Mapping[str, Any]) -> None:
    """Save the values that the manager's `create_user` ignored, and an unusable password."""
    email_name = user.get_email_field_name()
    names = [name for name in values if name in NAME_CLAIMS or (name == email_name and values[name] is None)]
    written = [name for name in names if getattr(user, name) != values[name]]
    for name in written:
        setattr(user, name, values[name])
    if get_field("password") is not None and user.has_usable_password():
        user.set_unusable_password()
        written.append("password")
    if written:
        user.save(update_fields=written)


def email_for(identity: Identity, field: Field[Any, Any], *, provider: OAuthProvider) -> str | None:
    """Return the address for the user's own field: a verified address or none."""
    email = own_email(identity, provider)
    if field.max_length is not None and len(email) > field.max_length:
        email = ""
    if email:
        return email
    if field.null:
        return None
    if not field.blank or field.unique:
        raise no_email(identity, provider)
    return ""


def requires_address() -> bool:
    """Whether the user model can store no account without an email address, or only one."""
    field = get_field(get_user_model().get_email_field_name())
    return field is not None and not field.null and (not field.blank or field.unique)


def own_email(identity: Identity, provider: OAuthProvider) -> str:
    """Return the address that an account may have as its own, "" if there is none.

    The owner of an address is linked to the account that has it. So a provider whose own setting says that its
    addresses link nobody adds none to an account: an attacker could wait there for the owner to sign in.
    """
    return identity.email if identity.email_verified and provider.link_by_email != "never" else ""


def no_email(identity: Identity, provider: OAuthProvider, reason: str = "") -> EmailRequired:
    """Return the refusal of a person without the address that the user model requires."""
    taken = provider.link_by_email != "never" or not identity.email_verified
    return EmailRequired(reason) if taken else EmailNotTaken(reason or "link_by_email")


def free_username(
    claims: Mapping[str, Any], *, reserved: Container[str] = (), suggested: object = "", known_free: str = ""
) -> str:
    """Return a free user name that the site, or else the claims, suggest.

    A name in `reserved` (in lowercase) is not free: people would mistake its owner for the site itself. `known_free`
    is known to be free.
    """
    name = first_username(claims, suggested=suggested)
    stem = name[: max_username_length() - SUFFIX_LENGTH - 1]
    while name.casefold() in reserved or (name != known_free and username_exists(name)):
        name = f"{stem}-{get_random_string(SUFFIX_LENGTH, '0123456789')}"
    return name


def first_username(claims: Mapping[str, Any], *, suggested: object = "") -> str:
    """Return the user name to try first."""
    max_length = max_username_length()
    return str(suggested or "")[:max_length] or username_from(claims, max_length=max_length - SUFFIX_LENGTH - 1)


def max_username_length() -> int:
    return getattr(get_field(get_user_model().USERNAME_FIELD), "max_length", None) or 150


def username_exists(name: str) -> bool:
    """Whether any user has this name in any case, including users that the site's own manager hides."""
    model = get_user_model()
    return model._base_manager.using(router.db_for_write(model)).filter(**{username_lookup(): name}).exists()


def username_lookup() -> str:
    """Return the lookup of a user name, without case where it is text."""
    name = get_user_model().USERNAME_FIELD
    return f"{name}__iexact" if isinstance(get_field(name), (CharField, TextField)) else name


_created: ContextVar[set[Any] | None] = ContextVar("oidc_login_created_users", default=None)


@contextmanager
def collect_created_users() -> Iterator[set[Any]]:
    """Collect the primary keys of the users that are created inside this block."""
    created: set[Any] = set()
    token = _created.set(created)
    try:
        yield created
    finally:
        _created.reset(token)


def add_created_user(sender: Any, *, instance: Any, created: bool = False, **kwargs: Any) -> None:
    """Add a user that was just created to the block that collects them (`post_save`)."""
    collected = _created.get()
    if collected is not None and created and isinstance(instance, get_user_model()):
        collected.add(instance.pk)


post_save.connect(add_created_user, dispatch_uid="oidc_login.created_users")
