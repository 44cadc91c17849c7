"""Whom a citizen's access token speaks for."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from app.core.clock import now
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.identity.models import AuthSession, Citizen
from app.identity.service.evidence import assurance_now
from app.identity.service.sessions import is_live
from app.identity.values import CitizenStatus

_LIVE = (
    select(Citizen.assurance, Citizen.assurance_until, AuthSession.stepped_up_at)
    .join(AuthSession, AuthSession.citizen_id == Citizen.id)
    .where(
        AuthSession.id == bindparam("session_id"),
        is_live(bindparam("moment")),
        Citizen.id == bindparam("citizen_id"),
        Citizen.status == CitizenStatus.ACTIVE,
    )
)
"""Built once: every request of a citizen begins with it."""


def read_citizen(uow: UnitOfWork, claims: Mapping[str, Any]) -> Principal | None:
    """Return the citizen of a live session, with their assurance and their step-up as of now."""
    citizen_id, session_id = UUID(claims["sub"]), UUID(claims["sid"])
    row = uow.execute(
        _LIVE, {"session_id": session_id, "citizen_id": citizen_id, "moment": now()}
    ).one_or_none()
    if row is None:
        return None
    assurance = assurance_now(uow, citizen_id, row.assurance, row.assurance_until)
    return Principal(
        "citizen", citizen_id, session_id, assurance=assurance, stepped_up_at=row.stepped_up_at
    )
