"""What somebody may do in another's name right now, read from the rows and never from a token."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.delegation.errors import (
    MandateNotActive,
    MandateNotFound,
    NoAccount,
    OrganisationNotActive,
    OrganisationNotFound,
    OrganisationsOwnAffairs,
)
from app.delegation.models import Guardianship, Mandate
from app.delegation.service.membership import works_for
from app.delegation.values import (
    EVERYTHING,
    Action,
    Grant,
    GuardianshipStatus,
    MandateStatus,
    Power,
)
from app.identity import service as identity

_ALL = (Grant(EVERYTHING, frozenset(Action)),)
"""A guardian acts for a child in everything, without a limit: the law's, not a contract's."""


def mandate_of(
    uow: UnitOfWork, delegate_id: UUID, mandate_id: UUID, *, at: datetime | None = None
) -> Power:
    """Return the power that a citizen has under a mandate or guardianship of theirs, as it is now.

    It is there to the last instant of its term (`at` asks about another moment than this) and not
    in the next. Raise `MandateNotFound` when they are not its delegate, `MandateNotActive` when it
    is not in force or what it rests on is not (organisation, the principal's account),
    `OrganisationsOwnAffairs` for an agent's mandate, `NoAccount` for a child without an account.
    """
    moment = at or now()
    mandate = uow.scalar(
        select(Mandate)
        .where(Mandate.id == mandate_id, Mandate.delegate_id == delegate_id)
        .execution_options(populate_existing=True)
    )
    if mandate is None:
        power = _guardians(uow, delegate_id, mandate_id, moment)
    else:
        power = _delegates(uow, mandate, moment)
    if identity.assurance_of(uow, power.principal_id) is None:
        raise MandateNotActive("The account of the principal is not active.")
    return power


def _delegates(uow: UnitOfWork, mandate: Mandate, moment: datetime) -> Power:
    if (
        mandate.status != MandateStatus.ACTIVE
        or mandate.principal_id is None
        or mandate.delegate_id is None
        or mandate.starts_at is None
        or mandate.expires_at is None
        or not mandate.starts_at <= moment < mandate.expires_at
    ):
        raise MandateNotActive
    if mandate.for_organisation:
        raise OrganisationsOwnAffairs
    if mandate.organisation_id is not None:
        try:
            works_for(uow, mandate.organisation_id, mandate.delegate_id)
        except (OrganisationNotFound, OrganisationNotActive) as error:
            raise MandateNotActive("You do not act for the organisation any more.") from error
    return Power(
        id=mandate.id,
        principal_id=mandate.principal_id,
        delegate_id=mandate.delegate_id,
        grants=tuple(
            Grant(
                service=scope.service,
                actions=frozenset(Action(action) for action in scope.actions),
                cap_per_day=scope.cap_per_day,
                cap_total=scope.cap_total,
            )
            for scope in mandate.scopes
            if scope.revoked_at is None
        ),
        until=mandate.expires_at,
    )


def _guardians(
    uow: UnitOfWork, guardian_id: UUID, guardianship_id: UUID, moment: datetime
) -> Power:
    record = uow.scalar(
        select(Guardianship)
        .where(Guardianship.id == guardianship_id, Guardianship.guardian_id == guardian_id)
        .execution_options(populate_existing=True)
    )
    if record is None:
        raise MandateNotFound
    if record.status != GuardianshipStatus.ACTIVE or record.ends_at <= moment:
        raise MandateNotActive
    if record.child_id is None:
        raise NoAccount
    return Power(record.id, record.child_id, guardian_id, _ALL, record.ends_at)
