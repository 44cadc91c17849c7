"""The rights of a person over what this plug-in keeps about them."""

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import delete, select, update

from app.sdk import House
from plugins.utilities.models import (
    Account,
    Complaint,
    Feed,
    LinkAllowance,
    LookUp,
    Order,
    Reminder,
)
from plugins.utilities.service.accounts import number_of
from plugins.utilities.service.bills import list_all_bills
from plugins.utilities.service.complaints import list_all_complaints
from plugins.utilities.service.json_values import plain_values
from plugins.utilities.service.order_views import list_all_orders


def export_citizen(house: House, citizen_reference: str) -> Mapping[str, object]:
    """Return a citizen's accounts, bills, orders and attempts to link, as JSON values."""
    with house.unit_of_work() as uow:
        accounts = uow.scalars(
            select(Account).where(Account.citizen_reference == citizen_reference)
        ).all()
        bills = list_all_bills(house, uow, citizen_reference)
        orders = list_all_orders(house, uow, citizen_reference)
        complaints = list_all_complaints(house, uow, citizen_reference)
        look_ups = uow.scalars(
            select(LookUp).where(LookUp.citizen_reference == citizen_reference)
        ).all()
        allowance = uow.get(LinkAllowance, citizen_reference)
        feed = uow.get(Feed, citizen_reference)
        reminders = uow.scalars(
            select(Reminder.day).where(Reminder.citizen_reference == citizen_reference)
        ).all()
    return {
        "accounts": [_account(house, account) for account in accounts],
        "bills": [plain_values(asdict(bill)) for bill in bills],
        "orders": [plain_values(asdict(order)) for order in orders],
        "complaints": [plain_values(asdict(one)) for one in complaints],
        "look_ups": [
            {"biller": row.biller, "asked_at": row.asked_at.isoformat(), "found": row.is_found}
            for row in look_ups
        ],
        "reminded_on": [day.isoformat() for day in reminders],
        "calendar_since": feed.made_at.isoformat() if feed else None,
        "link_attempts_until": [at.isoformat() for at in allowance.attempts] if allowance else [],
    }


def erase_citizen(house: House, citizen_reference: str) -> None:
    """Forget a citizen: links, names, attempts, and whose orders were.

    Bills and the amounts of orders stay for the billers' books, and say nothing of who they were.
    """
    with house.unit_of_work() as uow:
        for table in (Account, Feed, LinkAllowance, LookUp, Reminder):
            uow.execute(delete(table).where(table.citizen_reference == citizen_reference))
        uow.execute(
            update(Order)
            .where(Order.citizen_reference == citizen_reference)
            .values(citizen_reference=None, number_sealed=None, token_sealed=None, letterbox="")
        )
        uow.execute(
            update(Complaint)
            .where(Complaint.citizen_reference == citizen_reference)
            .values(citizen_reference=None, letterbox="", words_sealed=None, answer_sealed=None)
        )


def _account(house: House, account: Account) -> dict[str, object]:
    holder = house.vault.unseal(
        account.holder_name_sealed, place=f"accounts|holder_name|{account.id}"
    )
    return {
        "id": str(account.id),
        "biller": account.biller,
        "number": number_of(house, account),
        "holder_name": holder,
        "linked_at": account.linked_at.isoformat(),
    }
