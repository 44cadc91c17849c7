"""A charge that is proven to be the second one goes back by itself, and its citizen is told."""

from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork
from app.payments import service as payments
from app.payments.errors import NotADuplicate
from app.reconciliation.events import DuplicateProven
from app.reconciliation.models import Difference
from app.reconciliation.service.deps import ReconciliationDeps
from app.reconciliation.values import DifferenceStatus

log = get_logger("reconciliation")


def return_proven(uow: UnitOfWork, deps: ReconciliationDeps, event: DuplicateProven) -> None:
    """Send a second capture back through payments, which ask the gateway themselves; once.

    What the gateway does not confirm stays open for people. The next run finds both books the same.
    """
    with uow.phase():
        difference = uow.get_one(Difference, event.difference_id)
    if difference.attempt_id is None or difference.status == DifferenceStatus.CLOSED:
        return
    intent_id = difference.subject.partition(":")[2]
    try:
        payments.return_duplicate(uow, deps.payments, difference.attempt_id, intent_id)
    except NotADuplicate:
        log.warning("reconciliation.no_duplicate", difference_id=str(difference.id))
