"""Invitations: the only way to an account that can log in; there is no default one."""

from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.core.crypto import digest
from app.core.ids import new_id, new_secret
from app.core.unit_of_work import UnitOfWork
from app.credentials import service as credentials
from app.credentials.values import Owner
from app.credentials.values import Policy as PasswordPolicy
from app.staff.errors import Bootstrapped, InvitationInvalid, LoginTaken, SecondFactorWrong
from app.staff.events import InvitationAccepted, InvitationRefused, StaffInvited
from app.staff.models import Staff, StaffInvitation, StaffRole
from app.staff.service.acts import FEWEST_ADMINS, end_member
from app.staff.service.deps import StaffDeps
from app.staff.service.members import add_role, check_department, locked_member
from app.staff.values import Acceptance, Invited, Office, Opening, Role, StaffStatus

_LOCK = 7_403


def bootstrap(uow: UnitOfWork, deps: StaffDeps) -> list[Invited]:
    """Invite the security administrators that are missing for two: with fewer, nobody approves.

    Raise `Bootstrapped` when there are two already, open or invited.
    """
    uow.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    admins = uow.scalars(
        select(Staff)
        .join(StaffRole, StaffRole.staff_id == Staff.id)
        .where(
            StaffRole.role == Role.SECURITY_ADMIN,
            Staff.status.in_([StaffStatus.INVITED, StaffStatus.ACTIVE]),
        )
        .with_for_update(of=Staff)
    ).all()
    standing = 0
    for staff in admins:
        if staff.status == StaffStatus.ACTIVE or _open_invitation(uow, staff.id):
            standing += 1
        else:
            end_member(uow, staff, "invitation-expired")
    if standing >= FEWEST_ADMINS:
        raise Bootstrapped
    made = []
    for number in range(standing + 1, FEWEST_ADMINS + 1):
        staff = _new_member(uow, f"security-admin {number}", Office.SECURITY, None)
        add_role(uow, staff, Role.SECURITY_ADMIN)
        made.append(_invite(uow, deps, staff))
    return made


def invite_member(uow: UnitOfWork, deps: StaffDeps, label: str, department: str | None) -> Invited:
    """Invite somebody: an account without any role, and a token that is shown this once.

    Raise `DepartmentUnknown`.
    """
    check_department(deps, department)
    return _invite(uow, deps, _new_member(uow, label, Office.OPERATIONS, department))


def invite_again(uow: UnitOfWork, deps: StaffDeps, staff_id: UUID) -> Invited:
    """Give a fresh token to somebody who has not accepted, or whose account is suspended.

    The former token is void. Whoever is suspended loses every factor and stays suspended when
    they accept: `staff.reinstate` opens the account with a second person's word. Raise
    `StaffNotFound` or `IllegalMove`.
    """
    staff = locked_member(uow, staff_id)
    if staff.status == StaffStatus.SUSPENDED:
        credentials.forget_owner(uow, Owner.staff(staff.id))
    elif staff.status != StaffStatus.INVITED:
        staff.check_move(StaffStatus.INVITED)
    return _invite(uow, deps, staff)


def open_invitation(uow: UnitOfWork, deps: StaffDeps, token: str) -> Opening:
    """Return what an invited person sets a second factor up with; may be asked again.

    Raise `InvitationInvalid`.
    """
    invitation, staff = _valid(uow, token)
    owner = Owner.staff(staff.id)
    credentials.forget_owner(uow, owner)  # an acceptance that broke off left something
    totp = credentials.begin_totp(uow, deps.credentials, owner, account_name=staff.label)
    passkey = credentials.begin_passkey_registration(
        uow, deps.credentials, owner, session_id=invitation.id, user_name=staff.label
    )
    return Opening(staff.label, totp.secret, totp.uri, passkey.public_key, invitation.expires_at)


