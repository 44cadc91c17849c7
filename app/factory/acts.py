"""The dangerous acts of rooms below the staff's: asked for by one person, approved by another."""

from functools import partial
from uuid import UUID

from app.core.money import MAX_AMOUNT
from app.core.unit_of_work import UnitOfWork
from app.ledger import service as ledger
from app.ledger.values import TwoPeople
from app.staff.service import is_id, number_to
from app.staff.values import Act, Asked, Words

LONGEST_CODE = 80


def acts_of_ledger() -> tuple[Act, ...]:
    """Return the two corrections of the books."""
    correction = partial(Act, may_request="ledger.correct", may_approve="ledger.approve")
    return (
        correction(
            "ledger.reverse",
            Words("冲正凭证", "Reverse a booking"),
            parameters={"transaction_id": is_id},
            execute=_reverse,
            examine=_examine_reversal,
        ),
        correction(
            "ledger.adjust",
            Words("差错调整", "Move an amount between two accounts"),
            parameters={
                "debit": _is_code,
                "credit": _is_code,
                "amount": number_to(MAX_AMOUNT),
                "subject_id": is_id,
            },
            execute=_adjust,
            examine=_examine_adjustment,
        ),
    )


def _is_code(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_CODE


def _people(asked: Asked) -> TwoPeople:
    if asked.approved_by is None:
        raise RuntimeError("an act is done when somebody has approved it")
    return TwoPeople(asked.requested_by, asked.approved_by, f"staff-request:{asked.id}")


def _examine_reversal(uow: UnitOfWork, asked: Asked) -> None:
    ledger.examine_reversal(uow, UUID(asked.parameters["transaction_id"]))


def _reverse(uow: UnitOfWork, asked: Asked) -> None:
    ledger.reverse_transaction(uow, UUID(asked.parameters["transaction_id"]), _people(asked))


def _examine_adjustment(uow: UnitOfWork, asked: Asked) -> None:
    for side in ("debit", "credit"):
        ledger.find_account(uow, asked.parameters[side])


def _adjust(uow: UnitOfWork, asked: Asked) -> None:
    wanted = asked.parameters
    ledger.adjust(
        uow,
        ledger.find_account(uow, wanted["debit"]),
        ledger.find_account(uow, wanted["credit"]),
        wanted["amount"],
        UUID(wanted["subject_id"]),
        _people(asked),
    )
