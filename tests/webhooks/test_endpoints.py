"""The endpoints of a client: its own, few, with keys shown once that change with an overlap."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from app.factory import Rooms
from app.http.server import Server
from app.webhooks.values import MOST_ENDPOINTS, EventType
from tests.factories import bearer, staff_token
from tests.secrecy import Search

from .receiver import Receiver
from .support import ROOT, Integrator, make_integrator, rows_of, tick


def test_a_shared_secret_is_shown_once(integrator: Integrator, receiver: Receiver) -> None:
    made = integrator.endpoint(receiver, scheme="v1")
    assert made["secret"].startswith("whsec_")
    assert made["public_keys"] == []
    again = integrator.read(f"/endpoints/{made['id']}")
    assert again.get("secret") is None
    assert made["secret"] not in str(integrator.read("/endpoints"))
    assert (again["status"], again["events"], again["scheme"]) == ("active", None, "v1")


def test_a_public_key_is_no_secret(integrator: Integrator, receiver: Receiver) -> None:
    made = integrator.endpoint(receiver)
    assert made.get("secret") is None
    [key] = integrator.read(f"/endpoints/{made['id']}")["public_keys"]
    assert key.startswith("whpk_")
    assert made["scheme"] == "v1a"


def test_a_secret_is_nowhere_in_clear(
    integrator: Integrator, receiver: Receiver, rooms: Rooms
) -> None:
    search = Search({})
    with search.listening():
        made = integrator.endpoint(receiver, scheme="v1")
        search.plant(secret=made["secret"].removeprefix("whsec_"))
        integrator.test_event(made)
        search.look(rooms)
        rotated = integrator.made(f"/endpoints/{made['id']}/keys")
        search.plant(second=rotated["secret"].removeprefix("whsec_"))
        search.look(rooms)
    assert search.found == []
    assert search.characters > 10_000


def test_changing_it(integrator: Integrator, receiver: Receiver) -> None:
    path = f"/endpoints/{integrator.endpoint(receiver)['id']}"
    wanted = ["payment.succeeded", "payment.item.refunded"]
    changed = integrator.call("PATCH", path, {"events": wanted, "url": f"{receiver.url}/2"}).json
    assert (changed["events"], changed["url"]) == (sorted(wanted), f"{receiver.url}/2")
    off = integrator.call("PATCH", path, {"status": "disabled"}).json
    assert (off["status"], off["disabled_because"]) == ("disabled", "owner")
    refused = integrator.call("POST", f"{path}/tests")
    assert (refused.status_code, refused.json["code"]) == (409, "webhook-endpoint-disabled")
    on = integrator.call("PATCH", path, {"status": "active", "events": None}).json
    assert (on["status"], on["disabled_because"], on["events"]) == ("active", None, None)


def test_removing_it_is_for_good(integrator: Integrator, receiver: Receiver, rooms: Rooms) -> None:
    made = integrator.endpoint(receiver)
    integrator.test_event(made)
    path = f"/endpoints/{made['id']}"
    assert integrator.call("DELETE", path).status_code == 204
    assert integrator.read("/endpoints")["items"] == []
    for refused in (
        integrator.call("GET", path),
        integrator.call("DELETE", path),
        integrator.call("PATCH", path, {"status": "active"}),
        integrator.call("POST", f"{path}/keys"),
        integrator.call("POST", f"{path}/tests"),
    ):
        assert (refused.status_code, refused.json["code"]) == (404, "not-found")
    tick(rooms)
    assert [one["state"] for one in integrator.deliveries()] == ["dead"]
    assert receiver.heard == []
    assert rows_of(rooms, "select 1 from webhook_keys where endpoint_id = :id", id=made["id"]) == []


def test_keys_change_with_an_overlap_of_two(integrator: Integrator, receiver: Receiver) -> None:
    made = integrator.endpoint(receiver)
    path = f"/endpoints/{made['id']}"
    assert made["former_key_until"] is None
    second = integrator.made(f"{path}/keys")
    assert second["public_keys"][1:] == made["public_keys"]
    assert second["former_key_until"] is not None
    third = integrator.made(f"{path}/keys")
    assert third["public_keys"][1:] == second["public_keys"][:1]
    assert len({*made["public_keys"], *second["public_keys"], *third["public_keys"]}) == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://parking.example/events",
        "http://127.0.0.1:1/events",
        "https://",
        "ftp://parking.example/",
        "https://parking.example/a b",
        "//parking.example/",
        "",
        "https://127.0.0.1/events",
        "https://10.1.2.3/events",
        "https://192.168.0.1:8443/events",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/events",
        "https://[::1]/events",
        "https://[::ffff:127.0.0.1]/events",
        "https://[fd00::1]/events",
        "https://me:secret@parking.example/events",
        "https://parking.example/events#part",
        f"https://parking.example/{'x' * 500}",
    ],
)
def test_an_address_that_cannot_be_one_is_refused(
    integrator: Integrator, receiver: Receiver, url: str
) -> None:
    answer = integrator.call("POST", "/endpoints", {"url": url})
    assert answer.status_code == 422, answer.text
    made = integrator.endpoint(receiver)
    answer = integrator.call("PATCH", f"/endpoints/{made['id']}", {"url": url})
    assert answer.status_code == 422, answer.text
    assert [one["url"] for one in integrator.read("/endpoints")["items"]] == [receiver.url]


def test_there_are_ten_however_many_are_made_at_once(
    integrator: Integrator, receiver: Receiver
) -> None:
    def make(_: int) -> int:
        return integrator.call("POST", "/endpoints", {"url": receiver.url}).status_code

    with ThreadPoolExecutor(4) as pool:
        found = sorted(pool.map(make, range(MOST_ENDPOINTS + 3)))
    assert found == [201] * MOST_ENDPOINTS + [409] * 3
    listed = integrator.read("/endpoints", limit=100)["items"]
    assert len(listed) == MOST_ENDPOINTS


def test_what_is_another_clients_looks_like_nothing(
    app: Server, rooms: Rooms, integrator: Integrator, receiver: Receiver
) -> None:
    theirs = integrator.endpoint(receiver)
    integrator.test_event(theirs)
    [delivery] = integrator.deliveries()
    stranger = make_integrator(app, rooms)
    span = {"after": 0, "until": 10}
    for endpoint, sent in ((theirs["id"], delivery["id"]), (uuid4(), uuid4())):
        answers = [
            stranger.call("GET", f"/endpoints/{endpoint}"),
            stranger.call("PATCH", f"/endpoints/{endpoint}", {"status": "disabled"}),
            stranger.call("DELETE", f"/endpoints/{endpoint}"),
            stranger.call("POST", f"/endpoints/{endpoint}/keys"),
            stranger.call("POST", f"/endpoints/{endpoint}/tests"),
            stranger.call("POST", f"/endpoints/{endpoint}/replays", span),
            stranger.call("GET", f"/deliveries/{sent}"),
            stranger.call("POST", f"/deliveries/{sent}/replay"),
        ]
        assert [(a.status_code, a.json["code"]) for a in answers] == [(404, "not-found")] * 8
    assert stranger.deliveries() == stranger.events() == []
    assert stranger.deliveries(endpoint_id=theirs["id"]) == []
    assert integrator.read(f"/endpoints/{theirs['id']}")["status"] == "active"


def test_only_kinds_that_there_are_can_be_chosen(
    integrator: Integrator, receiver: Receiver
) -> None:
    for events in ([], ["payment.imagined"], "payment.succeeded"):
        wanted = {"url": receiver.url, "events": events}
        assert integrator.call("POST", "/endpoints", wanted).status_code == 422
    made = integrator.endpoint(receiver, events=[str(one) for one in EventType])
    assert len(made["events"]) == len(EventType)


def test_staff_says_of_which_services_a_client_is_told(
    app: Server, rooms: Rooms, integrator: Integrator
) -> None:
    path = f"{ROOT}/clients/{integrator.id}/services"
    headers = bearer(staff_token(rooms, "security-admin"))
    http = app.test_client()
    for services in (["water-bill", "gas-bill"], ["water-bill"], ["water-bill"], []):
        answer = http.put(path, json={"services": services}, headers=headers)
        assert (answer.status_code, answer.json) == (200, {"services": sorted(services)})
    unknown = http.put(path, json={"services": ["moon-bill"]}, headers=headers)
    assert (unknown.status_code, unknown.json["code"]) == (422, "webhook-service-unknown")
    assert unknown.json["services"] == ["moon-bill"]
    assert http.get(path, headers=headers).json == {"services": []}
    nobody = f"{ROOT}/clients/{uuid4()}/services"
    for answer in (
        http.get(nobody, headers=headers),
        http.put(nobody, json={"services": []}, headers=headers),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "webhook-client-not-found")
