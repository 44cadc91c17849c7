"""A browser that has never been anywhere, and the product live."""

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Browser, start_browser
from tests.conftest import World
from tests.site import Site, serve_site


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with start_browser() as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    chromium.forget()
    return chromium


@pytest.fixture(scope="module")
def site(chromium: Browser, world: World) -> Iterator[Site]:
    """Asked for after the browser: without one, nothing is started in vain."""
    with serve_site(world) as site:
        yield site
