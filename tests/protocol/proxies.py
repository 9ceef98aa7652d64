"""An egress proxy on loopback: it opens tunnels, to whichever port of this machine it is asked for."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from tests.support.servers import Behaviour, Peer

OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def tunnelling(opened: bytes = OPENED) -> Behaviour:
    """Open a tunnel, whatever the name of the host."""

    def behave(peer: Peer) -> None:
        asked = peer.receive()
        if asked is None or asked.method != "CONNECT":
            return
        with socket.create_connection(("127.0.0.1", int(asked.target.rpartition(":")[2]))) as target:
            peer.send(opened)
            back = threading.Thread(target=pump, args=(target, peer.sock), daemon=True)
            back.start()
            pump(peer.sock, target)
            back.join(5)

    return behave


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes until either side has closed."""
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
