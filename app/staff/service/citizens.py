"""The desk: a citizen found by a number, and one field of theirs read in clear for a reason."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Integer, func, select

from app.consent import service as consent
from app.consent.values import Basis, Disclosure
from app.core.clock import now
from app.core.crypto import seal
from app.core.ids import new_id
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.identity import service as identity
from app.identity.errors import CitizenNotFound
from app.staff.errors import AttributeAbsent, TooManyUnmaskings
from app.staff.events import CitizenSought, FieldUnmasked, UnmaskingRefused
from app.staff.models import StaffRequest, StaffUnmasking
from app.staff.service.acts import BULK_UNMASKING
from app.staff.service.deps import StaffDeps
from app.staff.service.members import locked_member, roles_of
from app.staff.values import Attribute, FoundCitizen, RequestStatus, Unmasked, Words

_DAY = timedelta(days=1)
DESK = "staff:desk"
MASKED = "masked"
DESK_TITLE = Words("政务工作人员", "City staff")
FINDING = Words("工作人员查找您的账号（脱敏）", "Staff looked up your account; all was masked")
UNMASKING = Words("工作人员查看未脱敏信息", "Staff read the field in clear")


def find_citizen(
    uow: UnitOfWork, deps: StaffDeps, who: Principal, by: Attribute, number: str, reason: str
) -> FoundCitizen:
    """Return, masked, the citizen whose number this is. The trail and the citizen are told.

    Raise `CitizenNotFound` (which the trail is told, too), or what a number that cannot be one is
    refused with.
    """
    find = identity.find_by_phone if by is Attribute.PHONE else identity.find_by_resident_id
    citizen_id = find(uow, deps.keyring, number)
    card = None if citizen_id is None else identity.describe_citizen(uow, deps.keyring, citizen_id)
    if card is None or citizen_id is None:
        uow.record(CitizenSought(result="refused", staff_id=who.id, by=by, found=False))
        raise CitizenNotFound
    _keep(uow, deps, who, citizen_id, MASKED, reason)
    uow.record(CitizenSought(subject=citizen_id, staff_id=who.id, by=by, found=True))
    seen = {Attribute.PHONE, Attribute.NAME, Attribute.RESIDENT_ID}
    _disclose(uow, deps, who, citizen_id, seen, FINDING)
    return FoundCitizen(
        id=citizen_id,
        phone=card.phone,
        name=card.name,
        resident_id=card.resident_id,
        assurance=card.assurance,
        status=card.status,
    )


def unmask_field(
    uow: UnitOfWork,
    deps: StaffDeps,
    who: Principal,
    citizen_id: UUID,
    attribute: Attribute,
    reason: str,
) -> Unmasked:
    """Return one field of one citizen in clear; thirty a day, more with a second person's word.

    Each is a row, an audit record and a line among the citizen's disclosures. Raise
    `CitizenNotFound`, `AttributeAbsent` or `TooManyUnmaskings`.
    """
    locked_member(uow, who.id)  # calls in parallel are counted one after the other
    _check_allowance(uow, deps, who, citizen_id, attribute)
    if identity.describe_citizen(uow, deps.keyring, citizen_id) is None:
        raise CitizenNotFound
    values = identity.attributes_of(uow, deps.keyring, citizen_id, {attribute}).values
    if attribute not in values:
        raise AttributeAbsent
    unmasking_id, moment = _keep(uow, deps, who, citizen_id, attribute, reason)
    uow.record(
        FieldUnmasked(
            subject=citizen_id, staff_id=who.id, unmasking_id=unmasking_id, attribute=attribute
        )
    )
    _disclose(uow, deps, who, citizen_id, {attribute}, UNMASKING)
    return Unmasked(unmasking_id, citizen_id, attribute, values[attribute], moment)


def _keep(
    uow: UnitOfWork, deps: StaffDeps, who: Principal, citizen_id: UUID, what: str, reason: str
) -> tuple[UUID, datetime]:
    """Write down who looked at whom, at what and why."""
    look_id, moment = new_id(), now()
    key = deps.keyring.class_key("staff_unmaskings")
    uow.add(
        StaffUnmasking(
            id=look_id,
            staff_id=who.id,
            citizen_id=citizen_id,
            attribute=what,
            reason_sealed=seal(key, reason.encode(), context=f"staff_unmaskings|reason|{look_id}"),
            at=moment,
        )
    )
    return look_id, moment


def _check_allowance(
    uow: UnitOfWork, deps: StaffDeps, who: Principal, citizen_id: UUID, attribute: Attribute
) -> None:
    since = now() - _DAY
    used, first = uow.execute(
        select(func.count(), func.min(StaffUnmasking.at)).where(
            StaffUnmasking.staff_id == who.id,
            StaffUnmasking.attribute != MASKED,
            StaffUnmasking.at > since,
        )
    ).one()
    if used < deps.policy.unmaskings:
        return
    count = StaffRequest.parameters["count"].astext.cast(Integer)
    allowed = uow.scalar(
        select(func.coalesce(func.sum(count), 0)).where(
            StaffRequest.requested_by == who.id,
            StaffRequest.act == BULK_UNMASKING,
            StaffRequest.status == RequestStatus.EXECUTED,
            StaffRequest.decided_at > since,
        )
    )
    if used < deps.policy.unmaskings + int(allowed or 0):
        return
    uow.record(
        UnmaskingRefused(
            subject=citizen_id,
            result="refused",
            staff_id=who.id,
            attribute=attribute,
            why=TooManyUnmaskings.code,
        )
    )
    raise TooManyUnmaskings(retry_after=max(1, int((first + _DAY - now()).total_seconds()) + 1))


def _disclose(
    uow: UnitOfWork,
    deps: StaffDeps,
    who: Principal,
    citizen_id: UUID,
    attributes: Collection[str],
    purpose: Words,
) -> None:
    """Tell the citizen: which office looked, in which role, at what; the reason stays sealed."""
    roles = ", ".join(sorted(roles_of(uow, who.id)))
    consent.record_disclosure(
        uow,
        deps.consent,
        Disclosure(
            citizen_id=citizen_id,
            consumer=DESK if who.department is None else f"department:{who.department}",
            title={"zh": DESK_TITLE.zh, "en": DESK_TITLE.en},
            attributes=frozenset(attributes),
            basis=Basis.STATUTORY_DUTY,
            purpose={"zh": purpose.zh, "en": purpose.en},
            officer=roles or None,
        ),
    )
