"""Decides the outcome of each account by reading only. An identity never gets a second account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.contrib.auth import get_user_model

from oidc_login.models import OAuthConnection
from oidc_login.moving.accounts import OldAccount
from oidc_login.moving.targets import Target
from oidc_login.user_model import get_field

# The outcomes.
IMPORTABLE: Final = "importable"
HERE: Final = "already here"
CONFLICT: Final = "in conflict"
NO_SUBJECT: Final = "without a usable sub"
NO_ISSUER: Final = "without an issuer"
NO_USER: Final = "without a user"
AMBIGUOUS: Final = "with several possible users"
STAFF: Final = "of staff"
CONNECTED: Final = "whose user already has a connection"
NO_PROVIDER: Final = "without a provider in OIDC_LOGIN_PROVIDERS"

OUTCOMES = (
    IMPORTABLE,
    HERE,
    CONFLICT,
    NO_SUBJECT,
    NO_ISSUER,
    NO_USER,
    AMBIGUOUS,
    STAFF,
    CONNECTED,
    NO_PROVIDER,
)

Identity = tuple[str, str, str]  # provider_key, issuer, provider_user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """An account with its outcome; the identity is "" if it is unknown."""

    account: OldAccount
    outcome: str
    target: Target | None = None
    issuer: str = ""
    subject: str = field(default="", repr=False)

    @property
    def identity(self) -> Identity:
        return (self.target.key if self.target else "", self.issuer, self.subject)


def decide(accounts: Sequence[OldAccount], *, alias: str, find: Callable[[str], Target | None]) -> list[Decided]:
    """Decide the outcomes of a page of accounts from the current state of the database."""
    names = local_names(alias, [account.user_key for account in accounts if account.user_key is not None])
    found = [identify(account, find=find, names=names) for account in accounts]
    owners = owners_of(alias, [one for one in found if one.outcome == IMPORTABLE])
    return [with_owner(one, owners) if one.outcome == IMPORTABLE else one for one in found]


def identify(
    account: OldAccount, *, find: Callable[[str], Target | None], names: Mapping[Any, frozenset[str]]
) -> Decided:
    """Return the identity of an account here, or why it is unknown."""
    target = find(account.provider)
    if account.problem or target is None:
        return Decided(account=account, outcome=account.problem or NO_PROVIDER, target=target)
    if account.user_key not in names:
        return Decided(account=account, outcome=NO_USER, target=target)
    subject = target.subject(account, local_names=names[account.user_key])
    issuer = target.issuer_of(account)
    outcome = IMPORTABLE if subject and issuer is not None else NO_ISSUER if subject else NO_SUBJECT
    return Decided(account=account, outcome=outcome, target=target, issuer=issuer or "", subject=subject)


def local_names(alias: str, keys: Iterable[Any]) -> dict[Any, frozenset[str]]:
    """Return the lower-case user names and email addresses of the users that exist."""
    model = get_user_model()
    columns = [name for name in (model.USERNAME_FIELD, model.get_email_field_name()) if get_field(name) is not None]
    rows = model._base_manager.using(alias).filter(pk__in=set(keys)).values_list("pk", *dict.fromkeys(columns))
    return {key: frozenset(str(name).lower() for name in names if name) for key, *names in rows}


def owners_of(alias: str, wanted: Sequence[Decided]) -> dict[Identity, Any]:
    """Return the owners of a page's identities, compared in Python because some collations match more.

    An identity without an issuer matches every issuer of its provider, because its issuer is unknown.
    """
    subjects: dict[str, set[str]] = defaultdict(set)
    for one in wanted:
        subjects[one.identity[0]].add(one.subject)
    owners: dict[Identity, Any] = {}
    for key, names in subjects.items():
        rows = OAuthConnection._base_manager.using(alias).filter(provider_key=key, provider_user_id__in=names)
        for issuer, subject, user in rows.values_list("issuer", "provider_user_id", "user_id"):
            owners[key, issuer or "", subject] = user
    return owners


def with_owner(one: Decided, owners: dict[Identity, Any]) -> Decided:
    """Return the account with its final outcome, and mark its identity as taken."""
    key, _issuer, subject = one.identity
    user = one.account.user_key
    if one.identity in owners:
        outcome = HERE if owners[one.identity] == user else CONFLICT
    elif one.issuer and (key, "", subject) in owners:
        outcome = CONFLICT
    else:
        owners[one.identity] = user
        outcome = IMPORTABLE
    return Decided(account=one.account, outcome=outcome, target=one.target, issuer=one.issuer, subject=subject)
