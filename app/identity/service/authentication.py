"""Who calls: the token says so, and PostgreSQL says whether it still holds."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from app.core import clock
from app.core.clock import now
from app.core.tokens import Principal, TokenInvalid, Tokens
from app.core.unit_of_work import UnitOfWork, Units
from app.identity.models import AuthSession, Citizen, Integrator, Staff, StaffSession
from app.identity.service.sessions import is_live
from app.identity.values import PERMISSIONS, AccountStatus, CitizenStatus, Role

CACHE_SECONDS = 1.0
_CACHE_SIZE = 10_000


class Authenticator:
    """Turns access tokens into principals; what it read counts for one second at most.

    `accepts_sandbox` lets in the staff tokens that the command line prints (never in production).
    """

    def __init__(
        self,
        units: Units,
        tokens: Tokens,
        *,
        accepts_sandbox: bool,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._units = units
        self._tokens = tokens
        self._accepts_sandbox = accepts_sandbox
        self._monotonic = monotonic
        self._cache: OrderedDict[tuple[str, ...], tuple[float, Principal]] = OrderedDict()
        self._lock = threading.Lock()

    def authenticate(self, token: str, fresh: bool) -> Principal:  # noqa: FBT001 - the door's
        """Return who a token speaks for, or raise `TokenInvalid`.

        `fresh` asks the database now; otherwise an answer up to one second old will do. Assurance,
        role and department come from the rows, never from the token.
        """
        claims = self._tokens.verify(token)
        key = (claims["knd"], claims["sid"], claims["sub"])
        if not fresh:
            with self._lock:
                found = self._cache.get(key)
            if found is not None and self._monotonic() - found[0] < CACHE_SECONDS:
                return found[1]
        asked_at = self._monotonic()
        who = self._read(claims)
        with self._lock:
            self._cache.pop(key, None)
            if who is not None:
                self._cache[key] = (asked_at, who)
            if len(self._cache) > _CACHE_SIZE:
                self._cache.popitem(last=False)
        if who is None:
            raise TokenInvalid("The session has ended.")
        return who

    def _read(self, claims: dict[str, Any]) -> Principal | None:
        try:
            return self._ask(claims)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return self._ask(claims)  # the pool has replaced its broken connections

    def _ask(self, claims: dict[str, Any]) -> Principal | None:
        reader = {"citizen": _citizen, "staff": self._staff, "integrator": _integrator}.get(
            claims.get("knd", "")
        )
        if reader is None:
            return None
        with self._units.open(actor="authenticate", read_only=True) as uow:
            return reader(uow, UUID(claims["sub"]), UUID(claims["sid"]))

    def _staff(self, uow: UnitOfWork, staff_id: UUID, session_id: UUID) -> Principal | None:
        row = uow.execute(
            select(Staff.role, Staff.department, StaffSession.means)
            .join(StaffSession, StaffSession.staff_id == Staff.id)
            .where(
                Staff.id == staff_id,
                Staff.status == AccountStatus.ACTIVE,
                StaffSession.id == session_id,
                StaffSession.ended_at.is_(None),
                StaffSession.expires_at > now(),
            )
        ).one_or_none()
        if row is None or (row.means == "sandbox" and not self._accepts_sandbox):
            return None
        return Principal(
            kind="staff",
            id=staff_id,
            session_id=session_id,
            permissions=PERMISSIONS[Role(row.role)],
            department=row.department,
        )


def _citizen(uow: UnitOfWork, citizen_id: UUID, session_id: UUID) -> Principal | None:
    assurance = uow.scalar(
        select(Citizen.assurance)
        .join(AuthSession, AuthSession.citizen_id == Citizen.id)
        .where(
            AuthSession.id == session_id,
            is_live(now()),
            Citizen.id == citizen_id,
            Citizen.status == CitizenStatus.ACTIVE,
        )
    )
    if assurance is None:
        return None
    return Principal("citizen", citizen_id, session_id, assurance=assurance)


def _integrator(uow: UnitOfWork, integrator_id: UUID, session_id: UUID) -> Principal | None:
    scopes = uow.scalar(
        select(Integrator.scopes).where(
            Integrator.id == integrator_id, Integrator.status == AccountStatus.ACTIVE
        )
    )
    if scopes is None:
        return None
    return Principal("integrator", integrator_id, session_id, permissions=frozenset(scopes))
