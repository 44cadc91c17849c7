"""Asks a page in a real browser whether everybody can use it (probe.js says what is asked)."""

from pathlib import Path

from tests.browser.chromium import Browser

_PROBE = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")


def faults_of(browser: Browser) -> list[str]:
    """Return what is wrong with the page that is shown, as the browser has computed it."""
    return list(browser.driver.execute_script(_PROBE))
