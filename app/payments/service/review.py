"""Items that a person has to look at: the biller has them after all, or the money goes back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.core.errors import NotFound
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.payments.errors import NotUnderReview
from app.payments.events import ItemClosed
from app.payments.models import BillerPosting, Payment, PaymentItem
from app.payments.values import ItemStatus, PostingStatus


def list_reviews(uow: UnitOfWork, page: PageRequest) -> Page[PaymentItem]:
    """Return the items under review, oldest first; a refund is the other way out."""
    waiting = select(PaymentItem).where(PaymentItem.status == ItemStatus.UNDER_REVIEW)
    return fetch_page(uow, waiting, [PaymentItem.id], page)


def confirm_item(
    uow: UnitOfWork, item_id: UUID, biller_reference: str, fulfilled_at: datetime
) -> PaymentItem:
    """Write down that the biller has an item under review, as a person has found out.

    Saying the same again changes nothing. Raise `NotUnderReview`, also for an item that has let its
    bill go: its money is owed to the payer.
    """
    found = uow.get(PaymentItem, item_id)
    if found is None:
        raise NotFound
    payment = uow.lock(Payment, found.payment_id)
    item = uow.lock(PaymentItem, item_id)
    if item.status == ItemStatus.FULFILLED and item.biller_reference == biller_reference:
        return item
    if item.status != ItemStatus.UNDER_REVIEW or not item.is_live:
        raise NotUnderReview(item_status=item.status)
    posting = uow.get_one(BillerPosting, item.id, with_for_update=True, populate_existing=True)
    posting.status = PostingStatus.CONFIRMED
    item.biller_reference, item.fulfilled_at = biller_reference, fulfilled_at
    closed = ItemClosed(payment_id=payment.id, item_id=item.id)
    uow.move(item, ItemStatus.FULFILLED, cause="staff", fact=closed)
    return item
