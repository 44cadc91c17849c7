"""Structured logs: events with ids, never names, document numbers or tokens."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRETS = re.compile(
    r"(?P<jwt>eyJ[\w-]+\.[\w-]+\.[\w-]*)"
    r"|(?P<key>\b(?:sk|rk|(?:pi|seti)_[A-Za-z0-9]+_secret)_[\w-]+|\bwhsec_[\w+/=-]+)"
    r"|(?P<id>\b\d{17}[\dXx]\b)"
    r"|(?P<phone>(?<!\d)(?:\+?86)?1[3-9]\d{9}(?!\d))"
    r"|(?P<pan>(?<![\d-])\d{13,19}(?![\d-]))"
)


def redact(text: str) -> str:
    """Return text with tokens, keys, ID numbers, mobile numbers and card numbers struck out."""
    return _SECRETS.sub(lambda match: f"[{match.lastgroup}]", text)


def _redact_values(
    _logger: object, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redact(value)
    return event


def configure(level: str) -> None:
    """Send every log line of the process to standard error as one JSON object."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_values,
    ]
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # Libraries speak only when something is wrong: their chatter may quote arguments.
    root.setLevel(max(logging.WARNING, logging.getLevelName(level)))


def get_logger(room: str) -> Any:  # noqa: ANN401 - structlog's own proxy type
    """Return the logger of a room."""
    return structlog.get_logger(room=room)
