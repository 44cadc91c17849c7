"""The account plan and the postings, declared in one place, and what a booking is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Kind(StrEnum):
    """What an account is; the sign of a healthy balance follows from it."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"

    @property
    def sign(self) -> int:
        """Return 1 where a debit adds to the account, -1 where a credit does."""
        return 1 if self in {Kind.ASSET, Kind.EXPENSE} else -1


@dataclass(frozen=True, slots=True, order=True)
class AccountRef:
    """An account by its code; it is opened when it is first booked to."""

    code: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Family:
    """A row of the account plan: one account, or one for each owner when `owner` says of what."""

    name: str
    kind: Kind
    title_zh: str
    title_en: str
    owner: str | None = None

    def account(self, owner: str | None = None) -> AccountRef:
        """Return an account of this family; `owner` is given when the family has owners."""
        if (owner is None) != (self.owner is None):
            raise ValueError(f"{self.name}: an owner is {'not ' if self.owner is None else ''}due")
        return AccountRef(self.name if owner is None else f"{self.name}:{owner}", self.kind)

    @property
    def code(self) -> str:
        """Return the code of its accounts, with a place for the owner."""
        return self.name if self.owner is None else f"{self.name}:{{{self.owner}}}"


_CLEARING = Family(
    "clearing", Kind.ASSET, "渠道待清算款", "Money a gateway holds for us", "gateway"
)
_PAYEE = Family("payee", Kind.LIABILITY, "应付收款单位款", "Money owed to a payee", "payee")

PLAN: tuple[Family, ...] = (
    _CLEARING,
    Family("bank", Kind.ASSET, "银行存款", "Money in our account at the bank"),
    Family("disputes", Kind.ASSET, "争议冻结款", "Money that a gateway holds back in a dispute"),
    _PAYEE,
    Family("refunds-payable", Kind.LIABILITY, "应退市民款", "Money on its way back to citizens"),
    Family("suspense", Kind.LIABILITY, "待查款", "Money that belongs to no open payment"),
    Family(
        "bank-in-transit", Kind.LIABILITY, "在途划拨款", "Money that the bank was told to pay out"
    ),
    Family("platform-fee", Kind.INCOME, "平台服务费收入", "What the platform keeps of a payment"),
    Family("gateway-fees", Kind.EXPENSE, "渠道手续费", "What the gateways take, where we bear it"),
    Family("adjustments", Kind.EXPENSE, "差错调整", "Differences that two people have written off"),
)
"""The account plan. Fiscal non-tax revenue is owed to the treasury, which is a payee of its own."""

FAMILIES: Mapping[str, Family] = {family.name: family for family in PLAN}

BANK = FAMILIES["bank"].account()
DISPUTES = FAMILIES["disputes"].account()
REFUNDS_PAYABLE = FAMILIES["refunds-payable"].account()
SUSPENSE = FAMILIES["suspense"].account()
BANK_IN_TRANSIT = FAMILIES["bank-in-transit"].account()
PLATFORM_FEE = FAMILIES["platform-fee"].account()
GATEWAY_FEES = FAMILIES["gateway-fees"].account()
ADJUSTMENTS = FAMILIES["adjustments"].account()


def clearing(gateway: str) -> AccountRef:
    """Return the account of money that a gateway holds for us."""
    return _CLEARING.account(gateway)


def payee(payee_id: str) -> AccountRef:
    """Return the account of what we owe a payee."""
    return _PAYEE.account(payee_id)


def family_of(code: str) -> Family | None:
    """Return the family that an account's code belongs to, or None when the plan has none."""
    name, colon, owner = code.partition(":")
    family = FAMILIES.get(name)
    if family is None or (family.owner is None) == bool(colon) or (colon and not owner):
        return None
    return family


def account_named(code: str) -> AccountRef:
    """Return the account with this code, or raise ValueError when the plan has none."""
    family = family_of(code)
    if family is None:
        raise ValueError(f"{code!r} is not in the account plan")
    return AccountRef(code, family.kind)


