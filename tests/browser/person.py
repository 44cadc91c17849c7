"""A citizen in front of the browser."""

from tests.browser.chromium import Browser
from tests.factories import make_phone
from tests.site import Site


def new_number() -> str:
    """Return a number that nobody has used, as people write it."""
    return make_phone().removeprefix("+86")


def log_in(browser: Browser, site: Site, number: str) -> None:
    """Log in with a code by SMS on the page that is shown."""
    browser.fill("手机号", number)
    browser.press("获取验证码")
    browser.fill("短信验证码", site.code_for(number))
    browser.press("登录")
