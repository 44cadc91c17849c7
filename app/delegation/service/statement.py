"""The text that a principal consents to, and its hash.

The text is made of ids, figures and words of this file only, so that anybody who has it can make
it again: UTF-8, lines ended by LF, one `name: value` each, in the order below; scopes by service,
actions by name, moments in UTC with microseconds. The attestation is its SHA-256.
"""

from hashlib import sha256

from app.core.clock import wire_time
from app.delegation.models import Mandate, MandateScope

FORM = "wudang-mandate-1"


def statement_of(mandate: Mandate) -> str:
    """Return the text of a mandate that has begun; revoking it later does not change the text."""
    assert mandate.starts_at is not None
    assert mandate.expires_at is not None
    lines = [
        f"form: {FORM}",
        f"mandate: {mandate.id}",
        f"principal: {_principal(mandate)}",
        f"delegate: {_delegate(mandate)}",
        f"term: {mandate.days} days",
        f"from: {wire_time(mandate.starts_at, 'microseconds')}",
        f"until: {wire_time(mandate.expires_at, 'microseconds')}",
        f"consent: {mandate.consent}, {mandate.consent_evidence}",
        *(_scope(scope) for scope in sorted(mandate.scopes, key=lambda scope: scope.service)),
    ]
    return "".join(f"{line}\n" for line in lines)


def attestation_of(statement: str) -> bytes:
    """Return the hash that is kept of a text."""
    return sha256(statement.encode()).digest()


def _principal(mandate: Mandate) -> str:
    if mandate.for_organisation:
        return f"organisation {mandate.organisation_id} by citizen {mandate.principal_id}"
    return f"citizen {mandate.principal_id}"


def _delegate(mandate: Mandate) -> str:
    if mandate.organisation_id is not None and not mandate.for_organisation:
        return f"citizen {mandate.delegate_id} of organisation {mandate.organisation_id}"
    return f"citizen {mandate.delegate_id}"


def _scope(scope: MandateScope) -> str:
    day = "-" if scope.cap_per_day is None else str(scope.cap_per_day)
    total = "-" if scope.cap_total is None else str(scope.cap_total)
    actions = " ".join(sorted(scope.actions))
    return f"scope: {scope.service}: {actions}; fen a day {day}; fen in all {total}"
