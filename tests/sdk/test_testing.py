# ruff: noqa: ANN401 - a spoilt provider has any form
"""The contract that plug-ins inherit finds each broken duty."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from app.core.clock import now
from app.core.ids import new_id
from app.host.loader import extend_package, provider_class
from app.host.manifest import read_manifest
from app.host.rules import Ground
from app.host.scaffold import write_plugin
from app.sdk import Citizen, Fulfilment, OutcomeUnknown, Unavailable
from app.sdk.testing import PayableContract, house
from config.settings import ROOT
from tests.host.plugins import new_name

DUTIES = sorted(name for name in dir(PayableContract) if name.startswith("test_"))


def contract(folder: Path, posting: str = "idempotent") -> Any:
    """Return the contract of a provider that keeps it, ready to be run or spoilt."""
    name = new_name()
    ground = Ground(folder / "plugins", folder / "tests", ROOT / "config")
    ground.plugins.mkdir(parents=True)
    write_plugin(ground, name, "payable")
    path = ground.plugins / name / "manifest.toml"
    path.write_text(path.read_text().replace('"idempotent"', f'"{posting}"'))
    extend_package(ground.plugins)
    kind = provider_class(read_manifest(path))
    assert kind is not None
    made: Any = PayableContract()
    made.provider = kind(house({}))
    made.known_reference = "P-1"
    return made


def answers(**changes: object) -> Callable[[Any], None]:
    """Let `get_payable` lie."""

    def spoil(provider: Any) -> None:
        honest = provider.get_payable
        provider.get_payable = lambda *args: replace(honest(*args), **changes)

    return spoil


def finds_everything(provider: Any) -> None:
    honest = provider.get_payable
    provider.get_payable = lambda _, citizen: honest("P-1", citizen)


def changes_its_mind(provider: Any) -> None:
    honest = provider.get_payable
    provider.get_payable = lambda *args: replace(honest(*args), version=str(new_id()))


def forgets_payments(provider: Any) -> None:
    provider.fulfil = lambda notice: Fulfilment(notice.key, now())


def books_twice(provider: Any) -> None:
    provider.fulfil = lambda _: Fulfilment(str(new_id()), now())


def knows_every_key(provider: Any) -> None:
    provider.find_fulfilment = lambda key: Fulfilment(key, now())


def lists_what_cannot_be_paid(provider: Any) -> None:
    payable = provider.get_payable("P-2", Citizen("c"))
    provider.list_payables = lambda _: [replace(payable, amount=1)]


def never_fails(provider: Any) -> None:
    payable = provider.get_payable("P-1", Citizen("c"))
    provider.get_payable = lambda *_: payable


def keeps_people_in_secret(provider: Any) -> None:
    manifest = Path(inspect.getfile(type(provider))).parent / "manifest.toml"
    text = manifest.read_text().replace("personal_data = false", "personal_data = true")
    manifest.write_text(text)


SPOILT = [
    ("test_an_unknown_reference_is_not_found", finds_everything),
    ("test_a_payable_says_what_it_is_in_both_languages", answers(title={"zh": "费", "en": " "})),
    ("test_a_payable_says_what_it_is_in_both_languages", answers(service="another")),
    ("test_an_amount_is_a_positive_whole_number_of_minor_units", answers(amount=15.0)),
    ("test_an_amount_is_a_positive_whole_number_of_minor_units", answers(amount=0)),
    ("test_an_amount_is_a_positive_whole_number_of_minor_units", answers(currency="USD")),
    ("test_the_payee_is_declared_in_the_manifest", answers(payee="me")),
    ("test_asking_twice_changes_nothing", changes_its_mind),
    ("test_what_is_listed_can_be_paid_as_listed", lists_what_cannot_be_paid),
    ("test_a_payable_can_be_paid_once", forgets_payments),
    ("test_a_repeated_notice_gets_the_answer_that_its_posting_promises", books_twice),
    ("test_an_unknown_key_is_never_taken_for_a_payment", knows_every_key),
    ("test_a_biller_that_is_down_is_unavailable", never_fails),
    ("test_personal_data_can_be_taken_along_and_erased", keeps_people_in_secret),
]


def test_every_duty_is_broken_here() -> None:
    assert sorted({duty for duty, _ in SPOILT}) == DUTIES


@pytest.mark.parametrize("duty", DUTIES)
def test_a_provider_that_keeps_its_duties_passes(tmp_path: Path, duty: str) -> None:
    getattr(contract(tmp_path), duty)()


@pytest.mark.parametrize(("duty", "spoil"), SPOILT, ids=[f"{n}" for n in range(len(SPOILT))])
def test_a_provider_that_breaks_a_duty_is_found(
    tmp_path: Path, duty: str, spoil: Callable[[Any], None]
) -> None:
    made = contract(tmp_path)
    spoil(made.provider)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(made, duty)()


def test_a_queryable_biller_must_tell_what_it_booked(tmp_path: Path) -> None:
    made = contract(tmp_path, "queryable")
    made.test_a_repeated_notice_gets_the_answer_that_its_posting_promises()
    made = contract(tmp_path / "other", "queryable")
    made.provider.find_fulfilment = lambda _: None
    with pytest.raises(AssertionError):
        made.test_a_repeated_notice_gets_the_answer_that_its_posting_promises()


def test_a_biller_without_promises_never_denies_a_payment(tmp_path: Path) -> None:
    made = contract(tmp_path, "neither")

    def cannot_tell(key: str) -> Fulfilment | None:
        raise OutcomeUnknown(key)

    duty = "test_a_repeated_notice_gets_the_answer_that_its_posting_promises"
    made.provider.find_fulfilment = cannot_tell
    getattr(made, duty)()
    made.provider.find_fulfilment = lambda _: None
    made.known_reference = "P-2"
    with pytest.raises(AssertionError):
        getattr(made, duty)()


def test_a_house_calls_only_the_loopback_its_settings_name_and_has_no_tables() -> None:
    made = house({"biller_url": "http://127.0.0.1:9/billers", "mode": "sandbox"})
    with pytest.raises(Unavailable):
        made.http.get(made.settings["biller_url"])
    with pytest.raises(Unavailable, match="may not be called"):
        made.http.get("http://127.0.0.1:10/billers")
    with pytest.raises(RuntimeError, match="without a database"):
        made.unit_of_work()
    sealed = made.vault.seal("张伟", place="accounts|name|1")
    assert made.vault.unseal(sealed, place="accounts|name|1") == "张伟"
    file = bytes(range(256)) * 9
    kept = made.vault.seal_bytes(file, place="files|content|1")
    assert file[:16] not in kept
    assert made.vault.unseal_bytes(kept, place="files|content|1") == file
    with pytest.raises(InvalidTag):
        made.vault.unseal_bytes(kept, place="files|content|2")
