"""Letting somebody without an account pay one thing, for half an hour."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from app.core.clock import now
from app.core.ids import new_id
from app.core.tokens import Principal, Tokens
from app.core.unit_of_work import UnitOfWork
from app.guests.events import GuestAdmitted
from app.guests.models import GuestPass
from app.guests.values import KEPT, LIFETIME, Admitted


def admit_guest(
    uow: UnitOfWork, tokens: Tokens, plugin: str, service: str, reference: str
) -> Admitted:
    """Make a pass for one payable, with a token that is good for half an hour.

    Whoever calls has made sure that this somebody may pay it. Each call makes another guest.
    """
    moment = now()
    guest = GuestPass(
        id=new_id(),
        plugin=plugin,
        service=service,
        reference=reference,
        created_at=moment,
        expires_at=moment + LIFETIME,
    )
    uow.add(guest)
    uow.record(GuestAdmitted(guest_id=guest.id, provider=plugin, service=service))
    token = tokens.issue(
        subject=guest.id,
        session_id=guest.id,
        kind="guest",
        assurance="public",
        lifetime=LIFETIME,
    )
    return Admitted(guest.id, token, guest.expires_at)


def read_guest(uow: UnitOfWork, claims: Mapping[str, Any]) -> Principal | None:
    """Return the guest of a token, with the one thing they may pay; None when that is over."""
    guest_id = UUID(claims["sub"])
    guest = uow.scalar(
        select(GuestPass).where(GuestPass.id == guest_id, GuestPass.expires_at > now())
    )
    if guest is None:
        return None
    return Principal(
        kind="guest",
        id=guest.id,
        session_id=guest.id,
        assurance="public",
        payable=(guest.service, guest.reference),
    )


def forget_passes(uow: UnitOfWork) -> None:
    """Delete passes that ended thirty days ago."""
    uow.execute(delete(GuestPass).where(GuestPass.expires_at < now() - KEPT))
