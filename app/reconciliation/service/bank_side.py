"""What gateways say they paid out against what arrived at the bank."""

from datetime import timedelta

from sqlalchemy import (
    BigInteger,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from app.core.unit_of_work import UnitOfWork
from app.reconciliation.models import ChannelLine, ChannelStatement, Difference
from app.reconciliation.service.comparing import (
    Comparison,
    add_candidates,
    candidates,
    keep_findings,
    theirs,
)
from app.reconciliation.values import (
    DifferenceKind,
    DifferenceStatus,
    Family,
    LineKind,
    Side,
    StatementStatus,
)

ARRIVING = timedelta(days=5)
"""How long a payout may take to the bank."""
_NAMING = timedelta(days=40)

_BANK = ChannelStatement.source.startswith(f"{Side.BANK}:")
_COUNTS = ChannelStatement.status == StatementStatus.CURRENT


def name_credits(uow: UnitOfWork, run: Comparison) -> None:
    """Give each credit of the bank the name of the payout that its text speaks of."""
    payout = aliased(ChannelLine)
    words = (
        select(
            ChannelLine.statement_id,
            ChannelLine.row,
            (
                literal(f"{Family.PAYOUT}:")
                + func.unnest(func.string_to_array(ChannelLine.reference, " "))
            ).label("subject"),
        )
        .where(
            ChannelLine.kind == LineKind.CREDIT,
            ChannelLine.occurred_at > run.moment - _NAMING,
            ChannelLine.subject.startswith(f"{Family.CREDIT}:"),
        )
        .subquery("words")
    )
    uow.execute(
        update(ChannelLine)
        .where(
            ChannelLine.statement_id == words.c.statement_id,
            ChannelLine.row == words.c.row,
            payout.subject == words.c.subject,
            payout.kind == LineKind.PAYOUT,
        )
        .values(subject=payout.subject)
        .execution_options(synchronize_session=False)
    )


def gather(uow: UnitOfWork, run: Comparison) -> None:
    """Note the payouts that a bank's statement speaks of, and those that have not arrived."""
    payout, credit = aliased(ChannelLine), aliased(ChannelLine)
    spoken_of = (
        select(payout.source, payout.subject)
        .join(credit, credit.subject == payout.subject)
        .where(payout.kind == LineKind.PAYOUT, credit.statement_id == run.statement_id)
    )
    open_ones = select(Difference.source, Difference.subject).where(
        Difference.kind == DifferenceKind.PAYOUT_MISMATCH,
        Difference.status != DifferenceStatus.CLOSED,
    )
    add_candidates(uow, run, spoken_of)
    add_candidates(uow, run, open_ones)


def compare_payouts(uow: UnitOfWork, run: Comparison) -> None:
    """Compare what left the gateway with what the bank has; nothing without a bank's statement."""
    if not uow.scalar(select(exists().where(_BANK, _COUNTS))):
        return
    of = candidates(run, Family.PAYOUT)
    line = theirs(of, [LineKind.PAYOUT])
    arrived = (
        select(
            of.c.subject,
            cast(func.sum(ChannelLine.amount), BigInteger).label("amount"),
            func.min(ChannelLine.currency).label("currency"),
        )
        .join(
            ChannelLine,
            and_(ChannelLine.subject == of.c.subject, ChannelLine.kind == LineKind.CREDIT),
        )
        .join(ChannelStatement, ChannelStatement.id == ChannelLine.statement_id)
        .where(_BANK, _COUNTS)
        .group_by(of.c.subject)
        .subquery("arrived")
    )
    both = of.outerjoin(line, line.c.subject == of.c.subject).outerjoin(
        arrived, arrived.c.subject == of.c.subject
    )
    left = -func.coalesce(line.c.amount, 0)
    is_here = arrived.c.subject.is_not(None)
    differs = or_(left != func.coalesce(arrived.c.amount, 0), line.c.currency != arrived.c.currency)
    facts = {
        "theirs_amount": line.c.amount,
        "our_amount": arrived.c.amount,
        "currency": func.coalesce(line.c.currency, arrived.c.currency),
        "line_id": line.c.line_id,
    }
    keep_findings(
        uow,
        run,
        both,
        case((differs, DifferenceKind.PAYOUT_MISMATCH)),
        and_(not_(is_here), line.c.at > run.moment - ARRIVING),
        facts,
        candidate=of,
    )
