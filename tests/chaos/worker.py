"""One process of the site, with sixteen threads; all of them listen on one port: python -m tests.chaos.worker PORT"""

from __future__ import annotations

import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

THREADS = 16


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Write no access log: it would have the queries, as those of servers do."""


class Server(WSGIServer):
    request_queue_size = 64

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Quiet, bind_and_activate=False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._pool = ThreadPoolExecutor(THREADS)
        self.server_bind()
        self.server_activate()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._pool.submit(self._answer, request, client_address)

    def _answer(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:  # the visitor has gone
            pass
        finally:
            self.shutdown_request(request)


def main(port: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.chaos.settings"
    from django.core.wsgi import get_wsgi_application

    server = Server(int(port))
    server.set_app(get_wsgi_application())
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
