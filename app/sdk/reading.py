"""Reading what another system has answered: strictly, and nothing of it is repaired."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.core.egress import NoAnswer, Reply
from app.core.errors import DomainError

_UNSTORABLE = re.compile("[\\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Reader:
    """Takes members out of JSON objects; one that is missing or of another form raises `wrong`."""

    wrong: type[DomainError]

    @staticmethod
    def members(reply: Reply) -> Mapping[str, Any]:
        """Return the JSON object of an answer, empty when it holds none."""
        try:
            body = reply.json()
        except NoAnswer:
            return {}
        return body if isinstance(body, dict) else {}

    def text(self, body: Mapping[str, Any], name: str) -> str:
        """Return a text that is not empty, and that PostgreSQL can keep."""
        value = body.get(name)
        if not isinstance(value, str) or not value or _UNSTORABLE.search(value):
            raise self.wrong
        return value

    def whole(self, body: Mapping[str, Any], name: str, most: int) -> int:
        """Return a whole number from 0 to `most`; a fraction, a text or a flag is none."""
        value = body.get(name)
        if type(value) is not int or not 0 <= value <= most:
            raise self.wrong
        return value

    def day(self, body: Mapping[str, Any], name: str) -> date:
        """Return a day (ISO 8601)."""
        try:
            return date.fromisoformat(self.text(body, name))
        except ValueError as error:
            raise self.wrong from error

    def moment(self, body: Mapping[str, Any], name: str) -> datetime:
        """Return a moment (ISO 8601) that says its offset."""
        try:
            moment = datetime.fromisoformat(self.text(body, name))
        except ValueError as error:
            raise self.wrong from error
        if moment.tzinfo is None:
            raise self.wrong
        return moment
