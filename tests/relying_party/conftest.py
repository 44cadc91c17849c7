"""The product live, a browser, and relying parties as integrators build them."""

from tests.browser.conftest import browser, chromium, site

__all__ = ["browser", "chromium", "site"]
