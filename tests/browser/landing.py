"""Where a client's citizen comes back to, and a place for pages of somebody who means no good."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit


@dataclass
class Landing:
    """A web server of somebody else's: shows its pages, and remembers who came back with what."""

    home: str
    pages: dict[str, str] = field(default_factory=dict)
    came: list[dict[str, str]] = field(default_factory=list)

    @property
    def callback(self) -> str:
        """Return the address to register."""
        return f"{self.home}/callback"


@contextmanager
def serve_landing() -> Iterator[Landing]:
    """Run one, at an address that is another site than the product's."""
    landing = Landing("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            html = landing.pages.get(parts.path, "<!doctype html><title>x</title><h1>Back</h1>")
            if parts.path == "/callback":
                query = parse_qs(parts.query)
                landing.came.append({name: values[0] for name, values in query.items()})
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    landing.home = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield landing
    finally:
        server.shutdown()
        server.server_close()


def authorize_url(site: str, client_id: object, callback: str, **wanted: str) -> str:
    """Return the address that a plain client without a secret sends its citizen to."""
    challenge = urlsafe_b64encode(sha256(secrets.token_bytes()).digest()).decode().rstrip("=")
    query = {
        "response_type": "code",
        "client_id": str(client_id),
        "redirect_uri": callback,
        "scope": "openid bills.read",
        "state": secrets.token_hex(8),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **wanted,
    }
    return f"{site}/oauth/authorize?{urlencode(query)}"
