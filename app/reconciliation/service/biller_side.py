"""What billers confirmed to us against what their own files have."""

from sqlalchemy import Text, and_, case, cast, func, literal, not_, or_, select, update

from app.core.unit_of_work import UnitOfWork
from app.payments import service as payments
from app.payments.values import PostingStatus
from app.reconciliation.models import ChannelLine
from app.reconciliation.service.comparing import (
    SETTLING,
    Comparison,
    add_candidates,
    candidates,
    is_unread,
    keep_findings,
    lines_of_statement,
    still_different,
    theirs,
)
from app.reconciliation.values import DifferenceKind, Family, LineKind

K = DifferenceKind


def gather(uow: UnitOfWork, run: Comparison) -> None:
    """Note what is to be looked at; a line without our key is known by the biller's own number."""
    known = payments.postings_to(run.source.name)
    uow.execute(
        update(ChannelLine)
        .where(
            ChannelLine.statement_id == run.statement_id,
            ChannelLine.our_id.is_(None),
            known.c.posting_reference == ChannelLine.line_id,
        )
        .values(subject=literal(f"{Family.POSTING}:") + cast(known.c.item_id, Text))
        .execution_options(synchronize_session=False)
    )
    begins, ends = run.bounds
    confirmed = select(
        literal(str(run.source)), literal(f"{Family.POSTING}:") + cast(known.c.item_id, Text)
    ).where(
        known.c.status == PostingStatus.CONFIRMED,
        known.c.fulfilled_at >= begins,
        known.c.fulfilled_at < ends,
    )
    add_candidates(uow, run, lines_of_statement(run))
    add_candidates(uow, run, confirmed)
    add_candidates(uow, run, still_different(run))


def compare_postings(uow: UnitOfWork, run: Comparison) -> None:
    """Compare what each side says was posted."""
    of = candidates(run, Family.POSTING)
    line = theirs(of, [LineKind.POSTING])
    known = payments.postings_to(run.source.name)
    both = of.outerjoin(line, line.c.subject == of.c.subject).outerjoin(
        known, known.c.item_id == of.c.our_id
    )
    has_line = line.c.subject.is_not(None)
    is_confirmed = known.c.status == PostingStatus.CONFIRMED
    kind = case(
        (and_(has_line, known.c.item_id.is_(None)), K.BILLER_EXTRA),
        (and_(has_line, not_(is_confirmed)), K.STATUS_MISMATCH),
        (and_(not_(has_line), is_confirmed), K.BILLER_MISSING),
        (
            or_(line.c.amount != known.c.amount, line.c.currency != known.c.currency),
            K.BILLER_AMOUNT_MISMATCH,
        ),
    )
    in_transit = case(
        (has_line, and_(kind == K.STATUS_MISMATCH, line.c.at > run.moment - SETTLING)),
        (not_(has_line), is_unread(run.source, known.c.sent_at, known.c.fulfilled_at)),
        else_=False,
    )
    facts = {
        "theirs_amount": line.c.amount,
        "our_amount": known.c.amount,
        "currency": func.coalesce(line.c.currency, known.c.currency),
        "line_id": line.c.line_id,
        "payment_id": known.c.payment_id,
    }
    keep_findings(uow, run, both, kind, in_transit, facts, candidate=of)
