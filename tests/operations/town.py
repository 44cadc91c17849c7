"""A house with an empty database, and a company beside it that declares operations."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.unit_of_work import Units
from app.factory import Rooms, build, create_app
from app.host.roster import Roster
from app.sdk.remote import City
from config.settings import Settings
from tests.conftest import World
from tests.contract import ContractClient
from tests.databases import migrated_database
from tests.factories import Citizen, log_in
from tests.payments.helpers import new_key
from tests.providers.support import Company as Provided
from tests.providers.support import Office, make_company, make_manifest, make_office, new_jwk
from tests.sdk.remote_house import KEY_ID, Company, open_company

GATEWAY = "/v1/services/parking-fee/gateway"
MOST_SENT, MOST_ANSWERED = 100, 120
TITLE = {"zh": "停车", "en": "Parking"}


def form(**properties: Mapping[str, object]) -> dict[str, object]:
    """Return a form of an object that has all of these members and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def operations() -> list[dict[str, Any]]:
    """Return what the company declares: a question, and two ways to reserve places."""
    reserve = {
        "id": "reserve",
        "title": TITLE,
        "method": "POST",
        "path": "/car-parks/{car_park}/places",
        "idempotent": True,
        "body": form(places={"type": "integer", "minimum": 1}),
        "answer": form(number={"type": "string", "maxLength": 20}),
        "example": {"path": "/car-parks/7/places", "body": {"places": 1}},
        "refusals": [
            {"code": "no-space", "status": 409, "title": {"zh": "车位已满", "en": "It is full"}}
        ],
    }
    ask = {
        "id": "ask",
        "title": TITLE,
        "method": "GET",
        "path": "/car-parks/{car_park}",
        "query": {
            "type": "object",
            "properties": {"day": {"type": "integer", "maximum": 7}},
            "additionalProperties": False,
        },
        "answer": form(free={"type": "integer", "minimum": 0}),
        "example": {"path": "/car-parks/7", "query": {"day": 3}},
    }
    once = {**reserve, "id": "reserve-once", "method": "PUT", "idempotent": False}
    strong = {**ask, "id": "ask-strongly", "path": "/secrets", "assurance": "verified"}
    strong["example"] = {"path": "/secrets"}
    return [reserve, ask, once, strong, *_small()]


def _small() -> Iterator[dict[str, Any]]:
    """Yield what is bounded tightly, and what takes something back."""
    text = form(text={"type": "string", "maxLength": 1_000})
    acts = {"title": TITLE, "idempotent": True, "answer": form()}
    note = {"path": "/notes", "body": {"text": "x"}}
    yield {**acts, "id": "note", "method": "PUT", "path": "/notes", "body": text} | {
        "max_body": MOST_SENT,
        "example": note,
    }
    place = "/places/{number}"
    yield {**acts, "id": "release", "method": "DELETE", "path": place} | {
        "example": {"path": "/places/R-1"}
    }
    yield {"id": "news", "title": TITLE, "method": "GET", "path": "/news", "answer": text} | {
        "max_answer": MOST_ANSWERED,
        "example": {"path": "/news"},
    }


@dataclass(frozen=True)
class Town:
    """A house, a company beside it, and a citizen of basic assurance."""

    rooms: Rooms
    client: FlaskClient
    house: Company
    citizen: Citizen
    office: Office
    company: Provided

    def ask(
        self, path: str = "/car-parks/7", query_string: Mapping[str, str] | None = None
    ) -> TestResponse:
        """Ask as the citizen's app."""
        headers = {**self.citizen.auth, "Cookie": "a=b", "X-Own": "1"}
        return self.client.get(GATEWAY + path, headers=headers, query_string=query_string)

    def send(self, method: str, path: str, key: str | None = None, **more: Any) -> TestResponse:  # noqa: ANN401 - as the client takes
        """Call as the citizen's app."""
        headers = {**self.citizen.auth, "Idempotency-Key": key or new_key()}
        return self.client.open(GATEWAY + path, method=method, headers=headers, **more)

    def refresh(self) -> None:
        """Know at once what has changed; processes look once a second."""
        self.rooms.deps[Roster]._refresh()  # noqa: SLF001 - what follows starts at once

    def reserve(self, places: object, key: str | None = None, method: str = "POST") -> TestResponse:
        """Reserve as the citizen's app."""
        return self.client.open(
            f"{GATEWAY}/car-parks/7/places",
            method=method,
            json={"places": places},
            headers={**self.citizen.auth, "Idempotency-Key": key or new_key()},
        )


@contextmanager
def open_town(
    world: World, note_events: Callable[[Units], None], state: str = "live"
) -> Iterator[Town]:
    """Build a house with an empty database, and bring the company to a state."""
    house = Company()
    with open_company(house), migrated_database(world) as env:
        env["EGRESS_LOOPBACK"] = f"{env['EGRESS_LOOPBACK']},{urlsplit(house.base).netloc}"
        settings = Settings.from_env(env)
        city = City.of(settings.provider_signing_key, settings.web.public_url)
        house.city_key = city.signer.key.public_key()
        rooms = build(settings)
        rooms.enter_plugins()
        rooms.load_catalogue()
        app = create_app(settings, rooms)
        app.test_client_class = ContractClient
        own = make_manifest("parking", new_jwk(house.key, KEY_ID))
        own["base_url"] = house.base
        own["services"][0]["id"], own["payees"][0]["id"] = "parking-fee", "parking-company"
        own["services"][0]["operations"] = operations()
        company = replace(
            make_company(app, rooms), name="parking", manifest=own, key=house.key, kid=KEY_ID
        )
        office = make_office(app, rooms)
        company.register()
        office.bring(company, state)
        client = app.test_client()
        town = Town(rooms, client, house, log_in(client, world, rooms), office, company)
        town.refresh()
        yield town
        note_events(rooms.units)
        rooms.close()


def refused(answer: TestResponse, status: int, code: str) -> None:
    """Expect a refusal."""
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
