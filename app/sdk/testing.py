"""What a plug-in's tests inherit: the duties of a provider, and a house to make one with."""

import inspect
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from app.core.crypto import KEY_SIZE, Keyring
from app.core.egress import Egress
from app.core.errors import Unavailable
from app.core.unit_of_work import UnitOfWork
from app.sdk.conformance import payable_duties as duties
from app.sdk.http import HttpClient
from app.sdk.provider import (
    AdmitGuest,
    Announce,
    ApplicationStep,
    ChangeCertificate,
    Citizen,
    FindCertificates,
    Guest,
    House,
    IssueCertificate,
    OpenUnit,
    OutcomeUnknown,
    PayableProvider,
    ReturnPayment,
    Tell,
)
from app.sdk.vault import Vault

_LOOPBACK = {"127.0.0.1", "localhost"}


def house(  # noqa: PLR0913 - each is a name of the door, and has a default
    settings: Mapping[str, str],
    *,
    plugin: str = "test",
    unit_of_work: OpenUnit | None = None,
    return_payment: ReturnPayment | None = None,
    tell: Tell | None = None,
    guest_token: AdmitGuest | None = None,
    announce: Announce | None = None,
    issue_certificate: IssueCertificate | None = None,
    change_certificate: ChangeCertificate | None = None,
    find_certificates: FindCertificates | None = None,
) -> House:
    """Return what a provider is made with in a test.

    Loopback addresses among the settings may be called. Without `unit_of_work` a provider that
    wants to write fails: it has no tables. So does one that returns money to nobody, tells nobody
    something, or issues a certificate.
    """
    parts = [urlsplit(value) for value in settings.values()]
    loopback = frozenset(p.netloc for p in parts if p.scheme == "http" and p.hostname in _LOOPBACK)
    keyring = Keyring(os.urandom(KEY_SIZE), os.urandom(KEY_SIZE), os.urandom(KEY_SIZE))
    return House(
        settings=dict(settings),
        http=HttpClient(Egress(loopback)),
        unit_of_work=unit_of_work or _no_tables,
        vault=Vault.of(keyring, plugin),
        return_payment=return_payment or _no_payments,
        tell=tell or _no_letters,
        guest_token=guest_token or _no_guests,
        announce=announce or _no_followers,
        issue_certificate=issue_certificate or _no_certificates,
        change_certificate=change_certificate or _no_certificates,
        find_certificates=find_certificates or _no_certificates,
    )


def _no_payments(reference: str, *_: object) -> None:
    raise RuntimeError(f"nobody has paid {reference}: give house() a return_payment")


def _no_letters(
    uow: UnitOfWork,  # noqa: ARG001 - as `Tell` has it
    letterbox: str,
    kind: str,
    subject: str,
    **params: str | int | date,
) -> bool:
    said = f"{kind} about {subject}, {params}"
    raise RuntimeError(f"nobody reads {said} at {letterbox!r}: give house() a tell")


def _no_guests(uow: UnitOfWork, service: str, reference: str) -> Guest:  # noqa: ARG001
    raise RuntimeError(f"no guest pays {service} {reference}: give house() a guest_token")


def _no_followers(
    uow: UnitOfWork,  # noqa: ARG001 - as `Announce` has it
    letterbox: str,  # noqa: ARG001 - the same
    service: str,
    reference: str,
    step: ApplicationStep,
    *,
    part: str = "",
) -> None:
    said = f"{service} {reference} {part} is {step}"
    raise RuntimeError(f"nobody follows that {said}: give house() an announce")


def _no_certificates(*_: object, **__: object) -> Any:  # noqa: ANN401 - stands for three of them
    raise RuntimeError("nobody keeps certificates here: give house() what issues or finds them")


def _no_tables() -> AbstractContextManager[UnitOfWork]:
    raise RuntimeError("this provider was made without a database: give house() a unit_of_work")


class PayableContract:
    """What every payable provider owes the house; inherit it and say how to reach the provider.

    The duties are those that a company's own service is tried on (`app.sdk.conformance`).

    A class needs `provider_class` and `known_reference`; each test gets a fresh provider. Where
    more is needed to make one, set `self.provider` in a fixture. Override `make_payable` when each
    test needs a payable of its own, and `break_biller` when the biller is not the provider's
    `biller`. One class is one payable service: name it in `service` when the manifest has several.
    """

    provider: PayableProvider
    provider_class: ClassVar[type[PayableProvider] | None] = None
    settings: ClassVar[Mapping[str, str]] = {}
    known_reference: ClassVar[str] = ""
    service: ClassVar[str] = ""
    unknown_reference: ClassVar[str] = "no-such-reference"

    @pytest.fixture(autouse=True)
    def _fresh_provider(self) -> None:
        if self.provider_class is not None:
            self.provider = self.provider_class(house(self.settings))

    def make_payable(self) -> tuple[str, Citizen]:
        """Return the reference of something unpaid, and a citizen who may pay it."""
        return self.known_reference, Citizen("citizen-of-the-contract")

    def break_biller(self) -> AbstractContextManager[None]:
        """Let the biller be down for the length of a `with`."""
        biller: Any = getattr(self.provider, "biller", None)
        if not hasattr(biller, "down"):
            raise NotImplementedError("say in break_biller() how this biller is made to be down")
        return _down(biller)

    def test_an_unknown_reference_is_not_found(self) -> None:
        duties.unknown_reference(self)

    def test_a_payable_says_what_it_is_in_both_languages(self) -> None:
        duties.both_languages(self)

    def test_an_amount_is_a_positive_whole_number_of_minor_units(self) -> None:
        duties.whole_amounts(self)

    def test_the_payee_is_declared_in_the_manifest(self) -> None:
        duties.declared_payee(self)

    def test_asking_twice_changes_nothing(self) -> None:
        duties.asking_changes_nothing(self)

    def test_what_is_listed_can_be_paid_as_listed(self) -> None:
        duties.listed_as_payable(self)

    def test_a_payable_can_be_paid_once(self) -> None:
        duties.paid_once(self)

    def test_a_repeated_notice_gets_the_answer_that_its_posting_promises(self) -> None:
        duties.repeated_notice(self)

    def test_an_unknown_key_is_never_taken_for_a_payment(self) -> None:
        duties.unknown_key(self)

    def test_personal_data_can_be_taken_along_and_erased(self) -> None:
        duties.personal_data(self)

    def test_a_biller_that_is_down_is_unavailable(self) -> None:
        reference, citizen = self.make_payable()
        payable = self.provider.get_payable(reference, citizen)
        with self.break_biller():
            with pytest.raises(Unavailable):
                self.provider.get_payable(reference, citizen)
            with pytest.raises((Unavailable, OutcomeUnknown)):
                self.provider.fulfil(duties.notice_of(payable))
        assert self.provider.get_payable(reference, citizen) == payable

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Return the manifest that stands beside the provider's code."""
        folder = Path(inspect.getfile(type(self.provider))).parent
        return tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))

    @property
    def declared(self) -> Mapping[str, Any]:
        """Return the payable service that this class is about."""
        services = [s for s in self.manifest["services"] if s["kind"] == "payable"]
        if self.service:
            services = [s for s in services if s["id"] == self.service]
        (service,) = services
        return dict(service)


@contextmanager
def _down(biller: Any) -> Iterator[None]:  # noqa: ANN401 - whatever stands in for a biller
    biller.down = True
    try:
        yield
    finally:
        biller.down = False
