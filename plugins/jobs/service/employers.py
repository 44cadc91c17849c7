"""Employers: registered by a citizen who acts for one, verified or suspended by the desk.

Whoever registers first acts for an employer; others are invited by a member, and a credit code
that somebody acts for is taken over by nobody.
"""

import secrets
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.exc import IntegrityError

from app.sdk import Citizen, House, Page, PageRequest, UnitOfWork, fetch_page, new_id, now
from plugins.jobs.errors import (
    CreditCodeInvalid,
    EmployerInvitationInvalid,
    EmployerKnown,
    EmployerNotFound,
    EmployerNotVerified,
    MemberNotFound,
    OtherDepartmentsJobs,
    TooManyInvitations,
)
from plugins.jobs.models import Employer, EmployerInvitation, EmployerMember
from plugins.jobs.values import (
    EmployerReason,
    EmployerStatus,
    EmployerView,
    Invitation,
    MemberStatus,
    MemberView,
    NewEmployer,
    canonical_code,
)

DEPARTMENT = "human-resources-bureau"
INVITED_FOR = timedelta(days=7)
MOST_INVITATIONS = 10
_LIVING = (MemberStatus.REQUESTED, MemberStatus.ACTIVE)


def register_employer(uow: UnitOfWork, citizen: Citizen, wanted: NewEmployer) -> EmployerView:
    """Register an employer for the desk to verify; again by the same citizen changes nothing.

    One that came by a feed has nobody who acts for it: then the desk decides on the citizen. Raise
    `CreditCodeInvalid`, or `EmployerKnown` when somebody else acts for it.
    """
    code = canonical_code(wanted.credit_code)
    if code is None:
        raise CreditCodeInvalid
    living = select(Employer).where(
        Employer.credit_code == code, Employer.status != EmployerStatus.REFUSED
    )
    employer: Employer | None = uow.scalar(living.with_for_update())
    if employer is not None:
        return _join_known(uow, citizen, employer)
    employer = Employer(
        id=new_id(),
        status=EmployerStatus.REQUESTED,
        credit_code=code,
        name=wanted.name,
        district=wanted.district,
        registered_at=now(),
    )
    uow.open_record(employer, cause="citizen")
    try:
        uow.flush()
    except IntegrityError as error:  # another citizen was faster by a moment
        raise EmployerKnown from error
    _open_member(uow, citizen, employer, MemberStatus.ACTIVE, "registered")
    return show_employer(employer)


def list_my_employers(uow: UnitOfWork, citizen_reference: str) -> list[EmployerView]:
    """Return the employers that a citizen acts for or asks to, the first registered first."""
    mine = select(EmployerMember.employer_id).where(
        EmployerMember.citizen_reference == citizen_reference, EmployerMember.status.in_(_LIVING)
    )
    rows = select(Employer).where(Employer.id.in_(mine)).order_by(Employer.registered_at)
    return [show_employer(row) for row in uow.scalars(rows)]


def find_my_employer(uow: UnitOfWork, citizen_reference: str, employer_id: UUID) -> EmployerView:
    """Return an employer that a citizen acts for or asks to, or raise `EmployerNotFound`."""
    _membership(uow, citizen_reference, employer_id, _LIVING)
    return show_employer(uow.get_one(Employer, employer_id))


def acted_for(uow: UnitOfWork, citizen_reference: str, employer_id: UUID) -> Employer:
    """Return an employer that a citizen acts for, whatever its state, or raise `NotFound`."""
    _membership(uow, citizen_reference, employer_id, (MemberStatus.ACTIVE,))
    return uow.get_one(Employer, employer_id)


def member_of(uow: UnitOfWork, citizen_reference: str, employer_id: UUID) -> Employer:
    """Return a verified employer that a citizen acts for.

    Raise `EmployerNotFound` for anybody else, and `EmployerNotVerified`.
    """
    employer = acted_for(uow, citizen_reference, employer_id)
    if employer.status != EmployerStatus.VERIFIED:
        raise EmployerNotVerified
    return employer


def list_members(uow: UnitOfWork, citizen_reference: str, employer_id: UUID) -> list[MemberView]:
    """Return who acts for an employer or asks to; nobody is named."""
    acted_for(uow, citizen_reference, employer_id)
    rows = select(EmployerMember).where(
        EmployerMember.employer_id == employer_id, EmployerMember.status.in_(_LIVING)
    )
    return [
        _show_member(row, citizen_reference)
        for row in uow.scalars(rows.order_by(EmployerMember.joined_at, EmployerMember.id))
    ]


