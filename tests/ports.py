"""Ports for programs that tests start and that listen on more than one."""

import secrets
import socket

OFFSETS = (0, 10, 11, 12, 20)


def port_of_a_run() -> int:
    """Return a port that is free together with those that a run puts beside it.

    They lie below the ports that the system gives to outgoing calls, which come and go.
    """
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        if all(_is_free(port + offset) for offset in OFFSETS):
            return port


def port_of_a_server() -> int:
    """Return a port that is free, and still is when a server that starts slowly binds it.

    What the system gives to who asks for any port, it gives to outgoing calls as well.
    """
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        if _is_free(port):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
