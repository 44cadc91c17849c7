# ruff: noqa: ANN401 - changes of an entry are of any type
"""Who provides what right now: one snapshot after the other, made of plug-ins and the roster."""

import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.core.egress import Egress
from app.core.errors import NotFound, Unavailable
from app.core.unit_of_work import UnitOfWork
from app.factory import Rooms
from app.host.canary import is_in_share
from app.host.hosted import Current
from app.host.remotes import ON_TRIAL, Remotes
from app.host.roster import OFFERED_NO_MORE, Roster, compose
from app.providers.values import ProviderKey, ProviderStatus, RosterEntry, Transport
from app.sdk.provider import Citizen, PayableProvider, PaymentNotice
from app.sdk.registry import Closed, Listing, Payee, ServiceUnavailable
from app.sdk.remote import City
from tests.host.conftest import Logs
from tests.sdk.remote_house import KEY_ID, Company, open_company
from tests.sdk.test_remote import make_city

REASON = {"zh": "账目有误，暂停服务。", "en": "Its bills were wrong; it rests."}
BACK = datetime(2026, 12, 1, tzinfo=UTC)
CLOSURE = Closed(REASON, BACK)
NOBODY = Current(Listing({}, {}, {}), {}, {})
_S = ProviderStatus


def manifest(name: str = "parking", **changes: Any) -> Mapping[str, Any]:
    """Return what a parking company says of itself."""
    service = {
        "id": f"{name}-fee",
        "title": {"zh": "停车费", "en": "Parking fee"},
        "category": "transport",
        "department": "parking-company",
        "kind": "payable",
        "action": "pay",
        "assurance": "basic",
        "posting": "idempotent",
        "keywords": ["停车"],
    }
    return {
        "contract": 1,
        "name": name,
        "title": {"zh": "停车公司", "en": "Parking company"},
        "owner": "parking-company",
        "base_url": "https://parking.example",
        "payees": [{"id": f"{name}-company", "title": service["title"], "kind": "public"}],
        "services": [service],
        **changes,
    }


def entry(name: str = "parking", state: ProviderStatus = _S.LIVE, **changes: Any) -> RosterEntry:
    """Return a remote provider of the roster."""
    given = RosterEntry(
        name=name,
        transport=Transport.REMOTE,
        state=state,
        is_published=state in {_S.CANARY, _S.LIVE, _S.SUSPENDED},
        manifest=manifest(name),
        closed=CLOSURE if state is _S.SUSPENDED else None,
    )
    return replace(given, **changes)


def plugin(name: str, **changes: Any) -> RosterEntry:
    """Return a plug-in of the roster."""
    given = RosterEntry(name, Transport.IN_PROCESS, _S.LIVE, is_published=True)
    return replace(given, **changes)


@pytest.fixture(scope="module")
def city() -> City:
    return make_city()


@pytest.fixture
def remotes(city: City) -> Remotes:
    return Remotes(city, Egress())


def test_a_live_provider_is_in_beside_the_plugins(rooms: Rooms, remotes: Remotes) -> None:
    alone = rooms.hosted.alone
    found = compose(alone, [plugin("utilities"), entry()], remotes)
    service, provider = found.listing.payable("parking-fee")
    assert (service.plugin, service.posting, service.unavailable) == ("parking", "idempotent", None)
    assert isinstance(provider, PayableProvider)
    assert found.listing.payees["parking-company"].title["en"] == "Parking fee"
    assert found.manifests["parking"].title["zh"] == "停车公司"
    assert found.listing.payable("water-bill") == alone.listing.payable("water-bill")
    assert set(found.listing.services) == {*alone.listing.services, "parking-fee"}
    assert found.personal_data == alone.personal_data
    assert found.shut == {}


@pytest.mark.parametrize("state", [_S.APPLIED, _S.DOCUMENT_REVIEW, _S.SANDBOX])
def test_who_is_not_published_is_not_there(remotes: Remotes, state: ProviderStatus) -> None:
    assert compose(NOBODY, [entry(state=state)], remotes) == NOBODY
    assert compose(NOBODY, [entry(state=_S.CONFORMANCE_PASSED)], remotes) == NOBODY