@dataclass(frozen=True, slots=True)
class Posting:
    """A row of the table of postings: what a kind of transaction debits, credits, and is once of.

    `debit` and `credit` name families of the plan; `reference` says which object's id is the
    `external_ref`, so that the same object is never booked twice.
    """

    kind: str
    title_zh: str
    title_en: str
    debit: tuple[str, ...]
    credit: tuple[str, ...]
    reference: str
    is_reversible: bool = False


_SHARES = ("payee", "platform-fee")
POSTINGS: Mapping[str, Posting] = {
    posting.kind: posting
    for posting in (
        Posting(
            "payment.captured",
            "收款",
            "Money has come for a payment, split by rule",
            ("clearing",),
            _SHARES,
            "gateway:intent",
        ),
        Posting(
            "payment.late",
            "逾期到账",
            "Money has come for a payment that had ended",
            ("clearing",),
            ("suspense",),
            "gateway:intent",
        ),
        Posting(
            "refund.asked",
            "退款申请",
            "Money is owed to the citizen; the split is taken back in proportion",
            (*_SHARES, "suspense"),
            ("refunds-payable",),
            "refund",
        ),
        Posting(
            "refund.done",
            "退款完成",
            "The gateway has returned the money",
            ("refunds-payable",),
            ("clearing",),
            "refund",
        ),
        Posting(
            "refund.failed",
            "退款失败",
            "The refund could not be made; its shares are given back",
            ("refunds-payable",),
            (*_SHARES, "suspense"),
            "refund",
        ),
        Posting(
            "refund.reversed",
            "退款被退回",
            "A refund that was done has come back to the gateway; its shares are given back",
            ("clearing",),
            (*_SHARES, "suspense"),
            "refund",
        ),
        Posting(
            "gateway.fee",
            "渠道手续费",
            "What the gateway keeps; borne by the platform or by the payee, as the rule says",
            ("gateway-fees", "payee"),
            ("clearing",),
            "gateway:movement",
            is_reversible=True,
        ),
        Posting(
            "gateway.payout",
            "渠道结算到账",
            "The gateway has paid out to our bank",
            ("bank",),
            ("clearing",),
            "gateway:payout",
            is_reversible=True,
        ),
        Posting(
            "dispute.opened",
            "争议冻结",
            "The gateway holds money back",
            ("disputes",),
            ("clearing",),
            "gateway:dispute",
        ),
        Posting(
            "dispute.won",
            "争议胜诉",
            "The gateway has released what it held back",
            ("clearing",),
            ("disputes",),
            "gateway:dispute",
        ),
        Posting(
            "dispute.lost",
            "争议败诉",
            "What was held back is gone; the split is taken back in proportion",
            (*_SHARES, "suspense"),
            ("disputes",),
            "gateway:dispute",
        ),
        Posting(
            "settlement.ordered",
            "划拨指令",
            "A payee's balance was approved to be paid out",
            ("payee",),
            ("bank-in-transit",),
            "settlement line",
        ),
        Posting(
            "settlement.settled",
            "划拨完成",
            "The bank has paid the payee",
            ("bank-in-transit",),
            ("bank",),
            "settlement line",
        ),
        Posting(
            "settlement.returned",
            "划拨退回",
            "The bank could not pay the payee, or the money came back",
            ("bank-in-transit", "bank"),
            ("payee",),
            "settlement line",
        ),
        Posting(
            "correction.reversal",
            "冲正",
            "Two people have undone a booking",
            tuple(FAMILIES),
            tuple(FAMILIES),
            "what it rests on",
        ),
        Posting(
            "correction.adjustment",
            "差错调整",
            "Two people have moved an amount from one account to another",
            tuple(FAMILIES),
            tuple(FAMILIES),
            "what it rests on",
            is_reversible=True,
        ),
    )
}
"""What each movement of money means in the books."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a booking: debit above zero, credit below, minor units."""

    account: AccountRef
    amount: int


