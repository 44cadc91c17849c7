"""A bill that explains itself: each figure reckoned once more, with the rule and its source."""

from collections.abc import Collection, Iterator
from decimal import Decimal
from itertools import zip_longest
from uuid import UUID

from app.sdk import UnitOfWork
from plugins.utilities.models import Bill
from plugins.utilities.service.bills import own_bill
from plugins.utilities.service.owing import city_day_of, reckoned_late_fee
from plugins.utilities.service.tariff import explain, tariff_on
from plugins.utilities.service.terms import find_terms
from plugins.utilities.service.usage import used_of, usual_before
from plugins.utilities.values import (
    BILLERS,
    OWED,
    BillDetail,
    Doubt,
    ExplainedFigure,
    Explanation,
    FigureKind,
    LineKind,
    read_detail,
)

_FEN = "fen"


def explain_bill(
    uow: UnitOfWork,
    citizen_reference: str,
    bill_id: UUID,
    *,
    billers: Collection[str] = BILLERS,
) -> Explanation:
    """Return one of a citizen's bills reckoned once more, or raise `BillNotFound`.

    Nothing is corrected by it: where the biller's figure is another one, that is said.
    """
    bill = own_bill(uow, citizen_reference, bill_id, billers)
    figures = list(_figures(bill))
    usual = usual_before(uow, bill)
    return Explanation(
        bill_id=bill.id,
        amount=bill.amount,
        currency=bill.currency,
        figures=figures,
        differs=any(figure.differs for figure in figures),
        is_unusual=usual.is_unusual,
        usual=usual.median,
    )


def _figures(bill: Bill) -> Iterator[ExplainedFigure]:
    detail = read_detail(bill.detail)
    yield from _use(bill, detail)
    if detail.lines:
        whole = sum(line.amount for line in detail.lines)
        yield ExplainedFigure(FigureKind.LINES, _FEN, Decimal(bill.amount), Decimal(whole))
    if bill.late_fee is not None and bill.status in OWED:
        late = reckoned_late_fee(bill, city_day_of(bill.seen_at))
        yield ExplainedFigure(
            FigureKind.LATE_FEE,
            _FEN,
            told=Decimal(bill.late_fee),
            reckoned=Decimal(late.amount) if late.rule else None,
            source=late.rule.source if late.rule else None,
            doubt=None if late.rule else Doubt.NO_RULE,
        )


def _use(bill: Bill, detail: BillDetail) -> Iterator[ExplainedFigure]:
    """Yield the use by the meter, each step of the price in force, and the charges they make."""
    used = used_of(bill)
    if used.told is None and used.read is None:
        return
    tariff = tariff_on(bill.period_from, find_terms(bill.biller).tariffs)
    unit = used.unit or (tariff.unit if tariff else "")
    yield ExplainedFigure(FigureKind.QUANTITY, unit, used.told, used.read, doubt=used.doubt)
    quantity = used.quantity
    if tariff is None or quantity is None:
        yield ExplainedFigure(FigureKind.CHARGES, _FEN, _charges(detail), None, doubt=Doubt.NO_RULE)
        return
    steps = explain(quantity, tariff)
    for told, step in zip_longest(detail.steps, steps):
        shown = step or told
        yield ExplainedFigure(
            FigureKind.STEP,
            _FEN,
            # A step that only one of the two has is nothing for the other.
            told=_amount(told.amount if told else 0) if detail.steps else None,
            reckoned=_amount(step.amount if step else 0),
            rule=tariff.rule,
            source=tariff.source,
            beyond=shown.beyond,
            to=shown.to,
            price=shown.price,
            quantity=step.quantity if step else Decimal(0),
        )
    yield ExplainedFigure(
        FigureKind.CHARGES,
        _FEN,
        told=_charges(detail),
        reckoned=_amount(sum(step.amount for step in steps)),
        rule=tariff.rule,
        source=tariff.source,
    )


def _charges(detail: BillDetail) -> Decimal | None:
    charges = [line.amount for line in detail.lines if line.kind == LineKind.CHARGE]
    return _amount(sum(charges)) if charges else None


def _amount(fen: int) -> Decimal:
    return Decimal(fen)
