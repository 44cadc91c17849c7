"""A citizen who owns one thing of every kind, and a member of staff who does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from flask.testing import FlaskClient

from app.core.clock import now
from app.factory import Rooms
from tests.autopay import support as autopay
from tests.certificates.support import plant_certificate
from tests.conftest import World
from tests.consent.support import grant, make_agreement, make_consumer
from tests.credentials.authenticator import Authenticator
from tests.delegation.support import (
    Person,
    claim,
    give,
    make_child,
    make_citizen,
    make_firm,
    step_up,
)
from tests.factories import run_jobs
from tests.identity.ways_in import add_passkey, passkey_options
from tests.payments.helpers import make_bill, new_key, pay
from tests.plugins.jobs import conftest as jobs
from tests.plugins.permits import desk as permits
from tests.plugins.permits.answers import SMALL_FACTORY
from tests.plugins.traffic import conftest as traffic
from tests.staff import support as office


@dataclass(frozen=True)
class Owner:
    """Whose things they are, and which: by the address of the thing, up to its id."""

    headers: Mapping[str, str]
    things: Mapping[str, str]


def make_owner(client: FlaskClient, world: World, rooms: Rooms) -> Owner:
    """Return a citizen with a thing of every kind that a citizen can own."""
    who = make_citizen(client, world, rooms)
    other = make_citizen(client, world, rooms, "韩梅梅", "1985-01-01")
    bill = make_bill(client, world, who.citizen)
    paid = pay(client, rooms, who.citizen, bill)
    mandate = give(client, rooms, who, other)
    consent = grant(rooms, who.id, make_consumer(), make_agreement(rooms))
    return Owner(
        who.auth,
        {
            "/v1/auth/sessions/{session_id}": who.citizen.session_id,
            "/v1/me/passkeys/{passkey_id}": passkey(client, rooms, who),
            "/v1/auth/step-ups/{step_up_id}": made(client, who, "/v1/auth/step-ups", {}),
            "/v1/payments/{payment_id}": paid["id"],
            "/v1/payment-methods/{payment_method_id}": card(client, rooms, who),
            "/v1/me/certificates/{certificate_id}": str(plant_certificate(rooms, who.id)),
            "/v1/me/receipts/{receipt_id}": first(client, who, "/v1/me/receipts"),
            **standing_order(client, world, rooms, who),
            "/v1/utilities/bills/{bill_id}": bill.id,
            "/v1/utilities/accounts/{account_id}": first(client, who, "/v1/utilities/accounts"),
            "/v1/utilities/orders/{order_id}": utility_order(client, who),
            "/v1/utilities/look-ups/{look_up_id}": made(
                client,
                who,
                "/v1/utilities/look-ups",
                {"biller": bill.biller, "number": bill.account, "family_name": "张"},
            ),
            **fine(client, world, who),
            **permit(client, rooms, who),
            **job(client, world, rooms, who),
            "/v1/utilities/complaints/{complaint_id}": made(
                client,
                who,
                "/v1/utilities/complaints",
                {"bill_id": bill.id, "ground": "amount", "words": "x"},
            ),
            "/v1/me/inbox/{message_id}": first(client, who, "/v1/me/inbox"),
            "/v1/me/exports/{export_id}": export(client, rooms, who),
            "/v1/me/consents/{consent_id}": str(consent),
            "/v1/me/face-checks/{face_check_id}": made(client, who, "/v1/me/face-checks", {}),
            "/v1/delegation/mandates/{mandate_id}": mandate["id"],
            "/v1/delegation/mandates/{mandate_id}/scopes/{scope_id}": mandate["scopes"][0]["id"],
            "/v1/delegation/organisations/{organisation_id}": firm(client, world, rooms, who),
            "/v1/delegation/guardianships/{guardianship_id}": ward(client, world, rooms, who),
        },
    )


def first(client: FlaskClient, who: Person, path: str) -> str:
    """Return the id of the first thing in a list of somebody's."""
    answer = client.get(path, headers=who.auth)
    assert answer.status_code == 200, answer.text
    return str(answer.json["items"][0]["id"])