def test_a_suspended_provider_says_why_and_is_never_called(remotes: Remotes) -> None:
    said = manifest(personal_data=True)
    found = compose(NOBODY, [entry(state=_S.SUSPENDED, manifest=said)], remotes)
    with pytest.raises(ServiceUnavailable, match="账目有误") as caught:
        found.listing.payable("parking-fee")
    assert caught.value.extra == {"expected_return": BACK.isoformat()}
    with pytest.raises(ServiceUnavailable):
        found.listing.owed("parking-fee")
    assert found.listing.payable_plugins() == {}
    assert found.personal_data == {"parking": None}
    assert set(found.listing.payees) == {"parking-company"}


def test_a_service_that_its_provider_lets_rest_takes_nothing_new(remotes: Remotes) -> None:
    found = compose(NOBODY, [entry(paused={"parking-fee": CLOSURE})], remotes)
    with pytest.raises(ServiceUnavailable, match="Its bills were wrong"):
        found.listing.payable("parking-fee")
    assert found.listing.owed("parking-fee")[0].unavailable == Closed(REASON, BACK)


def test_who_leaves_is_still_told_of_what_was_paid_and_still_settled(remotes: Remotes) -> None:
    said = manifest(personal_data=True)
    leaving = compose(NOBODY, [entry(state=_S.OFFBOARDING, manifest=said)], remotes)
    with pytest.raises(ServiceUnavailable, match="offered no more"):
        leaving.listing.payable("parking-fee")
    assert leaving.listing.owed("parking-fee")[0].unavailable == OFFERED_NO_MORE
    assert leaving.personal_data["parking"] is not None
    assert leaving.listing.payable_plugins() == {}, "nobody is asked what citizens owe any more"
    gone = compose(NOBODY, [entry(state=_S.GONE, manifest=said)], remotes)
    assert (gone.listing.services, gone.listing.providers, gone.personal_data) == ({}, {}, {})
    assert gone.listing.payees["parking-company"].kind == "public"


@pytest.mark.parametrize(
    "broken",
    [
        entry(manifest={"services": [{"id": "parking-fee"}]}),
        entry(manifest=manifest(payees="nobody")),
        entry(manifest={name: value for name, value in manifest().items() if name != "base_url"}),
    ],
    ids=["fields", "payees", "address"],
)
def test_one_that_cannot_be_taken_in_keeps_nobody_away(
    remotes: Remotes, broken: RosterEntry, logs: Logs
) -> None:
    found = compose(NOBODY, [broken, entry("second")], remotes)
    assert set(found.listing.services) == {"second-fee"}
    assert [line["provider"] for line in logs if line["event"] == "provider.left_out"] == [
        "parking"
    ]


def test_nobody_takes_anothers_name_service_or_payee(
    rooms: Rooms, remotes: Remotes, logs: Logs
) -> None:
    alone = rooms.hosted.alone
    taken = manifest()
    taken["services"][0]["id"] = "water-bill"
    payee = manifest()
    payee["payees"][0]["id"] = next(iter(alone.listing.payees))
    thieves = [entry("utilities"), entry("a", manifest=taken), entry("b", manifest=payee)]
    found = compose(alone, thieves, remotes)
    assert found.listing == alone.listing
    told = {line["provider"] for line in logs if line["event"] == "provider.left_out"}
    assert told == {"utilities", "a", "b"}


def test_a_plugin_is_switched_off_by_the_same_switch(rooms: Rooms, remotes: Remotes) -> None:
    alone = rooms.hosted.alone
    found = compose(alone, [plugin("utilities", state=_S.SUSPENDED, closed=CLOSURE)], remotes)
    for service in ("water-bill", "power-bill"):
        with pytest.raises(ServiceUnavailable, match="Its bills were wrong"):
            found.listing.payable(service)
    others = {n: p for n, p in alone.listing.payable_plugins().items() if n != "utilities"}
    assert found.listing.payable_plugins() == others
    assert found.shut == {"utilities": Closed(REASON, BACK)}
    assert found.personal_data == {**alone.personal_data, "utilities": None}
    assert found.listing.payees == alone.listing.payees
    paused = compose(alone, [plugin("utilities", paused={"water-bill": CLOSURE})], remotes)
    with pytest.raises(ServiceUnavailable):
        paused.listing.payable("water-bill")
    assert paused.listing.payable("power-bill") == alone.listing.payable("power-bill")
    assert paused.shut == {}


