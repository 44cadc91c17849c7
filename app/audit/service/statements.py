"""What the sealer signs: the text of a seal and of a retirement, made again from their rows."""

from typing import Any

from app.audit.models import AuditRetirement, AuditSeal
from app.audit.service.leaves import VERSION
from app.audit.values import Statement, moment_text


def seal_content(seal: AuditSeal) -> dict[str, Any]:
    """Return what a seal says, but for the name of its key."""
    return {
        "v": VERSION,
        "kind": "seal",
        "number": seal.number,
        "first": seal.first,
        "last": seal.last,
        "entries": seal.entries,
        "root": bytes(seal.root).hex(),
        "previous": seal.previous,
        "forged": list(seal.forged),
        "at": moment_text(seal.at),
    }


def seal_statement(seal: AuditSeal) -> Statement:
    """Return a seal as it was signed."""
    return Statement({**seal_content(seal), "key": seal.key_id}, bytes(seal.signature))


def retirement_content(retirement: AuditRetirement) -> dict[str, Any]:
    """Return what a retirement says, but for the name of its key."""
    return {
        "v": VERSION,
        "kind": "retirement",
        "through": retirement.through,
        "at": moment_text(retirement.at),
    }


def retirement_statement(retirement: AuditRetirement) -> Statement:
    """Return a retirement as it was signed."""
    return Statement(
        {**retirement_content(retirement), "key": retirement.key_id}, bytes(retirement.signature)
    )
