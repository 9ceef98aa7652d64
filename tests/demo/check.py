"""`python -m tests.demo.check`: the demo's tour without a person, each stop over HTTP as a browser would take it.

Continuous integration copies this folder next to an installed wheel and runs it there, so it imports no other test.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from io import StringIO

from oidc_login.demo.running import Demo, running
from oidc_login.demo.tour import BY_STOP
from tests.demo.steps import STEPS


def check(demo: Demo, names: Iterable[str]) -> int:
    """Take these stops, print a line for each, and count those that did not hold."""
    log = StringIO()
    logging.getLogger().handlers = [logging.StreamHandler(log)]
    failed = sum(not holds(name, demo) for name in names)
    if failed:
        print(log.getvalue(), end="")
    return failed


def holds(name: str, demo: Demo) -> bool:
    """Take one stop on fresh counters, and say how it ended."""
    title = f"{BY_STOP[name].title}: {BY_STOP[name].see}"
    demo.openid.clear()
    demo.github.clear()
    try:
        STEPS[name](demo)
    except Exception as error:  # whatever it is, the line says so and the other stops are still taken
        print(f"FAILED  {title} {str(error) or type(error).__name__}", flush=True)
        return False
    print(f"ok      {title}", flush=True)
    return True


def check_all(demo: Demo, names: Iterable[str] = tuple(BY_STOP)) -> int:
    """Return the exit status of the check, and print the summary."""
    failed = check(demo, names)
    print(f"{failed} did not hold." if failed else "All held.")
    return 1 if failed else 0


def main() -> int:
    with running(port=0) as demo:
        return check_all(demo)


if __name__ == "__main__":
    sys.exit(main())
