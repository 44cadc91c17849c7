"""The documented test cards: what each number and `pm_card_…` token does when it is charged."""

from dataclasses import dataclass
from typing import Literal

Challenge = Literal["never", "optional", "always", "on setup"]
"""`on setup`: asked for while its owner is there, and no more once it was set up for later."""


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a card was declined, as the error and the failed charge tell it."""

    code: str
    message: str
    decline_code: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One test card and its fate."""

    number: str
    brand: str
    tokens: tuple[str, ...] = ()
    decline: Decline | None = None
    challenge: Challenge = "never"
    refund: Literal["at once", "later", "fails later"] = "at once"
    disputed: bool = False
    funding: str = "credit"
    country: str = "US"
    declines_on_setup: bool = True

    @property
    def last4(self) -> str:
        """Return the part of the number that is shown."""
        return self.number[-4:]


def _declined(reason: str) -> Decline:
    return Decline("card_declined", "Your card was declined.", reason)


FUNDS = Decline("card_declined", "Your card has insufficient funds.", "insufficient_funds")
EXPIRED = Decline("expired_card", "Your card has expired.")
CVC = Decline("incorrect_cvc", "Your card's security code is incorrect.")
PROCESSING = Decline("processing_error", "An error occurred while processing your card.")
UNAUTHENTICATED = Decline(
    "authentication_required",
    "Your card was declined. This payment needs authentication.",
    "authentication_required",
)
NOT_A_TEST_CARD = Decline(
    "card_declined",
    "Your card was declined. This is test mode, and the number is not a test number.",
    "test_mode_live_card",
)

_V, _M = "visa", "mastercard"
CARDS = (
    Card("4242424242424242", _V, ("pm_card_visa", "pm_card_us")),
    Card("4000056655665556", _V, ("pm_card_visa_debit",), funding="debit"),
    Card("4000001560000002", _V, ("pm_card_cn",), country="CN"),
    Card("4000003440000004", _V, ("pm_card_hk",), country="HK"),
    Card("5555555555554444", _M, ("pm_card_mastercard",)),
    Card("2223003122003222", _M),
    Card("5200828282828210", _M, ("pm_card_mastercard_debit",), funding="debit"),
    Card("5105105105105100", _M, ("pm_card_mastercard_prepaid",), funding="prepaid"),
    Card("378282246310005", "amex", ("pm_card_amex",)),
    Card("371449635398431", "amex"),
    Card("6011111111111117", "discover", ("pm_card_discover",)),
    Card("3056930009020004", "diners", ("pm_card_diners",)),
    Card("3566002020360505", "jcb", ("pm_card_jcb",), country="JP"),
    Card("6200000000000005", "unionpay", ("pm_card_unionpay",), country="CN"),
    Card("4000000000000077", _V, ("pm_card_bypassPending",)),
    Card(
        "4000000000000002",
        _V,
        ("pm_card_visa_chargeDeclined", "pm_card_chargeDeclined"),
        _declined("generic_decline"),
    ),
    Card(
        "4000000000009995",
        _V,
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "pm_card_chargeDeclinedInsufficientFunds",
        ),
        FUNDS,
    ),
    Card(
        "4000000000009987",
        _V,
        ("pm_card_visa_chargeDeclinedLostCard", "pm_card_chargeDeclinedLostCard"),
        _declined("lost_card"),
    ),
    Card(
        "4000000000009979",
        _V,
        ("pm_card_visa_chargeDeclinedStolenCard", "pm_card_chargeDeclinedStolenCard"),
        _declined("stolen_card"),
    ),
    Card(
        "4000000000006975",
        _V,
        (
            "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
            "pm_card_chargeDeclinedVelocityLimitExceeded",
        ),
        _declined("card_velocity_exceeded"),
    ),
    Card("4000000000000069", _V, ("pm_card_chargeDeclinedExpiredCard",), EXPIRED),
    Card("4000000000000127", _V, ("pm_card_chargeDeclinedIncorrectCvc",), CVC),
    Card("4000000000000119", _V, ("pm_card_chargeDeclinedProcessingError",), PROCESSING),
    Card(
        "4000000000000341",
        _V,
        ("pm_card_chargeCustomerFail",),
        _declined("generic_decline"),
        declines_on_setup=False,
    ),
    Card("4100000000000019", _V, ("pm_card_radarBlock",), _declined("fraudulent")),
    Card("4000002760003184", _V, ("pm_card_authenticationRequired",), challenge="always"),
    Card("4000002500003155", _V, ("pm_card_authenticationRequiredOnSetup",), challenge="on setup"),
    Card("4000000000003220", _V, ("pm_card_threeDSecure2Required",), challenge="always"),
    Card("4000000000003063", _V, ("pm_card_threeDSecureRequired",), challenge="always"),
    Card("4000000000003055", _V, ("pm_card_threeDSecureOptional",), challenge="optional"),
    Card(
        "4000008400001629",
        _V,
        ("pm_card_threeDSecureRequiredChargeDeclined",),
        _declined("generic_decline"),
        "always",
    ),
    Card(
        "4000008260003178",
        _V,
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",),
        FUNDS,
        "always",
    ),
    Card("4000000000000259", _V, ("pm_card_createDispute",), disputed=True),
    Card("4000000000007726", _V, ("pm_card_pendingRefund",), refund="later"),
    Card("4000000000005126", _V, ("pm_card_refundFail",), refund="fails later"),
)

_BY_NUMBER = {card.number: card for card in CARDS}
_BY_TOKEN = {token: card for card in CARDS for token in card.tokens}


def by_token(token: str) -> Card | None:
    """Return the card behind a `pm_card_…` token."""
    return _BY_TOKEN.get(token)


def by_number(number: str) -> Card:
    """Return the test card with this number; any other number is declined when charged."""
    return _BY_NUMBER.get(number) or Card(number, _V, decline=NOT_A_TEST_CARD)


def passes_luhn(number: str) -> bool:
    """Say whether the check digit of a card number is right."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
