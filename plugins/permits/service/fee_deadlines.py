"""The time for paying: it begins with a notice once everything is decided, and ends by a lapse.

Nobody loses by a worker that was away: the time runs from when the notice was really told, the rest
of it from when one was really reminded, and money that was sent in time is waited for from when it
was really noted that the time is over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, select

from app.sdk import House, UnitOfWork, now
from plugins.permits.models import Application, Fee
from plugins.permits.service.applications import lapse_application
from plugins.permits.service.calendar import current_calendar
from plugins.permits.service.fee_terms import find_fee_terms
from plugins.permits.service.fees import lock_fees, tell_of_fees, void_fees
from plugins.permits.values.applications import ApplicationStatus
from plugins.permits.values.fees import NOT_PAID, ON_ITS_WAY, FeeStatus

_BATCH = 50


def attend_fees(house: House) -> None:
    """Say by when to pay, remind once, and let lapse what nobody has paid for; some at a time.

    Safe to run again, and beside another worker.
    """
    for duty in _duties():
        with house.unit_of_work() as uow:
            waiting = (
                select(Fee.application_id)
                .join(Application, Application.id == Fee.application_id)
                .where(
                    Application.status == ApplicationStatus.ALL_DECIDED,
                    Fee.status == FeeStatus.OWED,
                    duty.is_due,
                )
                .distinct()
            )
            ids = uow.scalars(waiting.order_by(Fee.application_id).limit(_BATCH)).all()
        for application_id in ids:
            with house.unit_of_work() as uow:
                application = uow.lock(Application, application_id)
                if application.status != ApplicationStatus.ALL_DECIDED:
                    continue  # another worker was here, or the money was
                fees = lock_fees(uow, application.id, FeeStatus.OWED, where=duty.is_due)
                if fees:
                    duty.act(house, uow, application, fees)


@dataclass(frozen=True, slots=True)
class _Duty:
    """What is done with fees that are owed, and with which of them."""

    is_due: ColumnElement[bool]
    act: Callable[[House, UnitOfWork, Application, Sequence[Fee]], None]


def _duties() -> tuple[_Duty, ...]:
    moment = now()
    is_reminded = Fee.remind_at.is_(None)
    return (
        _Duty(Fee.due_at.is_(None), _ask),
        _Duty(Fee.remind_at <= moment, _remind),
        _Duty(and_(Fee.due_at <= moment, is_reminded, Fee.closed_at.is_(None)), _close),
        _Duty(Fee.closed_at <= moment - ON_ITS_WAY, _lapse),
    )


def _ask(house: House, uow: UnitOfWork, application: Application, fees: Sequence[Fee]) -> None:
    calendar, terms, moment = current_calendar(uow), find_fee_terms(), now()
    due_at = calendar.due(terms.payment, moment)
    for fee in fees:
        fee.due_at, fee.remind_at = due_at, calendar.due(terms.reminder, moment)
    _tell(house, uow, application, fees, "permit-fee-due")


def _remind(house: House, uow: UnitOfWork, application: Application, fees: Sequence[Fee]) -> None:
    """Remind, and leave what a reminder leaves: after a day off, or a late worker, that is more."""
    rest = current_calendar(uow).due(find_fee_terms().rest, now())
    for fee in fees:
        assert fee.due_at is not None
        fee.due_at, fee.remind_at = max(fee.due_at, rest), None
    _tell(house, uow, application, fees, "permit-fee-reminder")


def _close(house: House, uow: UnitOfWork, application: Application, fees: Sequence[Fee]) -> None:  # noqa: ARG001 - a duty
    for fee in fees:
        fee.closed_at = now()


def _lapse(house: House, uow: UnitOfWork, application: Application, fees: Sequence[Fee]) -> None:  # noqa: ARG001 - a duty
    void_fees(uow, application, NOT_PAID)
    lapse_application(house, uow, application, NOT_PAID)


def _tell(
    house: House, uow: UnitOfWork, application: Application, fees: Sequence[Fee], kind: str
) -> None:
    due_at = max(fee.due_at for fee in fees if fee.due_at is not None)
    total = sum(fee.amount for fee in fees)
    tell_of_fees(house, uow, application, kind, str(application.id), total, due_at=due_at)