def invite_member(uow: UnitOfWork, citizen_reference: str, employer_id: UUID) -> Invitation:
    """Return a code with which one more citizen may act for the employer, within a week.

    Raise `EmployerNotFound` or `TooManyInvitations`.
    """
    acted_for(uow, citizen_reference, employer_id)
    uow.lock(Employer, employer_id)
    open_ones = select(func.count()).where(
        EmployerInvitation.employer_id == employer_id,
        EmployerInvitation.used_at.is_(None),
        EmployerInvitation.expires_at > now(),
    )
    if (uow.scalar(open_ones) or 0) >= MOST_INVITATIONS:
        raise TooManyInvitations
    code, moment = secrets.token_urlsafe(18), now()
    uow.add(
        EmployerInvitation(
            employer_id=employer_id,
            code_digest=_digest(code),
            made_at=moment,
            expires_at=moment + INVITED_FOR,
        )
    )
    return Invitation(code, moment + INVITED_FOR)


def accept_invitation(uow: UnitOfWork, citizen: Citizen, code: str) -> EmployerView:
    """Let a citizen act for the employer that invited them; each code works once.

    Raise `EmployerInvitationInvalid`.
    """
    used = (
        update(EmployerInvitation)
        .where(
            EmployerInvitation.code_digest == _digest(code),
            EmployerInvitation.used_at.is_(None),
            EmployerInvitation.expires_at > now(),
        )
        .values(used_at=now())
        .returning(EmployerInvitation.employer_id)
    )
    employer_id = uow.scalar(used)
    if employer_id is None:
        raise EmployerInvitationInvalid
    employer = uow.lock(Employer, employer_id)
    member = _living_member(uow, citizen.reference, employer_id)
    if member is None:
        _open_member(uow, citizen, employer, MemberStatus.ACTIVE, "invited")
    elif member.status == MemberStatus.REQUESTED:
        uow.move(member, MemberStatus.ACTIVE, cause="invited")
    return show_employer(employer)


def leave_employer(uow: UnitOfWork, citizen_reference: str, employer_id: UUID) -> None:
    """Act for an employer no longer, or raise `EmployerNotFound`."""
    member = _living_member(uow, citizen_reference, employer_id)
    if member is None:
        raise EmployerNotFound
    uow.move(uow.lock(EmployerMember, member.id), MemberStatus.ENDED, cause="citizen")


def check_desk(department: str | None) -> None:
    """Raise `OtherDepartmentsJobs` for staff of another department; those of none oversee all."""
    if department not in (None, DEPARTMENT):
        raise OtherDepartmentsJobs


def list_employers(uow: UnitOfWork, page: PageRequest, status: str | None) -> Page[EmployerView]:
    """Return a page of employers for the desk, the first registered first."""
    statement = select(Employer)
    if status is not None:
        statement = statement.where(Employer.status == status)
    rows = fetch_page(uow, statement, [Employer.registered_at, Employer.id], page)
    return Page([show_employer(row) for row in rows.items], rows.next_cursor)


def decide_employer(
    house: House, uow: UnitOfWork, officer: UUID, employer_id: UUID, reason: EmployerReason | None
) -> EmployerView:
    """Verify an employer, or refuse it with a reason, and tell whoever registered it.

    Raise `EmployerNotFound`, or `IllegalMove` (a conflict) when it was decided before.
    """
    employer = lock_employer(uow, employer_id)
    to = EmployerStatus.VERIFIED if reason is None else EmployerStatus.REFUSED
    if employer.status == EmployerStatus.SUSPENDED:
        employer.check_move(EmployerStatus.REFUSED)  # reinstating is another act
    uow.move(employer, to, cause=reason or "verified", officer=str(officer))
    employer.reason, employer.decided_by = reason, officer
    if reason is None:
        employer.verified_at = now()
    uow.flush()
    kind = "employer-verified" if reason is None else "employer-refused"
    for letterbox in letterboxes_of(uow, employer.id):
        house.tell(uow, letterbox, kind, str(employer.id), employer=employer.name)
    return show_employer(employer)


def reinstate_employer(uow: UnitOfWork, officer: UUID, employer_id: UUID) -> EmployerView:
    """Let a suspended employer advertise again; what was closed stays closed."""
    employer = lock_employer(uow, employer_id)
    if employer.status != EmployerStatus.SUSPENDED:
        employer.check_move(EmployerStatus.REQUESTED)  # which is no move of any state
    uow.move(employer, EmployerStatus.VERIFIED, cause="reinstated", officer=str(officer))
    employer.reason, employer.decided_by = None, officer
    uow.flush()
    return show_employer(employer)


