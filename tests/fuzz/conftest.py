"""How long the document is fuzzed, and with what it begins."""

import pytest


@pytest.fixture
def fuzz_seconds(request: pytest.FixtureRequest) -> int:
    """Return how long all the fuzzes run together."""
    seconds: int = request.config.getoption("--fuzz-seconds")
    return seconds


@pytest.fixture
def fuzz_seed(request: pytest.FixtureRequest) -> int:
    """Return the seed, which makes a finding come again."""
    seed: int = request.config.getoption("--fuzz-seed")
    return seed
