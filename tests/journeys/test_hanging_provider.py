"""A company that never answers: what it holds of a process is counted at its own door."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest

from app.factory import build, create_app
from app.sdk.remote import City
from config.settings import Settings
from tests.conftest import World
from tests.databases import migrated_database
from tests.factories import Citizen, log_in
from tests.journeys.house import wait_until
from tests.journeys.test_remote_provider import PATH, SERVICE, Town, _register
from tests.live import Answer, Live, at_once, serve
from tests.payments.helpers import new_key
from tests.sdk.remote_house import Company, open_company

CALLS = 40
OTHERS = ("/v1/me", "/v1/payments", "/v1/services/water-bill", "/v1/utilities/accounts")


@dataclass
class Street:
    """One process of four threads, and a company that hangs."""

    live: Live
    company: Company
    citizen: Citizen

    def pay(self) -> Answer:
        """Try to pay a ticket."""
        item = {"service": SERVICE, "reference": "P-1"}
        headers = {**self.citizen.auth, "Idempotency-Key": new_key()}
        return self.live.post("/v1/payments", {"items": [item], "method": "card"}, headers)

    def get(self, path: str) -> Answer:
        """Read as the citizen."""
        return self.live.call("GET", path, headers=dict(self.citizen.auth))


@pytest.fixture(scope="module")
def street(world: World) -> Iterator[Street]:
    company = Company()
    with open_company(company), migrated_database(world) as env:
        env["EGRESS_LOOPBACK"] = f"{env['EGRESS_LOOPBACK']},{urlsplit(company.base).netloc}"
        env |= {"PACE": "normal", "PROVIDER_WAIT_MILLISECONDS": "100"}
        settings = Settings.from_env(env)
        city = City.of(settings.provider_signing_key, settings.web.public_url)
        company.city_key = city.signer.key.public_key()
        rooms = build(settings)
        rooms.enter_plugins()
        rooms.load_catalogue()
        _register(rooms, company)
        client = create_app(settings, rooms).test_client()
        citizen = log_in(client, world, rooms)
        Town(rooms, client, client, company, citizen, world).move(*PATH)
        rooms.load_catalogue()
        rooms.close()
        company.issue("P-1")
        with serve(replace(world, env=env), workers=1) as live:
            yield Street(live, company, citizen)


@pytest.mark.promise("P25")
def test_a_company_that_hangs_holds_one_thread_of_four_and_the_others_are_answered(
    street: Street, shows: Callable[[str], None]
) -> None:
    wait_until(lambda: street.get("/v1/me/payables").json["unanswered"], lambda away: away == [])
    is_over = threading.Event()
    refused: list[Answer] = []

    def insist() -> None:
        while not is_over.is_set():
            refused.append(street.pay())

    with street.company.failing("hold") as fault:
        payer = threading.Thread(target=insist)
        payer.start()
        assert street.company.holds.wait(60)
        answered = [street.get(path).status for path in OTHERS * 5]
        is_over.set()
        payer.join(60)
        refused += at_once([street.pay] * CALLS)
    assert street.company.most_held == 1
    assert answered == [200] * len(answered)
    assert {(answer.status, answer.json["code"]) for answer in refused} == {(503, "unavailable")}
    assert all("retry-after" in answer.headers for answer in refused)
    assert fault.hits < len(refused)
    assert street.get("/v1/payments").json["items"] == []
    assert street.company.paid == {}
    shows(
        f"{len(refused)} payments at a company that hangs: {street.company.most_held} of 4 threads"
        f" held at once, {fault.hits} asked it, {len(answered)} of {len(answered)} others answered"
    )


def test_once_its_breaker_is_open_nobody_asks_and_listings_show_what_it_said(
    street: Street,
) -> None:
    with street.company.failing("hang up") as fault:
        for _ in range(40):  # until it is open: ten failures, and it may be so already
            before = fault.hits
            assert {answer.status for answer in at_once([street.pay] * 4)} == {503}
            if fault.hits == before:
                asked = fault.hits
                lists = [street.get("/v1/me/payables").json for _ in range(3)]
                if fault.hits == asked:
                    break
                # Just now its wait was over and one asked: it is open anew, for longer.
        assert fault.hits == asked
    for owed in lists:
        (silent,) = owed["unanswered"]
        (item,) = [item for item in owed["items"] if item["service"] == SERVICE]
        assert (silent["plugin"], item["reference"]) == ("parking", "P-1")
        assert silent["as_of"] == item["as_of"] is not None
