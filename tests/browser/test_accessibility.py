"""The probe itself: each fault that it looks for, planted once."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.browser.accessibility import faults_of
from tests.browser.chromium import Browser

GOOD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Good</title>
<meta name="viewport" content="width=device-width"><style>
body {{ font-size: 18px; color: #000; background: #fff }}
a {{ display: inline-block; padding: 12px }}
input, button {{ width: 200px; height: 50px; font-size: 18px; border: 2px solid #333 }}
label {{ display: block }} {style}
</style></head><body><a class="skip" href="#main">Skip to the content</a><main id="main">
<h1>Good</h1>{body}</main></body></html>"""


@contextmanager
def page(body: str = "", style: str = "", whole: str = GOOD) -> Iterator[str]:
    html = whole.format(body=body, style=style).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def test_a_good_page_has_no_fault(browser: Browser) -> None:
    field = '<label for="a">Name</label><input id="a" autocomplete="name"><button>Send</button>'
    with page(field) as url:
        browser.open(url)
        assert faults_of(browser) == []


@pytest.mark.parametrize(
    ("body", "style", "fault"),
    [
        ('<input autocomplete="name">', "", "no label"),
        ('<label for="a">A</label><input id="a">', "", "no autocomplete"),
        ('<label for="b">A</label>', "", "for names nothing"),
        ("<p>small</p>", "p { font-size: 14px }", "text of 14px"),
        ("<p>pale</p>", "p { color: #999 }", "contrast of 2.8"),
        ("<p>dark</p>", "p { background: #333 }", "contrast of 1.6"),
        ("<button>x</button>", "button { width: 30px }", "target of 30 x 50"),
        ("<button></button>", "", "no name"),
        ('<p id="main">twice</p>', "", "id main twice"),
        ("<h1>Another</h1>", "", "not one h1"),
        ('<p tabindex="3">first</p>', "", "an order of its own"),
        ("<p>wide</p>", "p { width: 900px }", "wider than the screen"),
        (
            '<label for="a">A</label><input id="a" autocomplete="name">',
            "input { border-color: #ddd }",
            "edge of 1.3",
        ),
    ],
)
def test_a_planted_fault_is_found(browser: Browser, body: str, style: str, fault: str) -> None:
    with page(body, style) as url:
        browser.open(url)
        assert any(fault in found for found in faults_of(browser)), faults_of(browser)


def test_a_page_that_says_nothing_of_itself_is_found(browser: Browser) -> None:
    with page(whole="<!doctype html><p>{body}{style}") as url:
        browser.open(url)
        found = faults_of(browser)
    assert {"no language", "no title", "no viewport", "not one main", "not one h1"} <= set(found)
