"""Guardians of minors: the register's word, or a counter's; it ends by itself at eighteen."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.exc import IntegrityError

from app.core.blind_indexes import take_index
from app.core.clock import now
from app.core.crypto import mask_name
from app.core.ids import new_id
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.delegation.errors import (
    GuardianMismatch,
    GuardianshipExists,
    GuardianshipNotFound,
    OfAge,
    PersonNotFound,
    RegisterSilent,
)
from app.delegation.events import ClaimRefused, ConfirmedAtCounter
from app.delegation.models import Guardianship
from app.delegation.service.ages import OF_AGE, SEES_AT, birthday
from app.delegation.service.claims import begin_claim, forget_claim
from app.delegation.service.deps import DelegationDeps, one_at_a_time
from app.delegation.service.telling import tell_guardianship
from app.delegation.values import (
    Answer,
    Ending,
    GuardianshipStatus,
    GuardianshipView,
    Person,
    Side,
    Source,
)
from app.identity import service as identity
from app.identity.events import CitizenVerified

_AT_ONCE = 200
_HOW = {
    Ending.OF_AGE: {"how_zh": "被监护人已年满十八周岁", "how_en": "the child is of age"},
    Ending.COURT: {"how_zh": "法院裁判", "how_en": "a court has decided so"},
    Ending.STAFF: {"how_zh": "工作人员核实后终止", "how_en": "staff has ended it"},
}


def claim_guardianship(
    uow: UnitOfWork, deps: DelegationDeps, who: Principal, child: Person
) -> Guardianship:
    """Become known as a child's guardian, when the register confirms it.

    Raise `ResidentIdInvalid`, `OfAge`, `GuardianshipExists`, `GuardianMismatch`, `TooManyClaims`
    (at the sixth of a day) or `RegisterSilent`.
    """
    child = _minor(child)
    with uow.phase():
        guardian = deps.identity_of(uow, who.id)
        if guardian is None:
            raise PersonNotFound
        tried = begin_claim(uow, who.id)
    try:
        answer = deps.registers.check_guardian(guardian, child)
    except RegisterSilent:
        with uow.phase():
            forget_claim(uow, tried)
        raise
    if answer is not Answer.MATCH:
        uow.record(ClaimRefused(subject=who.id, result="refused", claim="guardian"))
        raise GuardianMismatch
    return _open(uow, deps, who.id, child, source=Source.REGISTER)


def confirm_guardianship(
    uow: UnitOfWork,
    deps: DelegationDeps,
    who: Principal,
    guardian: Person,
    child: Person,
    reason: str,
) -> Guardianship:
    """Write a guardianship down at a counter, where papers were shown; `who` is staff.

    Raise `PersonNotFound` when no account was verified as the guardian.
    """
    child = _minor(child)
    found = identity.citizen_with_identity(
        uow, deps.keyring, guardian.name, identity.canonical_resident_id(guardian.resident_id)
    )
    if found is None:
        raise PersonNotFound
    record = _open(uow, deps, found, child, source=Source.COUNTER, by=who.id, reason=reason)
    uow.record(ConfirmedAtCounter(subject=found, record_id=record.id))
    return record


def _minor(child: Person) -> Person:
    number = identity.canonical_resident_id(child.resident_id)
    if birthday(identity.born_on(number), OF_AGE) <= now():
        raise OfAge
    return Person(child.name.strip(), number)


def _open(
    uow: UnitOfWork,
    deps: DelegationDeps,
    guardian_id: UUID,
    child: Person,
    *,
    source: Source,
    by: UUID | None = None,
    reason: str | None = None,
) -> Guardianship:
    index = take_index(uow, deps.keyring, "resident_id", child.resident_id)
    one_at_a_time(uow, "child", index.hex())
    born = identity.born_on(child.resident_id)
    record_id = new_id()
    record = Guardianship(
        id=record_id,
        guardian_id=guardian_id,
        child_id=identity.citizen_with_identity(uow, deps.keyring, child.name, child.resident_id),
        child_index=index,
        child_name_sealed=deps.seal(child.name, "guardianships", "child_name", record_id),
        source=source,
        confirmed_by=by,
        reason_sealed=None
        if reason is None
        else deps.seal(reason, "guardianships", "reason", record_id),
        created_at=now(),
        child_sees_at=birthday(born, SEES_AT),
        ends_at=birthday(born, OF_AGE),
        status=GuardianshipStatus.ACTIVE,
    )
    try:
        with uow.begin_nested():
            uow.open_record(record, cause=source)
    except IntegrityError as error:
        if "uq_guardianships_active" not in str(error.orig):
            raise
        raise GuardianshipExists from error
    tell_guardianship(uow, record, "guardianship-began")
    return record


def link_child(uow: UnitOfWork, deps: DelegationDeps, event: CitizenVerified) -> None:
    """Give guardianships of a child without an account the account that was verified now."""
    person = deps.identity_of(uow, event.citizen_id)
    if person is None:
        return
    index = take_index(uow, deps.keyring, "resident_id", person.resident_id)
    one_at_a_time(uow, "child", index.hex())
    for record in uow.scalars(
        select(Guardianship)
        .where(Guardianship.child_index == index, is_live(now()), Guardianship.child_id.is_(None))
        .with_for_update()
    ):
        record.child_id = event.citizen_id
        tell_guardianship(uow, record, "guardianship-began")


def end_guardianship(
    uow: UnitOfWork, deps: DelegationDeps, guardianship_id: UUID, ending: Ending, reason: str
) -> Guardianship:
    """End a guardianship because a court or staff says so; ending an ended one changes nothing."""
    record = uow.scalar(
        select(Guardianship)
        .where(Guardianship.id == guardianship_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if record is None:
        raise GuardianshipNotFound
    if record.status != GuardianshipStatus.ENDED:
        record.reason_sealed = deps.seal(reason, "guardianships", "reason", record.id)
        _end(uow, record, ending, cause=ending)
    return record


def end_of_age(uow: UnitOfWork) -> None:
    """End the guardianships of those who are eighteen; safe in parallel.

    Power ends by the clock and not by this: it writes down and tells what has happened.
    """
    for record in uow.scalars(
        select(Guardianship)
        .where(Guardianship.status == GuardianshipStatus.ACTIVE, Guardianship.ends_at <= now())
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all():
        _end(uow, record, Ending.OF_AGE, cause="of age")


def _end(uow: UnitOfWork, record: Guardianship, ending: Ending, *, cause: str) -> None:
    record.ended_at = now()
    record.ending = ending
    uow.move(record, GuardianshipStatus.ENDED, cause=cause)
    tell_guardianship(uow, record, "guardianship-ended", **_HOW[ending])


def is_live(moment: datetime) -> ColumnElement[bool]:
    """Return the condition under which a guardian may act: until the eighteenth birthday."""
    return and_(Guardianship.status == GuardianshipStatus.ACTIVE, Guardianship.ends_at > moment)


def visible_to(citizen_id: UUID, moment: datetime) -> ColumnElement[bool]:
    """Return the condition of seeing a guardianship: the guardian, and the child from fourteen."""
    as_child = and_(Guardianship.child_id == citizen_id, Guardianship.child_sees_at <= moment)
    return or_(Guardianship.guardian_id == citizen_id, as_child)


def find_guardianship(uow: UnitOfWork, citizen_id: UUID, guardianship_id: UUID) -> Guardianship:
    """Return a guardianship that a citizen may see; anybody else's is `GuardianshipNotFound`."""
    mine = Guardianship.id == guardianship_id, visible_to(citizen_id, now())
    record = uow.scalar(select(Guardianship).where(*mine))
    if record is None:
        raise GuardianshipNotFound
    return record


