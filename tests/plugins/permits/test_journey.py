"""One thing in one day: a construction project and its eight permits, over HTTP."""

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from app.factory import Rooms
from app.host.attention import AttentionDue
from tests.conftest import World
from tests.factories import Citizen, log_in, run_jobs
from tests.payments.helpers import new_key, pay, step_up
from tests.plugins.permits.answers import CONSTRUCTION
from tests.plugins.permits.desk import PLACE, Desk, apply, make_desk, shown
from tests.plugins.permits.fee_cases import bill
from tests.plugins.permits.files import upload_all
from tests.plugins.permits.office import moves_of, rows

PERMITS = {
    "works-planning-permit",
    "drawing-review-certificate",
    "fire-design-opinion",
    "civil-defence-approval",
    "environment-registration",
    "soil-conservation-approval",
    "road-works-permit",
    "construction-permit",
}
MEETING = "drawing-review"


class City:
    """The departments, each with a clerk and a decider, made when they are first needed."""

    def __init__(self, client: FlaskClient, rooms: Rooms) -> None:
        self.client, self.rooms = client, rooms
        self.desks: dict[tuple[str, str], Desk] = {}

    def desk(self, department: str, role: str) -> Desk:
        """Return somebody with this seat."""
        key = (department, role)
        if key not in self.desks:
            self.desks[key] = make_desk(self.client, self.rooms, department, role)
        return self.desks[key]

    def decide(self, brief: dict[str, Any], outcome: str = "approved", **more: str) -> None:
        """Have a ready task reviewed, proposed by one officer and decided by another."""
        clerk, decider = (self.desk(brief["department"], r) for r in ("clerk", "decider"))
        listed = [t for t in clerk.get("tasks?limit=100")["items"] if t["id"] == brief["id"]]
        assert [t["status"] for t in listed] == ["ready"]
        place = f"tasks/{brief['id']}"
        version = clerk.post(f"{place}/claim", version=listed[0]["version"])["task"]["version"]
        version = clerk.post(f"{place}/review", version=version)["task"]["version"]
        if brief["template"] == MEETING:
            self.meet(clerk, place, version)
        verdict = {"outcome": outcome, **more}
        proposed = clerk.post(f"{place}/proposal", version=version, **verdict)
        version = proposed["task"]["version"]
        again = clerk.send("POST", f"{place}/decision", version=version, **verdict)
        assert (again.status_code, again.json["code"]) == (403, "permit-seat-needed")
        decider.post(f"{place}/decision", version=version, **verdict)

    def meet(self, clerk: Desk, place: str, version: int) -> None:
        """Hold the joint meeting of a task."""
        called = clerk.post(f"{place}/meetings", version=version)
        (meeting,) = called["meetings"]
        for department in meeting["departments"]:
            said = self.desk(department, "clerk").send(
                "PUT", f"meetings/{meeting['id']}/opinion", opinion="agreed", words="同意"
            )
            assert said.status_code == 200, said.text
        closed = clerk.post(f"{place}/meetings/minutes", version=version, minutes="一致同意")
        assert closed["meetings"][0]["is_agreed"] is True


def attend(rooms: Rooms) -> None:
    """Let the worker's job look after permits, as its schedule does."""
    with rooms.units.open(actor="test") as uow:
        uow.emit(AttentionDue(plugin="permits"))
    run_jobs(rooms)


def until_it_is(
    client: FlaskClient, rooms: Rooms, me: Citizen, application_id: str, is_so: Callable[..., bool]
) -> dict[str, Any]:
    """Let the job come round until ours had its turn: there is an end to each of its rounds."""
    for _ in range(20):
        attend(rooms)
        seen = shown(client, me.auth, application_id)
        if is_so(seen):
            break
    return seen


def is_over(seen: dict[str, Any]) -> bool:
    return seen["status"] not in {"all_decided", "issuing"}


def decide_everything(
    client: FlaskClient, me: Citizen, town: City, application_id: str
) -> list[str]:
    """Have every task approved as soon as it may begin; return in which order."""
    order: list[str] = []
    while ready := [
        t for t in shown(client, me.auth, application_id)["tasks"] if t["status"] == "ready"
    ]:
        for brief in ready:
            town.decide(brief)
            order.append(brief["template"])
    return order


def pay_fee(client: FlaskClient, rooms: Rooms, me: Citizen, fee: dict[str, Any]) -> None:
    """Pay what an application costs, as a citizen does, and let the worker go on."""
    step_up(rooms, me)
    assert pay(client, rooms, me, bill(fee))["amount"] == 150 * CONSTRUCTION["land-area"]
    attend(rooms)


def check_certificates(client: FlaskClient, me: Citizen, numbers: dict[str, str]) -> None:
    """Look at every certificate of a citizen: in the list, on paper, and as anybody checks it."""
    assert numbers.keys() == PERMITS
    held = client.get("/v1/me/certificates?limit=100", headers=me.auth).json["items"]
    assert {one["type"]: one["number"] for one in held} == numbers
    for one in held:
        printed = client.get(f"/v1/me/certificates/{one['id']}/pdf", headers=me.auth)
        assert (printed.status_code, printed.data[:5]) == (200, b"%PDF-"), printed.status_code
        code = client.get(f"/v1/me/certificates/{one['id']}", headers=me.auth).json["code"]
        valid = client.get(f"/v1/certificates/{one['number']}/validity?code={code}")
        assert (valid.json["valid"], valid.json["status"]) == (True, "active"), valid.text


