"""Our books against a gateway's: captures, refunds, disputes, fees and whatever else moved."""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    SelectBase,
    Subquery,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    or_,
    select,
    update,
)

from app.core.unit_of_work import UnitOfWork
from app.ledger import service as ledger
from app.ledger.values import clearing
from app.payments import service as payments
from app.payments.values import AttemptStatus, RefundStatus
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
from app.reconciliation.values import DifferenceKind, Family, LineKind, Tariffs

REFUNDING = timedelta(days=10)
"""How long a refund may be on its way at the gateway."""

_CAPTURED = (AttemptStatus.SUCCEEDED, AttemptStatus.SUCCEEDED_LATE)
_MOVING = (RefundStatus.APPROVED, RefundStatus.SUBMITTED, RefundStatus.UNKNOWN)
_REFUNDS = (LineKind.REFUND, LineKind.REFUND_FAILED)
_DISPUTES = (LineKind.DISPUTE, LineKind.DISPUTE_REVERSED)
_DISPUTE = "dispute."
_OWN = ("gateway.", "correction.")
"""What reconciliation itself, or two people, have booked: nothing of the gateway's answers it."""
K = DifferenceKind


def gather(uow: UnitOfWork, run: Comparison) -> None:
    """Note what is to be looked at, and give each line of a refund the name that we know it by."""
    _name_refunds(uow, run)
    add_candidates(uow, run, lines_of_statement(run))
    add_candidates(uow, run, _booked(run))
    add_candidates(uow, run, still_different(run))


def _name_refunds(uow: UnitOfWork, run: Comparison) -> None:
    """Call refunds by our id: by the gateway's where we know it, else by ours that it carries."""
    known = payments.refunds_at(run.source.name)
    named = f"{Family.REFUND}:"
    own = literal(named) + cast(known.c.refund_id, Text)
    theirs_id = func.substr(ChannelLine.subject, len(named) + 1)
    for is_it in (
        known.c.gateway_refund_id == theirs_id,
        and_(known.c.gateway_refund_id.is_(None), known.c.refund_id == ChannelLine.our_id),
    ):
        uow.execute(
            update(ChannelLine)
            .where(
                ChannelLine.statement_id == run.statement_id,
                ChannelLine.kind.in_(_REFUNDS),
                is_it,
            )
            .values(subject=own)
            .execution_options(synchronize_session=False)
        )


def _booked(run: Comparison) -> SelectBase:
    """Return the subjects of what was booked to the gateway's account on the day."""
    booked = ledger.movements_on(clearing(run.source.name))
    disputed = payments.attempts_at(run.source.name)
    kind, reference = booked.c.kind, booked.c.external_ref
    begins, ends = run.bounds
    subject = case(
        (
            kind.in_(payments.CAPTURE_BOOKINGS),
            literal("capture:") + func.substr(reference, len(run.source.name) + 2),
        ),
        (kind.in_(payments.REFUND_BOOKINGS), literal("refund:") + reference),
        (kind.startswith(_DISPUTE), literal("dispute:") + disputed.c.intent_id),
        else_=literal("other:") + kind + "/" + reference,
    )
    captured_here = and_(
        kind.startswith(_DISPUTE),
        disputed.c.payment_id == booked.c.subject_id,
        disputed.c.status.in_(_CAPTURED),
    )
    return (
        select(literal(str(run.source)), subject)
        .select_from(booked.outerjoin(disputed, captured_here))
        .where(
            booked.c.recorded_at >= begins,
            booked.c.recorded_at < ends,
            subject.is_not(None),
            *(not_(kind.startswith(name)) for name in _OWN),
        )
    )


