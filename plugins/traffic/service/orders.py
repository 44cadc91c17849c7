"""Having the police's system write down what was decided here: until it has, and once."""

from uuid import UUID

from sqlalchemy import select

from app.sdk import Conflict, House, Invalid, NotFound, OutcomeUnknown, Unavailable, UnitOfWork, now
from plugins.traffic.client import PoliceClient
from plugins.traffic.models import Order, Violation
from plugins.traffic.service.mirror import keep_case
from plugins.traffic.values import DecisionWish, OrderKind, OrderState, Outcome, PoliceCase

CANCELLED, REDUCED, INSTALMENTS = "cancelled", "reduced", "instalments"
_BATCH = 20


def order_decision(uow: UnitOfWork, violation: Violation, wish: DecisionWish) -> UUID:
    """Write down that the police are to decide on a locked violation."""
    return _order(
        uow,
        Order(
            violation_id=violation.id,
            kind=OrderKind.DECISION,
            what=wish.outcome,
            fine=wish.fine,
            points=wish.points,
            reason=wish.reason,
            state=OrderState.WAITING,
        ),
    )


def order_change(
    uow: UnitOfWork, violation: Violation, what: str, reason: str, fine: int | None = None
) -> UUID:
    """Write down that the police are to change the decision on a locked violation."""
    return _order(
        uow,
        Order(
            violation_id=violation.id,
            kind=OrderKind.CHANGE,
            what=what,
            fine=fine,
            points=None if fine is None else violation.points,
            reason=reason,
            state=OrderState.WAITING,
        ),
    )


def send_order(house: House, key: UUID) -> None:
    """Tell the police an order that waits, and follow what they say; it may be told again.

    Without a clear answer it goes on waiting: they answer the same key alike.
    """
    with house.unit_of_work() as uow:
        order = uow.get_one(Order, key)
        violation = uow.get_one(Violation, order.violation_id)
    if order.state != OrderState.WAITING:
        return
    asked_at = now()
    case, refused = None, None
    try:
        case = _tell(PoliceClient.of(house), order, violation)
    except (Unavailable, OutcomeUnknown):
        return
    except (Conflict, Invalid, NotFound) as error:
        refused = str(error.extra["reason"])
    with house.unit_of_work() as uow:
        order = uow.lock(Order, key)
        order.state = OrderState.DONE if refused is None else OrderState.REFUSED
        order.refusal = refused
        if case is not None:
            keep_case(house, uow, case, asked_at=asked_at)


def send_waiting(house: House) -> None:
    """Tell the police what they have not written down yet, the oldest first."""
    with house.unit_of_work() as uow:
        waiting = select(Order.key).where(Order.state == OrderState.WAITING)
        keys = uow.scalars(waiting.order_by(Order.made_at).limit(_BATCH)).all()
    for key in keys:
        send_order(house, key)


def _order(uow: UnitOfWork, order: Order) -> UUID:
    uow.add(order)
    uow.flush()
    return order.key


def _tell(client: PoliceClient, order: Order, violation: Violation) -> PoliceCase | None:
    if order.kind == OrderKind.DECISION:
        wish = DecisionWish(Outcome(order.what), order.fine, order.points, order.reason)
        return client.decide(violation.notice_no, str(order.key), wish)
    assert violation.decision_no is not None
    body = {
        "kind": order.what,
        "fine": order.fine,
        "points": order.points,
        "reason": order.reason,
    }
    client.change(violation.decision_no, str(order.key), body)
    return None
