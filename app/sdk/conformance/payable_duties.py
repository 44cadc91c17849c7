"""The duties of whoever offers something to be paid, whichever the transport.

Each takes a provider on trial, returns what was seen, and raises `Broken` when it is not kept.
"""

import json

from app.core.clock import now
from app.core.errors import Conflict, NotFound
from app.core.ids import new_id
from app.core.money import CURRENCIES, MAX_AMOUNT
from app.sdk.conformance.duty import Duty, Subject, need, refusal_of
from app.sdk.provider import (
    Fulfilment,
    OutcomeUnknown,
    Payable,
    PaymentNotice,
    PersonalData,
)


def unknown_reference(subject: Subject) -> str:
    """Return how a reference that nobody minted was refused."""
    _, citizen = subject.make_payable()
    reference = subject.unknown_reference
    return refusal_of(lambda: subject.provider.get_payable(reference, citizen), NotFound)


def both_languages(subject: Subject) -> str:
    """Return the title of a payable: it says in both languages what it is."""
    payable = _payable(subject)
    need(bool(payable.title["zh"].strip()), "the Chinese title is empty")
    need(bool(payable.title["en"].strip()), "the English title is empty")
    need(
        payable.service in {"", subject.declared["id"]},
        f"the service is {payable.service!r}, not {subject.declared['id']!r}",
    )
    return payable.title["zh"]


def whole_amounts(subject: Subject) -> str:
    """Return the amount of a payable: a positive whole number of minor units."""
    payable = _payable(subject)
    need(type(payable.amount) is int, f"the amount is {payable.amount!r}")
    need(0 < payable.amount <= MAX_AMOUNT, f"the amount is {payable.amount}")
    need(payable.currency in CURRENCIES, f"the currency is {payable.currency!r}")
    return f"{payable.amount} {payable.currency}"


def declared_payee(subject: Subject) -> str:
    """Return who is paid: a payee of the manifest."""
    payee = _payable(subject).payee
    need(
        payee in {one["id"] for one in subject.manifest["payees"]},
        f"the payee {payee!r} is not declared",
    )
    return payee


def asking_changes_nothing(subject: Subject) -> str:
    """Return what was answered twice, alike."""
    reference, citizen = subject.make_payable()
    first = subject.provider.get_payable(reference, citizen)
    need(first.reference == reference, f"{reference} was asked for, {first.reference} answered")
    second = subject.provider.get_payable(reference, citizen)
    need(second == first, f"first {first}, then {second}")
    return f"version {first.version}, twice"


def listed_as_payable(subject: Subject) -> str:
    """Return how many things are listed: each can be paid as it is listed."""
    _, citizen = subject.make_payable()
    listed = subject.provider.list_payables(citizen)
    for one in listed:
        shown = subject.provider.get_payable(one.reference, citizen)
        need(shown == one, f"listed {one}, asked for {shown}")
    return f"{len(listed)} listed"


def paid_once(subject: Subject) -> str:
    """Return the confirmation of a payment, after which the payable cannot be paid again."""
    reference, citizen = subject.make_payable()
    notice = notice_of(subject.provider.get_payable(reference, citizen))
    done = subject.provider.fulfil(notice)
    need(bool(done.reference), "the confirmation has no reference")
    need(done.at.utcoffset() is not None, f"the moment {done.at} has no offset")
    refused = refusal_of(
        lambda: subject.provider.get_payable(reference, citizen), Conflict, NotFound
    )
    return f"{done.reference}, then {refused}"


def repeated_notice(subject: Subject) -> str:
    """Return what a repeated notice got: what the manifest's `posting` promises."""
    notice = notice_of(_payable(subject))
    first = subject.provider.fulfil(notice)
    posting = subject.declared["posting"]
    if posting == "neither":
        # It may have kept the answer; it never says that there surely was none.
        found = found_under(subject, notice.key)
        need(found in (first, OutcomeUnknown), f"told {first}, found {found}")
        return "it never denies a payment"
    if posting == "queryable":
        found = found_under(subject, notice.key)
        need(found == first, f"told {first}, found {found}")
    again = subject.provider.fulfil(notice)
    need(again == first, f"first {first}, then {again}")
    return f"{first.reference}, twice"


