"""Complaints about employers: heard by the desk, which warns, suspends, or finds nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.exc import IntegrityError

from app.sdk import Citizen, House, Page, PageRequest, UnitOfWork, fetch_page, new_id, now
from plugins.jobs.errors import EmployerNotFound, ReportNotFound, ReportUnderWay
from plugins.jobs.models import Application, Employer, EmployerReport, Hire, Vacancy
from plugins.jobs.service.employers import letterboxes_of
from plugins.jobs.service.json_values import plain_values
from plugins.jobs.service.locks import hold_employer
from plugins.jobs.service.vacancies import suspend_employer
from plugins.jobs.values import EmployerReason, EmployerStatus, VacancyStatus
from plugins.jobs.values.applications import ApplicationStatus
from plugins.jobs.values.reports import (
    JobStatistics,
    NewReport,
    ReportGround,
    ReportStatus,
    ReportView,
)

_REASONS = {
    ReportGround.FEES: EmployerReason.CHARGED_APPLICANTS,
    ReportGround.DISCRIMINATION: EmployerReason.DISCRIMINATION,
    ReportGround.FALSE_ADVERT: EmployerReason.FRAUD,
    ReportGround.FALSE_HIRE: EmployerReason.FRAUD,
}
"""By what the desk suspends an employer for a complaint; anything else is another reason."""
_KNOWN = (EmployerStatus.VERIFIED, EmployerStatus.SUSPENDED)


def report_employer(
    house: House, uow: UnitOfWork, citizen: Citizen, wanted: NewReport
) -> ReportView:
    """Complain about an employer.

    Raise `EmployerNotFound`, or `ReportUnderWay` while the desk has an earlier complaint.
    """
    employer = hold_employer(uow, wanted.employer_id)
    if employer is None or employer.status not in _KNOWN:
        raise EmployerNotFound
    earlier = _of(citizen.reference).where(
        EmployerReport.employer_id == employer.id,
        EmployerReport.status == ReportStatus.RECEIVED,
    )
    if uow.scalar(earlier) is not None:
        raise ReportUnderWay
    report_id = new_id()
    report = EmployerReport(
        id=report_id,
        status=ReportStatus.RECEIVED,
        citizen_reference=citizen.reference,
        letterbox=citizen.letterbox,
        employer_id=employer.id,
        ground=wanted.ground,
        words_sealed=house.vault.seal(wanted.words, place=_place(report_id)),
        reported_at=now(),
    )
    uow.open_record(report, cause="citizen")
    try:
        uow.flush()
    except IntegrityError as error:  # two at once, and the other was faster by a moment
        raise ReportUnderWay from error
    return _show(house, uow, [report])[0]


def list_reports(
    house: House, uow: UnitOfWork, citizen_reference: str, page: PageRequest
) -> Page[ReportView]:
    """Return a page of a citizen's complaints about employers, the first one first."""
    order = [EmployerReport.reported_at, EmployerReport.id]
    rows = fetch_page(uow, _of(citizen_reference), order, page)
    return Page(_show(house, uow, rows.items), rows.next_cursor)


def list_desk_reports(
    house: House, uow: UnitOfWork, page: PageRequest, *, status: str | None
) -> Page[ReportView]:
    """Return a page of complaints for the desk, the oldest first."""
    statement = select(EmployerReport).where(EmployerReport.citizen_reference.is_not(None))
    if status is not None:
        statement = statement.where(EmployerReport.status == status)
    order = [EmployerReport.reported_at, EmployerReport.id]
    rows = fetch_page(uow, statement, order, page)
    return Page(_show(house, uow, rows.items), rows.next_cursor)