def test_a_quarantined_plugin_keeps_its_own_reason(rooms: Rooms, remotes: Remotes) -> None:
    alone = rooms.hosted.alone
    own = Closed({"zh": "维修", "en": "Repair"})
    services = {
        name: replace(service, unavailable=own) for name, service in alone.listing.services.items()
    }
    broken = replace(alone, listing=replace(alone.listing, services=services))
    found = compose(broken, [plugin("utilities", state=_S.SUSPENDED, closed=CLOSURE)], remotes)
    assert found.listing.services["water-bill"].unavailable == own


def test_the_moment_of_the_last_change_is_handed_on(remotes: Remotes) -> None:
    found = compose(NOBODY, [entry(payables_changed_at=BACK)], remotes)
    assert found.listing.changed_at == {"parking": BACK}


@given(reference=st.text(max_size=40), share=st.integers(0, 99))
def test_whoever_is_in_a_share_stays_in_when_it_grows(reference: str, share: int) -> None:
    assert is_in_share(reference, 100)
    assert not is_in_share(reference, 0)
    assert is_in_share(reference, share + 1) or not is_in_share(reference, share)


def test_a_share_is_about_as_large_as_it_says() -> None:
    inside = sum(is_in_share(f"citizen-{n}", 5) for n in range(10_000))
    assert 400 < inside < 600


def people(percent: int) -> tuple[Citizen, Citizen]:
    """Return a citizen of a share and one outside it."""
    names = [f"citizen-{n}" for n in range(1_000)]
    inside = next(name for name in names if is_in_share(name, percent))
    outside = next(name for name in names if not is_in_share(name, percent))
    return Citizen(inside), Citizen(outside)


@pytest.fixture
def company(city: City) -> Iterator[Company]:
    with open_company(Company(city_key=city.signer.key.public_key())) as made:
        made.issue("P-1")
        yield made


def hosted(company: Company, **changes: Any) -> RosterEntry:
    """Return a company as an entry of the roster."""
    public = company.key.public_key().public_bytes_raw()
    key = ProviderKey(KEY_ID, urlsafe_b64encode(public).rstrip(b"=").decode())
    said = {**changes.pop("manifest", manifest()), "base_url": company.base}
    return entry(manifest=said, keys=(key,), **changes)


def calling(city: City, company: Company) -> Remotes:
    return Remotes(city, Egress(frozenset({urlsplit(company.base).netloc})))


def test_a_canary_has_something_to_pay_for_its_share_alone(city: City, company: Company) -> None:
    inside, outside = people(5)
    canary = hosted(company, state=_S.CANARY, canary_percent=5)
    found = compose(NOBODY, [canary], calling(city, company))
    service, provider = found.listing.payable("parking-fee")
    assert service.trial == ON_TRIAL
    assert [p.reference for p in provider.list_payables(inside)] == ["P-1"]
    assert provider.get_payable("P-1", inside).amount == 500
    asked = len(company.calls)
    assert provider.list_payables(outside) == ()
    with pytest.raises(ServiceUnavailable, match="小范围试运行"):
        provider.get_payable("P-1", outside)
    assert len(company.calls) == asked
    notice = PaymentNotice("k-1", "P-1", 500, "CNY", BACK, "parking-company")
    assert provider.fulfil(notice) == provider.find_fulfilment("k-1")


def test_what_a_breaker_has_learnt_outlives_a_refresh(city: City, company: Company) -> None:
    remotes = calling(city, company)
    before = compose(NOBODY, [hosted(company)], remotes).listing.providers["parking"]
    assert isinstance(before, PayableProvider)
    with company.failing("signed 503"):
        for _ in range(10):
            with pytest.raises(Unavailable):
                before.get_payable("P-1", Citizen("c"))
    asked = len(company.calls)
    changed = hosted(company, payables_changed_at=BACK)
    after = compose(NOBODY, [changed], remotes).listing.providers["parking"]
    assert isinstance(after, PayableProvider)
    assert after is not before
    with pytest.raises(Unavailable):
        after.get_payable("P-1", Citizen("c"))
    assert len(company.calls) == asked


def test_an_answer_that_the_manifest_does_not_allow_is_a_failure(
    city: City, company: Company
) -> None:
    company.issue("P-2", payee="somebody-else")
    company.issue("P-3", service="water-bill")
    found = compose(NOBODY, [hosted(company)], calling(city, company))
    (provider,) = found.listing.providers.values()
    assert isinstance(provider, PayableProvider)
    for reference in ("P-2", "P-3"):
        with pytest.raises(Unavailable):
            provider.get_payable(reference, Citizen("c"))
    with pytest.raises(NotFound):
        provider.get_payable("P-4", Citizen("c"))


