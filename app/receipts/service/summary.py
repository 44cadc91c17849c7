"""A citizen's own receipts: the list, and what a year comes to."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text

from app.core.clock import now
from app.core.db import owned
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork, forbid_open_transaction
from app.receipts.models import Receipt
from app.receipts.service.common import ReceiptsDeps
from app.receipts.service.documents import REASON, keep_certificate
from app.receipts.service.read import view_receipts
from app.receipts.service.summary_pdf import render_summary
from app.receipts.values import RED, Part, ReceiptView, YearSummary, YearTotal

# One statement, so that every figure is of the same moment. A bit of `parts` is set for each of
# the three that a row is not grouped by.
_TOTALS = text("""
    select grouping(category, service, payee) as parts, category, service, payee,
        (array_agg(service_title order by issued_at desc))[1] as service_title,
        (array_agg(payee_title order by issued_at desc))[1] as payee_title,
        count(distinct id) filter (where original_id is null) as receipts,
        count(distinct id) filter (where original_id is not null) as red_letters,
        coalesce(sum(amount) filter (where original_id is null), 0) as issued,
        coalesce(sum(amount) filter (where original_id is not null), 0) as reversed
    from (
        select receipts.id, original_id, issued_at,
            coalesce(section->>'category', '') as category,
            section->>'service' as service, section->'service_title' as service_title,
            section->>'payee' as payee, section->'payee_title' as payee_title,
            (section->>'amount')::bigint as amount
        from receipts, jsonb_array_elements(content->'sections') as section
        where citizen_id = :citizen and series in (:year, :red)
    ) as sections
    group by grouping sets ((category), (service), (payee), ())
    order by sum(amount) desc, category, service, payee
""")
_PARTS = {0b011: Part.CATEGORY, 0b101: Part.SERVICE, 0b110: Part.PAYEE}
_UNKNOWN = {"zh": "其他", "en": "Other"}


def list_receipts(
    uow: UnitOfWork, citizen_id: UUID, year: int | None, page: PageRequest
) -> Page[ReceiptView]:
    """Return a citizen's receipts and red letters, newest first; `year` is the city's."""
    statement = select(Receipt).where(Receipt.citizen_id == citizen_id)
    if year is not None:
        statement = statement.where(Receipt.series.in_([str(year), f"{year}{RED}"]))
    keys = [Receipt.issued_at, Receipt.id]
    found = fetch_page(uow, statement, keys, page, descending=True)
    return Page(view_receipts(uow, found.items), found.next_cursor)


def read_own_receipt(uow: UnitOfWork, receipt_id: UUID, citizen_id: UUID) -> ReceiptView:
    """Return a citizen's own receipt or red letter, or raise `NotFound`."""
    return view_receipts(uow, [owned(uow, Receipt, receipt_id, citizen_id)])[0]


def summarise_year(uow: UnitOfWork, deps: ReceiptsDeps, citizen_id: UUID, year: int) -> YearSummary:
    """Return what a citizen's receipts of a year of the city come to, red letters taken off.

    A red letter counts in the year in which it was issued, also when its receipt is of another.
    """
    values = {"citizen": citizen_id, "year": str(year), "red": f"{year}{RED}"}
    rows = uow.execute(_TOTALS, values).all()
    categories = deps.category_titles()
    parts: dict[Part, list[YearTotal]] = {part: [] for part in Part}
    whole = YearTotal(None, None, 0, 0, 0, 0)
    for row in rows:
        part = _PARTS.get(row.parts)
        if part is None:
            whole = _total(row, None, None)
        else:
            parts[part].append(_total(row, *_name(row, part, categories)))
    return YearSummary(
        year=year,
        currency="CNY",
        as_of=now(),
        total=whole,
        by_category=parts[Part.CATEGORY],
        by_service=parts[Part.SERVICE],
        by_payee=parts[Part.PAYEE],
    )


def sign_summary(uow: UnitOfWork, deps: ReceiptsDeps, citizen_id: UUID, year: int) -> bytes:
    """Return a year's summary as a signed PDF: of this moment, and not kept."""
    with uow.phase():
        summary = summarise_year(uow, deps, citizen_id, year)
    forbid_open_transaction("the signature of a summary")
    signed = deps.seal.sign_pdf(render_summary(summary), summary.as_of, reason=REASON)
    with deps.units.open(actor=uow.actor, request_id=uow.request_id) as other:
        keep_certificate(other, deps)
    return signed


def _name(
    row: Row[Any], part: Part, categories: Mapping[str, Mapping[str, str]]
) -> tuple[str | None, Mapping[str, str]]:
    if part == Part.SERVICE:
        return row.service, row.service_title
    if part == Part.PAYEE:
        return row.payee, row.payee_title
    return row.category or None, categories.get(row.category, _UNKNOWN)


def _total(row: Row[Any], name: str | None, title: Mapping[str, str] | None) -> YearTotal:
    issued, taken = int(row.issued), int(row.reversed)
    return YearTotal(name, title, row.receipts, row.red_letters, issued, taken)
