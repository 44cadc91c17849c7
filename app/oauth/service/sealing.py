"""Keeping requests and answers sealed: they may name a person, or be worth a token."""

import json
from dataclasses import asdict
from typing import Any
from uuid import UUID

from app.core.crypto import seal, unseal
from app.oauth.service.deps import OAuthDeps
from app.oauth.values import AuthorizationRequest


def seal_json(deps: OAuthDeps, table: str, row: UUID, value: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return a JSON value as it is stored in a row."""
    plain = json.dumps(value, separators=(",", ":")).encode()
    return seal(deps.keyring.class_key(table), plain, context=f"{table}|value|{row}")


def open_json(deps: OAuthDeps, table: str, row: UUID, sealed: bytes) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON value that `seal_json` stored in this row."""
    key = deps.keyring.class_key(table)
    return json.loads(unseal(key, sealed, context=f"{table}|value|{row}"))


def seal_request(deps: OAuthDeps, table: str, row: UUID, request: AuthorizationRequest) -> bytes:
    """Return a validated request as it is stored in a row."""
    return seal_json(deps, table, row, asdict(request))


def open_request(deps: OAuthDeps, table: str, row: UUID, sealed: bytes) -> AuthorizationRequest:
    """Return the request that `seal_request` stored in this row."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in open_json(deps, table, row, sealed).items()
    }
    return AuthorizationRequest(**values)
