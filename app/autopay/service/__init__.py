"""What can be done with standing orders: one file for each concern, one list of names."""

from app.autopay.service.bills import look_for_bills, question_orders
from app.autopay.service.collecting import (
    approve_collection,
    collect_due,
    list_collections,
    note_success,
    question_collections,
    skip_bill,
)
from app.autopay.service.deps import AutopayDeps
from app.autopay.service.orders import (
    change_order,
    count_open,
    end_expired,
    end_order,
    list_orders,
    make_order,
    pause_order,
    read_order,
    read_terms,
    resume_order,
)
from app.core.unit_of_work import UnitOfWork

TICK_SECONDS = 30
"""How late at most an announced bill is taken, or a look for new ones begun."""

__all__ = [
    "TICK_SECONDS",
    "AutopayDeps",
    "approve_collection",
    "change_order",
    "collect_due",
    "count_open",
    "end_order",
    "list_collections",
    "list_orders",
    "look_for_bills",
    "make_order",
    "note_success",
    "pause_order",
    "question_due",
    "read_order",
    "read_terms",
    "resume_order",
    "skip_bill",
]


def question_due(uow: UnitOfWork, deps: AutopayDeps) -> None:
    """Queue whatever is due: orders to look for, bills to take; end orders past their last day."""
    end_expired(uow, deps)
    question_orders(uow, deps)
    question_collections(uow, deps)
