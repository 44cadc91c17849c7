"""A connection that nobody closes is found by the collector, in whatever test runs then.

So it is known by the test that opened it, and its warning, which fails the run, names that one.
"""

import warnings
from typing import Any

from psycopg import Connection

_running = {"test": "the start"}
_make = Connection.__init__


def _remember(self: Connection, *args: Any, **more: Any) -> None:  # noqa: ANN401 - psycopg's
    _make(self, *args, **more)
    vars(self)["opened_in"] = _running["test"]


def _warn(self: Connection) -> None:
    if "opened_in" in vars(self) and not self.closed:
        said = f"a connection that was opened in {vars(self)['opened_in']} was never closed"
        warnings.warn(said, ResourceWarning, stacklevel=1)


def pytest_configure() -> None:
    """Let connections know where they come from."""
    Connection.__init__ = _remember  # type: ignore[method-assign]
    Connection.__del__ = _warn  # type: ignore[method-assign]


def pytest_runtest_logstart(nodeid: str) -> None:
    """Know which test is running."""
    _running["test"] = nodeid
