"""Who belongs to an organisation: its representative, and agents whose mandate is in force."""

from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.delegation.errors import OrganisationNotActive, OrganisationNotFound
from app.delegation.models import Mandate, Organisation
from app.delegation.values import MandateStatus, OrganisationStatus


def represented(uow: UnitOfWork, organisation_id: UUID, citizen_id: UUID) -> Organisation:
    """Return the active organisation that a citizen represents, or raise.

    `OrganisationNotFound` when it is not theirs, `OrganisationNotActive` when it is suspended.
    """
    found = uow.scalar(
        select(Organisation).where(
            Organisation.id == organisation_id, Organisation.representative_id == citizen_id
        )
    )
    if found is None:
        raise OrganisationNotFound
    if found.status != OrganisationStatus.ACTIVE:
        raise OrganisationNotActive
    return found


def works_for(uow: UnitOfWork, organisation_id: UUID, citizen_id: UUID) -> Organisation:
    """Return the active organisation that a citizen represents or is an agent of, or raise."""
    mine = Organisation.id == organisation_id, is_of(citizen_id)
    found = uow.scalar(select(Organisation).where(*mine))
    if found is None:
        raise OrganisationNotFound
    if found.status != OrganisationStatus.ACTIVE:
        raise OrganisationNotActive
    return found


def is_of(citizen_id: UUID) -> ColumnElement[bool]:
    """Return the condition of being an organisation's representative or living agent."""
    agent = exists().where(
        Mandate.organisation_id == Organisation.id,
        Mandate.for_organisation,
        Mandate.delegate_id == citizen_id,
        Mandate.status == MandateStatus.ACTIVE,
        Mandate.expires_at > now(),
    )
    return or_(Organisation.representative_id == citizen_id, agent)
