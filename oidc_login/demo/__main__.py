"""`python -m oidc_login.demo` runs the demo until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from oidc_login.demo.people import DESCRIPTION
from oidc_login.demo.running import Demo, running


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    options = parse(arguments)
    # A shell may start the program with SIGINT ignored. SIGTERM ends it cleanly too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with running(port=options.port) as demo:
            return wait(demo)
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m oidc_login.demo", description="A provider and a site to try.")
    parser.add_argument("--port", type=int, default=8000, help="the site's port (8000)")
    return parser.parse_args(arguments)


def wait(demo: Demo) -> int:
    """Print the addresses, and keep the demo running."""
    print(f"The site:                   {demo.site_url}/")
    print(f"Example ID:                 {demo.openid.base_url}")
    print(f"The GitHub-style provider:  {demo.github.base_url}")
    print(
        f"\n{DESCRIPTION}\nOpen the site: it has a tour. Ctrl-C stops all of it and leaves nothing behind.", flush=True
    )
    threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
