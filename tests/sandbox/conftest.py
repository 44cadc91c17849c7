"""A city in memory, and a caller that speaks JSON with it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3

from sandbox.city import serve_city


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any
    content_type: str
    content: bytes


class Caller:
    """Calls one server; never retries, so that a test sees every answer."""

    def __init__(self, url: str, *, timeout: float = 20.0) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(retries=False, timeout=timeout)

    def __call__(
        self, method: str, path: str, body: object = None, *, headers: dict[str, str] | None = None
    ) -> Answer:
        sent = {} if body is None else {"Content-Type": "application/json"}
        answer = self._pool.request(
            method,
            self.url + path,
            body=None if body is None else json.dumps(body).encode(),
            headers=sent | (headers or {}),
        )
        content_type = answer.headers.get("Content-Type", "")
        return Answer(
            status=answer.status,
            body=answer.json() if "json" in content_type else None,
            content_type=content_type,
            content=answer.data,
        )

    def close(self) -> None:
        self._pool.clear()


@pytest.fixture(scope="module")
def city() -> Iterator[Caller]:
    with serve_city() as running:
        caller = Caller(running.url)
        yield caller
        caller.close()
