"""The life of a difference: found by a run, seen to by people, ended by a later run or by two."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, and_, exists, select

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.payments.events import AttemptQuestioned, RefundQuestioned
from app.reconciliation.events import DuplicateProven
from app.reconciliation.models import (
    Difference,
    ReconciliationCandidate,
    ReconciliationFinding,
)
from app.reconciliation.service.comparing import Comparison
from app.reconciliation.values import (
    DifferenceKind,
    DifferenceStatus,
    Figures,
    Resolution,
)

_AT_ONCE = 500
_SETTLED = (Resolution.EXPLAINED, Resolution.ADJUSTED)
Finding = ReconciliationFinding


def settle_findings(uow: UnitOfWork, run: Comparison) -> Figures:
    """Open what is new, end what is different no more, and say how many there were of each.

    A difference that two people have ended stays ended while both books say what they said then.
    """
    figures = Figures()
    for difference in _each(uow, _gone(run)):
        uow.move(difference, DifferenceStatus.CLOSED, cause="later-run", run=str(run.run_id))
        difference.resolution, difference.closed_at = Resolution.LATER_RUN, now()
        figures.resolved += 1
    uow.flush()
    for difference in _each(uow, _overdue(run)):
        uow.move(difference, DifferenceStatus.OPEN, cause="not-in-transit-any-more")
        figures.found += 1
        _act(uow, difference)
    uow.flush()
    _open_new(uow, run, figures)
    return figures


def _same(finding: Any = Finding) -> Any:  # noqa: ANN401 - a clause
    return and_(
        Difference.source == finding.source,
        Difference.subject == finding.subject,
        Difference.kind == finding.kind,
        Difference.occurrence == finding.occurrence,
    )


def _gone(run: Comparison) -> Select[Difference]:
    looked_at = exists().where(
        ReconciliationCandidate.run_id == run.run_id,
        ReconciliationCandidate.source == Difference.source,
        ReconciliationCandidate.subject == Difference.subject,
    )
    found = exists().where(Finding.run_id == run.run_id, _same())
    return select(Difference).where(
        Difference.status.in_(
            [DifferenceStatus.IN_TRANSIT, DifferenceStatus.OPEN, DifferenceStatus.ASSIGNED]
        ),
        looked_at,
        ~found,
    )


def _overdue(run: Comparison) -> Select[Difference]:
    found = exists().where(Finding.run_id == run.run_id, _same(), ~Finding.is_in_transit)
    return select(Difference).where(Difference.status == DifferenceStatus.IN_TRANSIT, found)


def _each(uow: UnitOfWork, wanted: Select[Difference]) -> Iterator[Difference]:
    """Return locked differences one after the other, five hundred in memory."""
    while True:
        some = uow.scalars(wanted.limit(_AT_ONCE).with_for_update()).all()
        yield from some
        uow.flush()
        if len(some) < _AT_ONCE:
            return


def _open_new(uow: UnitOfWork, run: Comparison, figures: Figures) -> None:
    is_known = exists().where(
        _same(),
        (Difference.status != DifferenceStatus.CLOSED)
        | (
            Difference.resolution.in_(_SETTLED)
            & Difference.theirs_amount.is_not_distinct_from(Finding.theirs_amount)
            & Difference.our_amount.is_not_distinct_from(Finding.our_amount)
        ),
    )
    new = select(Finding).where(Finding.run_id == run.run_id, ~is_known).limit(_AT_ONCE)
    while some := uow.scalars(new).all():
        for finding in some:
            _open(uow, run, finding, figures)
        uow.flush()
        uow.expunge_all()


def _open(uow: UnitOfWork, run: Comparison, finding: Finding, figures: Figures) -> None:
    status = DifferenceStatus.IN_TRANSIT if finding.is_in_transit else DifferenceStatus.OPEN
    difference = Difference(
        status=status,
        source=finding.source,
        day=run.day,
        kind=finding.kind,
        subject=finding.subject,
        occurrence=finding.occurrence,
        run_id=run.run_id,
        theirs_amount=finding.theirs_amount,
        our_amount=finding.our_amount,
        currency=finding.currency,
        line_id=finding.line_id,
        payment_id=finding.payment_id,
        attempt_id=finding.attempt_id,
        refund_id=finding.refund_id,
        found_at=now(),
    )
    uow.open_record(difference, cause="run", run=str(run.run_id))
    if finding.is_in_transit:
        figures.in_transit += 1
    else:
        figures.found += 1
        _act(uow, difference)


def _act(uow: UnitOfWork, difference: Difference) -> None:
    """Do what ends a difference by itself: ask the gateway again, or send back what came twice."""
    kind = DifferenceKind(difference.kind)
    if kind is DifferenceKind.DUPLICATE_CAPTURE:
        uow.emit(DuplicateProven(difference_id=difference.id))
    elif difference.refund_id is not None:
        uow.emit(RefundQuestioned(refund_id=difference.refund_id))
    elif kind is DifferenceKind.STATUS_MISMATCH and difference.attempt_id is not None:
        uow.emit(AttemptQuestioned(attempt_id=difference.attempt_id, cause="reconciliation"))
