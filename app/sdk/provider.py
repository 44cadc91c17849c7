"""What a plug-in promises the house: one class, constructed once, called through a guard."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from app.core.unit_of_work import UnitOfWork
from app.sdk.http import HttpClient
from app.sdk.vault import Vault


@dataclass(frozen=True, slots=True)
class Citizen:
    """A citizen as one plug-in sees them: a reference that no other plug-in shares.

    `attributes` holds only what the manifest names (`citizen_attributes`) and the citizen has
    consented to, or the manifest has a legal basis for (`attributes_basis`), such as `name`. There
    is no citizen id and no token in it. `letterbox` is a text to keep for `House.tell`, of at most
    200 characters and another one each time; it names nobody.
    """

    reference: str
    assurance: str = "basic"
    attributes: Mapping[str, str] = field(default_factory=dict)
    letterbox: str = field(default="", compare=False, repr=False)


REFERENCE = r"[A-Za-z0-9._:-]{1,64}"
"""What the reference of a payable looks like: it stands in addresses and on receipts."""


@dataclass(frozen=True, slots=True)
class Payable:
    """Something that can be paid once: a bill, a fine, a fee.

    `reference` is minted by the plug-in, unique within it, and names one thing payable once: an
    instalment or a top-up gets a new one. It is 1 to 64 letters, digits, `.`, `_`, `:` or `-`.
    `amount` is in minor units of `currency`. `payee` is an id of the manifest's `[[payees]]`.
    `version` changes whenever the amount may have changed. `service` may be left empty by a plug-in
    with a single payable service. What is `contestable` can still be objected to, and is never
    taken by a standing order.
    """

    reference: str
    title: Mapping[str, str]
    amount: int
    currency: str
    payee: str
    due_date: date | None
    version: str
    service: str = ""
    contestable: bool = False


@dataclass(frozen=True, slots=True)
class PaymentNotice:
    """The news that a payable was paid; `key` is permanent and the same on each repeat."""

    key: str
    reference: str
    amount: int
    currency: str
    paid_at: datetime
    payee: str


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """What the biller says of a payment notice: its own reference, and when it took effect."""

    reference: str
    at: datetime


class OutcomeUnknown(Exception):
    """The biller may have acted or not: the house asks `find_fulfilment`, never resends blind."""


ReturnPayment = Callable[[str, int | None, str], None]
"""A reference of the plug-in's, an amount or None for all that is left, and a reason."""

OpenUnit = Callable[[], AbstractContextManager[UnitOfWork]]


class Tell(Protocol):
    """Tells citizens what a plug-in has to say."""

    def __call__(
        self, uow: UnitOfWork, letterbox: str, kind: str, subject: str, **params: str | int | date
    ) -> bool:
        """Put a message into a citizen's inbox and queue its SMS, in the caller's transaction.

        `kind` is one of the plug-in's `notices.toml`, and `params` are exactly those that it names:
        `amount` in fen is shown in yuan, a `datetime` in the city's time.
        `subject` says what it is about: the same kind about the same subject is told once, and
        False says that it had been, or that the citizen has closed the account. Raise `ValueError`
        for a letterbox of somebody else's, and for other params.
        """


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody without an account who may pay one thing.

    `token` goes to them, until `expires_at`; `reference` is the `Citizen.reference` with which
    `get_payable` is asked for them.
    """

    token: str = field(repr=False)
    expires_at: datetime
    reference: str


class AdmitGuest(Protocol):
    """Lets somebody without an account pay one thing."""

    def __call__(self, uow: UnitOfWork, service: str, reference: str) -> Guest:
        """Return a guest who may pay this payable for half an hour, in the caller's transaction.

        Whoever calls has had two facts proven, counts attempts, and lets `get_payable` know the
        guest's reference. Each call makes another guest. Raise `ValueError` for a service that is
        not payable or somebody else's.
        """


class ApplicationStep(StrEnum):
    """How an application goes on, in words that are the same for every service of the city.

    `returned` waits for the applicant; `decided` is one part of several; the last four end it.
    """

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    DECIDED = "decided"
    COMPLETED = "completed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class Announce(Protocol):
    """Lets integrators that follow a service know how an application goes on."""

    def __call__(
        self,
        uow: UnitOfWork,
        letterbox: str,
        service: str,
        reference: str,
        step: ApplicationStep,
        *,
        part: str = "",
    ) -> None:
        """Announce a step when `uow` commits, to whom staff lets follow the service.

        They are told the service, the reference, the part and the moment, and the citizen only by
        the name they know them by themselves. References and parts are texts as a payable's, and
        name nobody. Each call is one announcement: make it where the step is made. Raise
        `ValueError` for a service that is not the plug-in's to apply for, and for a letterbox of
        somebody else's.
        """


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate (电子证照) as plug-ins see it: without what it says.

    `status` is `active`, `suspended`, `revoked`, `expired` or `replaced`, as it is at this moment;
    `reference` is that of the plug-in that issued it. `valid_until` is its last day, None when it
    has no end.
    """

    number: str
    type: str
    status: str
    reference: str
    issued_at: datetime
    valid_until: date | None


