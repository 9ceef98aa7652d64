"""`manage.py oidc_login_add`: add a provider to the settings, and say what to register with it."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import NoReverseMatch

from oidc_login.adding import env_file, settings_file
from oidc_login.adding.entry import entry_value, variable
from oidc_login.adding.facts import ANY_OPENID, CLIENT, KnownProvider, known_names, known_providers
from oidc_login.conf import django
from oidc_login.diagnosis import diagnose
from oidc_login.diagnosis.site import callback_urls
from oidc_login.management.findings import refuse_broken, write_findings
from oidc_login.management.prompts import Prompts
from oidc_login.registry import KEY, build_provider, get_provider_keys
from oidc_login.validation import did_you_mean

ADDRESSES = ("issuer", "discovery_url")
STAND_IN = {"client_secret": "the client secret"}  # no message can then contain the real one
INCLUDE = 'urlpatterns += [path("oauth/", include("oidc_login.urls"))]'
MARKDOWN_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
MARKDOWN_MARK = re.compile(r"`|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)")


class Command(BaseCommand):
    help = (
        "Adds a provider: says what to register with the provider, asks for the client, prints the entry for "
        "OIDC_LOGIN_PROVIDERS or writes it into the settings, and makes the requests of a sign-in to test it. The "
        "client's ID and secret are read from the environment and never written into the settings."
    )
    # A check may reject the very entry that the command replaces.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", nargs="?", metavar="PROVIDER", help="google, github, keycloak, ... or openid.")
        parser.add_argument("--key", help="The provider's key, which is part of the callback URL.")
        parser.add_argument("--client-id", help="The client ID. The environment variable KEY_CLIENT_ID also sets it.")
        parser.add_argument(
            "--public", action="store_true", help="The client has no secret. For other clients, set KEY_CLIENT_SECRET."
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="Another argument of the entry, such as issuer=https://login.example.com. The value may be JSON.",
        )
        parser.add_argument("--write", action="store_true", default=None, help="Write the entry into the settings.")
        parser.add_argument("--print", dest="write", action="store_false", help="Only print the entry.")
        parser.add_argument(
            "--env-file", type=Path, metavar="FILE", help="Write the client ID and secret to this file."
        )
        parser.add_argument("--overwrite", action="store_true", help="Replace existing values.")
        parser.add_argument("--no-diagnosis", action="store_true", help="Make no requests to the provider.")
        parser.add_argument("--no-input", action="store_true", help="Do not prompt.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.prompts = Prompts(is_wanted=not options["no_input"])
        self.may_overwrite = options["overwrite"]
        known = self.known(options["provider"])
        key = made_key(options["key"] or known.key)
        is_new = self.is_new(key)
        self.print_registration(known, key)
        settings = self.settings(known, options["set"])
        client = self.client(known, key, options)
        try:
            build_provider(key, {**settings, **client, **(STAND_IN if "client_secret" in client else {})})
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        value = entry_value(key, settings, has_secret="client_secret" in client)
        self.keep_entry(key, value, is_new=is_new, is_written=options["write"])
        self.keep_client(key, client, options["env_file"])
        if not options["no_diagnosis"]:
            findings = list(diagnose(key, {**settings, **client}))
            write_findings(self, key, findings)
            refuse_broken({key: findings})

    # Questions.

    def known(self, name: str | None) -> KnownProvider:
        """Return the provider of that name."""
        found = {known.key: known for known in [*known_providers(), ANY_OPENID]}
        if name is None:
            self.stdout.write(f"Providers: {', '.join(found)}")
            name = self.prompts.text("Which provider", option="the name of a provider").lower()
        if name in found:
            return found[name]
        if name in known_names():
            raise CommandError(f"{name} needs: pip install 'django-oidc-login[oauth1]'")
        near = did_you_mean(name, found)
        raise CommandError(f"There is no provider {name!r}{near}. Any other OpenID provider is `openid`, with --key.")

    def is_new(self, key: str) -> bool:
        """Return whether there is no entry with that key; an existing one is replaced only with permission."""
        if key not in get_provider_keys():
            return True
        if not self.agreed(f"OIDC_LOGIN_PROVIDERS has an entry {key!r}. Replace it?", "--key, or --overwrite"):
            raise CommandError(f"The entry {key!r} was not changed.")
        return False

    def agreed(self, question: str, option: str) -> bool:
        if self.may_overwrite:
            return True
        if not self.prompts.is_interactive:
            raise CommandError(f"{question.rpartition('. ')[0]}. Use {option}.")
        return self.prompts.agrees(question, option=option)

    def settings(self, known: KnownProvider, given: list[str]) -> dict[str, Any]:
        """Return all arguments except the client ID and secret."""
        named = dict(map(read_pair, given))
        fixed, asked = known.fixed, known.asked
        if any(name in named for name in ADDRESSES):  # the site has its own server
            fixed = {name: value for name, value in fixed.items() if name not in ADDRESSES}
            asked = [name for name in asked if name not in known.facts.ask]
        answers = {name: self.argument(known, name) for name in asked if name not in named}
        return {**fixed, **answers, **named}

    def argument(self, known: KnownProvider, name: str) -> str:
        meaning = plain(known.facts.arguments.get(name, ""))
        example = known.settings.get(name)
        shown = [part for part in (meaning, f"for example {example}" if isinstance(example, str) else "") if part]
        question = f"{name} ({', '.join(shown)})" if shown else name
        return self.prompts.text(question, option=f"--set {name}=...")

    def client(self, known: KnownProvider, key: str, options: dict[str, Any]) -> dict[str, str]:
        """Return the client's ID and its secret, if it has one."""
        id_variable, secret_variable = (variable(key, name) for name in CLIENT)
        client_id = options["client_id"] or os.environ.get(id_variable)
        client = {"client_id": client_id or self.prompts.text("Client ID", option=f"--client-id or {id_variable}")}
        if options["public"] or not known.has_secret:
            return client
        secret = os.environ.get(secret_variable) or self.prompts.secret(
            "Client secret (not shown; empty for a public client)",
            option=f"the environment variable {secret_variable}, or --public",
        )
        return {**client, "client_secret": secret} if secret else client

    # Output.

    def print_registration(self, known: KnownProvider, key: str) -> None:
        """Say where and how to register the site, before asking for the client that the provider issues."""
        try:
            urls = callback_urls(key)
        except NoReverseMatch:
            raise CommandError(f"The URLs of the package are not included. Add to your URLconf: {INCLUDE}") from None
        self.stdout.write(self.style.MIGRATE_HEADING(known.title))
        shown = {
            "Register at": known.facts.register_at,
            "Register as": plain(known.facts.register_as),
            **{f"Callback URL of {name}": url for name, url in urls.items()},
            "Caution": plain(known.facts.caution),
        }
        for name, text in shown.items():
            if text:
                self.stdout.write(f"  {name}: {text}")

    def keep_client(self, key: str, client: dict[str, str], path: Path | None) -> None:
        """Write the client to a file of environment variables, or say which to set. Never print a secret."""
        variables = {variable(key, name): value for name, value in client.items()}
        if path is None:
            missing = [name for name, value in variables.items() if os.environ.get(name) != value]
            if missing:
                self.stdout.write("Set these environment variables for your site:")
            for name in missing:
                is_secret = name == variable(key, "client_secret")
                self.stdout.write(f"  export {name}={'...' if is_secret else shlex.quote(variables[name])}")
            return
        try:
            others = env_file.other_values(path, variables)
            question = f"{path} has other values of {', '.join(others)}. Replace them?"
            if others and not self.agreed(question, "--overwrite"):
                raise CommandError(f"{path} was not changed.")
            env_file.write(path, variables)
        except env_file.Unwritable as error:
            message = f"{error} has characters that such files cannot contain. Add it to {path} yourself."
            raise CommandError(message) from None
        self.stdout.write(f"{path} now contains {' and '.join(variables)}. Keep it out of version control.")

    def keep_entry(self, key: str, value: str, *, is_new: bool, is_written: bool | None) -> None:
        """Write the entry into the settings file, or print it."""
        module = sys.modules.get(getattr(django, "SETTINGS_MODULE", None) or "")
        path = Path(os.path.relpath(module.__file__)) if module is not None and module.__file__ else None
        if is_written is None and self.prompts.is_interactive and path is not None:
            is_written = self.prompts.agrees(f"Write the entry into {path}?", option="--write")
        added = settings_file.addition(key, value, vars(module) if module is not None else {})
        if not is_written:
            self.stdout.write(f"Add this to your settings:\n\n{added}")
            return
        if path is None:
            raise CommandError("The settings module is not a file. Use --print.")
        try:
            source = path.read_bytes()
            path.write_bytes(
                settings_file.appended(source, added) if is_new else settings_file.replaced(source, key, value)
            )
        except settings_file.NotWrittenHere:
            raise CommandError(f"{path} does not define the entry {key!r} itself. Use --print.") from None
        self.stdout.write(f"{path} now contains the entry {key!r}.")


def made_key(key: str) -> str:
    if not KEY.fullmatch(key):
        raise CommandError(f"{key!r} is not a valid key: use lower-case letters, digits, - and _.")
    return key


def read_pair(text: str) -> tuple[str, Any]:
    """Return the name and the value of an argument: JSON, or the text itself."""
    name, separator, value = text.partition("=")
    if not (name and separator) or name in ("class", *CLIENT):
        raise CommandError(f"--set {name}: write NAME=VALUE; the client ID and secret have options of their own.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def plain(text: str) -> str:
    """Return a sentence of the documentation without its markup."""
    return MARKDOWN_MARK.sub("", MARKDOWN_LINK.sub(r"\1", text))
