"""Reversals: postings that a biller takes back, why, and what follows for the citizen."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ReversalReason(StrEnum):
    """Why a biller takes a posting back; each biller's terms say what follows from which."""

    NOT_FUNDED = "not_funded"
    WRONG_ACCOUNT = "wrong_account"
    DUPLICATE = "duplicate"
    BILL_CANCELLED = "bill_cancelled"
    NOT_LOADED = "not_loaded"


class Follows(StrEnum):
    """What follows: the bill is owed again and no money moves, or the money goes back."""

    OWED_AGAIN = "owed_again"
    MONEY_BACK = "money_back"


class ReversalStatus(StrEnum):
    """How far a reversal has come; `unreturnable` is money that was not paid here."""

    OWED_AGAIN = "owed_again"
    RETURNING = "returning"
    RETURNED = "returned"
    UNRETURNABLE = "unreturnable"


class ReversedBy(StrEnum):
    """How we were told: by the biller's own call or file, or by an answer to an inquiry."""

    DESK = "desk"
    FILE = "file"
    INQUIRY = "inquiry"


class LoadStatus(StrEnum):
    """Whether a biller has loaded a prepaid meter that it was told to load."""

    ASKED = "asked"
    LOADED = "loaded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewReversal:
    """A posting that its biller takes back: our key of it, and why."""

    key: str
    reason: ReversalReason


@dataclass(frozen=True, slots=True)
class ReversalView:
    """What became of a reversal; `is_new` is false when it came before."""

    id: UUID
    key: str
    bill_number: str
    amount: int
    reason: str
    follows: str
    status: str
    reversed_at: datetime
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class ReversalLine:
    """A line of a file of reversals, and its place in the file."""

    place: int
    key: str
    bill_number: str
    amount: int
    reason: ReversalReason


@dataclass(frozen=True, slots=True)
class TakenReversals:
    """What became of a file of reversals: how many were new, and how many had come before."""

    lines: int
    total: int
    reversed: int
    unchanged: int
