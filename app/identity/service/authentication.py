"""Whom a citizen's access token speaks for."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.clock import now
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.identity.models import AuthSession, Citizen
from app.identity.service.sessions import is_live
from app.identity.values import CitizenStatus


def read_citizen(uow: UnitOfWork, claims: Mapping[str, Any]) -> Principal | None:
    """Return the citizen of a live session, with the assurance they have now."""
    citizen_id, session_id = UUID(claims["sub"]), UUID(claims["sid"])
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
