"""What the door tells the audit trail of a request: what staff did, what was refused to whom."""

from contextlib import AbstractContextManager
from typing import Protocol
from urllib.parse import quote
from uuid import UUID

from flask import g, request
from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import DomainError, Forbidden, Unauthenticated
from app.core.logs import get_logger, redact
from app.core.tokens import Principal
from app.core.trail import AuditEvent
from app.core.unit_of_work import UnitOfWork
from app.http import problems
from app.http.blueprint import Access
from app.http.events import AccessRefused, StaffActed, TokenRefused
from app.http.sparing import Sparing

_REFUSED = 400
_LONGEST = 100
OF_THE_KNOWN = 1_200
log = get_logger("http")


class Opener(Protocol):
    """Opens a unit of work in the name of whoever calls."""

    def __call__(self) -> AbstractContextManager[UnitOfWork]:
        """Open one that writes."""


class Watch:
    """Tells the trail; refusals that repeat within a minute are counted, not told one by one."""

    def __init__(self, open_unit: Opener) -> None:
        self._open_unit = open_unit
        # Two, so that nobody who is unknown can crowd out what is told of the known.
        self._strangers = Sparing()
        self._known = Sparing(per_window=OF_THE_KNOWN)

    def act(self, uow: UnitOfWork, access: Access, status: int) -> None:
        """Tell what a member of staff did or read, with the commit of what they did."""
        if access.permission is not None:
            uow.record(_staff_acted(status))

    def refusal(self, access: Access, error: DomainError) -> None:
        """Tell that somebody was refused; the refusal is answered even when it cannot be told."""
        event = self._event_of(access, error)
        if event is None:
            return
        try:
            with self._open_unit() as uow:
                uow.record(event)
        except SQLAlchemyError as failure:
            log.warning("audit.lost", event_name=event.name, error=type(failure).__name__)

    def _event_of(self, access: Access, error: DomainError) -> AuditEvent | None:
        who: Principal | None = g.get("principal")
        if who is None:
            return self._token_refused(error)
        if access.permission is not None and who.kind == "staff":
            return _staff_acted(problems.status_of(error))
        if not isinstance(error, Forbidden):
            return None
        more = self._known.take(str(who.session_id), _operation(), error.code)
        if more is None:
            return None
        return AccessRefused(
            subject=_citizen(who),
            result="refused",
            operation=_operation(),
            code=error.code,
            more=more,
        )

    def _token_refused(self, error: DomainError) -> AuditEvent | None:
        """Tell of a token that was shown and does not hold; that none was shown is no event."""
        if not isinstance(error, Unauthenticated) or type(error) is Unauthenticated:
            return None
        more = self._strangers.take(g.address, error.code)
        if more is None:
            return None
        return TokenRefused(result="refused", operation=_operation(), code=error.code, more=more)


def _staff_acted(status: int) -> StaffActed:
    return StaffActed(
        result="done" if status < _REFUSED else "refused",
        operation=_operation(),
        path={name: _code(value) for name, value in (request.view_args or {}).items()},
        status=status,
    )


def _citizen(who: Principal) -> UUID | None:
    return who.id if who.kind == "citizen" else None


def _operation() -> str:
    rule = request.url_rule.rule if request.url_rule else ""
    return f"{request.method}:{rule}"


def _code(value: object) -> str:
    """Return a part of an address as the trail may keep it: what looks personal is struck out."""
    if isinstance(value, UUID):
        return str(value)
    return redact(quote(str(value), safe=""))[:_LONGEST]
