"""Holding an employer as it is, before anything of it is locked."""

from uuid import UUID

from sqlalchemy import select

from app.sdk import UnitOfWork
from plugins.jobs.models import Employer


def hold_employer(uow: UnitOfWork, employer_id: UUID) -> Employer | None:
    """Return an employer that nobody suspends before this unit ends; None when there is none.

    Whoever suspends one locks it before its vacancies; whoever writes a row that names it would
    otherwise wait for it while holding one of those.
    """
    statement = select(Employer).where(Employer.id == employer_id).with_for_update(read=True)
    found: Employer | None = uow.scalar(statement.execution_options(populate_existing=True))
    return found