def test_eight_permits_of_a_construction_project(
    client: FlaskClient, rooms: Rooms, world: World, me: Citizen
) -> None:
    bundles = {b["id"] for b in client.get(f"{PLACE}/bundles").json["items"]}
    assert "construction-start" in bundles
    answers = {k: v for k, v in CONSTRUCTION.items() if k != "floor-area"}
    key = {**me.auth, "Idempotency-Key": new_key()}
    wish = {"bundle": "construction-start", "answers": answers}
    begun = client.post(f"{PLACE}/applications", json=wish, headers=key)
    assert (begun.status_code, begun.json["status"]) == (201, "draft")
    again = client.post(f"{PLACE}/applications", json=wish, headers=key)
    assert again.json == begun.json
    place = begun.headers["Location"]
    early = client.post(f"{place}/submission", headers={**me.auth, "Idempotency-Key": new_key()})
    assert (early.status_code, early.json["code"]) == (422, "answers-invalid")
    assert [fault["pointer"] for fault in early.json["errors"]] == ["/answers/floor-area"]
    patched = client.patch(
        f"{place}/answers", json={"answers": {"floor-area": 12000}}, headers=me.auth
    )
    assert patched.json["answers"] == CONSTRUCTION
    upload_all(client, me.auth, place)
    headers = {**me.auth, "Idempotency-Key": new_key()}
    made = client.post(f"{place}/submission", headers=headers).json
    assert client.post(f"{place}/submission", headers=headers).json == made
    assert made["status"] == "submitted"
    assert len(client.get(f"{PLACE}/applications", headers=me.auth).json["items"]) == 1

    town = City(client, rooms)
    lead = town.desk(made["lead"], "clerk")
    waiting = [a["id"] for a in lead.get("applications?limit=100")["items"]]
    assert made["id"] in waiting
    opened = lead.post(f"applications/{made['id']}/acceptance", version=made["version"])
    assert len(opened["tasks"]) == 9
    late = lead.send("POST", f"applications/{made['id']}/acceptance", version=made["version"])
    assert (late.status_code, late.json["code"]) == (409, "permit-version-stale")

    order = decide_everything(client, me, town, made["id"])
    assert order.index("construction-permit") == len(order) - 1
    assert order.index("traffic-opinion") < order.index("road-works")
    assert shown(client, me.auth, made["id"])["status"] == "all_decided"
    withdrawn = client.post(
        f"{place}/withdrawal", headers={**me.auth, "Idempotency-Key": new_key()}
    )
    assert (withdrawn.status_code, withdrawn.json["code"]) == (409, "illegal-transition")

    waiting = until_it_is(client, rooms, me, made["id"], lambda seen: bool(seen["fees"]))
    assert (waiting["status"], waiting["fees"][0]["status"]) == ("all_decided", "owed")
    pay_fee(client, rooms, me, waiting["fees"][0])
    ended = until_it_is(client, rooms, me, made["id"], is_over)
    assert ended["status"] == "completed"
    numbers = {
        t["permit"]: t["certificate"] for t in ended["result"]["content"]["tasks"] if t["permit"]
    }
    check_certificates(client, me, numbers)
    assert [state for state, _ in moves_of(rooms, made["id"])] == [
        *("draft", "submitted", "accepted", "in_progress"),
        *("all_decided", "issuing", "completed"),
    ]
    for task in ended["tasks"]:
        assert [state for state, _ in moves_of(rooms, task["id"])] == [
            *("waiting", "ready", "claimed", "in_review", "proposed", "approved"),
        ]
    logged = rows(rooms, "select data::text from event_log where subject_id = :id", id=made["id"])
    assert not [row for row in logged if "武当新城" in row[0]]
    stranger = log_in(client, world, rooms)
    foreign = client.get(place, headers=stranger.auth)
    assert (foreign.status_code, foreign.json["code"]) == (404, "permit-application-not-found")


def test_a_refusal_reaches_the_citizen_with_its_reason_and_remedies(
    client: FlaskClient, rooms: Rooms, me: Citizen
) -> None:
    made = apply(client, me.auth, "construction-start", CONSTRUCTION)
    town = City(client, rooms)
    lead = town.desk(made["lead"], "clerk")
    opened = lead.post(f"applications/{made['id']}/acceptance", version=made["version"])
    brief = next(t for t in opened["tasks"] if t["template"] == "environment")
    town.decide(brief, "refused", reason="prohibited", words="位于保护区")
    ended = until_it_is(client, rooms, me, made["id"], is_over)
    assert ended["status"] == "refused"
    told = next(t for t in ended["tasks"] if t["template"] == "environment")
    assert (told["reason"], told["words"]) == ("prohibited", "位于保护区")
    assert told["remedies"] == {"reconsideration": "P60D", "litigation": "P6M"}
