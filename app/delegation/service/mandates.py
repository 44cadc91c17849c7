"""A mandate's life: agreed to, consented to, in force, narrowed, and over."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from app.core.clock import now
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.delegation.errors import MandateNotActive, MandateNotFound, NotAsked
from app.delegation.events import DelegateOfMany, ScopeRevoked
from app.delegation.models import Mandate
from app.delegation.service.deps import DelegationDeps, one_at_a_time
from app.delegation.service.membership import represented, works_for
from app.delegation.service.statement import attestation_of, statement_of
from app.delegation.service.telling import (
    names_of,
    tell_began,
    tell_both,
    tell_ended,
    tell_to_confirm,
)
from app.delegation.values import MANY, OPEN_MANDATES, TERM, Consent, MandateStatus, Side

ANSWER_WITHIN = timedelta(days=14)
"""A mandate that nobody answers for so long is declined by itself."""
_AT_ONCE = 200
_ENDABLE = (*OPEN_MANDATES, MandateStatus.ACTIVE)


def parties(citizen_id: UUID, phone_index: bytes) -> ColumnElement[bool]:
    """Return the condition under which a citizen has a part in a mandate.

    Who was named by a number has one while an answer is waited for, and once they gave it.
    """
    by_number = and_(Mandate.phone_index == phone_index, Mandate.drafted_by != citizen_id)
    return or_(
        Mandate.principal_id == citizen_id,
        Mandate.delegate_id == citizen_id,
        and_(
            by_number,
            Mandate.named == Side.DELEGATE,
            Mandate.delegate_id.is_(None),
            Mandate.status == MandateStatus.DRAFTED,
        ),
        and_(
            by_number,
            Mandate.named == Side.PRINCIPAL,
            Mandate.principal_id.is_(None),
            Mandate.status == MandateStatus.AWAITING_PRINCIPAL,
        ),
    )


def side_of(mandate: Mandate, citizen_id: UUID) -> Side:
    """Say which of the two a party is, or was named as."""
    if mandate.principal_id == citizen_id:
        return Side.PRINCIPAL
    if mandate.delegate_id == citizen_id:
        return Side.DELEGATE
    return Side(mandate.named)


def find_mandate(
    uow: UnitOfWork, deps: DelegationDeps, citizen_id: UUID, mandate_id: UUID
) -> Mandate:
    """Return a mandate that a citizen has a part in; anybody else's is `MandateNotFound`."""
    mine = parties(citizen_id, deps.phone_index(uow, citizen_id))
    mandate = uow.scalar(select(Mandate).where(Mandate.id == mandate_id, mine))
    if mandate is None:
        raise MandateNotFound
    return mandate


def list_mandates(
    uow: UnitOfWork, deps: DelegationDeps, citizen_id: UUID, side: Side | None, page: PageRequest
) -> Page[Mandate]:
    """Return the mandates a citizen has a part in, newest first; `side` picks given or received."""
    statement = select(Mandate).where(parties(citizen_id, deps.phone_index(uow, citizen_id)))
    if side is not None:
        mine = Mandate.principal_id if side is Side.PRINCIPAL else Mandate.delegate_id
        waiting = and_(mine.is_(None), Mandate.named == side, Mandate.drafted_by != citizen_id)
        statement = statement.where(or_(mine == citizen_id, waiting))
    return fetch_page(uow, statement, [Mandate.id], page, descending=True)


def accept_mandate(
    uow: UnitOfWork, deps: DelegationDeps, who: Principal, mandate_id: UUID
) -> Mandate:
    """Agree to act, as the one whom the principal named; then the principal is asked to consent.

    Consent that was given at a counter before is enough: the mandate begins. Raise `NotAsked`,
    or `IllegalMove` when no agreement is waited for.
    """
    mandate = locked(uow, deps, who.id, mandate_id)
    _check_side(mandate, who.id, Side.DELEGATE)
    mandate.check_move(MandateStatus.AWAITING_PRINCIPAL)
    mandate.delegate_id = who.id
    uow.move(mandate, MandateStatus.AWAITING_PRINCIPAL, cause="accepted")
    uow.flush()
    if mandate.consent is not None:
        begin_mandate(uow, deps, mandate)
    elif mandate.principal_id is not None:
        tell_to_confirm(uow, deps, mandate, mandate.principal_id)
    return mandate


