"""HTTP as the payers' apps speak it: one connection a call, and answers that can be lost."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the body as JSON, or nothing when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}


def send(
    url: str,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 30.0,
    is_lost: bool = False,
) -> Answer | None:
    """Send one request; None when there was no answer, or none was waited for (`is_lost`)."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=seconds)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        if is_lost:
            return None
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, named, answer.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def send_json(
    url: str,
    method: str,
    path: str,
    body: object | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    seconds: float = 30.0,
    is_lost: bool = False,
) -> Answer | None:
    """Send one request with a JSON body or none."""
    sent = {"Content-Type": "application/json"} if body is not None else {}
    content = None if body is None else json.dumps(body).encode()
    return send(
        url,
        method,
        path,
        body=content,
        headers={**sent, **(headers or {})},
        seconds=seconds,
        is_lost=is_lost,
    )