def compare_captures(uow: UnitOfWork, run: Comparison, tariffs: Tariffs) -> None:
    """Compare the money that came."""
    of = candidates(run, Family.CAPTURE)
    line = theirs(of, [LineKind.CHARGE])
    ours = _booked_of(run, of, payments.CAPTURE_BOOKINGS, literal(f"{run.source.name}:") + of.c.key)
    known = payments.attempts_at(run.source.name)
    named = payments.attempts_at(run.source.name)
    both = (
        of.outerjoin(line, line.c.subject == of.c.subject)
        .outerjoin(ours, ours.c.subject == of.c.subject)
        .outerjoin(known, known.c.intent_id == of.c.key)
        .outerjoin(named, named.c.attempt_id == line.c.our_id)
    )
    has_line, has_ours = line.c.subject.is_not(None), ours.c.subject.is_not(None)
    is_known, is_named = known.c.attempt_id.is_not(None), named.c.attempt_id.is_not(None)
    is_uncaptured = known.c.status.not_in(_CAPTURED)
    is_alone = and_(has_line, not_(has_ours))
    another = and_(not_(is_known), named.c.intent_id.is_not(None))
    kind = case(
        (and_(is_alone, another), K.DUPLICATE_CAPTURE),
        (and_(is_alone, is_uncaptured, known.c.is_paid_otherwise), K.DUPLICATE_CAPTURE),
        (and_(is_alone, or_(is_uncaptured, and_(not_(is_known), is_named))), K.STATUS_MISMATCH),
        (is_alone, K.MISSING_IN_LEDGER),
        (and_(has_ours, not_(has_line)), K.MISSING_IN_GATEWAY),
        (_differs(line, ours), K.AMOUNT_MISMATCH),
        (and_(has_ours, is_uncaptured), K.STATUS_MISMATCH),
        (and_(has_line, line.c.fee != _agreed(run, tariffs, known, line)), K.FEE_MISMATCH),
    )
    since = func.coalesce(known.c.created_at, ours.c.at)
    in_transit = case(
        (is_alone, and_(kind == K.STATUS_MISMATCH, line.c.at > run.moment - SETTLING)),
        (not_(has_line), is_unread(run.source, since, ours.c.at)),
        else_=False,
    )
    facts = {
        **_facts(line, ours),
        "payment_id": func.coalesce(known.c.payment_id, named.c.payment_id, ours.c.subject_id),
        "attempt_id": func.coalesce(known.c.attempt_id, named.c.attempt_id),
    }
    keep_findings(uow, run, both, kind, in_transit, facts, candidate=of)


def _agreed(
    run: Comparison, tariffs: Tariffs, known: Subquery, line: Subquery
) -> ColumnElement[Any]:
    """Return the fee that was agreed for a charge, or null where none was."""
    cases = [
        (
            known.c.method == method,
            func.least(
                line.c.amount,
                (line.c.amount * tariff.basis_points + 5_000) // 10_000 + tariff.fixed,
            ),
        )
        for method, tariff in tariffs.get(run.source.name, {}).items()
    ]
    return case(*cases) if cases else cast(literal(None), BigInteger)


def compare_refunds(uow: UnitOfWork, run: Comparison) -> None:
    """Compare the money that went back."""
    of = candidates(run, Family.REFUND)
    line = theirs(of, _REFUNDS)
    ours = _booked_of(run, of, payments.REFUND_BOOKINGS, of.c.key)
    known = payments.refunds_at(run.source.name)
    both = (
        of.outerjoin(line, line.c.subject == of.c.subject)
        .outerjoin(ours, ours.c.subject == of.c.subject)
        .outerjoin(known, known.c.refund_id == of.c.our_id)
    )
    theirs_net = func.coalesce(line.c.amount, 0)
    our_net = func.coalesce(ours.c.amount, 0)
    has_line = line.c.subject.is_not(None)
    kind = case(
        (and_(has_line, known.c.refund_id.is_(None)), K.REFUND_MISSING_IN_LEDGER),
        (and_(theirs_net != 0, our_net == 0), K.REFUND_MISSING_IN_LEDGER),
        (and_(not_(has_line), our_net != 0), K.REFUND_MISSING_IN_GATEWAY),
        (and_(theirs_net == 0, our_net != 0), K.STATUS_MISMATCH),
        (_differs(line, ours), K.REFUND_AMOUNT_MISMATCH),
    )
    in_transit = case(
        (
            kind == K.REFUND_MISSING_IN_LEDGER,
            and_(known.c.status.in_(_MOVING), line.c.at > run.moment - REFUNDING),
        ),
        (kind == K.STATUS_MISMATCH, line.c.at > run.moment - SETTLING),
        (
            kind == K.REFUND_MISSING_IN_GATEWAY,
            is_unread(run.source, func.coalesce(known.c.created_at, ours.c.at), ours.c.at),
        ),
        else_=False,
    )
    facts = {
        **_facts(line, ours),
        "payment_id": func.coalesce(known.c.payment_id, ours.c.subject_id),
        "attempt_id": known.c.attempt_id,
        "refund_id": known.c.refund_id,
    }
    keep_findings(uow, run, both, kind, in_transit, facts, candidate=of)


