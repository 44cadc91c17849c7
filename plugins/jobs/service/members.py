"""What is kept about citizens who act for an employer."""

from collections.abc import Mapping

from sqlalchemy import select, update

from app.sdk import House, UnitOfWork
from plugins.jobs.models import Employer, EmployerMember
from plugins.jobs.values import MemberStatus

_LIVING = (MemberStatus.REQUESTED, MemberStatus.ACTIVE)


def export_member(_: House, uow: UnitOfWork, citizen_reference: str) -> Mapping[str, object]:
    """Return for which employers a citizen acts, acted, or asked to."""
    rows = (
        select(EmployerMember, Employer.name, Employer.credit_code)
        .join(Employer, Employer.id == EmployerMember.employer_id)
        .where(EmployerMember.citizen_reference == citizen_reference)
        .order_by(EmployerMember.joined_at)
    )
    return {
        "employers": [
            {
                "employer": name,
                "credit_code": code,
                "status": member.status,
                "joined_at": member.joined_at.isoformat(),
            }
            for member, name, code in uow.execute(rows)
        ]
    }


def erase_member(_: House, uow: UnitOfWork, citizen_reference: str) -> None:
    """End every membership of a citizen, and forget whose they were."""
    living = (
        select(EmployerMember)
        .where(
            EmployerMember.citizen_reference == citizen_reference,
            EmployerMember.status.in_(_LIVING),
        )
        .order_by(EmployerMember.id)
        .with_for_update()
    )
    for member in uow.scalars(living):
        uow.move(member, MemberStatus.ENDED, cause="erased")
    uow.flush()
    uow.execute(
        update(EmployerMember)
        .where(EmployerMember.citizen_reference == citizen_reference)
        .values(citizen_reference=None, letterbox="")
    )
