"""Asking for a mandate: the other is named by a number, and nobody learns who has it."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.core.blind_indexes import take_index
from app.core.clock import now
from app.core.errors import Invalid
from app.core.ids import new_id
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.delegation.errors import (
    CapNeeded,
    MandateOpen,
    OwnMandate,
    ServiceUnknown,
    TooManyMandates,
)
from app.delegation.events import MandateDrafted
from app.delegation.models import Mandate, MandateScope
from app.delegation.service.deps import DelegationDeps, one_at_a_time
from app.delegation.service.membership import represented, works_for
from app.delegation.service.telling import live_services, names_of, tell_to_confirm
from app.delegation.values import (
    DRAFTS_A_DAY,
    EVERYTHING,
    INVITATIONS_A_DAY,
    OPEN_AT_MOST,
    OPEN_MANDATES,
    Action,
    Draft,
    Grant,
    MandateStatus,
    Side,
)
from app.identity import service as identity
from app.notifications.errors import SmsRefused
from app.notifications.service import tell

DAY = timedelta(days=1)


def draft_mandate(uow: UnitOfWork, deps: DelegationDeps, who: Principal, draft: Draft) -> Mandate:
    """Ask for a mandate, as the principal or as the delegate; the named one is invited by a job.

    Whether anybody has the number is not looked at here: the answer is the same for every number.
    A delegate who asks has agreed by asking, so the principal's consent is what is waited for.
    Raise `PhoneNotSupported`, `OwnMandate`, `ServiceUnknown`, `CapNeeded`, `MandateOpen` when the
    same is waiting already, `TooManyMandates`, or `OrganisationNotFound`.
    """
    phone = identity.canonical_phone(draft.phone)
    index = take_index(uow, deps.keyring, "phone", phone)
    if index == deps.phone_index(uow, who.id):
        raise OwnMandate
    check_grants(deps, draft.grants)
    _check_organisation(uow, who.id, draft)
    check_drafts(uow, who.id)
    mandate = new_mandate(uow, deps, draft, phone, drafted_by=who.id)
    mandate.principal_id = who.id if draft.named is Side.DELEGATE else None
    mandate.delegate_id = who.id if draft.named is Side.PRINCIPAL else None
    keep_draft(uow, mandate, cause="citizen")
    if draft.named is Side.PRINCIPAL:
        uow.move(mandate, MandateStatus.AWAITING_PRINCIPAL, cause="asked by the delegate")
    return mandate


def new_mandate(
    uow: UnitOfWork, deps: DelegationDeps, draft: Draft, phone: str, *, drafted_by: UUID
) -> Mandate:
    """Return a mandate that is not stored yet, with its scopes."""
    mandate_id = new_id()
    return Mandate(
        id=mandate_id,
        drafted_by=drafted_by,
        named=draft.named,
        phone_index=take_index(uow, deps.keyring, "phone", phone),
        phone_sealed=deps.seal(phone, "mandates", "phone", mandate_id),
        organisation_id=draft.organisation_id,
        for_organisation=draft.for_organisation,
        days=draft.days,
        status=MandateStatus.DRAFTED,
        created_at=now(),
        scopes=[
            MandateScope(
                mandate_id=mandate_id,
                service=grant.service,
                actions=sorted(grant.actions),
                cap_per_day=grant.cap_per_day,
                cap_total=grant.cap_total,
            )
            for grant in draft.grants
        ],
    )


def keep_draft(uow: UnitOfWork, mandate: Mandate, *, cause: str) -> None:
    """Store a draft and have the named one invited; raise `MandateOpen` for a second like it."""
    try:
        with uow.begin_nested():
            uow.open_record(mandate, cause=cause)
    except IntegrityError as error:
        if "uq_mandates_open" not in str(error.orig):
            raise
        raise MandateOpen from error
    uow.emit(MandateDrafted(mandate_id=mandate.id))


def check_grants(deps: DelegationDeps, grants: Sequence[Grant]) -> None:
    """Refuse scopes that name no service, the same twice, or money without a limit."""
    seen: set[str] = set()
    for place, grant in enumerate(grants):
        pointer = f"/scopes/{place}"
        if grant.service != EVERYTHING and grant.service not in deps.registry.services:
            raise ServiceUnknown(errors=[_fault(f"{pointer}/service", "There is no such service.")])
        if grant.service in seen:
            raise Invalid(errors=[_fault(f"{pointer}/service", "Stands twice.")])
        seen.add(grant.service)
        has_cap = grant.cap_per_day is not None or grant.cap_total is not None
        if Action.PAY in grant.actions and not has_cap:
            raise CapNeeded(errors=[_fault(f"{pointer}/cap_total", "Needed to pay.")])


def _fault(pointer: str, message: str) -> dict[str, str | int]:
    return {"pointer": pointer, "message": message}


def _check_organisation(uow: UnitOfWork, citizen_id: UUID, draft: Draft) -> None:
    if draft.organisation_id is None:
        if draft.for_organisation:
            raise Invalid(errors=[_fault("/organisation_id", "Needed for an organisation.")])
        return
    if draft.for_organisation:
        if draft.named is Side.PRINCIPAL:
            raise Invalid(errors=[_fault("/for_organisation", "Its representative gives it.")])
        represented(uow, draft.organisation_id, citizen_id)
        return
    if draft.named is Side.DELEGATE:
        raise Invalid(errors=[_fault("/organisation_id", "Its own person asks for the mandate.")])
    works_for(uow, draft.organisation_id, citizen_id)


def check_drafts(uow: UnitOfWork, drafter_id: UUID) -> None:
    """Raise `TooManyMandates` when somebody has asked for enough; parallel ones wait in line."""
    one_at_a_time(uow, "drafts", drafter_id)
    moment = now()
    waiting, today, first = uow.execute(
        select(
            func.count().filter(Mandate.status.in_(OPEN_MANDATES)),
            func.count().filter(Mandate.created_at > moment - DAY),
            func.min(Mandate.created_at).filter(Mandate.created_at > moment - DAY),
        ).where(Mandate.drafted_by == drafter_id)
    ).one()
    if waiting >= OPEN_AT_MOST or today >= DRAFTS_A_DAY:
        begun = first or moment
        raise TooManyMandates(retry_after=max(1, int((begun + DAY - moment).total_seconds()) + 1))


def send_invitation(uow: UnitOfWork, deps: DelegationDeps, event: MandateDrafted) -> None:
    """Tell whoever has the number that they were named; running twice tells once.

    With an account it lies in the inbox too; without one it is a text alone, at most five a day to
    one number. Raise `SmsUnavailable` to be called again.
    """
    with uow.phase():
        mandate = uow.get_one(Mandate, event.mandate_id)
        if mandate.phone_sealed is None or mandate.status not in OPEN_MANDATES:
            return
        phone = deps.open(mandate.phone_sealed, "mandates", "phone", mandate.id)
        citizen_id = identity.citizen_with_phone(uow, deps.keyring, phone)
        if citizen_id is not None:
            _invite(uow, deps, mandate, citizen_id)
        earlier = uow.scalar(
            select(func.count()).where(
                Mandate.phone_index == mandate.phone_index,
                Mandate.created_at > mandate.created_at - DAY,
                Mandate.created_at < mandate.created_at,
            )
        )
        names = names_of(deps, live_services(mandate))
    if citizen_id is not None or (earlier or 0) >= INVITATIONS_A_DAY:
        return
    text = (
        f"【i武当】有人邀请您办理“{names['service_zh']}”的授权代办（{mandate.days}天）。"
        "请用本号码登录i武当查看；如不知情，请忽略。"
    )
    try:
        deps.sms.send(to=phone, text=text, key=str(mandate.id))
    except SmsRefused:
        return


def _invite(uow: UnitOfWork, deps: DelegationDeps, mandate: Mandate, citizen_id: UUID) -> None:
    if mandate.named == Side.PRINCIPAL:
        tell_to_confirm(uow, deps, mandate, citizen_id)
        return
    params = {**names_of(deps, live_services(mandate)), "days": mandate.days}
    tell(uow, citizen_id, "mandate-invitation", str(mandate.id), params)