@dataclass(frozen=True, slots=True)
class Booking:
    """A transaction to record; (kind, external_ref) makes a repeat harmless."""

    kind: str
    external_ref: str
    subject_id: UUID
    occurred_at: datetime
    lines: Sequence[Line]
    currency: str = "CNY"
    reversal_of: UUID | None = None


class PartKind(StrEnum):
    """How much of an amount a part of a split takes."""

    FIXED = "fixed"
    PERCENT = "percent"
    REMAINDER = "remainder"


class FeeBearer(StrEnum):
    """Who bears what the gateway takes."""

    PLATFORM = "platform"
    PAYEE = "payee"


WHOLE = 1_000_000
"""A hundred percent, in the millionths that a percent part is kept in."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a split: to which account, and how much.

    `size` is fen for a fixed part, millionths of what the fixed parts leave for a percent part,
    and 0 for the remainder. Of two parts that could have the same fen, the lower `priority` does.
    """

    account: str
    kind: PartKind
    size: int
    priority: int


@dataclass(frozen=True, slots=True)
class SplitRule:
    """One version of a rule: how the money for a payee or a service is split from a moment on."""

    applies_to: str
    version: int
    valid_from: datetime
    fee_bearer: FeeBearer
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Portion:
    """One item of a payment that money has come for: whose, for which service, how much."""

    id: UUID
    payee: str
    service: str
    amount: int
    title: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Share:
    """What one account got of a portion."""

    account: AccountRef
    amount: int


@dataclass(frozen=True, slots=True)
class Capture:
    """Money that a gateway has taken in for the portions of one payment."""

    gateway: str
    external_ref: str
    subject_id: UUID
    occurred_at: datetime
    amount: int
    portions: Sequence[Portion]
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class Fee:
    """What a gateway keeps of a movement; below zero when it gives a fee back.

    `subject_id` is the payment that it was taken for, None for what belongs to no payment.
    """

    gateway: str
    reference: str
    amount: int
    occurred_at: datetime
    subject_id: UUID | None = None
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class Payout:
    """Money that a gateway has paid out to our bank; below zero when it took some back."""

    gateway: str
    payout_id: str
    amount: int
    occurred_at: datetime
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class TwoPeople:
    """Who proposed a correction, who approved it, and where the reason for it is kept.

    `grounds` names a record with the reason, such as `staff-request:<id>`; it counts once.
    """

    proposed_by: UUID
    approved_by: UUID
    grounds: str


@dataclass(frozen=True, slots=True)
class CurrencyBalance:
    """The whole book in one currency: `balance` is zero or the books are wrong."""

    currency: str
    debit: int
    credit: int
    balance: int


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What one account holds."""

    code: str
    kind: str
    currency: str
    balance: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Every account and the sum of the whole book, per currency."""

    as_of: datetime
    currencies: Sequence[CurrencyBalance]
    accounts: Sequence[AccountBalance]

    @property
    def is_zero(self) -> bool:
        """Say whether the whole book sums to zero in every currency."""
        return all(one.balance == 0 and one.debit == one.credit for one in self.currencies)


@dataclass(frozen=True, slots=True)
class EntryView:
    """One line as it is shown."""

    line_no: int
    account: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class TransactionView:
    """One transaction as it is shown."""

    id: UUID
    kind: str
    external_ref: str
    subject_id: UUID
    reversal_of: UUID | None
    occurred_at: datetime
    recorded_at: datetime
    entries: Sequence[EntryView]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a payee's account: `net` = `gross` + `fee` + `refunded` + `moved`.

    `gross` is what came for an item, `refunded` what went back of it (below zero), `fee` what the
    platform or the gateway kept (below zero) or gave back, `moved` a payout or a correction.
    """

    kind: str
    subject_id: UUID
    external_ref: str
    title: Mapping[str, Any] | None
    occurred_at: datetime
    recorded_at: datetime
    gross: int
    fee: int
    refunded: int
    moved: int
    net: int
