"""Every operation that the application answers, documented or not."""

import re
import uuid
from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

_PLACEHOLDER = re.compile(r"<(?:(\w+):)?(\w+)>")


@dataclass(frozen=True)
class Operation:
    """One method of one route."""

    method: str
    rule: str

    def __str__(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def template(self) -> str:
        """Return the route as OpenAPI writes it."""
        return _PLACEHOLDER.sub(r"{\2}", self.rule)

    @property
    def path(self) -> str:
        """Return an address of this route at which there is nothing."""
        return _PLACEHOLDER.sub(lambda m: str(uuid.uuid4()) if m[1] == "uuid" else "x1", self.rule)

    def call(self, client: FlaskClient, headers: dict[str, str] | None = None) -> TestResponse:
        """Call it without any input."""
        return client.open(self.path, method=self.method, headers=headers)


def operations_of(app: Flask) -> list[Operation]:
    """Return all of them, by path."""
    return sorted(
        (
            Operation(method, rule.rule)
            for rule in app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        ),
        key=str,
    )
