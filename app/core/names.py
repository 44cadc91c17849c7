"""Names of other systems, looked up in a bounded time."""

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

Ask = Callable[[str], tuple[str, ...]]

THREADS = 16


def ask_system(name: str) -> tuple[str, ...]:
    """Return the addresses of a name, best first, as this machine knows them; raise OSError."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(place[0]) for *_, place in found))


class Names:
    """Looks names up beside the caller, who waits no longer than it wants to.

    The system's own look-up has no deadline. A name whose servers are silent takes one thread of
    the few here, however many ask for it, and none of those that serve citizens.
    """

    def __init__(self, ask: Ask = ask_system) -> None:
        self._ask = ask
        self._threads = ThreadPoolExecutor(THREADS, "names")
        self._asked: dict[str, Future[tuple[str, ...]]] = {}
        self._lock = threading.RLock()  # what is done at once is forgotten within the same hold

    def find(self, name: str, seconds: float) -> tuple[str, ...]:
        """Return the addresses of a name; raise OSError (a `TimeoutError` when it takes longer).

        Nothing is remembered: whoever asks later asks anew.
        """
        with self._lock:
            asked = self._asked.get(name)
            if asked is None or asked.done():  # done, and its thread has not forgotten it yet
                asked = self._asked[name] = self._threads.submit(self._ask, name)
                asked.add_done_callback(lambda done: self._forget(name, done))
        return asked.result(timeout=seconds)

    def close(self) -> None:
        """Begin no further look-up."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _forget(self, name: str, done: Future[tuple[str, ...]]) -> None:
        with self._lock:
            if self._asked.get(name) is done:
                del self._asked[name]
