"""The registry gives one listing after the other, and a listing never changes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.clock import now
from app.sdk.registry import (
    Closed,
    Listing,
    Payee,
    Registry,
    Service,
    ServiceNotFound,
    ServiceTakesNoPayments,
    ServiceUnavailable,
)
from tests.host.test_guard import DONE, Scripted

TITLE = {"zh": "水费", "en": "Water bill"}
SERVICE = Service("water-bill", "water", TITLE, "living", "bureau", "payable", "pay", "basic")
RESTS = Closed({"zh": "休息", "en": "Resting"})


def listing(**changes: object) -> Listing:
    service = replace(SERVICE, **changes)
    provider = Scripted(lambda: DONE)
    return Listing({service.id: service}, {"water": provider}, {"p": Payee("p", TITLE, "public")})


def test_a_registry_goes_with_the_times_and_a_snapshot_does_not() -> None:
    present = listing()
    registry = Registry.following(lambda: present)
    before = registry.snapshot()
    service, provider = registry.payable("water-bill")
    assert (service, provider) == (SERVICE, before.providers["water"])
    present = Listing({}, {}, {})
    with pytest.raises(ServiceNotFound):
        registry.payable("water-bill")
    assert (registry.services, registry.payees, registry.snapshot().providers) == ({}, {}, {})
    assert before.payable("water-bill") == (SERVICE, provider)


def test_what_is_closed_takes_no_new_payments_and_is_told_of_those_it_has() -> None:
    closed = listing(unavailable=RESTS)
    with pytest.raises(ServiceUnavailable, match="休息 Resting") as caught:
        closed.payable("water-bill")
    assert (caught.value.retry_after, caught.value.extra) == (None, {})
    assert closed.owed("water-bill")[1] is closed.providers["water"]


def test_whoever_may_not_be_called_is_told_nothing() -> None:
    with pytest.raises(ServiceUnavailable):
        replace(listing(unavailable=RESTS), providers={}).owed("water-bill")
    with pytest.raises(ServiceTakesNoPayments):
        replace(listing(), providers={}).owed("water-bill")
    with pytest.raises(ServiceNotFound):
        listing().owed("power-bill")


def test_a_closing_says_when_it_should_be_over() -> None:
    back = now() + timedelta(minutes=5)
    refusal = replace(RESTS, expected_return=back).refusal()
    assert refusal.extra == {"expected_return": back.isoformat()}
    assert refusal.retry_after is not None
    assert 290 < refusal.retry_after <= 300
    late = replace(RESTS, expected_return=now() - timedelta(minutes=5)).refusal()
    assert late.retry_after == 1