class IssueCertificate(Protocol):
    """Issues certificates of the types in the plug-in's `certificates.toml`."""

    def __call__(
        self,
        uow: UnitOfWork,
        letterbox: str,
        type_id: str,
        fields: Mapping[str, str],
        *,
        valid_until: date | None,
        reference: str,
        replaces: str = "",
    ) -> Certificate:
        """Issue a certificate to whoever has this letterbox, in the caller's transaction.

        The same `reference` again is the same certificate, however many call at once; the fields
        of the first count. With `replaces`, the number of one of the same type and holder, that
        one is replaced. Raise `ValueError` for fields or an end that are not of the type,
        `NotFound` when the account is closed or there is nothing to replace, and `Conflict` when
        the reference names another certificate or the one to replace is over.
        """


class ChangeCertificate(Protocol):
    """Changes the state of certificates that the plug-in has issued."""

    def __call__(self, uow: UnitOfWork, number: str, state: str, reason: str) -> Certificate:
        """Make a certificate `suspended`, `active` again, or `revoked` for good.

        In the caller's transaction. The state that it has already is no change. `reason` is a few
        words in kebab-case, which the holder reads. Raise `NotFound` for one that the plug-in has
        not issued, and `Conflict` when it is over.
        """


class FindCertificates(Protocol):
    """Finds what a citizen holds, so that nobody is asked for a paper that the city has issued."""

    def __call__(self, uow: UnitOfWork, letterbox: str, type_id: str) -> Sequence[Certificate]:
        """Return the certificates of a type that a citizen holds and that hold now, newest first.

        A type of another plug-in's stands in `[[needs]]` of `certificates.toml`, and the citizen
        reads that it was looked for. Raise `ValueError` for any other.
        """


@dataclass(frozen=True, slots=True)
class House:
    """What the house gives a provider: its settings, a way out, a way to write, and its vault.

    `unit_of_work()` opens a transaction on the plug-in's own schema; none is open when the house
    calls a provider, and none may be open while `http` is used. `vault` seals personal data.

    `return_payment(reference, amount, reason)` has money of something paid sent back to the payer,
    a part or (None) all that is left: when a contest is won, say. The same reference and reason
    again is the same return, so call it from a job and let it run again. Raise `NotFound` when it
    was not paid here, and `Conflict` when there is not so much to return, or not now.

    `tell(uow, letterbox, kind, subject, …)` tells a citizen something when `uow` commits.
    `guest_token(uow, service, reference)` lets somebody without an account pay one thing.
    `announce(uow, letterbox, service, reference, step)` tells integrators of an application.
    `issue_certificate`, `change_certificate` and `find_certificates` are for certificates.
    """

    settings: Mapping[str, str]
    http: HttpClient
    unit_of_work: OpenUnit
    vault: Vault
    return_payment: ReturnPayment
    tell: Tell
    guest_token: AdmitGuest
    announce: Announce
    issue_certificate: IssueCertificate
    change_certificate: ChangeCertificate
    find_certificates: FindCertificates


class Provider:
    """A plug-in's class; it is made once in each process and shared between threads."""

    def __init__(self, house: House) -> None:
        self.house = house


class PayableProvider(Provider, ABC):
    """Promises that something can be paid.

    Every method may raise `Unavailable` (nothing happened, try again). No transaction is open when
    the house calls; each call has a deadline, and at most four are in flight in a process.
    """

    @abstractmethod
    def list_payables(self, citizen: Citizen) -> Sequence[Payable]:
        """Return what this citizen owes now, in any order.

        Called for `GET /v1/me/payables`, together with every other plug-in. May be called at any
        time and any number of times; must change nothing that the biller can see.
        """

    @abstractmethod
    def get_payable(self, reference: str, citizen: Citizen) -> Payable:
        """Return what is owed for a reference right now.

        Called when a payment is started, before money moves. Raise `NotFound` when it does not
        exist or this citizen may not pay it, and `Conflict` with code `already-paid` when it was
        paid. May be called any number of times.
        """

    @abstractmethod
    def fulfil(self, notice: PaymentNotice) -> Fulfilment:
        """Tell the biller that the money has come, and return its confirmation.

        Called after the money was captured. Called again with the same key when an answer was lost
        and the manifest declares `posting = "idempotent"`: the second call must answer as the
        first. Raise `Conflict`, `NotFound` or `Invalid` when the biller refuses for good (the
        house then refunds the citizen by itself), and `OutcomeUnknown` when it may have acted.
        """

    @abstractmethod
    def find_fulfilment(self, key: str) -> Fulfilment | None:
        """Return the biller's confirmation for a key, or None when it surely has none.

        Called after `OutcomeUnknown` when the manifest declares `posting = "queryable"` (or
        `"idempotent"`, when the biller offers an inquiry too). Raise `OutcomeUnknown` when the
        biller cannot tell.
        """


class PersonalData(ABC):
    """Promises the rights of a person over what the plug-in keeps (`personal_data = true`)."""

    @abstractmethod
    def export(self, citizen: Citizen) -> Mapping[str, object]:
        """Return everything kept about this citizen as JSON values. May be called any time."""

    @abstractmethod
    def erase(self, citizen: Citizen) -> None:
        """Remove everything kept about this citizen, for good. A second call does nothing."""


class Periodic(ABC):
    """Promises to look after what time brings: reminders, deadlines, what must be tried again."""

    @abstractmethod
    def attend(self) -> None:
        """Do what is due now, a bounded part of it, and come back within ten seconds.

        Called by a worker about three times a minute, with no transaction open; not while the
        plug-in is suspended. Another worker may call before this call has come back, and any call
        may be the last: claim what you do by a row of your own, and let it run again. What is
        raised is logged, and the next call comes all the same.
        """