def consent_to_mandate(
    uow: UnitOfWork, deps: DelegationDeps, who: Principal, mandate_id: UUID
) -> Mandate:
    """Let a mandate begin, as the one whose affairs they are; the route asks for a step-up.

    Raise `NotAsked`, or `IllegalMove` when no consent is waited for.
    """
    mandate = locked(uow, deps, who.id, mandate_id)
    _check_side(mandate, who.id, Side.PRINCIPAL)
    mandate.check_move(MandateStatus.ACTIVE)
    mandate.principal_id = who.id
    mandate.consent = Consent.APP
    mandate.consent_evidence = f"session {who.session_id}"
    begin_mandate(uow, deps, mandate)
    return mandate


def begin_mandate(uow: UnitOfWork, deps: DelegationDeps, mandate: Mandate) -> None:
    """Put a mandate in force whose principal has consented; one between the same two is replaced.

    The caller has locked the row and written who consented and how.
    """
    assert mandate.principal_id is not None
    assert mandate.delegate_id is not None
    if mandate.organisation_id is not None:
        _check_organisation(uow, mandate)
    one_at_a_time(uow, "pair", mandate.principal_id, mandate.delegate_id)
    for earlier in uow.scalars(
        select(Mandate)
        .where(
            Mandate.principal_id == mandate.principal_id,
            Mandate.delegate_id == mandate.delegate_id,
            Mandate.organisation_id.is_not_distinct_from(mandate.organisation_id),
            Mandate.for_organisation == mandate.for_organisation,
            Mandate.status == MandateStatus.ACTIVE,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all():
        end_mandate(uow, deps, earlier, MandateStatus.SUPERSEDED, cause=f"mandate {mandate.id}")
    uow.flush()  # the older one has to be over before the new one may be there
    mandate.starts_at = now()
    mandate.expires_at = mandate.starts_at + TERM[mandate.days]
    mandate.attestation = attestation_of(statement_of(mandate))
    mandate.phone_sealed = None
    uow.move(mandate, MandateStatus.ACTIVE, cause=f"consent: {mandate.consent}")
    uow.flush()
    tell_began(uow, deps, mandate)
    _flag_delegate_of_many(uow, mandate.delegate_id)


def _check_organisation(uow: UnitOfWork, mandate: Mandate) -> None:
    assert mandate.organisation_id is not None
    assert mandate.principal_id is not None
    assert mandate.delegate_id is not None
    if mandate.for_organisation:
        represented(uow, mandate.organisation_id, mandate.principal_id)
    else:
        works_for(uow, mandate.organisation_id, mandate.delegate_id)


def _flag_delegate_of_many(uow: UnitOfWork, delegate_id: UUID) -> None:
    people = uow.scalar(
        select(func.count(Mandate.principal_id.distinct())).where(
            Mandate.delegate_id == delegate_id,
            Mandate.status == MandateStatus.ACTIVE,
            ~Mandate.for_organisation,
        )
    )
    if people is not None and people > MANY:
        uow.record(DelegateOfMany(subject=delegate_id, people=people))


def decline_mandate(
    uow: UnitOfWork, deps: DelegationDeps, who: Principal, mandate_id: UUID
) -> Mandate:
    """Say no, as the one who is asked; raise `NotAsked`, or `IllegalMove` when nobody is."""
    mandate = locked(uow, deps, who.id, mandate_id)
    mandate.check_move(MandateStatus.DECLINED)
    asked = Side.DELEGATE if mandate.status == MandateStatus.DRAFTED else Side.PRINCIPAL
    _check_side(mandate, who.id, asked)
    end_mandate(uow, deps, mandate, MandateStatus.DECLINED, cause="declined")
    return mandate


def _check_side(mandate: Mandate, citizen_id: UUID, asked: Side) -> None:
    if side_of(mandate, citizen_id) is not asked:
        raise NotAsked


def revoke_mandate(
    uow: UnitOfWork, deps: DelegationDeps, who: Principal, mandate_id: UUID
) -> Mandate:
    """End a mandate at once, as either of the two; revoking a revoked one changes nothing.

    Raise `IllegalMove` when it is over in another way.
    """
    mandate = locked(uow, deps, who.id, mandate_id)
    if mandate.status != MandateStatus.REVOKED:
        side = side_of(mandate, who.id)
        end_mandate(uow, deps, mandate, MandateStatus.REVOKED, cause=f"revoked by the {side}")
    return mandate


def revoke_scope(
    uow: UnitOfWork, deps: DelegationDeps, who: Principal, mandate_id: UUID, scope_id: UUID
) -> None:
    """Take one service out of a mandate; with the last one the mandate is over. Idempotent.

    Raise `MandateNotActive` when the mandate is over.
    """
    mandate = locked(uow, deps, who.id, mandate_id)
    scope = next((scope for scope in mandate.scopes if scope.id == scope_id), None)
    if scope is None:
        raise MandateNotFound("The mandate has no such scope.")
    if scope.revoked_at is not None:
        return
    if mandate.status not in _ENDABLE:
        raise MandateNotActive
    scope.revoked_at = now()
    uow.record(ScopeRevoked(subject=mandate.principal_id, mandate_id=mandate.id, scope_id=scope.id))
    if all(one.revoked_at is not None for one in mandate.scopes):
        end_mandate(uow, deps, mandate, MandateStatus.REVOKED, cause="the last scope was revoked")
        return
    params = names_of(deps, [scope.service])
    tell_both(uow, mandate, "mandate-narrowed", str(scope.id), params)


def end_due(uow: UnitOfWork, deps: DelegationDeps) -> None:
    """End what has reached its term, and what nobody has answered; safe in parallel.

    Power ends by the clock and not by this: it writes down and tells what has happened.
    """
    moment = now()
    for mandate in _due(uow, Mandate.status == MandateStatus.ACTIVE, Mandate.expires_at <= moment):
        end_mandate(uow, deps, mandate, MandateStatus.EXPIRED, cause="term")
    stale = Mandate.created_at <= moment - ANSWER_WITHIN
    for mandate in _due(uow, Mandate.status.in_(OPEN_MANDATES), stale):
        end_mandate(uow, deps, mandate, MandateStatus.DECLINED, cause="unanswered")


def _due(uow: UnitOfWork, *conditions: ColumnElement[bool]) -> Sequence[Mandate]:
    statement = select(Mandate).where(*conditions).order_by(Mandate.id).limit(_AT_ONCE)
    return uow.scalars(
        statement.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    ).all()


def end_mandates_of(
    uow: UnitOfWork, deps: DelegationDeps, organisation_id: UUID, *, cause: str
) -> None:
    """Revoke all that rests on an organisation: its agents' mandates and those of its helpers."""
    for mandate in _due(
        uow, Mandate.organisation_id == organisation_id, Mandate.status.in_(_ENDABLE)
    ):
        end_mandate(uow, deps, mandate, MandateStatus.REVOKED, cause=cause)


def count_live_mandates(uow: UnitOfWork, citizen_id: UUID) -> int:
    """Return how many mandates in force a citizen has given or received."""
    found = uow.scalar(
        select(func.count()).where(
            or_(Mandate.principal_id == citizen_id, Mandate.delegate_id == citizen_id),
            Mandate.status == MandateStatus.ACTIVE,
            Mandate.expires_at > now(),
        )
    )
    return found or 0


def locked(uow: UnitOfWork, deps: DelegationDeps, citizen_id: UUID, mandate_id: UUID) -> Mandate:
    """Return a mandate that a citizen has a part in, its row locked; else `MandateNotFound`."""
    mine = parties(citizen_id, deps.phone_index(uow, citizen_id))
    mandate = uow.scalar(
        select(Mandate)
        .where(Mandate.id == mandate_id, mine)
        .with_for_update(of=Mandate)
        .execution_options(populate_existing=True)
    )
    if mandate is None:
        raise MandateNotFound
    return mandate


def end_mandate(
    uow: UnitOfWork, deps: DelegationDeps, mandate: Mandate, to: MandateStatus, *, cause: str
) -> None:
    """End a mandate whose row the caller has locked, tell both, and forget the number."""
    mandate.check_move(to)
    mandate.ended_at = now()
    mandate.phone_sealed = None
    uow.move(mandate, to, cause=cause)
    tell_ended(uow, deps, mandate)