def unknown_key(subject: Subject) -> str:
    """Return what was found under a key that was never told: nothing, or no word."""
    found = found_under(subject, str(new_id()))
    need(found in (None, OutcomeUnknown), f"found {found}")
    return "none" if found is None else "it cannot tell"


def personal_data(subject: Subject) -> str:
    """Return what was taken along and erased, if the provider keeps anything about people."""
    _, citizen = subject.make_payable()
    provider = subject.provider
    says = subject.manifest.get("personal_data", False)
    need(isinstance(provider, PersonalData) == says, f"personal_data is {says} in the manifest")
    if not isinstance(provider, PersonalData):
        return "it keeps none"
    exported = json.dumps(provider.export(citizen))
    need(exported != "{}", "the export says nothing, not even that there is nothing")
    provider.erase(citizen)
    provider.erase(citizen)
    left = provider.export(citizen)
    need(not any(left.values()), f"after erasure there is still {left}")
    return f"{len(exported)} bytes, then nothing"


def notice_of(payable: Payable) -> PaymentNotice:
    """Return the news that a payable was paid, with a key of its own."""
    return PaymentNotice(
        key=str(new_id()),
        reference=payable.reference,
        amount=payable.amount,
        currency=payable.currency,
        paid_at=now(),
        payee=payable.payee,
    )


def _payable(subject: Subject) -> Payable:
    reference, citizen = subject.make_payable()
    return subject.provider.get_payable(reference, citizen)


def found_under(subject: Subject, key: str) -> Fulfilment | type[OutcomeUnknown] | None:
    """Return what the provider has under a key; `OutcomeUnknown` itself when it cannot tell."""
    try:
        return subject.provider.find_fulfilment(key)
    except OutcomeUnknown:
        return OutcomeUnknown


DUTIES: tuple[Duty[Subject], ...] = (
    Duty(
        "unknown-reference",
        "An unknown reference is not found",
        "answer 404 (NotFound) for what you have not minted, never 200 and never 500",
        unknown_reference,
    ),
    Duty(
        "both-languages",
        "A payable says what it is in both languages",
        "fill title.zh and title.en, and name the service of the manifest or none",
        both_languages,
    ),
    Duty(
        "whole-amounts",
        "An amount is a positive whole number of minor units",
        "send fen as a JSON integer, in CNY; what costs nothing is not payable",
        whole_amounts,
    ),
    Duty(
        "declared-payee",
        "The payee is declared in the manifest",
        "add it to `payees` and register that manifest, or name one that is there",
        declared_payee,
    ),
    Duty(
        "asking-changes-nothing",
        "Asking twice changes nothing",
        "let `version` change only when the amount may have changed, and never by being asked",
        asking_changes_nothing,
    ),
    Duty(
        "listed-as-payable",
        "What is listed can be paid as listed",
        "make list and single answer from the same row",
        listed_as_payable,
    ),
    Duty(
        "paid-once",
        "A payable can be paid once",
        "book the payment before you answer; after it answer 409 `already-paid`",
        paid_once,
    ),
    Duty(
        "repeated-notice",
        "A repeated notice gets the answer that its posting promises",
        "keep the answer under its key in the transaction that books, and give it again",
        repeated_notice,
    ),
    Duty(
        "unknown-key",
        "An unknown key is never taken for a payment",
        "answer 404 when surely nothing was booked under a key, 202 when you cannot tell",
        unknown_key,
    ),
    Duty(
        "personal-data",
        "Personal data can be taken along and erased",
        "answer GET and DELETE personal-data, or say `personal_data: false` and keep nothing",
        personal_data,
    ),
)
