"""Print the findings of the diagnosis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.core.management.base import BaseCommand, CommandError

from oidc_login.diagnosis.findings import Finding


def write_findings(command: BaseCommand, key: str, findings: Iterable[Finding]) -> None:
    """Print the findings about a provider, each with its evidence below."""
    command.stdout.write(command.style.MIGRATE_HEADING(key))
    marks = {True: command.style.SUCCESS("ok    "), False: command.style.ERROR("FAILED"), None: "      "}
    for finding in findings:
        command.stdout.write(f"  {marks[finding.is_good]} {finding.subject:<11} {finding.text}")
        for name, value in finding.evidence().items():
            command.stdout.write(f"{' ' * 21}{name}: {value}")


def refuse_broken(found: Mapping[str, Iterable[Finding]]) -> None:
    """Fail if nobody can sign in through one of the providers."""
    if broken := [key for key, findings in found.items() if any(one.is_good is False for one in findings)]:
        raise CommandError(f"Nobody can sign in through: {', '.join(broken)}.")
