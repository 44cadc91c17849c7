"""What a citizen has in hand for others, or others for them: it ends before the account does."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select

from app.core.unit_of_work import UnitOfWork
from app.delegation.models import Guardianship, Organisation
from app.delegation.service.mandates import count_live_mandates
from app.delegation.values import GuardianshipStatus, OrganisationStatus


def count_open(uow: UnitOfWork, citizen_id: UUID) -> Mapping[str, int]:
    """Return how many mandates, wards and organisations a citizen has; kinds without any are out.

    A mandate is given up, a ward is given into other hands, an organisation gets another
    representative or is closed.
    """
    wards = select(func.count()).where(
        Guardianship.guardian_id == citizen_id, Guardianship.status == GuardianshipStatus.ACTIVE
    )
    led = select(func.count()).where(
        Organisation.representative_id == citizen_id,
        Organisation.status.in_((OrganisationStatus.ACTIVE, OrganisationStatus.SUSPENDED)),
    )
    found = {
        "mandates-active": count_live_mandates(uow, citizen_id),
        "guardianships-active": uow.scalars(wards).one(),
        "organisations-represented": uow.scalars(led).one(),
    }
    return {code: count for code, count in found.items() if count}