def list_guardianships(
    uow: UnitOfWork, deps: DelegationDeps, citizen_id: UUID, page: PageRequest
) -> Page[GuardianshipView]:
    """Return the guardianships that a citizen may see, newest first."""
    found = fetch_page(
        uow,
        select(Guardianship).where(visible_to(citizen_id, now())),
        [Guardianship.id],
        page,
        descending=True,
    )
    views = [view_guardianship(uow, deps, row, citizen_id) for row in found.items]
    return Page(views, found.next_cursor)


def view_guardianship(
    uow: UnitOfWork, deps: DelegationDeps, record: Guardianship, citizen_id: UUID | None
) -> GuardianshipView:
    """Return a guardianship as its people, or staff, see it: names are masked."""
    name = deps.open(record.child_name_sealed, "guardianships", "child_name", record.id)
    side = Side.PRINCIPAL if citizen_id == record.child_id else Side.DELEGATE
    return GuardianshipView(
        id=record.id,
        status=record.status,
        side=side,
        source=record.source,
        child_name=mask_name(name),
        guardian_name=deps.party(uow, record.guardian_id).name,
        has_account=record.child_id is not None,
        created_at=record.created_at,
        ends_at=record.ends_at,
        ended_at=record.ended_at,
        ending=record.ending,
    )
