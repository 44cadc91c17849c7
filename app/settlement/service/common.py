"""What the room works with, and the two people whom everything takes."""

from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import NoResultFound

from app.core.crypto import Keyring, seal, unseal
from app.core.db import Base
from app.core.errors import NotFound
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork, Units
from app.ledger import service as ledger
from app.ledger.errors import AccountUnknown
from app.ledger.values import payee as payee_account
from app.sdk.registry import Registry
from app.settlement.errors import NotTheSecond
from app.settlement.events import DecisionRefused
from app.settlement.values import Debtor

R = TypeVar("R", bound=Base)
_LOCK = 7_302_063


@dataclass(frozen=True, slots=True)
class SettlementDeps:
    """The collaborators of settlement; nobody is paid out less than `minimum` fen."""

    keyring: Keyring
    units: Units
    registry: Registry
    minimum: int
    debtor: Debtor | None


def lock(uow: UnitOfWork, kind: type[R], record_id: UUID, absent: type[NotFound]) -> R:
    """Return a record with its row locked and as it is now, or raise `absent`."""
    try:
        return uow.lock(kind, record_id)
    except NoResultFound as error:
        raise absent from error


def hold_settlement(uow: UnitOfWork) -> None:
    """Let one batch be drawn up or decided on at a time: each counts on what the others take."""
    uow.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def check_second(uow: UnitOfWork, who: Principal, first: UUID, record_id: UUID) -> None:
    """Raise `NotTheSecond`, and tell the trail, when somebody decides on what they drew up."""
    if who.id == first:
        uow.record(DecisionRefused(record_id=record_id, result="refused"))
        raise NotTheSecond


def title_of(deps: SettlementDeps, payee_id: str) -> dict[str, str]:
    """Return a payee's title; one whom no plug-in names goes by its id."""
    known = deps.registry.payees.get(payee_id)
    return dict(known.title) if known else {"zh": payee_id, "en": payee_id}


def is_payee(uow: UnitOfWork, deps: SettlementDeps, payee_id: str) -> bool:
    """Say whether a plug-in names this payee, or the books know it."""
    if payee_id in deps.registry.payees:
        return True
    try:
        ledger.find_account(uow, payee_account(payee_id).code)
    except AccountUnknown:
        return False
    return True


def seal_field(deps: SettlementDeps, name: str, record_id: UUID, plain: str) -> bytes:
    """Seal a field of a bank account, bound to its row."""
    key = deps.keyring.class_key("settlement_accounts")
    return seal(key, plain.encode(), context=f"settlement_accounts|{name}|{record_id}")


def open_field(deps: SettlementDeps, name: str, record_id: UUID, sealed: bytes) -> str:
    """Return what `seal_field` sealed."""
    key = deps.keyring.class_key("settlement_accounts")
    return unseal(key, sealed, context=f"settlement_accounts|{name}|{record_id}").decode()
