"""Acting: the token that names both, whom it speaks for, the money it may move, what was done."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from app.core.clock import CITY_TIME, now
from app.core.errors import ActingNotAllowed, DomainError
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import LEVELS, Mandated, Principal
from app.core.unit_of_work import UnitOfWork
from app.delegation.errors import CapReached, MandateNotActive
from app.delegation.events import ActingStarted, DelegateActed
from app.delegation.models import DelegateAct, Guardianship, Mandate
from app.delegation.service.deps import DelegationDeps
from app.delegation.service.guardianships import find_guardianship
from app.delegation.service.mandates import find_mandate
from app.delegation.service.powers import mandate_of
from app.delegation.service.telling import names_of
from app.delegation.values import ActingToken, Action, Grant, Power
from app.identity import service as identity
from app.notifications.service import tell
from app.payments.events import PaymentSucceeded
from app.payments.service import Spent
from app.payments.values import Charge

LIFETIME = timedelta(minutes=5)
_NOTED = "delegate_act"


def issue_acting_token(
    uow: UnitOfWork, deps: DelegationDeps, who: Principal, power_id: UUID
) -> ActingToken:
    """Return a token with which a delegate acts for five minutes, never beyond the mandate.

    It names both (RFC 8693: `sub` whose affairs, `act.sub` who acts) and lives with the delegate's
    session. Raise what `mandate_of` raises. The route asks for a step-up.
    """
    power = mandate_of(uow, who.id, power_id)
    lifetime = timedelta(seconds=min(LIFETIME, power.until - now()) // timedelta(seconds=1))
    if not lifetime:
        raise MandateNotActive
    uow.record(ActingStarted(subject=power.principal_id, delegate_id=who.id, power_id=power.id))
    token = deps.tokens.issue(
        subject=power.principal_id,
        session_id=who.session_id,
        kind="delegate",
        assurance=_lower(who.assurance, identity.assurance_of(uow, power.principal_id)),
        lifetime=lifetime,
        act={"sub": str(who.id)},
        mandate=str(power.id),
    )
    return ActingToken(token, int(lifetime.total_seconds()), power.id, power.principal_id)


def read_delegate(uow: UnitOfWork, claims: Mapping[str, Any]) -> Principal | None:
    """Return whom an acting token speaks for; None when anything it rests on is over.

    That is the mandate, the delegate's session and account, and the principal's account. What may
    be done is read from the mandate, the assurance is the lower of the two people's.
    """
    delegate = identity.read_citizen(uow, {**claims, "sub": claims["act"]["sub"]})
    if delegate is None:
        return None
    try:
        power = mandate_of(uow, delegate.id, UUID(claims["mandate"]))
    except DomainError:
        return None
    if str(power.principal_id) != claims["sub"]:
        return None
    return replace(
        delegate,
        id=power.principal_id,
        assurance=_lower(delegate.assurance, identity.assurance_of(uow, power.principal_id)),
        delegate_id=delegate.id,
        mandate=mandated(power),
    )


def mandated(power: Power) -> Mandated:
    """Return a power as the door and the rooms below know it."""
    actions = {grant.service: frozenset(map(str, grant.actions)) for grant in power.grants}
    return Mandated(power.id, actions)


def _lower(one: str, other: str | None) -> str:
    return min((one, other or "public"), key=LEVELS.index)


def allow_payment(
    uow: UnitOfWork, who: Principal, payment_id: UUID, charges: Sequence[Charge], spent: Spent
) -> None:
    """Let a delegate's new payment through, or raise; the act is written with the payment.

    Payments under one mandate are looked at one after the other, under its row's lock, so parallel
    ones cannot pass a limit together, and none passes a revocation. What was started counts until
    it came to nothing; what was refunded stays counted. Days are the city's. Raise
    `MandateNotActive`, `ActingNotAllowed` or `CapReached`.
    """
    if who.mandate is None or who.delegate_id is None:
        return
    for kind in (Mandate, Guardianship):
        uow.execute(select(kind.id).where(kind.id == who.mandate.id).with_for_update())
    power = mandate_of(uow, who.delegate_id, who.mandate.id)
    _check_caps(power, charges, spent)
    total = sum(charge.amount for charge in charges)
    services = sorted({charge.service for charge in charges})
    _note(uow, who, Action.PAY, "POST /v1/payments", services, payment_id, total)


def _check_caps(power: Power, charges: Sequence[Charge], spent: Spent) -> None:
    wanted: dict[Grant, int] = {}
    for charge in charges:
        grant = power.grant_for(charge.service, Action.PAY)
        if grant is None:
            raise ActingNotAllowed
        wanted[grant] = wanted.get(grant, 0) + charge.amount
    today = datetime.combine(now().astimezone(CITY_TIME).date(), time.min, CITY_TIME)
    for grant, amount in wanted.items():
        for cap, since in ((grant.cap_per_day, today), (grant.cap_total, None)):
            if cap is not None and _under(power, grant, spent(since)) + amount > cap:
                raise CapReached(cap=cap)


def _under(power: Power, grant: Grant, spent: Mapping[str, int]) -> int:
    return sum(
        amount for service, amount in spent.items() if power.grant_for(service, Action.PAY) is grant
    )


def note_act(
    uow: UnitOfWork, deps: DelegationDeps, who: Principal, action: str, operation: str
) -> None:
    """Write down what a delegate was let do; a payment has written its own act already.

    What was submitted or booked is told to both.
    """
    if uow.info.pop(_NOTED, False):
        return
    act = _note(uow, who, Action(action), operation, _services(who, action), None, None)
    if act.action in {Action.SUBMIT, Action.BOOK}:
        params = {**names_of(deps, act.services), "at": act.at}
        for citizen_id in (act.principal_id, act.delegate_id):
            tell(uow, citizen_id, "mandate-acted", str(act.id), params)


def _services(who: Principal, action: str) -> list[str]:
    assert who.mandate is not None
    return sorted(name for name, actions in who.mandate.actions.items() if action in actions)


def _note(
    uow: UnitOfWork,
    who: Principal,
    action: Action,
    operation: str,
    services: Sequence[str],
    subject_id: UUID | None,
    amount: int | None,
) -> DelegateAct:
    assert who.mandate is not None
    assert who.delegate_id is not None
    act = DelegateAct(
        power_id=who.mandate.id,
        principal_id=who.id,
        delegate_id=who.delegate_id,
        action=action,
        operation=operation,
        services=list(services),
        subject_id=subject_id,
        amount=amount,
        at=now(),
    )
    uow.add(act)
    uow.flush()
    uow.record(
        DelegateActed(
            subject=who.id,
            delegate_id=who.delegate_id,
            power_id=who.mandate.id,
            action=action,
            operation=operation,
        )
    )
    uow.info[_NOTED] = subject_id is not None
    return act


def tell_delegates_payment(uow: UnitOfWork, deps: DelegationDeps, event: PaymentSucceeded) -> None:
    """Tell both that a delegate's payment was made; running twice tells once."""
    act = uow.scalar(select(DelegateAct).where(DelegateAct.subject_id == event.payment_id))
    if act is None:
        return
    params = {**names_of(deps, act.services), "amount": act.amount or 0}
    for citizen_id in (act.principal_id, act.delegate_id):
        tell(uow, citizen_id, "mandate-paid", str(event.payment_id), params)


def list_acts(
    uow: UnitOfWork, deps: DelegationDeps, citizen_id: UUID, mandate_id: UUID, page: PageRequest
) -> Page[DelegateAct]:
    """Return what was done under a mandate that a citizen has a part in, newest first."""
    mandate = find_mandate(uow, deps, citizen_id, mandate_id)
    return _acts(uow, mandate.id, citizen_id, page)


def list_guardians_acts(
    uow: UnitOfWork, citizen_id: UUID, guardianship_id: UUID, page: PageRequest
) -> Page[DelegateAct]:
    """Return what a guardian did, newest first, to them and to the child from fourteen on."""
    record = find_guardianship(uow, citizen_id, guardianship_id)
    return _acts(uow, record.id, citizen_id, page)


def _acts(
    uow: UnitOfWork, power_id: UUID, citizen_id: UUID, page: PageRequest
) -> Page[DelegateAct]:
    statement = select(DelegateAct).where(
        DelegateAct.power_id == power_id,
        or_(DelegateAct.principal_id == citizen_id, DelegateAct.delegate_id == citizen_id),
    )
    return fetch_page(uow, statement, [DelegateAct.id], page, descending=True)
