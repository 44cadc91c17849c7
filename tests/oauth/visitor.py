"""A person with a browser from before JavaScript: reads pages, fills in forms, follows redirects.

Pages are read strictly: what is nested wrongly, stands twice or names nothing fails the test.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

OWN = {"", "localhost", "127.0.0.1:8000"}
_VOID = {"meta", "link", "input", "br", "img", "hr"}
_FLOW = {"div", "p", "ul", "fieldset", "form", "h1", "h2", "section", "nav"}


@dataclass
class PageForm:
    """A form of a page: where it goes, and what it sends if nothing is typed."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """A page, parsed by the rules; `faults` says which it breaks."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.faults: list[str] = []
        self.forms: list[PageForm] = []
        self.links: dict[str, str] = {}
        self.ids: list[str] = []
        self.named: list[str] = []
        self.lang = ""
        self._open: list[str] = []
        self._text: list[str] = []
        self._label: tuple[str, int] | None = None
        self._link: tuple[str, int] | None = None
        self._button: tuple[str, str, int] | None = None
        self.feed(html)
        self.close()
        self._finish()

    @property
    def text(self) -> str:
        """Return what can be read."""
        return " ".join(" ".join(self._text).split())

    def handle_decl(self, decl: str) -> None:
        if decl.lower() != "doctype html":
            self.faults.append(f"doctype {decl}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"an attribute stands twice: {self.get_starttag_text()}")
        values = {name: value or "" for name, value in attrs}
        if any(name.startswith("on") or name == "style" for name in values):
            self.faults.append(f"something inline: {self.get_starttag_text()}")
        if tag in _FLOW and "p" in self._open:
            self.faults.append(f"<{tag}> in <p>")
        if tag == "form" and "form" in self._open:
            self.faults.append("a form in a form")
        self.ids += [values["id"]] if "id" in values else []
        self.named += values.get("for", "").split() + values.get("aria-describedby", "").split()
        getattr(self, f"_open_{tag}", lambda _: None)(values)
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID or not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self._open[-1:]}")
            return
        self._open.pop()
        getattr(self, f"_close_{tag}", lambda: None)()

    def handle_data(self, data: str) -> None:
        if not {"script", "style", "head"} & set(self._open):
            self._text.append(data)

    def _open_html(self, values: dict[str, str]) -> None:
        self.lang = values.get("lang", "")

    def _open_form(self, values: dict[str, str]) -> None:
        if values.get("method") != "post":
            self.faults.append("a form that is not posted")
        self.forms.append(PageForm(values.get("action", "")))

    def _open_input(self, values: dict[str, str]) -> None:
        form = self.forms[-1]
        if values.get("type") == "checkbox":
            form.boxes.append(values["value"])
            if "checked" in values:
                form.fields.append((values["name"], values["value"]))
            return
        form.fields.append((values["name"], values.get("value", "")))
        if values.get("type") != "hidden" and "id" not in values:
            self.faults.append(f"a field without an id: {values}")

    def _open_label(self, values: dict[str, str]) -> None:
        self._label = (values.get("for", ""), len(self._text))

    def _close_label(self) -> None:
        assert self._label is not None
        name, start = self._label
        self.forms[-1].labels[_joined(self._text[start:])] = name

    def _open_button(self, values: dict[str, str]) -> None:
        self._button = (values.get("name", ""), values.get("value", ""), len(self._text))

    def _close_button(self) -> None:
        assert self._button is not None
        name, value, start = self._button
        self.forms[-1].buttons.append((_joined(self._text[start:]), name, value))

    def _open_a(self, values: dict[str, str]) -> None:
        self._link = (values.get("href", ""), len(self._text))

    def _close_a(self) -> None:
        assert self._link is not None
        href, start = self._link
        self.links[_joined(self._text[start:])] = href

    def _finish(self) -> None:
        if self._open:
            self.faults.append(f"left open: {self._open}")
        if len(self.ids) != len(set(self.ids)):
            self.faults.append("an id stands twice")
        missing = set(self.named) - set(self.ids) - {""}
        if missing:
            self.faults.append(f"names nothing: {missing}")
        if not self.html.startswith("<!doctype html>"):
            self.faults.append("no doctype")


class Visitor:
    """One person and their browser, in front of the product."""

    def __init__(self, client: FlaskClient, headers: Mapping[str, str] | None = None) -> None:
        self.client = client
        self.headers = dict(headers or {"Accept-Language": "zh-CN,zh;q=0.9"})
        self.answer: TestResponse
        self.page: Page
        self.place = ""
        self.outside: str | None = None

    def go(self, url: str) -> "Visitor":
        """Open an address of the product and go where it leads; stop where it leads outside."""
        return self._follow(self.client.get(_local(url), headers=self.headers))

    def fill(
        self, button: str, typed: Mapping[str, str] | None = None, ticks: tuple[str, ...] = ()
    ) -> "Visitor":
        """Type into labelled fields, tick boxes by their value, press a button by its words."""
        return self._follow(self.send(self.filled(button, typed, ticks)))

    def filled(
        self, button: str, typed: Mapping[str, str] | None = None, ticks: tuple[str, ...] = ()
    ) -> list[tuple[str, str]]:
        """Return what the form of a button would send."""
        form, pressed = self._pressed(button)
        values = dict(form.fields)
        for words, value in (typed or {}).items():
            name = next(name for label, name in form.labels.items() if words in label)
            values[name] = value
        sent = list(values.items())
        assert set(ticks) <= set(form.boxes), form.boxes
        sent += [("scope", box) for box in ticks]
        return sent + ([(pressed[1], pressed[2])] if pressed[1] else [])

    def fields_of(self, step: str) -> list[tuple[str, str]]:
        """Return what the form of a step would send, whoever presses its button."""
        return next(form.fields for form in self.page.forms if ("step", step) in form.fields)

    def send(self, fields: list[tuple[str, str]], place: str | None = None) -> TestResponse:
        """Send a form and look at the answer, wherever it leads."""
        data = urlencode(fields)
        return self.client.post(
            place or urlsplit(self.place).path,
            data=data,
            headers=self.headers,
            content_type="application/x-www-form-urlencoded",
        )

    def press_link(self, words: str) -> "Visitor":
        """Follow a link by its words."""
        href = next(href for text, href in self.page.links.items() if words in text)
        return self.go(href if href.startswith("/") else self.place.partition("?")[0] + href)

    def _pressed(self, words: str) -> tuple[PageForm, tuple[str, str, str]]:
        for form in self.page.forms:
            for button in form.buttons:
                if words in button[0]:
                    return form, button
        raise AssertionError(f"no button {words!r} on: {self.page.text}")

    def _follow(self, answer: TestResponse) -> "Visitor":
        for _ in range(10):
            if answer.status_code not in {302, 303}:
                break
            assert answer.status_code == 303, "redirects of forms are 303"
            target = answer.headers["Location"]
            if urlsplit(target).netloc not in OWN:
                self.answer, self.outside = answer, target
                return self
            answer = self.client.get(_local(target), headers=self.headers)
        self.answer = answer
        self.place = answer.request.full_path.rstrip("?")
        assert answer.mimetype == "text/html", answer.text
        self.page = Page(answer.text)
        assert self.page.faults == [], answer.text
        return self


def _local(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _joined(texts: list[str]) -> str:
    return re.sub(r"\s+", " ", "".join(texts)).strip()