def compare_disputes(uow: UnitOfWork, run: Comparison) -> None:
    """Compare the money that the gateway holds back or has taken for good."""
    of = candidates(run, Family.DISPUTE)
    line = theirs(of, _DISPUTES)
    known = payments.attempts_at(run.source.name)
    booked = ledger.movements_on(clearing(run.source.name))
    ours = _sum_of(
        booked,
        of.join(known, known.c.intent_id == of.c.key).join(
            booked,
            and_(booked.c.subject_id == known.c.payment_id, booked.c.kind.startswith(_DISPUTE)),
        ),
        of,
    )
    _compare_plainly(uow, run, of, line, ours)


def compare_others(uow: UnitOfWork, run: Comparison) -> None:
    """Find what the gateway moved for no reason that we know, and what we booked for none."""
    of = candidates(run, Family.OTHER)
    booked = ledger.movements_on(clearing(run.source.name))
    named = booked.c.kind + "/" + booked.c.external_ref
    kind = func.split_part(of.c.key, "/", 1)
    reference = func.substr(of.c.key, func.strpos(of.c.key, "/") + 1)
    ours = _sum_of(
        booked,
        of.join(
            booked,
            and_(booked.c.kind == kind, booked.c.external_ref == reference, named == of.c.key),
        ),
        of,
    )
    _compare_plainly(uow, run, of, theirs(of, [LineKind.OTHER]), ours)


def _compare_plainly(
    uow: UnitOfWork, run: Comparison, of: Subquery, line: Subquery, ours: Subquery
) -> None:
    both = of.outerjoin(line, line.c.subject == of.c.subject).outerjoin(
        ours, ours.c.subject == of.c.subject
    )
    has_line, has_ours = line.c.subject.is_not(None), ours.c.subject.is_not(None)
    kind = case(
        (and_(has_line, not_(has_ours)), K.MISSING_IN_LEDGER),
        (and_(has_ours, not_(has_line)), K.MISSING_IN_GATEWAY),
        (_differs(line, ours), K.AMOUNT_MISMATCH),
    )
    in_transit = case(
        (and_(has_line, not_(has_ours)), line.c.at > run.moment - SETTLING),
        (not_(has_line), is_unread(run.source, ours.c.at, ours.c.at)),
        else_=False,
    )
    facts = {**_facts(line, ours), "payment_id": ours.c.subject_id}
    keep_findings(uow, run, both, kind, in_transit, facts, candidate=of)


def _booked_of(
    run: Comparison, of: Subquery, kinds: tuple[str, ...], reference: ColumnElement[str]
) -> Subquery:
    """Return what we booked for each candidate under these kinds and its reference."""
    booked = ledger.movements_on(clearing(run.source.name))
    joined = of.join(booked, and_(booked.c.external_ref == reference, booked.c.kind.in_(kinds)))
    return _sum_of(booked, joined, of)


def _sum_of(booked: Subquery, joined: FromClause, of: Subquery) -> Subquery:
    return (
        select(
            of.c.subject,
            cast(func.sum(booked.c.amount), BigInteger).label("amount"),
            func.min(booked.c.currency).label("currency"),
            func.min(booked.c.recorded_at).label("at"),
            # A payment's id, the same in each of its bookings.
            func.min(cast(booked.c.subject_id, Text))
            .cast(booked.c.subject_id.type)
            .label("subject_id"),
        )
        .select_from(joined)
        .group_by(of.c.subject)
        .subquery("ours")
    )


def _differs(line: Subquery, ours: Subquery) -> ColumnElement[bool]:
    return or_(line.c.amount != ours.c.amount, line.c.currency != ours.c.currency)


def _facts(line: Subquery, ours: Subquery) -> dict[str, Any]:
    return {
        "theirs_amount": line.c.amount,
        "our_amount": ours.c.amount,
        "currency": func.coalesce(line.c.currency, ours.c.currency),
        "line_id": line.c.line_id,
    }
