"""What is locked before anything else is: employers held as they are, and vacancies."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select

from app.sdk import UnitOfWork
from plugins.jobs.models import Employer, Vacancy


def hold_employer(uow: UnitOfWork, employer_id: UUID) -> Employer | None:
    """Return an employer that nobody suspends before this unit ends; None when there is none.

    Whoever suspends one locks it before its vacancies; whoever writes a row that names it would
    otherwise wait for it while holding one of those.
    """
    statement = select(Employer).where(Employer.id == employer_id).with_for_update(read=True)
    found: Employer | None = uow.scalar(statement.execution_options(populate_existing=True))
    return found


def lock_vacancies(uow: UnitOfWork, vacancy_ids: Collection[UUID]) -> Sequence[Vacancy]:
    """Return vacancies under their locks and as they are now, in everybody's order."""
    statement = (
        select(Vacancy).where(Vacancy.id.in_(vacancy_ids)).order_by(Vacancy.id).with_for_update()
    )
    return uow.scalars(statement.execution_options(populate_existing=True)).all()
