"""`python -m oidc_login.demo` runs the demo until Ctrl-C; `--check` walks through it and says whether all held."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from oidc_login.demo.check import check
from oidc_login.demo.people import DESCRIPTION
from oidc_login.demo.running import Demo, running


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    options = parse(arguments)
    # A shell may have started us with SIGINT ignored; and whoever sends SIGTERM wants a clean end too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with running(port=options.port) as demo:
            return check_all(demo) if options.check else wait(demo)
    except KeyboardInterrupt:
        print("\nStopped.")
        return 1 if options.check else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m oidc_login.demo", description="A provider and a site to try.")
    parser.add_argument("--port", type=int, help="the site's port (8000; with --check a free one)")
    parser.add_argument("--check", action="store_true", help="walk through the sign-ins, say what held, and end")
    options = parser.parse_args(arguments)
    if options.port is None:
        options.port = 0 if options.check else 8000
    return options


def wait(demo: Demo) -> int:
    """Say what there is to open, and leave it running."""
    print(f"The site:                   {demo.site_url}/")
    print(f"Example ID:                 {demo.openid.base_url}")
    print(f"The GitHub-style provider:  {demo.github.base_url}")
    print(f"\n{DESCRIPTION}\nOpen the site. Ctrl-C stops all of it and leaves nothing behind.", flush=True)
    threading.Event().wait()
    return 0


def check_all(demo: Demo) -> int:
    failed = check(demo)
    print(f"{failed} did not hold." if failed else "All held.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
