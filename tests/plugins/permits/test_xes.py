"""The event log of an application, read by a reader that knows the standard and nothing of us."""

from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import etree

from app.factory import Rooms
from plugins.permits.values.seats import SeatRole
from tests.conftest import World
from tests.factories import Citizen, log_in
from tests.plugins.permits.answers import MOVING_ALONE
from tests.plugins.permits.cases import Officer, accept, finish, seat

POLICE = "public-security-bureau"
XES = "{http://www.xes-standard.org/}"
PREFIXES = {"concept", "time", "lifecycle", "org"}
# IEEE 1849, the transactional model of the lifecycle extension.
LIFECYCLE = {
    *("schedule", "assign", "withdraw", "reassign", "start", "suspend", "resume", "pi_abort"),
    *("ate_abort", "complete", "autoskip", "manualskip", "unknown"),
}


@pytest.fixture
def me(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    return log_in(client, world, rooms)


@pytest.fixture
def clerk(rooms: Rooms) -> Officer:
    return seat(rooms, POLICE, SeatRole.CLERK)


def read_events(raw: bytes) -> list[dict[str, Any]]:
    """Return the events of the only trace, after the log was held against the standard."""
    log = etree.fromstring(raw)
    assert (log.tag, log.get("xes.version")) == (f"{XES}log", "1849-2023")
    order = [child.tag.removeprefix(XES) for child in log]
    kinds = list(dict.fromkeys(order))
    assert kinds == ["extension", "global", "classifier", "string", "trace"]
    extensions = log.findall(f"{XES}extension")
    assert {each.get("prefix") for each in extensions} == PREFIXES
    assert all(each.get("uri").endswith(f"/{each.get('prefix')}.xesext") for each in extensions)
    scopes = {each.get("scope"): each for each in log.findall(f"{XES}global")}
    promised = {each.get("key") for each in scopes["event"]}
    (trace,) = log.findall(f"{XES}trace")
    assert {each.get("key") for each in scopes["trace"]} <= {each.get("key") for each in trace}
    events = []
    for event in trace.findall(f"{XES}event"):
        values = {each.get("key"): each.get("value") for each in event}
        assert promised <= set(values)
        assert values["lifecycle:transition"] in LIFECYCLE
        moment = event.find(f"{XES}date")
        values["time:timestamp"] = datetime.fromisoformat(moment.get("value"))
        assert values["time:timestamp"].tzinfo is not None
        events.append(values)
    (classifier,) = log.findall(f"{XES}classifier")
    assert set(classifier.get("keys").split()) <= promised
    return events


def test_all_that_has_happened_is_there_in_order(
    client: FlaskClient, world: World, rooms: Rooms, me: Citizen, clerk: Officer
) -> None:
    decider = seat(rooms, POLICE, SeatRole.DECIDER)
    answers = {**MOVING_ALONE, "new-id-card": True}
    application = accept(rooms, me.id, "moving-in", answers, clerk)
    assert finish(rooms, application, clerk, decider, "move-out") == "partly_completed"
    answer = client.get(f"/v1/permits/applications/{application}/xes", headers=me.auth)
    assert (answer.status_code, answer.mimetype) == (200, "application/xml")
    events = read_events(answer.data)
    moments = [event["time:timestamp"] for event in events]
    assert moments == sorted(moments)
    ways: dict[str, list[str]] = {}
    for event in events:
        ways.setdefault(event["concept:name"], []).append(event["lifecycle:transition"])
    worked = ["unknown", "schedule", "assign", "start", "unknown", "complete"]
    assert ways["move-permission"] == ways["move-out"] == worked
    assert ways["household-registration"] == ways["id-card"] == ["unknown", "autoskip"]
    assert ways["application"][:3] == ["schedule", "assign", "start"]
    assert ways["application"][-1] == "complete"
    causes = {(e["concept:name"], e["permits:state"]): e["permits:cause"] for e in events}
    assert causes[("pension-transfer", "not_applicable")] == "condition"
    assert causes[("household-registration", "not_applicable")] == "predecessor-refused"
    groups = Counter(event["org:group"] for event in events)
    assert groups.keys() == {
        *(POLICE, "human-resources-bureau", "medical-insurance-bureau", "housing-fund-centre"),
    }
    text = answer.data.decode()
    for secret in (clerk.id, decider.id, me.id, MOVING_ALONE["new-address"]):
        assert secret not in text
    stranger = log_in(client, world, rooms)
    refused = client.get(f"/v1/permits/applications/{application}/xes", headers=stranger.auth)
    assert refused.json["code"] == "permit-application-not-found"
