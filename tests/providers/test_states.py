"""The marketplace: states with reasons, the kill switch, the canary, badges, and the catalogue."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.catalog import service as catalog
from app.catalog.service import Shelf
from app.core.clock import now
from app.core.errors import DomainError
from app.factory import Rooms
from app.http.server import Server
from app.providers import service
from app.providers.errors import BadgeNeeded
from app.providers.service import ProviderDeps
from app.providers.values import ProviderStatus
from app.sdk.conformance.badge import issue_badge, make_badge
from tests.conftest import World
from tests.factories import bearer, later, log_in, staff_token
from tests.live import at_once
from tests.payments.helpers import make_bill, new_key, order, start
from tests.providers.support import (
    BECAUSE,
    PATH,
    Company,
    Office,
    admitted,
    count,
    entry_of,
    epoch,
    make_company,
    make_office,
)

AUDITED = text("select count(*) from audit_entries where event = :event")


def in_catalogue(rooms: Rooms, service_id: str) -> bool:
    """Say whether a process that looks now finds the service."""
    nothing = catalog.read_offer([])
    return service_id in Shelf(rooms.units, lambda: nothing).snapshot().services


def test_from_application_to_offboarding_with_every_reason(
    company: Company, office: Office, rooms: Rooms
) -> None:
    company.register()
    service_id = company.service
    for state in PATH:
        before = epoch(rooms)
        reason = {"zh": f"进入{state}", "en": f"Into {state}"}
        answer = office.review(company, "moves", {"to": state, "reason": reason})
        assert (answer.status_code, answer.json["status"]) == (200, state), answer.text
        assert epoch(rooms) > before
        assert in_catalogue(rooms, service_id) == (state in {"canary", "live"})
        entry = entry_of(rooms, company.name)
        assert entry is not None
        assert entry.canary_percent == (5 if state == "canary" else 100)
    for state in ("offboarding", "gone"):
        assert office.move(company, state).json["status"] == state
        assert not in_catalogue(rooms, service_id)
    moves = company.get(f"{company.path}/moves").json["items"]
    assert [move["to_state"] for move in moves] == ["applied", *PATH, "offboarding", "gone"]
    assert [move["reason"] for move in moves[1:6]] == [
        {"zh": f"进入{state}", "en": f"Into {state}"} for state in PATH
    ]
    assert {move["by"] for move in moves[1:]} == {"staff"}
    assert office.read(f"/{company.name}/moves").json["items"] == moves


@pytest.mark.parametrize(
    ("stands", "wanted"),
    [
        ("applied", "sandbox"),
        ("applied", "live"),
        ("applied", "gone"),
        ("sandbox", "canary"),
        ("conformance_passed", "live"),
        ("live", "canary"),
        ("live", "gone"),
    ],
)
def test_a_step_that_is_not_in_the_machine_is_refused(
    company: Company, office: Office, stands: str, wanted: str
) -> None:
    company.register()
    if stands != "applied":
        office.bring(company, stands)
    answer = office.move(company, wanted)
    assert (answer.status_code, answer.json["code"]) == (409, "illegal-transition")
    assert company.get(company.path).json["status"] == stands


def test_a_move_has_a_reason(company: Company, office: Office) -> None:
    company.register()
    for body in ({"to": "document_review"}, {"to": "suspended", "reason": BECAUSE}):
        assert office.review(company, "moves", body).status_code == 422


@pytest.mark.parametrize("stands", ["sandbox", "conformance_passed", "canary", "live"])
def test_the_kill_switch_and_back(
    company: Company, office: Office, rooms: Rooms, stands: str
) -> None:
    company.register()
    office.bring(company, stands)
    shown, before = in_catalogue(rooms, company.service), epoch(rooms)
    until = (now() + timedelta(hours=2)).replace(microsecond=0)
    answer = office.suspend(company.name, expected_return=until.isoformat())
    assert (answer.status_code, answer.json["status"]) == (200, "suspended"), answer.text
    assert epoch(rooms) > before
    entry = entry_of(rooms, company.name)
    assert entry is not None
    assert entry.closed is not None
    assert entry.closed.reason["zh"] == "系统故障，正在抢修。"
    assert entry.closed.expected_return == until
    assert in_catalogue(rooms, company.service) == shown
    later_on = office.suspend(company.name)  # the words may be changed; it is no move
    assert later_on.json["closed"]["expected_return"] is None
    for wanted in (stands, "gone"):
        assert office.move(company, wanted).status_code == 409
    assert company.get(company.path).json["closed"]["reason"]["en"] == "It is broken; we are on it."
    back = office.resume(company.name)
    assert (back.json["status"], back.json["closed"]) == (stands, None)
    assert office.resume(company.name).json["code"] == "provider-not-suspended"
    moves = company.get(f"{company.path}/moves").json["items"]
    assert [move["to_state"] for move in moves[-2:]] == ["suspended", stands]


def test_a_plugin_of_this_house_has_the_switch_and_nothing_else(
    office: Office, rooms: Rooms, company: Company
) -> None:
    name = "utilities"
    try:
        assert office.suspend(name).json["status"] == "suspended"
        entry = entry_of(rooms, name)
        assert entry is not None
        assert entry.closed is not None
        assert office.operate(name, "canary", {"percent": 5}).json["code"] == "provider-not-canary"
    finally:
        assert office.resume(name).json["status"] == "live"
    entry = entry_of(rooms, name)
    assert entry is not None
    assert entry.closed is None
    ours = replace(company, name=name)
    assert office.move(ours, "offboarding").json["code"] == "provider-in-process"
    assert office.review(ours, "manifests/1/release", {}).json["code"] == "provider-in-process"


def test_the_share_of_a_canary(company: Company, office: Office, rooms: Rooms) -> None:
    company.register()
    assert office.operate(company.name, "canary", {"percent": 20}).status_code == 409
    office.bring(company, "canary")
    for percent, status in ((0, 422), (101, 422), (40, 200)):
        answer = office.operate(company.name, "canary", {"percent": percent})
        assert answer.status_code == status
    entry = entry_of(rooms, company.name)
    assert entry is not None
    assert entry.canary_percent == 40
    office.suspend(company.name)
    assert office.resume(company.name).json["canary_percent"] == 40
    office.move(company, "live")
    entry = entry_of(rooms, company.name)
    assert entry is not None
    assert entry.canary_percent == 100


def test_a_company_leaves_by_itself(company: Company, office: Office, rooms: Rooms) -> None:
    company.register()
    office.bring(company, "live")
    office.suspend(company.name)
    left = company.post(f"{company.path}/withdrawal", {"reason": BECAUSE})
    assert (left.status_code, left.json["status"], left.json["closed"]) == (
        *(200, "offboarding", None),
    )
    assert not in_catalogue(rooms, company.service)
    for path, body in (
        ("/withdrawal", {"reason": BECAUSE}),
        ("/manifests", {"manifest": company.manifest}),
    ):
        answer = company.post(f"{company.path}{path}", body)
        assert (answer.status_code, answer.json["code"]) == (409, "provider-leaving")


def test_who_leaves_before_anybody_let_it_serve_is_never_called(
    company: Company, rooms: Rooms
) -> None:
    company.register()
    left = company.post(f"{company.path}/withdrawal", {"reason": BECAUSE})
    assert (left.status_code, left.json["status"]) == (200, "offboarding")
    assert entry_of(rooms, company.name) is None


def test_nobody_is_gone_before_it_was_told(
    client: FlaskClient, world: World, rooms: Rooms, company: Company, office: Office
) -> None:
    company.register()
    office.bring(company, "live")
    (own,) = company.manifest["services"]
    fewer = {**company.manifest, "services": [{**own, "id": f"{own['id']}-2"}]}
    assert company.post(f"{company.path}/manifests", {"manifest": fewer}).status_code == 201
    citizen = log_in(client, world, rooms)
    payment = start(client, citizen, order(make_bill(client, world, citizen))).json
    with rooms.units.open(actor="test") as uow:
        statement = "update payment_items set plugin = :plugin, service = :s where payment_id = :id"
        whose = {"plugin": company.name, "s": own["id"], "id": payment["id"]}
        uow.execute(text(statement), whose)
    dropped = office.review(company, "manifests/2/release", {})
    assert (dropped.status_code, dropped.json["code"]) == (409, "provider-has-open-items")
    assert office.move(company, "offboarding").status_code == 200
    gone = office.move(company, "gone")
    assert (gone.status_code, gone.json["code"]) == (409, "provider-has-open-items")
    assert gone.json["count"] == 1
    headers = {**citizen.auth, "Idempotency-Key": new_key()}
    ended = client.post(f"/v1/payments/{payment['id']}/cancellation", headers=headers)
    assert ended.status_code == 200, ended.text
    assert office.move(company, "gone").status_code == 200


def test_eight_hands_throw_the_switch_once(
    app: Server, rooms: Rooms, company: Company, office: Office
) -> None:
    company.register()
    office.bring(company, "live")
    offices = [make_office(app, rooms) for _ in range(8)]
    answers = at_once(
        [lambda o=o: admitted(lambda: o.suspend(company.name)) for o in offices]  # type: ignore[misc]
    )
    assert {answer.status_code for answer in answers} == {200}
    moves = company.get(f"{company.path}/moves").json["items"]
    assert [move["to_state"] for move in moves].count("suspended") == 1


def test_each_power_is_its_own(
    client: FlaskClient, rooms: Rooms, company: Company, office: Office
) -> None:
    company.register()
    office.bring(company, "canary")
    base = f"/v1/marketplace/providers/{company.name}"
    reason = {"reason": BECAUSE}
    for role, path, method, body in (
        ("catalog-editor", "suspension", "PUT", reason),
        ("catalog-editor", "resumption", "POST", reason),
        ("catalog-editor", "canary", "PUT", {"percent": 50}),
        ("system-admin", "moves", "POST", {"to": "live", **reason}),
        ("system-admin", "badges", "POST", {"badge": "a.b.c"}),
        ("system-admin", "manifests/1/release", "POST", {}),
        ("finance", "moves", "POST", {"to": "live", **reason}),
    ):
        headers = bearer(staff_token(rooms, role))
        answer = client.open(f"{base}/{path}", method=method, json=body, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), path
    found = company.get(company.path).json
    assert (found["status"], found["canary_percent"]) == ("canary", 5)


def test_what_staff_did_stands_in_the_trail(company: Company, office: Office, rooms: Rooms) -> None:
    events = (
        *("provider.moved", "provider.suspended", "provider.resumed"),
        *("provider.canary-changed", "provider.manifest-released"),
    )
    before = {event: count(rooms, AUDITED, event=event) for event in events}
    company.register()
    office.bring(company, "canary")
    office.operate(company.name, "canary", {"percent": 10})
    office.suspend(company.name)
    office.resume(company.name)
    office.review(company, "manifests/1/release", {})
    after = {event: count(rooms, AUDITED, event=event) - before[event] for event in events}
    assert after == dict(zip(events, (4, 1, 1, 1, 1), strict=True))


def test_a_released_version_changes_what_is_shown(
    company: Company, office: Office, rooms: Rooms
) -> None:
    company.register()
    office.bring(company, "live")
    more = {**company.manifest["services"][0], "id": f"{company.service}-more"}
    manifest = {**company.manifest, "services": [*company.manifest["services"], more]}
    company.post(f"{company.path}/manifests", {"manifest": manifest})
    assert not in_catalogue(rooms, more["id"])
    assert office.review(company, "manifests/2/release", {}).status_code == 200
    assert in_catalogue(rooms, more["id"])
    assert office.review(company, "manifests/1/release", {}).status_code == 200
    assert not in_catalogue(rooms, more["id"])
    assert in_catalogue(rooms, company.service)


def test_what_the_catalogue_does_not_take_undoes_the_move(
    company: Company, office: Office, rooms: Rooms
) -> None:
    """The city has closed a category since: nothing of it is half-done."""
    company.register()
    office.bring(company, "conformance_passed")
    closed = {**company.manifest["services"][0], "category": "closed-since"}
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text(
                "insert into provider_manifests "
                "select provider_id, 2, repeat('c', 64), "
                "jsonb_set(content, '{services}', cast(:services as jsonb)), now() "
                "from provider_manifests m join providers p on p.id = m.provider_id "
                "where p.name = :name and number = 1"
            ),
            {"name": company.name, "services": json.dumps([closed])},
        )
    assert office.review(company, "manifests/2/release", {}).status_code == 200
    refused = office.move(company, "canary")
    assert (refused.status_code, refused.json["code"]) == (409, "catalogue-refuses")
    assert company.service in refused.json["faults"][0]
    assert company.get(company.path).json["status"] == "conformance_passed"
    assert not in_catalogue(rooms, company.service)


def badge_for(rooms: Rooms, manifest: dict[str, Any], **changes: Any) -> str:  # noqa: ANN401
    """Return a badge as the kit of this house prints it."""
    deps: ProviderDeps = rooms.deps[ProviderDeps]
    made = make_badge(deps.city.issuer, manifest, 1, ["lists-payables"])
    return issue_badge(
        changes.pop("key", deps.city.signer.key), deps.city.signer.key_id, replace(made, **changes)
    )


def in_production(rooms: Rooms, name: str, to: ProviderStatus) -> str:
    """Move as an installation for real citizens does, and say what came of it."""
    deps: ProviderDeps = replace(rooms.deps[ProviderDeps], needs_badge=True)
    try:
        with rooms.units.open(actor="staff:test") as uow:
            return service.move_provider(uow, deps, name, to, BECAUSE).status
    except DomainError as error:
        return error.code


def test_production_asks_for_a_valid_badge(company: Company, office: Office, rooms: Rooms) -> None:
    company.register()
    office.bring(company, "conformance_passed")
    canary, live = ProviderStatus.CANARY, ProviderStatus.LIVE
    assert in_production(rooms, company.name, canary) == BadgeNeeded.code
    badge = badge_for(rooms, company.manifest)
    for _ in range(2):
        recorded = office.review(company, "badges", {"badge": badge})
        assert recorded.status_code == 201, recorded.text
    shown = company.get(company.path).json["badge"]
    assert (shown["duties"], shown["badge"]) == (["lists-payables"], badge)
    with later(91 * 86_400):
        assert in_production(rooms, company.name, canary) == BadgeNeeded.code
    assert in_production(rooms, company.name, canary) == "canary"
    other = {**company.manifest, "support": "+86 719 12345"}
    company.post(f"{company.path}/manifests", {"manifest": other})
    deps: ProviderDeps = replace(rooms.deps[ProviderDeps], needs_badge=True)
    with pytest.raises(BadgeNeeded), rooms.units.open(actor="staff:test") as uow:
        service.release_manifest(uow, deps, company.name, 2)
    assert in_production(rooms, company.name, live) == "live"


def test_a_badge_that_proves_nothing_is_refused(
    app: Server, rooms: Rooms, company: Company, office: Office
) -> None:
    company.register()
    other = make_company(app, rooms)
    past = now() - timedelta(days=100)
    good = badge_for(rooms, company.manifest)
    for badge in (
        badge_for(rooms, company.manifest, key=company.key),
        badge_for(rooms, company.manifest, issued_at=past, expires_at=past + timedelta(days=90)),
        badge_for(rooms, company.manifest, issuer="https://elsewhere.example"),
        badge_for(rooms, company.manifest, contract=2),
        badge_for(rooms, {**company.manifest, "support": "other@parking.example"}),
        badge_for(rooms, other.manifest),
        good[:-8] + "AAAAAAAA",
    ):
        answer = office.review(company, "badges", {"badge": badge})
        assert (answer.status_code, answer.json["code"]) == (422, "badge-invalid"), answer.text
    assert company.get(company.path).json["badge"] is None


def test_staff_lists_providers_by_state(company: Company, office: Office) -> None:
    company.register()
    found = office.read("?status=applied&limit=100").json["items"]
    assert company.name in [one["id"] for one in found]
    assert {one["status"] for one in found} == {"applied"}
    assert office.read(f"/{company.name}").json["client_id"] is not None
    assert office.read(f"/{company.name}/manifests").json["items"][0]["id"] == 1
    assert office.read("/nobody").json["code"] == "provider-not-found"
    assert office.read("?status=famous").status_code == 422
