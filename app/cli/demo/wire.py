"""Plain HTTP as a mobile app speaks it: one call, one answer, no redirects, no retries."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from app.core.clock import monotonic

PATIENCE_SECONDS = 30.0
NO_ANSWER = (OSError, http.client.HTTPException)
"""What `call` raises when nothing answers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers in lower case, the bytes, and how long it took."""

    status: int
    headers: Mapping[str, str]
    raw: bytes
    milliseconds: float

    @property
    def body(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the JSON of the body, or an empty object when there is none."""
        try:
            return json.loads(self.raw)
        except ValueError:
            return {}


def call(
    method: str,
    url: str,
    *,
    json_body: object | None = None,
    form: Mapping[str, str] | None = None,
    file: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request and return whatever answers; raise OSError or HTTPException for nothing."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=PATIENCE_SECONDS)
    sent = dict(headers or {})
    content: bytes | None = None
    if json_body is not None:
        content = json.dumps(json_body, ensure_ascii=False).encode()
        sent["Content-Type"] = "application/json"
    elif form is not None:
        content = urlencode(form).encode()
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    elif file is not None:
        content = file
        sent["Content-Type"] = "application/octet-stream"
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    started = monotonic()
    try:
        connection.request(method, target, body=content, headers=sent)
        answer = connection.getresponse()
        raw = answer.read()
    finally:
        connection.close()
    found = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(answer.status, found, raw, (monotonic() - started) * 1000)
