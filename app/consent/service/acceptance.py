"""What every citizen agrees to: the app's terms and its privacy notice, version by version."""

from uuid import UUID

from sqlalchemy import select

from app.consent.errors import AgreementNotFound
from app.consent.models import Consent
from app.consent.service.agreements import current_agreement, current_agreements
from app.consent.service.consents import grant_consent
from app.consent.values import (
    THE_APP,
    AgreementKind,
    ConsentStatus,
    Grant,
    Standing,
)
from app.core.unit_of_work import UnitOfWork

APP_TITLE = {"zh": "i武当", "en": "i-Wudang"}
_OF_THE_APP = (AgreementKind.TERMS, AgreementKind.NOTICE)


def list_agreements(uow: UnitOfWork, citizen_id: UUID) -> list[Standing]:
    """Return the app's agreements in force, and which version of each the citizen accepted."""
    accepted = {
        consent.agreement_id: consent
        for consent in uow.scalars(
            select(Consent).where(
                Consent.citizen_id == citizen_id,
                Consent.consumer == THE_APP,
                Consent.status == ConsentStatus.GRANTED,
            )
        )
    }
    return [
        Standing(
            agreement,
            accepted[agreement.id].agreement_number if agreement.id in accepted else None,
            accepted[agreement.id].signed_at if agreement.id in accepted else None,
        )
        for agreement in current_agreements(uow, *_OF_THE_APP)
    ]


def accept_agreement(
    uow: UnitOfWork, citizen_id: UUID, session_id: UUID | None, agreement_id: str, version: int
) -> UUID:
    """Record that a citizen accepted a version of the app's terms or notice; return its consent.

    Idempotent for the version that is in force. Raise `AgreementSuperseded` for any other, and
    `AgreementNotFound` for an agreement that is not the app's own.
    """
    agreement = current_agreement(uow, agreement_id)
    if agreement.kind not in _OF_THE_APP:
        raise AgreementNotFound
    kept = uow.scalar(
        select(Consent.id).where(
            Consent.citizen_id == citizen_id,
            Consent.consumer == THE_APP,
            Consent.agreement_id == agreement_id,
            Consent.agreement_number == version,
            Consent.status == ConsentStatus.GRANTED,
        )
    )
    if kept is not None and version == agreement.version:
        return kept
    return grant_consent(
        uow,
        Grant(
            citizen_id=citizen_id,
            consumer=THE_APP,
            title=APP_TITLE,
            agreement_id=agreement_id,
            attributes=agreement.attribute_names,
            session_id=session_id,
            version=version,
        ),
    )


def give_consent(
    uow: UnitOfWork, citizen_id: UUID, session_id: UUID | None, agreement_id: str, version: int
) -> UUID:
    """Record a citizen's yes to an agreement that names its consumer; return the consent's id.

    Raise `AgreementNotFound` for one that names none: its consumer asks for it by its own way.
    """
    agreement = current_agreement(uow, agreement_id)
    if agreement.kind is not AgreementKind.SHARING or agreement.consumer is None:
        raise AgreementNotFound
    return grant_consent(
        uow,
        Grant(
            citizen_id=citizen_id,
            consumer=agreement.consumer,
            title=agreement.title,
            agreement_id=agreement_id,
            attributes=agreement.attribute_names,
            session_id=session_id,
            version=version,
        ),
    )
