"""Looks at what a provider returns: a plug-in that lies is as good as one that is down."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.core.money import CURRENCIES, MAX_AMOUNT
from app.sdk.provider import REFERENCE, Fulfilment, Payable

LONGEST_TEXT = 200
MOST_PAYABLES = 1_000


class Lie(Exception):
    """An answer is not what the provider promised; the message says in what."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What the manifest allows an answer to name."""

    payees: Collection[str]
    services: Collection[str]


def check_payable(answer: object, declared: Declared, asked: str | None = None) -> Payable:
    """Return a payable that keeps every promise, or raise `Lie`."""
    if not isinstance(answer, Payable):
        raise Lie(f"{type(answer).__name__} was returned, not a Payable")
    _need(_is_reference(answer.reference), "reference")
    _need(asked is None or answer.reference == asked, "reference: another one was asked for")
    _need(_is_title(answer.title), "title: zh and en")
    _need(type(answer.amount) is int and 0 <= answer.amount <= MAX_AMOUNT, "amount")
    _need(answer.currency in CURRENCIES, "currency")
    _need(answer.payee in declared.payees, "payee: not in the manifest")
    _need(answer.due_date is None or type(answer.due_date) is date, "due_date")
    _need(_is_text(answer.version), "version")
    _need(type(answer.contestable) is bool, "contestable")
    only_one = answer.service == "" and len(declared.services) == 1
    _need(only_one or answer.service in declared.services, "service: not in the manifest")
    return answer


def check_payables(answer: object, declared: Declared) -> Sequence[Payable]:
    """Return a list of distinct payables, or raise `Lie`."""
    if not isinstance(answer, list | tuple) or len(answer) > MOST_PAYABLES:
        raise Lie("a list of at most 1,000 payables was promised")
    payables = [check_payable(item, declared) for item in answer]
    _need(len({p.reference for p in payables}) == len(payables), "references: one stands twice")
    return payables


def check_fulfilment(answer: object) -> Fulfilment:
    """Return a confirmation that names the biller's reference and a moment, or raise `Lie`."""
    if not isinstance(answer, Fulfilment):
        raise Lie(f"{type(answer).__name__} was returned, not a Fulfilment")
    _need(_is_text(answer.reference), "reference")
    aware = isinstance(answer.at, datetime) and answer.at.utcoffset() is not None
    _need(aware, "at: a moment with its offset")
    return answer


def check_found(answer: object) -> Fulfilment | None:
    """Return what an inquiry found, or raise `Lie`."""
    return None if answer is None else check_fulfilment(answer)


def _need(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise Lie(what)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and value.isprintable()


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(REFERENCE, value) is not None


def _is_title(value: object) -> bool:
    return isinstance(value, Mapping) and _is_text(value.get("zh")) and _is_text(value.get("en"))