def accept_invitation(uow: UnitOfWork, deps: StaffDeps, given: Acceptance) -> None:
    """Set name, password and second factor, and use the invitation up; the account is open then.

    Raise `InvitationInvalid`, `LoginTaken`, `SecondFactorWrong`, or what the password or the
    passkey is refused with: nothing is open, and the invitation can be opened once more.
    """
    invitation, staff = _valid(uow, given.token)
    if _is_taken(uow, staff.id, given.login):
        raise LoginTaken
    owner = Owner.staff(staff.id)
    prepared = credentials.prepare_password(
        uow,
        deps.credentials,
        owner,
        given.password,
        PasswordPolicy.OPERATOR,
        context=(given.login, staff.label),
    )
    _bind_factor(uow, deps, owner, invitation.id, given)
    # Both have committed what came before: only now are the rows held to the end.
    invitation, staff = _valid(uow, given.token)
    credentials.put_password(uow, deps.credentials, owner, prepared)
    invitation.used_at = now()
    staff.login, staff.last_seen_at = given.login, now()
    try:
        with uow.begin_nested():
            uow.flush()
    except IntegrityError as error:
        raise LoginTaken from error
    if staff.status == StaffStatus.INVITED:
        uow.move(staff, StaffStatus.ACTIVE, cause="invitation")
    uow.record(InvitationAccepted(staff_id=staff.id))


def _bind_factor(
    uow: UnitOfWork, deps: StaffDeps, owner: Owner, invitation_id: UUID, given: Acceptance
) -> None:
    if given.passkey is not None:
        credentials.finish_passkey_registration(
            uow,
            deps.credentials,
            owner,
            given.passkey,
            session_id=invitation_id,
            name=given.login,
        )
    elif not credentials.confirm_totp(uow, deps.credentials, owner, given.totp_code or ""):
        raise SecondFactorWrong


def _new_member(uow: UnitOfWork, label: str, office: Office, department: str | None) -> Staff:
    staff = Staff(label=label, office=office, department=department, status=StaffStatus.INVITED)
    uow.open_record(staff, cause="invitation")
    uow.flush()
    return staff


def _invite(uow: UnitOfWork, deps: StaffDeps, staff: Staff) -> Invited:
    uow.execute(
        delete(StaffInvitation).where(
            StaffInvitation.staff_id == staff.id, StaffInvitation.used_at.is_(None)
        )
    )
    token, moment = new_secret(), now()
    invitation = StaffInvitation(
        id=new_id(),
        staff_id=staff.id,
        token_digest=digest(token),
        created_at=moment,
        expires_at=moment + deps.policy.invitation,
    )
    uow.add(invitation)
    uow.flush()
    uow.record(StaffInvited(staff_id=staff.id))
    return Invited(staff.id, token, invitation.expires_at)


def _open_invitation(uow: UnitOfWork, staff_id: UUID) -> bool:
    return (
        uow.scalar(
            select(StaffInvitation.id).where(
                StaffInvitation.staff_id == staff_id,
                StaffInvitation.used_at.is_(None),
                StaffInvitation.expires_at > now(),
            )
        )
        is not None
    )


def _valid(uow: UnitOfWork, token: str) -> tuple[StaffInvitation, Staff]:
    """Return an invitation that can be accepted now, and whose it is; both rows locked."""
    row = uow.execute(
        select(StaffInvitation, Staff)
        .join(Staff, Staff.id == StaffInvitation.staff_id)
        .where(
            StaffInvitation.token_digest == digest(token),
            StaffInvitation.used_at.is_(None),
            StaffInvitation.expires_at > now(),
            Staff.status.in_([StaffStatus.INVITED, StaffStatus.SUSPENDED]),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        uow.record(InvitationRefused(result="refused"))
        raise InvitationInvalid
    return row[0], row[1]


def _is_taken(uow: UnitOfWork, staff_id: UUID, login: str) -> bool:
    found = select(Staff.id).where(Staff.login == login, Staff.id != staff_id)
    return uow.scalar(found) is not None
