"""Mandates as their two parties see them: each sees the other masked."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.core.unit_of_work import UnitOfWork
from app.delegation.models import Mandate, Organisation
from app.delegation.service.deps import DelegationDeps
from app.delegation.service.mandates import side_of
from app.delegation.service.statement import statement_of
from app.delegation.values import MandateView, Party, ScopeView, Side


def view_mandate(
    uow: UnitOfWork, deps: DelegationDeps, mandate: Mandate, citizen_id: UUID
) -> MandateView:
    """Return a mandate as one of its parties sees it.

    Of somebody who was named and has not taken part only the number is shown, masked, as whoever
    named them wrote it: nobody learns whether there is an account.
    """
    has_begun = mandate.attestation is not None
    return MandateView(
        id=mandate.id,
        status=mandate.status,
        side=side_of(mandate, citizen_id),
        principal=_party(uow, deps, mandate, mandate.principal_id, Side.PRINCIPAL),
        delegate=_party(uow, deps, mandate, mandate.delegate_id, Side.DELEGATE),
        organisation=_organisation(uow, deps, mandate.organisation_id),
        for_organisation=mandate.for_organisation,
        days=mandate.days,
        scopes=[
            ScopeView(
                id=scope.id,
                service=scope.service,
                title=deps.title(scope.service),
                actions=scope.actions,
                cap_per_day=scope.cap_per_day,
                cap_total=scope.cap_total,
                revoked_at=scope.revoked_at,
            )
            for scope in mandate.scopes
        ],
        consent=mandate.consent,
        statement=statement_of(mandate) if has_begun else None,
        attestation=mandate.attestation.hex() if mandate.attestation is not None else None,
        created_at=mandate.created_at,
        starts_at=mandate.starts_at,
        expires_at=mandate.expires_at,
        ended_at=mandate.ended_at,
    )


def _party(
    uow: UnitOfWork, deps: DelegationDeps, mandate: Mandate, citizen_id: UUID | None, side: Side
) -> Party:
    if citizen_id is None and mandate.named == side and mandate.phone_sealed is not None:
        phone = deps.open(mandate.phone_sealed, "mandates", "phone", mandate.id)
        return deps.party(uow, None, phone)
    return deps.party(uow, citizen_id)


def _organisation(
    uow: UnitOfWork, deps: DelegationDeps, organisation_id: UUID | None
) -> Mapping[str, Any] | None:
    if organisation_id is None:
        return None
    found = uow.get_one(Organisation, organisation_id)
    return {
        "id": found.id,
        "name": deps.open(found.name_sealed, "organisations", "name", found.id),
    }
