"""How long the document is fuzzed."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run be shorter than the suite's three minutes, or longer."""
    parser.addoption("--fuzz-seconds", type=int, default=180, help="how long to fuzz the API")


@pytest.fixture
def fuzz_seconds(request: pytest.FixtureRequest) -> int:
    """Return how long the long fuzz runs."""
    seconds: int = request.config.getoption("--fuzz-seconds")
    return seconds
