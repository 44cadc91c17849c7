"""Applications that cost something, and what is asked of their fees."""

from typing import Any
from uuid import UUID

from app.factory import Rooms
from app.sdk import Citizen, Payable, PaymentNotice, new_id, now
from plugins.permits import service
from plugins.permits.values.tasks import Verdict
from tests.payments.helpers import Bill
from tests.plugins.permits.answers import MOVING_ALONE
from tests.plugins.permits.office import APPROVED, Office, rows

POLICE = "public-security-bureau"
ID_CARD: dict[str, Any] = {**MOVING_ALONE, "new-id-card": True}
"""Four tasks of one department, the last of which costs twenty yuan."""
PRICE = 2_000
BOOKS = (
    "select status, payment_key is not null, return_reason from plugin_permits.fees "
    "where application_id = :id"
)


def asked(office: Office, citizen: Citizen) -> UUID:
    """Return an accepted application whose fee is owed."""
    return office.accepted(citizen, ID_CARD, "moving-in").id


def reference_of(office: Office, citizen: Citizen, application_id: UUID) -> str:
    """Return the reference of the one fee of an application."""
    (fee,) = office.shown(citizen, application_id).fees
    return fee.reference


def notice_of(reference: str, amount: int = PRICE) -> PaymentNotice:
    """Return the news that a fee was paid."""
    return PaymentNotice(
        key=str(new_id()),
        reference=reference,
        amount=amount,
        currency="CNY",
        paid_at=now(),
        payee="shiyan-permit-treasury",
    )


def decide_all(office: Office, citizen: Citizen, application_id: UUID, **verdicts: Verdict) -> None:
    """Have everything decided; a verdict is named as its task, with underscores."""
    while ready := [
        task for task in office.shown(citizen, application_id).tasks if task.status == "ready"
    ]:
        for task in ready:
            verdict = verdicts.get(task.template.replace("-", "_"), APPROVED)
            if office.states(citizen, application_id)[task.template] == "ready":
                office.decided(task.id, task.department, verdict)


def books(rooms: Rooms, application_id: UUID) -> list[tuple[Any, ...]]:
    """Return of each fee its state, whether money came, and why it goes back."""
    return rows(rooms, BOOKS, id=application_id)


def listed(office: Office, citizen: Citizen) -> list[Payable]:
    """Return what a citizen owes."""
    return list(service.list_payables(office.house, citizen))


def bill(fee: dict[str, Any]) -> Bill:
    """Return a fee as the helpers of payments take it."""
    return Bill("permit-fee", fee["reference"], fee["amount"], "", "", "", "")
