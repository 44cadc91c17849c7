"""Grants: opened when a citizen consents, ended by them, by the client, by staff or by time."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select

from app.consent.events import ConsentWithdrawn
from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.identity.events import SessionEnded
from app.oauth.events import GrantEnded, GrantRevoked, LogoutDue
from app.oauth.models import Client, Grant
from app.oauth.service.consents import client_of
from app.oauth.service.deps import OAuthDeps
from app.oauth.values import GrantStatus


def end_grant(uow: UnitOfWork, grant: Grant, cause: str) -> None:
    """End a grant whose row the caller has locked, and those that were derived from it.

    One that is over stays as it is. From the commit on no token of it is worth anything.
    """
    if grant.status == GrantStatus.ENDED:
        return
    grant.ended_at = now()
    fact = GrantEnded(grant_id=grant.id, client_id=grant.client_id, citizen_id=grant.citizen_id)
    uow.move(grant, GrantStatus.ENDED, cause=cause, fact=fact)
    uow.record(
        GrantRevoked(
            subject=grant.citizen_id, client_id=grant.client_id, grant_id=grant.id, cause=cause
        )
    )
    derived = uow.scalars(select(Grant).where(Grant.parent_id == grant.id).with_for_update())
    for one in derived.all():
        end_grant(uow, one, cause)


def end_grants_of_session(uow: UnitOfWork, deps: OAuthDeps, event: SessionEnded) -> None:
    """End what hung on a session, and let every client of it know. May run twice.

    What was granted for longer (`offline_access`) goes on; its client is told all the same.
    """
    del deps
    grants = uow.scalars(
        select(Grant)
        .where(Grant.session_id == event.session_id)
        .order_by(Grant.id)
        .with_for_update()
    ).all()
    for grant in grants:
        if not grant.is_offline:
            end_grant(uow, grant, "session-ended")
    _tell(uow, grants)


def end_withdrawn(uow: UnitOfWork, deps: OAuthDeps, event: ConsentWithdrawn) -> None:
    """End what rested on a consent that a citizen took back, and tell the client. May run twice.

    Its tokens are worth nothing before this runs: whoever reads one asks for the consent.
    """
    del deps
    client_id = client_of(event.consumer)
    if client_id is not None:
        end_grants_of_client(uow, event.citizen_id, client_id, "consent-withdrawn")


def end_grants_of_client(uow: UnitOfWork, citizen_id: UUID, client_id: UUID, cause: str) -> None:
    """End everything that a citizen granted to a client, and let it know. May run twice."""
    grants = uow.scalars(
        select(Grant)
        .where(
            Grant.citizen_id == citizen_id,
            Grant.client_id == client_id,
            Grant.status == GrantStatus.ACTIVE,
        )
        .order_by(Grant.id)
        .with_for_update()
    ).all()
    for grant in grants:
        end_grant(uow, grant, cause)
    _tell(uow, grants)


def _tell(uow: UnitOfWork, grants: Iterable[Grant]) -> None:
    """Queue one notice for each client that wants to know, however many grants it had."""
    told: set[UUID] = set()
    for grant in grants:
        if grant.client_id in told or grant.mandate_id is not None:
            continue
        told.add(grant.client_id)
        if uow.get_one(Client, grant.client_id).backchannel_logout_uri is not None:
            uow.emit(LogoutDue(grant_id=grant.id))
