"""How the city speaks: strict JSON in, problems out, one way to write times."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, request
from marshmallow import Schema, ValidationError, fields
from werkzeug.exceptions import HTTPException

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
# Bills fall due on a day in China, whatever the machine's clock is set to.
_CHINA = timezone(timedelta(hours=8))


class Problem(Exception):
    """A refusal with an HTTP status, a stable code and a sentence."""

    def __init__(
        self, status: int, code: str, detail: str, *, errors: dict[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors

    def answer(self) -> Response:
        """Return this refusal as problem+json."""
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.errors is not None:
            body["errors"] = self.errors
        answer = jsonify(body)
        answer.status_code = self.status
        answer.content_type = "application/problem+json"
        return answer


def answer_http_error(error: HTTPException) -> Response:
    """Return what Flask itself refuses (no such path, wrong method) as problem+json."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    code = HTTPStatus(status).phrase.lower().replace(" ", "-")
    return Problem(status, code, error.description or "").answer()


def read_body(schema: Schema) -> dict[str, Any]:
    """Return the fields of the JSON body; raise Problem 422 `invalid` when it is not as agreed."""
    if not request.is_json:
        raise Problem(422, "invalid", "the body must be JSON with Content-Type: application/json")
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Problem(422, "invalid", "the body must be a JSON object")
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Problem(422, "invalid", "the body holds half a character") from None
    return _load(schema, body)


def read_query(schema: Schema) -> dict[str, Any]:
    """Return the fields of the query; raise Problem 422 `invalid` when it is not as agreed."""
    return _load(schema, request.args.to_dict())


def _load(schema: Schema, fields: dict[str, Any]) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(fields)
    except ValidationError as refused:
        errors: dict[str, list[str]] = refused.messages_dict
        sentences = (f"{name}: {' '.join(map(str, said))}" for name, said in errors.items())
        raise Problem(422, "invalid", "; ".join(sentences), errors=errors) from refused
    return loaded


class Day(fields.Date):
    """A day written `YYYY-MM-DD` and no other way."""

    # The signature is marshmallow's.
    def _deserialize(
        self,
        value: Any,  # noqa: ANN401
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,  # noqa: ANN401
    ) -> date:
        if not isinstance(value, str) or not _DAY.match(value):
            raise self.make_error("invalid", input=value, obj_type="date")
        day: date = super()._deserialize(value, attr, data, **kwargs)
        return day


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Return the day in China."""
    return now().astimezone(_CHINA).date()


def timestamp(moment: datetime) -> str:
    """Write a time as RFC 3339 in UTC with milliseconds."""
    written = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return written.replace("+00:00", "Z")