def made(client: FlaskClient, who: Person, path: str, body: object) -> str:
    """Make a thing of somebody's and return its id."""
    answer = client.post(path, json=body, headers=who.auth)
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def utility_order(client: FlaskClient, who: Person) -> str:
    account = first(client, who, "/v1/utilities/accounts")
    return made(client, who, f"/v1/utilities/accounts/{account}/orders", {"amount": 1000})


def export(client: FlaskClient, rooms: Rooms, who: Person) -> str:
    step_up(rooms, who)
    answer = client.post("/v1/me/exports", headers=who.auth)
    assert answer.status_code == 202, answer.text
    run_jobs(rooms)
    return str(answer.json["id"])


def passkey(client: FlaskClient, rooms: Rooms, who: Person) -> str:
    step_up(rooms, who)
    answer = add_passkey(
        client, who.citizen, Authenticator().register(passkey_options(client, who.citizen))
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def card(client: FlaskClient, rooms: Rooms, who: Person) -> str:
    step_up(rooms, who)
    headers = {**who.auth, "Idempotency-Key": new_key()}
    answer = client.post("/v1/payment-methods", json={"method": "card"}, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def standing_order(
    client: FlaskClient, world: World, rooms: Rooms, who: Person
) -> Mapping[str, str]:
    make_bill(client, world, who.citizen)
    order = autopay.make_order(client, rooms, who.citizen)
    autopay.tick(rooms)
    return {
        "/v1/autopay/standing-orders/{standing_order_id}": order["id"],
        "/v1/autopay/collections/{collection_id}": str(
            autopay.collections(rooms, order["id"])[0].id
        ),
    }


def fair(officer: jobs.Officer, *, is_published: bool) -> tuple[str, str]:
    """Return a job fair with one booth, and a time of it with one seat."""
    begins, ends = now() + timedelta(days=5), now() + timedelta(days=6)
    times = {"starts_at": begins.isoformat(), "ends_at": ends.isoformat()}
    titles = {"title_zh": "招聘会", "title_en": "Fair", "place": "会展中心"}
    plan = {**titles, **times, "booths": 1}
    planned = officer.post("fairs", plan).json["id"]
    slot = officer.post(f"fairs/{planned}/slots", {**times, "capacity": 1}).json["id"]
    if is_published:
        assert officer.post(f"fairs/{planned}/publication").status_code == 200
    return planned, slot


def job(client: FlaskClient, world: World, rooms: Rooms, who: Person) -> Mapping[str, str]:
    """Return an employer that somebody acts for, a vacancy of it, and an application for one."""
    code, officer = jobs.make_code(), jobs.make_officer(client, rooms)
    employer = str(jobs.register(client, who.auth, code).json["id"])
    decided = officer.decide_employer(employer)
    assert decided.status_code == 200, decided.text
    boss = jobs.Boss(client, who.auth, employer, "", code)
    draft = made(client, who, f"{boss.place}/vacancies", jobs.advert())
    vacancy = jobs.publish(rooms, boss, officer)["id"]
    kept = client.put("/v1/jobs/cv", json={"name": "李雷"}, headers=who.auth)
    assert kept.status_code == 200, kept.text
    application = made(client, who, f"/v1/jobs/vacancies/{vacancy}/applications", {})
    share = made(client, who, "/v1/jobs/cv/shares", {"days": 30})
    at = (now() + timedelta(days=2)).isoformat()
    (_, hidden), (mine, my_slot), (_, full_slot) = (
        fair(officer, is_published=is_published) for is_published in (False, True, True)
    )
    somebody = jobs.make_citizen(client, world, rooms)
    taken = client.post(f"/v1/jobs/fair-slots/{full_slot}/bookings", headers=somebody)
    assert taken.status_code == 201, taken.text
    invited = f"{boss.place}/applications/{application}/interviews"
    return {
        "/v1/jobs/employers/{employer_id}": employer,
        "/v1/jobs/employers/{employer_id}/vacancies/{vacancy_id}": draft,
        # One that is not published is nobody's to apply for.
        "/v1/jobs/vacancies/{vacancy_id}": draft,
        "/v1/jobs/applications/{application_id}": application,
        "/v1/jobs/employers/{employer_id}/applications/{application_id}": application,
        "/v1/jobs/cv/shares/{share_id}": share,
        "/v1/jobs/employers/{employer_id}/shares/{share_id}": share,
        "/v1/jobs/saved-searches/{saved_search_id}": made(
            client, who, "/v1/jobs/saved-searches", {"wanted": {"q": "焊工"}}
        ),
        "/v1/jobs/fair-slots/{fair_slot_id}": hidden,
        "/v1/jobs/fair-bookings/{fair_booking_id}": made(
            client, who, f"/v1/jobs/fair-slots/{my_slot}/bookings", None
        ),
        "/v1/jobs/fair-waits/{fair_wait_id}": made(
            client, who, f"/v1/jobs/fair-slots/{full_slot}/waits", None
        ),
        "/v1/jobs/employers/{employer_id}/booths/{booth_id}": made(
            client, who, f"{boss.place}/booths", {"fair_id": mine}
        ),
        "/v1/jobs/interviews/{interview_id}": made(
            client, who, invited, {"at": at, "place": "人民路1号"}
        ),
    }


def permit(client: FlaskClient, rooms: Rooms, who: Person) -> Mapping[str, str]:
    """Return an application for permits, and what its lead department asks."""
    made = permits.apply(client, dict(who.auth), "construction-start", SMALL_FACTORY)
    clerk = permits.make_desk(client, rooms, made["lead"], "clerk")
    place = f"applications/{made['id']}/supplements"
    asked = clerk.post(place, version=made["version"], words="x")
    mine = f"/v1/permits/applications/{made['id']}/materials"
    materials = client.get(mine, headers=dict(who.auth)).json["items"]
    return {
        "/v1/permits/applications/{application_id}/files/{file_id}": materials[0]["files"][0]["id"],
        "/v1/permits/applications/{application_id}": made["id"],
        "/v1/permits/applications/{application_id}/supplements/{supplement_id}": asked["id"],
    }


def fine(client: FlaskClient, world: World, who: Person) -> Mapping[str, str]:
    """Return a vehicle, a violation of it, and an objection to that."""
    car = traffic.make_car(world)
    vehicle = traffic.link(client, who.citizen, car)
    violation = traffic.decided(client, who.citizen, car)
    contest = traffic.object_to(client, who.citizen, violation["id"], "reconsideration")
    assert contest.status_code == 201, contest.text
    return {
        "/v1/traffic/vehicles/{vehicle_id}": vehicle["id"],
        "/v1/traffic/violations/{violation_id}": violation["id"],
        "/v1/traffic/violations/{violation_id}/pictures/{picture_id}": violation["evidence"][0][
            "sha256"
        ],
        "/v1/traffic/contests/{contest_id}": contest.json["id"],
    }


def firm(client: FlaskClient, world: World, rooms: Rooms, who: Person) -> str:
    step_up(rooms, who)
    answer = claim(client, who, make_firm(world, who))
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def ward(client: FlaskClient, world: World, rooms: Rooms, who: Person) -> str:
    step_up(rooms, who)
    child = make_child(world, who)
    return made(client, who, "/v1/delegation/guardianships", {"child": child})


def make_clerk(client: FlaskClient, rooms: Rooms) -> Owner:
    """Return a member of staff with a session and a request of their own."""
    clerk = office.step_up(client, rooms, office.join(client, rooms, "citizen-support"))
    parameters = {"permission": "identity.unmask", "minutes": 5}
    asked = office.ask(client, clerk, "permission.elevate", parameters)
    assert asked.status_code == 201, asked.text
    return Owner(
        clerk.auth,
        {
            "/v1/staff/sessions/{session_id}": clerk.session_id,
            "/v1/staff/requests/{request_id}": asked.json["id"],
        },
    )
