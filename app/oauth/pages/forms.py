"""Forms as browsers send them: read strictly, and only those that our own page has made."""

import hmac
from hashlib import sha256
from urllib.parse import parse_qsl

from app.core.errors import Forbidden, Malformed

FORM_TYPE = "application/x-www-form-urlencoded"
LONGEST = 16 * 1024
_MOST_FIELDS = 60


class FormNotOurs(Forbidden):
    """The form was not made by our page for this browser, or the page is too old."""

    code = "form-not-ours"
    title_zh = "无法确认这次提交来自本页面"
    title_en = "This form did not come from our page"


class Form:
    """The fields of one form; a field that is missing is empty."""

    def __init__(self, raw: bytes) -> None:
        """Read the fields, or raise `Malformed`."""
        try:
            pairs = parse_qsl(
                raw.decode("ascii"),
                keep_blank_values=True,
                strict_parsing=True,
                encoding="utf-8",
                errors="strict",
                max_num_fields=_MOST_FIELDS,
            )
        except ValueError as error:
            raise Malformed("This is not a form.") from error
        if any("\x00" in value for _, value in pairs):
            raise Malformed("This is not a form.")
        self._pairs = pairs

    def one(self, name: str) -> str:
        """Return the value of a field that may stand once."""
        found = self.all(name)
        if len(found) > 1:
            raise Malformed("A field stands twice.")
        return found[0].strip() if found else ""

    def all(self, name: str) -> list[str]:
        """Return every value of a field."""
        return [value for key, value in self._pairs if key == name]


def proof_of(browser_secret: str, subject: str) -> str:
    """Return what shows that a form was made by our page for this browser and this subject.

    It is made with the browser's cookie, which no other site can read or plant.
    """
    return hmac.new(browser_secret.encode(), f"form|{subject}".encode(), sha256).hexdigest()


def check_proof(form: Form, browser_secret: str | None, subject: str) -> None:
    """Raise `FormNotOurs` unless our page has made this form for this browser and subject."""
    given = form.one("csrf").encode()
    if not browser_secret or not hmac.compare_digest(
        given, proof_of(browser_secret, subject).encode()
    ):
        raise FormNotOurs