class Reader:
    """A room of providers that says what the test says; it counts how often it is asked."""

    def __init__(self, *entries: RosterEntry) -> None:
        self.epoch = 1
        self.entries: Sequence[RosterEntry] = entries
        self.asked = self.read = 0
        self.error: Exception | None = None
        self.gate: threading.Event | None = None
        self.waits = threading.Event()

    def read_epoch(self, uow: UnitOfWork) -> int:
        """Return the number, after waiting for the test."""
        self.asked += 1
        assert uow.scalar(text("select 1")) == 1
        if self.gate is not None:
            self.waits.set()
            assert self.gate.wait(20)
        if self.error is not None:
            raise self.error
        return self.epoch

    def read_roster(self, uow: UnitOfWork) -> tuple[int, Sequence[RosterEntry]]:
        """Return everything."""
        self.read += 1
        return self.epoch, self.entries


def roster(rooms: Rooms, reader: Reader, remotes: Remotes, *, seconds: float = 0.0) -> Roster:
    return Roster(NOBODY, rooms.units, reader, remotes, seconds=seconds)


def test_the_number_is_asked_once_in_a_while_and_the_roster_read_when_it_changed(
    rooms: Rooms, remotes: Remotes
) -> None:
    reader = Reader(entry())
    rarely = roster(rooms, reader, remotes, seconds=1_000)
    assert {len(rarely.listing().services) for _ in range(50)} == {1}
    assert (reader.asked, reader.read) == (1, 1)
    always = roster(rooms, reader, remotes)
    first = always.current()
    assert all(always.current() is first for _ in range(5))
    assert (reader.asked, reader.read) == (7, 2)
    reader.epoch, reader.entries = 2, ()
    assert always.listing().services == {}
    assert set(first.listing.services) == {"parking-fee"}
    assert always.manifest("parking") is None
    assert reader.read == 3


def test_the_others_go_on_while_one_asks(rooms: Rooms, remotes: Remotes) -> None:
    reader = Reader(entry())
    held = roster(rooms, reader, remotes)
    first = held.current()
    reader.epoch, reader.entries = 2, ()
    reader.gate = threading.Event()
    seen: list[Current] = []
    asking = threading.Thread(target=lambda: seen.append(held.current()))
    asking.start()
    assert reader.waits.wait(20)
    assert [held.current() is first for _ in range(5)] == [True] * 5
    assert reader.asked == 2
    reader.gate.set()
    asking.join(20)
    reader.gate = None
    assert [current.listing.services for current in seen] == [{}]


def test_the_last_one_is_served_while_the_database_is_away(
    rooms: Rooms, remotes: Remotes, logs: Logs
) -> None:
    reader = Reader(entry())
    reader.error = OperationalError("select", None, Exception("away"))
    held = roster(rooms, reader, remotes)
    assert held.current() is NOBODY
    reader.error = None
    served = held.current()
    assert set(served.listing.services) == {"parking-fee"}
    reader.epoch, reader.error = 2, OperationalError("select", None, Exception("away"))
    assert [held.current() is served for _ in range(3)] == [True] * 3
    reader.error, reader.entries = None, ()
    assert held.listing().services == {}
    told = [line["log_level"] for line in logs if line["event"] == "roster.check_failed"]
    assert told == ["warning"] * 4


def test_a_switched_off_plugins_own_operations_are_shut(rooms: Rooms, remotes: Remotes) -> None:
    reader = Reader(plugin("utilities", state=_S.SUSPENDED, closed=CLOSURE))
    held = Roster(rooms.hosted.alone, rooms.units, reader, remotes, seconds=0)
    with pytest.raises(ServiceUnavailable, match="Its bills were wrong"):
        held.check_open("utilities")
    asked = reader.asked
    held.check_open("payments")
    assert reader.asked == asked
    reader.epoch, reader.entries = 2, (plugin("utilities"),)
    held.check_open("utilities")


def test_payees_of_who_is_gone_never_replace_anothers(rooms: Rooms, remotes: Remotes) -> None:
    said = manifest()
    own = next(iter(rooms.hosted.alone.listing.payees.values()))
    said["payees"][0]["id"] = own.id
    found = compose(rooms.hosted.alone, [entry(state=_S.GONE, manifest=said)], remotes)
    kept: Payee = found.listing.payees[own.id]
    assert kept == own