def decide_report(
    house: House, uow: UnitOfWork, officer: UUID, report_id: UUID, outcome: ReportStatus
) -> ReportView:
    """Decide on a complaint: warn the employer, suspend it, or find nothing; tell who complained.

    Raise `ReportNotFound`, or `IllegalMove` (a conflict) when it was decided before.
    """
    found = uow.get(EmployerReport, report_id)
    if found is None or found.citizen_reference is None:
        raise ReportNotFound
    employer = uow.lock(Employer, found.employer_id)
    report = uow.lock(EmployerReport, report_id)
    uow.move(report, outcome, cause="desk", officer=str(officer))
    report.decided_at, report.decided_by = now(), officer
    uow.flush()
    if outcome == ReportStatus.SUSPENDED and employer.status != EmployerStatus.SUSPENDED:
        reason = _REASONS.get(ReportGround(report.ground), EmployerReason.OTHER)
        suspend_employer(house, uow, officer, employer.id, reason)
    if outcome == ReportStatus.WARNED:
        for letterbox in letterboxes_of(uow, employer.id):
            house.tell(uow, letterbox, "employer-warned", str(report.id), employer=employer.name)
    house.tell(uow, report.letterbox, "report-decided", str(report.id), employer=employer.name)
    return _show(house, uow, [report])[0]


def count_jobs(uow: UnitOfWork) -> JobStatistics:
    """Return what there is, and what came of it in the last thirty days."""
    since = now() - timedelta(days=30)
    positions = select(func.coalesce(func.sum(Vacancy.open_positions), 0)).where(
        Vacancy.status == VacancyStatus.PUBLISHED
    )
    taken = (
        select(func.count())
        .select_from(Hire)
        .join(Vacancy, Vacancy.id == Hire.vacancy_id)
        .where(Vacancy.status == VacancyStatus.PUBLISHED)
    )
    hires = select(func.count()).select_from(Hire).where(Hire.hired_at > since)
    unanswered = select(func.count()).where(
        Application.status == ApplicationStatus.CLOSED_NO_ANSWER,
        Application.promised_until > since,
    )
    waiting = select(func.count()).where(EmployerReport.status == ReportStatus.RECEIVED)
    return JobStatistics(
        employers=_by_status(uow, Employer),
        vacancies=_by_status(uow, Vacancy),
        positions_open=(uow.scalar(positions) or 0) - (uow.scalar(taken) or 0),
        applications=_by_status(uow, Application),
        hires_of_30_days=uow.scalar(hires) or 0,
        unanswered_of_30_days=uow.scalar(unanswered) or 0,
        reports_waiting=uow.scalar(waiting) or 0,
    )


def export_reports(house: House, uow: UnitOfWork, citizen_reference: str) -> Mapping[str, object]:
    """Return a citizen's complaints about employers, as JSON values."""
    rows = uow.scalars(_of(citizen_reference)).all()
    return {"employer_reports": [plain_values(asdict(one)) for one in _show(house, uow, rows)]}


def erase_reports(_: House, uow: UnitOfWork, citizen_reference: str) -> None:
    """Forget who complained and in what words; that there was a complaint stays."""
    uow.execute(
        update(EmployerReport)
        .where(EmployerReport.citizen_reference == citizen_reference)
        .values(citizen_reference=None, letterbox="", words_sealed=None)
    )


def _by_status(uow: UnitOfWork, table: type[Employer | Vacancy | Application]) -> dict[str, int]:
    counted = select(table.status, func.count()).group_by(table.status).order_by(table.status)
    return dict(uow.execute(counted).all())


def _of(citizen_reference: str) -> Select[EmployerReport]:
    return select(EmployerReport).where(EmployerReport.citizen_reference == citizen_reference)


def _place(report_id: UUID) -> str:
    return f"employer_reports|words|{report_id}"


def _show(house: House, uow: UnitOfWork, reports: Sequence[EmployerReport]) -> list[ReportView]:
    ids = {one.employer_id for one in reports}
    rows = select(Employer.id, Employer.name).where(Employer.id.in_(ids))
    names = dict(uow.execute(rows).all())
    return [
        ReportView(
            id=one.id,
            employer_id=one.employer_id,
            employer=names[one.employer_id],
            ground=one.ground,
            words=house.vault.unseal(one.words_sealed or b"", place=_place(one.id)),
            status=one.status,
            reported_at=one.reported_at,
            decided_at=one.decided_at,
        )
        for one in reports
    ]
