"""Money that goes back to its payer: handed to the house until it has taken it over, and once."""

from uuid import UUID

from sqlalchemy import select

from app.sdk import Conflict, House, NotFound, Unavailable, now
from plugins.traffic.models import Due, Return, Violation
from plugins.traffic.service.notices import tell_of_return
from plugins.traffic.values import ReturnState

_BATCH = 50


def send_returns(house: House, violation_id: UUID | None = None) -> None:
    """Hand the house the money that goes back, of one violation or all; the same twice is one.

    What was paid over the police's counter goes back there. What cannot go back now waits.
    """
    with house.unit_of_work() as uow:
        waiting = select(Return).where(Return.state == ReturnState.WAITING)
        if violation_id is not None:
            of_it = select(Due.reference).where(Due.violation_id == violation_id)
            waiting = waiting.where(Return.reference.in_(of_it))
        rows = uow.scalars(waiting.order_by(Return.decided_at).limit(_BATCH)).all()
    for row in rows:
        try:
            house.return_payment(row.reference, row.amount, row.reason)
        except NotFound:
            _close_return(house, row.id, ReturnState.REFUSED)
        except (Conflict, Unavailable):
            continue
        else:
            _close_return(house, row.id, ReturnState.DONE)


def _close_return(house: House, return_id: UUID, state: ReturnState) -> None:
    with house.unit_of_work() as uow:
        row = uow.lock(Return, return_id)
        row.state = state
        row.sent_at = now()
        if state is ReturnState.DONE:
            of_it = select(Violation).join(Due, Due.violation_id == Violation.id)
            violation = uow.scalars(of_it.where(Due.reference == row.reference)).one()
            tell_of_return(house, uow, violation, row)
