"""The one form in which a row is authenticated, hashed and shown: canonical JSON.

source   SHA-256(salt ‖ canonical {actor, address}): whoever is shown a leaf does not learn
         them, and they cannot be changed either
written  canonical {v, id, at, actor_kind, event, subject, result, request_id, details, writer,
         sequence, source}
mac      HMAC-SHA-256(key that the database does not hold, written)
leaf     canonical {everything of `written`, number, mac}; the tree hashes 00 ‖ leaf
"""

import hmac
import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

from app.audit.models import AuditEntry
from app.audit.values import canonical, moment_text
from app.core.logs import redact

VERSION = 1
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{32,}\b")
_CODE = re.compile(r"[\x20-\x7e]{0,1000}")


def source_of(salt: bytes, actor: str, address: str | None) -> str:
    """Return the commitment to who acted and from where."""
    return sha256(salt + canonical({"actor": actor, "address": address})).hexdigest()


def written_form(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row says, without the number and the MAC that it is given."""
    return {
        "v": VERSION,
        "id": str(row["id"]),
        "at": moment_text(row["at"]),
        "actor_kind": row["actor_kind"],
        "event": row["event"],
        "subject": None if row["subject_id"] is None else str(row["subject_id"]),
        "result": row["result"],
        "request_id": row["request_id"],
        "details": row["details"],
        "writer": str(row["writer"]),
        "sequence": row["sequence"],
        "source": source_of(bytes(row["salt"]), row["actor"], row["address"]),
    }


def mac_of(key: bytes, row: Mapping[str, Any]) -> bytes:
    """Return the code that only a holder of the key can make for a row."""
    return hmac.digest(key, canonical(written_form(row)), "sha256")


def leaf_form(entry: AuditEntry) -> dict[str, Any]:
    """Return what a row says, as it lies in the tree."""
    return {
        **written_form(vars(entry)),
        "number": entry.number,
        "mac": bytes(entry.mac).hex(),
    }


def leaf_of(entry: AuditEntry) -> bytes:
    """Return the bytes of a row's leaf."""
    return canonical(leaf_form(entry))


def is_genuine(key: bytes, entry: AuditEntry) -> bool:
    """Say whether the house has written a row as it stands."""
    return hmac.compare_digest(mac_of(key, vars(entry)), bytes(entry.mac))


def plain_details(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the details of an event as they are kept, or raise `ValueError`.

    Ids, codes and counts only: a name, a number of a person or a token is a bug, and is refused.
    """
    kept: dict[str, Any] = json.loads(json.dumps(details, default=_as_code))
    _check(kept)
    return kept


def _as_code(value: object) -> Any:  # noqa: ANN401 - what JSON can hold
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise ValueError(f"an audit event cannot hold a {type(value).__name__}")


def _check(value: Any) -> None:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        for name, inner in value.items():
            _check(name)
            _check(inner)
    elif isinstance(value, list):
        for inner in value:
            _check(inner)
    elif isinstance(value, float) or not _is_plain(value):
        raise ValueError("an audit event holds ids, codes and counts only")


def _is_plain(value: object) -> bool:
    if not isinstance(value, str):
        return True
    # Eleven digits in a row stand in an id or a digest by chance, too.
    rest = _ID.sub("", value)
    return _CODE.fullmatch(value) is not None and redact(rest) == rest
