"""Seen in person: a member of staff confirms who stands at the counter with their card."""

from uuid import UUID

from sqlalchemy import select

from app.core.blind_indexes import find_index
from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.identity.errors import CitizenNotFound, IdentityMismatch
from app.identity.models import Citizen
from app.identity.service.deps import IdentityDeps
from app.identity.service.evidence import LEVEL_TITLES, record_evidence
from app.identity.service.resident_id import canonical_resident_id
from app.identity.service.verification import (
    canonical_name,
    close_attempt,
    identity_of,
    open_attempt,
)
from app.identity.values import CitizenStatus, EvidenceKind, Standing, VerificationStatus
from app.notifications import service as notifications
from app.notifications.values import Params


def confirm_at_counter(
    uow: UnitOfWork, deps: IdentityDeps, staff_id: UUID, name: str, number: str
) -> Standing:
    """Record that a verified citizen was seen in person, and tell them.

    The account is found by the number on the card: it cannot be another person's. Raise
    `ResidentIdInvalid`, `CitizenNotFound`, `IdentityMismatch` or `TooManyVerifications`.
    """
    number = canonical_resident_id(number)
    citizen = uow.scalar(
        select(Citizen)
        .where(
            Citizen.resident_id_index == find_index(uow, deps.keyring, "resident_id", number),
            Citizen.status == CitizenStatus.ACTIVE,
        )
        .with_for_update()
    )
    if citizen is None:
        raise CitizenNotFound
    attempt = open_attempt(uow, citizen, EvidenceKind.COUNTER, source="counter")
    if identity_of(uow, deps, citizen)[0] != canonical_name(name):
        refusal = IdentityMismatch()
        with uow.phase():  # kept, so that nobody tries names at the counter all day
            close_attempt(uow, attempt, VerificationStatus.REFUSED, refusal.code)
        raise refusal
    close_attempt(uow, attempt, VerificationStatus.VERIFIED, "counter")
    record_evidence(
        uow,
        citizen,
        EvidenceKind.COUNTER,
        "counter",
        reference=attempt.id,
        confirmed_by=staff_id,
    )
    told: Params = {
        "at": now(),
        "level_zh": LEVEL_TITLES[citizen.assurance],
        "level_en": citizen.assurance,
    }
    notifications.tell(uow, citizen.id, "identity-confirmed", str(attempt.id), told)
    return Standing(citizen.id, citizen.assurance, citizen.assurance_until)
