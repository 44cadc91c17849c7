"""Stands before every provider: a slow, dead or lying plug-in hurts only itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import orjson

from app.core.egress import NoAnswer
from app.core.errors import Unavailable
from app.core.logs import get_logger
from app.core.unit_of_work import forbid_open_transaction
from app.host.answers import (
    Declared,
    check_found,
    check_fulfilment,
    check_payable,
    check_payables,
)
from app.host.gate import Gate, Refused, is_refusal
from app.sdk.provider import (
    Citizen,
    Fulfilment,
    OutcomeUnknown,
    Payable,
    PayableProvider,
    PaymentNotice,
    PersonalData,
)

READ_SECONDS = 2.0
POST_SECONDS = 8.0
PERSONAL_SECONDS = 8.0
MOST_BYTES = 8 * 1024 * 1024

log = get_logger("host")
T = TypeVar("T")


class GuardedPayable(PayableProvider):
    """A payable provider as the house sees it: it keeps every promise or raises `Unavailable`."""

    def __init__(self, provider: PayableProvider, gate: Gate, declared: Declared) -> None:
        """Take the provider; what stands before it needs no house of its own."""
        self._provider = provider
        self._gate = gate
        self._declared = declared

    def list_payables(self, citizen: Citizen) -> Sequence[Payable]:
        """Return what the citizen owes. Raise `Unavailable`, and refusals as they are."""
        return self._read(
            "list_payables",
            READ_SECONDS,
            lambda: check_payables(self._provider.list_payables(citizen), self._declared),
        )

    def get_payable(self, reference: str, citizen: Citizen) -> Payable:
        """Return what is owed for this reference. Raise `Unavailable`, and refusals as they are."""
        return self._read(
            "get_payable",
            READ_SECONDS,
            lambda: check_payable(
                self._provider.get_payable(reference, citizen), self._declared, reference
            ),
            in_share=True,
        )

    def fulfil(self, notice: PaymentNotice) -> Fulfilment:
        """Return the biller's confirmation.

        Raise `Unavailable` only when the biller surely was not told, the biller's refusals as they
        are, and `OutcomeUnknown` for everything else: the call may have acted.
        """
        call = "fulfil"
        forbid_open_transaction(self._gate.name)
        try:
            return self._gate.run(
                call,
                POST_SECONDS,
                lambda: check_fulfilment(self._provider.fulfil(notice)),
            )
        except Refused as error:
            raise Unavailable from error
        except Exception as error:
            if is_refusal(error) or isinstance(error, Unavailable | OutcomeUnknown):
                raise
            self._tell(call, error)
            if isinstance(error, NoAnswer) and not error.may_have_acted:
                raise Unavailable from error
            raise OutcomeUnknown(f"{self._gate.name} failed while it was told") from error

    def find_fulfilment(self, key: str) -> Fulfilment | None:
        """Return what the biller has under this key. Raise `Unavailable` or `OutcomeUnknown`."""
        return self._read(
            "find_fulfilment",
            POST_SECONDS,
            lambda: check_found(self._provider.find_fulfilment(key)),
            may_be_unknown=True,
        )

    def _read(
        self,
        what: str,
        seconds: float,
        call: Callable[[], T],
        *,
        in_share: bool = False,
        may_be_unknown: bool = False,
    ) -> T:
        forbid_open_transaction(self._gate.name)
        try:
            return self._gate.run(what, seconds, call, in_share=in_share)
        except Refused as error:
            raise Unavailable from error
        except Exception as error:
            if is_refusal(error) or isinstance(error, Unavailable):
                raise
            if may_be_unknown and isinstance(error, OutcomeUnknown):
                raise
            self._tell(what, error)
            raise Unavailable from error

    def _tell(self, what: str, error: Exception) -> None:
        log.error("plugin.failed", plugin=self._gate.name, call=what, exc_info=error)


class GuardedPersonalData(PersonalData):
    """A plug-in's care for personal data as the house sees it: done, or `Unavailable`."""

    def __init__(self, provider: PersonalData, gate: Gate) -> None:
        self._provider = provider
        self._gate = gate

    def export(self, citizen: Citizen) -> Mapping[str, object]:
        """Return everything that is kept about a citizen. Raise `Unavailable` for all else."""
        return self._run("export", lambda: _checked(self._provider.export(citizen)))

    def erase(self, citizen: Citizen) -> None:
        """Let the plug-in forget a citizen. Raise `Unavailable` unless it surely has."""
        self._run("erase", lambda: self._provider.erase(citizen))

    def _run(self, what: str, call: Callable[[], T]) -> T:
        forbid_open_transaction(self._gate.name)
        try:
            return self._gate.run(what, PERSONAL_SECONDS, call)
        except Refused as error:
            raise Unavailable from error
        except Exception as error:
            log.exception("plugin.failed", plugin=self._gate.name, call=what)
            raise Unavailable from error


def _checked(answer: object) -> Mapping[str, object]:
    """Return what a plug-in exports if it is a JSON object of a bearable size, or raise."""
    if not isinstance(answer, Mapping):
        raise TypeError("an export is a mapping")
    if len(orjson.dumps(dict(answer))) > MOST_BYTES:
        raise ValueError("an export of this size is not taken")
    return answer
