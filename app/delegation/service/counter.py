"""What staff confirm with the person before them: papers are looked at, a reason is kept."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select

from app.core.blind_indexes import take_index
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.delegation.errors import MandateNotFound, OwnMandate, PersonNotFound
from app.delegation.events import ConfirmedAtCounter
from app.delegation.models import Mandate
from app.delegation.service.deps import DelegationDeps
from app.delegation.service.drafting import check_grants, keep_draft, new_mandate
from app.delegation.service.mandates import begin_mandate
from app.delegation.values import Consent, Draft, MandateStatus, Person, Side
from app.identity import service as identity


def draft_at_counter(
    uow: UnitOfWork, deps: DelegationDeps, who: Principal, person: Person, draft: Draft, reason: str
) -> Mandate:
    """Write down a mandate that somebody gives at a counter; it begins when the delegate agrees.

    Raise `PersonNotFound` when no account was verified as the person, and what drafting raises.
    """
    principal_id = _found(uow, deps, person)
    phone = identity.canonical_phone(draft.phone)
    if take_index(uow, deps.keyring, "phone", phone) == deps.phone_index(uow, principal_id):
        raise OwnMandate
    check_grants(deps, draft.grants)
    mandate = new_mandate(uow, deps, replace(draft, named=Side.DELEGATE), phone, drafted_by=who.id)
    mandate.principal_id = principal_id
    _consent(deps, who, mandate, reason)
    keep_draft(uow, mandate, cause="counter")
    uow.record(ConfirmedAtCounter(subject=principal_id, record_id=mandate.id))
    return mandate


def consent_at_counter(
    uow: UnitOfWork,
    deps: DelegationDeps,
    who: Principal,
    mandate_id: UUID,
    person: Person,
    reason: str,
) -> Mandate:
    """Let a mandate begin whose principal consents at a counter, their papers in hand.

    Raise `PersonNotFound` when no account was verified as them, `MandateNotFound` when it is not
    their mandate, and `IllegalMove` when no consent is waited for.
    """
    principal_id = _found(uow, deps, person)
    mandate = uow.scalar(
        select(Mandate)
        .where(Mandate.id == mandate_id)
        .with_for_update(of=Mandate)
        .execution_options(populate_existing=True)
    )
    if mandate is None or not _is_theirs(uow, deps, mandate, principal_id):
        raise MandateNotFound
    mandate.check_move(MandateStatus.ACTIVE)
    mandate.principal_id = principal_id
    _consent(deps, who, mandate, reason)
    begin_mandate(uow, deps, mandate)
    uow.record(ConfirmedAtCounter(subject=principal_id, record_id=mandate.id))
    return mandate


def _consent(deps: DelegationDeps, who: Principal, mandate: Mandate, reason: str) -> None:
    mandate.consent = Consent.COUNTER
    mandate.consent_evidence = f"staff {who.id}"
    mandate.counter_reason_sealed = deps.seal(reason, "mandates", "counter_reason", mandate.id)


def _found(uow: UnitOfWork, deps: DelegationDeps, person: Person) -> UUID:
    number = identity.canonical_resident_id(person.resident_id)
    found = identity.citizen_with_identity(uow, deps.keyring, person.name, number)
    if found is None:
        raise PersonNotFound
    return found


def _is_theirs(uow: UnitOfWork, deps: DelegationDeps, mandate: Mandate, principal_id: UUID) -> bool:
    if mandate.principal_id is not None:
        return mandate.principal_id == principal_id
    return mandate.phone_index == deps.phone_index(uow, principal_id)
