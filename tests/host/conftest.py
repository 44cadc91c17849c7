"""What the tests of the host look at."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

Logs = list[MutableMapping[str, Any]]


@pytest.fixture(autouse=True)
def logs() -> Iterator[Logs]:
    """Return the log lines of this test, which would be long on the screen."""
    with capture_logs() as lines:
        yield lines
