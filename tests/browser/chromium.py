"""Debian's Chromium, driven by Selenium: as small as a phone, calling nobody of its own accord."""

import base64
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

from tests.outside import need

PHONE = (390, 844)
PATIENCE = 60
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@dataclass(frozen=True)
class Browser:
    """A person in front of a browser: reads, fills in fields by their labels, presses buttons."""

    driver: Chrome

    def open(self, url: str) -> None:
        """Go to an address, as if typed."""
        self.driver.get(url)

    @property
    def address(self) -> str:
        """Return the address of the page that is shown."""
        return str(self.driver.current_url)

    @property
    def text(self) -> str:
        """Return what can be read on the page."""
        return str(self.driver.find_element(By.TAG_NAME, "body").text)

    @property
    def language(self) -> str:
        """Return the language that the page says it is in."""
        return str(self.driver.find_element(By.TAG_NAME, "html").get_attribute("lang"))

    def find(self, selector: str) -> WebElement:
        """Return the one element of a CSS selector, waiting for it to be there."""
        wait = self._wait()
        found: WebElement = wait.until(lambda d: d.find_element(By.CSS_SELECTOR, selector))
        return found

    def has(self, selector: str) -> bool:
        """Say whether the page has such an element now."""
        return bool(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def fill(self, label: str, value: str) -> None:
        """Type into the field that a label names, as a person or a screen reader finds it."""
        field = self._labelled(label)
        field.clear()
        field.send_keys(value)

    def tick(self, label: str) -> None:
        """Press a box or a choice by its label."""
        self._labelled(label).click()

    def press(self, words: str) -> None:
        """Press the button or link with these words and wait for the page that follows."""
        button = self._named("button", words) or self._named("a", words)
        assert button is not None, f"no button {words!r} on:\n{self.text}"
        self.follow(button)

    def follow(self, element: WebElement) -> None:
        """Press something that leads to another page, and wait until that page has come."""
        with self._page_after():
            element.click()

    @contextmanager
    def _page_after(self) -> Iterator[None]:
        page = self.driver.find_element(By.TAG_NAME, "html")
        yield
        wait = self._wait()
        wait.until(staleness_of(page))
        wait.until(lambda d: d.execute_script("return document.readyState") == "complete")

    def type_keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def submit_keys(self, *keys: str) -> None:
        """Press keys that lead to another page, and wait for it."""
        with self._page_after():
            self.type_keys(*keys)

    def focused(self) -> WebElement:
        """Return the element that has the focus."""
        return self.driver.switch_to.active_element

    def wait_for(self, words: str) -> None:
        """Wait until something can be read on the page."""
        self._wait().until(
            lambda d: words in d.find_element(By.TAG_NAME, "body").text, f"never read: {words}"
        )

    def switch_scripts(self, *, on: bool) -> None:
        """Let pages run their scripts, or not: as a browser with JavaScript switched off."""
        self._command("Emulation.setScriptExecutionDisabled", {"value": not on})

    def speak(self, languages: str) -> None:
        """Send this Accept-Language from now on."""
        agent = self.driver.execute_script("return navigator.userAgent")
        self._command(
            "Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": languages}
        )

    def forget(self) -> None:
        """Become a browser that has never been anywhere: no cookies, Chinese, scripts on."""
        self._command("Network.clearBrowserCookies", {})
        self.switch_scripts(on=True)
        self.speak("zh-CN,zh")
        self.open("about:blank")
        self.complaints()

    def cookies(self) -> list[dict[str, Any]]:
        """Return all cookies, those that scripts cannot see among them."""
        answer = self._command("Network.getAllCookies", {})
        return list(answer["cookies"])

    def take_picture(self, path: Path) -> None:
        """Write what the whole page looks like, however long it is."""
        wanted = {"format": "png", "captureBeyondViewport": True}
        answer = self._command("Page.captureScreenshot", wanted)
        path.write_bytes(base64.b64decode(answer["data"]))

    @contextmanager
    def authenticator(self) -> Iterator[None]:
        """Have a phone's own passkey device, whose owner always consents."""
        options = VirtualAuthenticatorOptions(
            protocol=VirtualAuthenticatorOptions.Protocol.CTAP2,
            transport=VirtualAuthenticatorOptions.Transport.INTERNAL,
            has_resident_key=True,
            has_user_verification=True,
            is_user_verified=True,
        )
        self.driver.add_virtual_authenticator(options)
        try:
            yield
        finally:
            self.driver.remove_virtual_authenticator()

    def complaints(self) -> list[str]:
        """Return what the browser has refused or could not do since it was last asked."""
        entries = self.driver.get_log("browser")
        return [e["message"] for e in entries if e["level"] in {"SEVERE", "WARNING"}]

    def wait_for_complaint(self, words: str) -> None:
        """Wait until the browser has complained of something: it writes that down by the way."""
        heard: list[str] = []
        until = monotonic() + PATIENCE
        while not any(words in said for said in heard):
            assert monotonic() < until, heard
            heard += self.complaints()

    def wait_until_at(self, start: str) -> None:
        """Wait until a page is shown whose address begins like this."""
        self._wait().until(lambda d: d.current_url.startswith(start), f"never at: {start}")

    def result(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the figures that the relying party's page shows."""
        return json.loads(self.find("#result").text)

    def _wait(self) -> "WebDriverWait[Chrome]":
        """Return what asks twenty times a second whether something has come."""
        ignored = [WebDriverException]
        return WebDriverWait(self.driver, PATIENCE, 0.05, ignored_exceptions=ignored)

    def _labelled(self, label: str) -> WebElement:
        for found in self.driver.find_elements(By.TAG_NAME, "label"):
            if label in found.text:
                name = found.get_attribute("for")
                inner = found.find_elements(By.CSS_SELECTOR, "input, select")
                return self.driver.find_element(By.ID, name) if name else inner[0]
        raise AssertionError(f"no field {label!r} on:\n{self.text}")

    def _named(self, tag: str, words: str) -> WebElement | None:
        found = self.driver.find_elements(By.TAG_NAME, tag)
        return next((e for e in found if words in e.text and e.is_displayed()), None)

    def _command(self, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.driver.execute_cdp_cmd(name, parameters) or {}
        return answer


@contextmanager
def start_browser() -> Iterator[Browser]:
    """Start a Chromium of its own in an empty folder; skipped or failed where there is none."""
    need("chromium", "chromedriver")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        options = ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*_FLAGS, f"--user-data-dir={folder}", f"--window-size={PHONE[0]},{PHONE[1]}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        try:
            width, height = PHONE
            size = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            yield Browser(driver)
        finally:
            driver.quit()
