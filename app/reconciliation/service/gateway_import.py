"""Reading a gateway's statement into ours: page after page, with no transaction open meanwhile."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from app.core.unit_of_work import UnitOfWork
from app.payments.gateway import Movement, StatementLine
from app.reconciliation.models import ChannelStatement, ReconciliationRun
from app.reconciliation.service.deps import ReconciliationDeps
from app.reconciliation.service.statements import (
    Importer,
    batches,
    complete,
    drop_leftovers,
    open_statement,
)
from app.reconciliation.values import Family, Line, LineKind, Source

PROFILE = "gateway"


def import_statement(
    uow: UnitOfWork, deps: ReconciliationDeps, run: ReconciliationRun, source: Source
) -> ChannelStatement:
    """Import what the gateway says of a day; what is imported already is kept.

    Raise `StatementUnavailable` when its books are not closed, or it falls silent half way: then
    nothing of it counts.
    """
    lines = deps.gateways.named(source.name).list_statement(run.day)
    with uow.phase():
        drop_leftovers(uow, source, run.day)
        statement = open_statement(uow, source, run.day, PROFILE, run_id=run.id)
    importer = Importer(statement)
    for batch in batches(read_lines(lines)):
        with uow.phase():
            importer.add(uow, batch)
        uow.expunge_all()
    with uow.phase():
        return complete(uow, statement.id, importer)


def read_lines(lines: Iterable[StatementLine]) -> Iterator[Line]:
    """Return a gateway's lines as ours."""
    for line in lines:
        kind = LineKind(str(line.kind))
        yield Line(
            line_id=line.id,
            kind=kind,
            subject=subject_of(line),
            amount=line.amount,
            currency=line.currency,
            occurred_at=line.occurred_at,
            fee=line.fee,
            our_id=own_id(line.our_id),
        )


def subject_of(line: StatementLine) -> str:
    """Return what a line is about: lines of one subject are compared together."""
    if line.kind is Movement.CHARGE:
        return f"{Family.CAPTURE}:{line.intent_id or line.our_id or line.id}"
    if line.kind in {Movement.REFUND, Movement.REFUND_FAILED}:
        return f"{Family.REFUND}:{line.refund_id or line.our_id or line.id}"
    if line.kind in {Movement.DISPUTE, Movement.DISPUTE_REVERSED}:
        return f"{Family.DISPUTE}:{line.intent_id or line.id}"
    if line.kind is Movement.PAYOUT:
        return f"{Family.PAYOUT}:{line.payout_id or line.id}"
    family = Family.FEE if line.kind is Movement.FEE else Family.OTHER
    return f"{family}:{line.id}"


def own_id(text: str | None) -> UUID | None:
    """Return an id of ours that a line carries, or None for whatever is not one."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
