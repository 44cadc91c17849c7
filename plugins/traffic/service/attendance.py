"""What time brings: news that wait for the police, money that goes back, terms that end."""

from datetime import timedelta

from sqlalchemy import delete, exists, func, select

from app.sdk import House, now
from plugins.traffic.models import Allowance, Due, Lookup, Violation
from plugins.traffic.service.contests import contests_by_violation, is_contestable
from plugins.traffic.service.dues import today
from plugins.traffic.service.mirror import settle
from plugins.traffic.service.orders import send_waiting
from plugins.traffic.service.refresh import watch
from plugins.traffic.service.reminders import remind
from plugins.traffic.service.returns import send_returns
from plugins.traffic.service.studies import send_waiting_studies
from plugins.traffic.values import DueStatus, ViolationStatus

_BATCH = 50
_LONGEST_TERM = timedelta(days=183)
"""No term for a court ends sooner after a decision was served."""


def attend(house: House) -> None:
    """Do what is due, each step bounded and safe to run again."""
    send_waiting(house)
    send_waiting_studies(house)
    send_returns(house)
    mark_overdue(house)
    close_paid(house)
    forget_lookups(house)
    forget_tries(house)
    remind(house)
    watch(house)


def mark_overdue(house: House) -> None:
    """Say of every fine whose last day is over that its surcharge runs."""
    quiet = (ViolationStatus.PAYABLE, ViolationStatus.DEFERRED, ViolationStatus.INSTALMENTS)
    late = exists().where(
        Due.violation_id == Violation.id, Due.status == DueStatus.OPEN, Due.pay_by < today()
    )
    with house.unit_of_work() as uow:
        statement = select(Violation).where(Violation.status.in_(quiet), late)
        rows = uow.scalars(statement.order_by(Violation.id).limit(_BATCH).with_for_update())
        for violation in rows.all():
            settle(uow, violation, cause="the last day is over")


def close_paid(house: House) -> None:
    """Close paid cases against which nothing can be done any more."""
    with house.unit_of_work() as uow:
        statement = select(Violation).where(
            Violation.status == ViolationStatus.PAID,
            Violation.served_on < today() - _LONGEST_TERM,
        )
        rows = uow.scalars(
            statement.order_by(Violation.served_on, Violation.id).limit(_BATCH).with_for_update()
        )
        paid = rows.all()
        contests = contests_by_violation(uow, [violation.id for violation in paid])
        for violation in paid:
            if not is_contestable(violation, contests[violation.id]):
                uow.move(violation, ViolationStatus.CLOSED, cause="every term is over")


def forget_lookups(house: House) -> None:
    """Forget who looked a decision up, once they may not pay it any more."""
    with house.unit_of_work() as uow:
        uow.execute(delete(Lookup).where(Lookup.expires_at <= now()))


def forget_tries(house: House) -> None:
    """Forget who tried to prove something, once that limits nobody any more."""
    with house.unit_of_work() as uow:
        last = Allowance.attempts[func.array_upper(Allowance.attempts, 1)]
        uow.execute(delete(Allowance).where(last <= now()))