def list_requested_members(uow: UnitOfWork, page: PageRequest) -> Page[MemberView]:
    """Return a page of those who ask to act for an employer that came by a feed."""
    waiting = select(EmployerMember).where(EmployerMember.status == MemberStatus.REQUESTED)
    rows = fetch_page(uow, waiting, [EmployerMember.joined_at, EmployerMember.id], page)
    return Page([_show_member(row, None) for row in rows.items], rows.next_cursor)


def decide_member(
    uow: UnitOfWork, officer: UUID, member_id: UUID, reason: EmployerReason | None
) -> MemberView:
    """Let somebody act for an employer, or refuse it; the desk also ends whom it let in.

    Raise `MemberNotFound`, or `IllegalMove` (a conflict) when that was decided before.
    """
    found = uow.get(EmployerMember, member_id)
    if found is None:
        raise MemberNotFound
    member = uow.lock(EmployerMember, member_id)
    to = MemberStatus.ACTIVE if reason is None else MemberStatus.REFUSED
    if reason is not None and member.status == MemberStatus.ACTIVE:
        to = MemberStatus.ENDED
    uow.move(member, to, cause=reason or "verified", officer=str(officer))
    uow.flush()
    return _show_member(member, None)


def lock_employer(uow: UnitOfWork, employer_id: UUID) -> Employer:
    """Return an employer with its row locked, or raise `EmployerNotFound`."""
    wanted = select(Employer).where(Employer.id == employer_id).with_for_update()
    employer: Employer | None = uow.scalar(wanted.execution_options(populate_existing=True))
    if employer is None:
        raise EmployerNotFound
    return employer


def show_employer(employer: Employer) -> EmployerView:
    """Return an employer as anybody sees it."""
    return EmployerView(
        id=employer.id,
        name=employer.name,
        credit_code=employer.credit_code,
        district=employer.district,
        status=employer.status,
        registered_at=employer.registered_at,
        verified_at=employer.verified_at,
        reason=employer.reason,
    )


def _join_known(uow: UnitOfWork, citizen: Citizen, employer: Employer) -> EmployerView:
    if _living_member(uow, citizen.reference, employer.id) is not None:
        return show_employer(employer)
    somebody = exists().where(
        EmployerMember.employer_id == employer.id, EmployerMember.status == MemberStatus.ACTIVE
    )
    if uow.scalar(select(somebody)):
        raise EmployerKnown
    _open_member(uow, citizen, employer, MemberStatus.REQUESTED, "registered")
    return show_employer(employer)


def _open_member(
    uow: UnitOfWork, citizen: Citizen, employer: Employer, status: MemberStatus, cause: str
) -> None:
    member = EmployerMember(
        id=new_id(),
        status=status,
        employer_id=employer.id,
        citizen_reference=citizen.reference,
        letterbox=citizen.letterbox,
        joined_at=now(),
    )
    uow.open_record(member, cause=cause)
    uow.flush()


def _living_member(
    uow: UnitOfWork, citizen_reference: str, employer_id: UUID
) -> EmployerMember | None:
    found: EmployerMember | None = uow.scalar(
        select(EmployerMember).where(
            EmployerMember.employer_id == employer_id,
            EmployerMember.citizen_reference == citizen_reference,
            EmployerMember.status.in_(_LIVING),
        )
    )
    return found


def _membership(
    uow: UnitOfWork, citizen_reference: str, employer_id: UUID, states: tuple[MemberStatus, ...]
) -> EmployerMember:
    member = _living_member(uow, citizen_reference, employer_id)
    if member is None or member.status not in states:
        raise EmployerNotFound
    return member


def letterboxes_of(uow: UnitOfWork, employer_id: UUID) -> list[str]:
    """Return where those who act for an employer are told of it."""
    rows = (
        select(EmployerMember.letterbox)
        .where(
            EmployerMember.employer_id == employer_id,
            EmployerMember.status == MemberStatus.ACTIVE,
        )
        .order_by(EmployerMember.id)
    )
    return list(uow.scalars(rows))


def _show_member(member: EmployerMember, citizen_reference: str | None) -> MemberView:
    return MemberView(
        id=member.id,
        employer_id=member.employer_id,
        status=member.status,
        is_me=member.citizen_reference == citizen_reference,
        joined_at=member.joined_at,
    )


def _digest(code: str) -> bytes:
    return sha256(code.encode()).digest()
