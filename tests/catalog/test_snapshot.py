"""The answers that are made ready keep to the wire format, and say what is not available."""

import orjson

from app.catalog.schemas import (
    CategorySchema,
    DepartmentSchema,
    ServiceSchema,
    ServiceSummarySchema,
)
from app.catalog.service import Snapshot
from app.catalog.service.availability import Offer, read_offer
from app.catalog.service.snapshot import build_snapshot, ending
from app.catalog.service.versions import read_entries, read_number
from app.catalog.values import MatchedBy
from app.factory import Rooms
from app.sdk.registry import Closed, Registry, Service
from tests.catalog.conftest import offer_of


def build(rooms: Rooms, offer: Offer) -> Snapshot:
    with rooms.units.open(actor="test", read_only=True) as uow:
        number = read_number(uow)
        return build_snapshot(number, read_entries(uow, number), offer)


def digest(snapshot: Snapshot) -> str:
    """Return the part of a tag that stands for the content."""
    return snapshot.tag.removeprefix(f"{snapshot.version}-")


def service(service_id: str, closed: Closed | None = None, trial: Closed | None = None) -> Service:
    return Service(
        id=service_id,
        plugin="utilities",
        title={"zh": "水费", "en": "Water bill"},
        category="living",
        department="water-bureau",
        kind="payable",
        action="pay",
        assurance="basic",
        unavailable=closed,
        trial=trial,
    )


def test_every_service_keeps_to_its_schema(snapshot: Snapshot) -> None:
    schema = ServiceSchema()
    for service_id, body in snapshot.services.items():
        content = orjson.loads(body)
        assert content["id"] == service_id
        assert schema.dump(schema.load(content)) == content


def test_every_summary_keeps_to_its_schema(snapshot: Snapshot) -> None:
    schema = ServiceSummarySchema()
    for reason in (None, *MatchedBy):
        content = orjson.loads(snapshot.summaries[0] + ending(reason))
        assert content["matched_by"] == reason
        assert schema.load(content)
    for summary in snapshot.summaries:
        content = orjson.loads(summary + ending(None))
        assert schema.dump(schema.load(content)) == content


def test_categories_and_departments_keep_to_their_schemas(snapshot: Snapshot) -> None:
    for content in orjson.loads(snapshot.categories)["items"]:
        assert CategorySchema().dump(CategorySchema().load(content)) == content
    for body in snapshot.departments:
        content = orjson.loads(body)
        assert DepartmentSchema().dump(DepartmentSchema().load(content)) == content


def test_counts_agree_with_the_services(snapshot: Snapshot) -> None:
    services = [orjson.loads(body) for body in snapshot.services.values()]
    for category in orjson.loads(snapshot.categories)["items"]:
        of_it = [s for s in services if s["category"] == category["id"]]
        assert category["services"] == len(of_it) > 0
    for department in map(orjson.loads, snapshot.departments):
        of_it = [s for s in services if s["department"]["id"] == department["id"]]
        assert department["services"] == len(of_it)


def test_the_same_entries_make_the_same_tag(rooms: Rooms, snapshot: Snapshot) -> None:
    assert digest(build(rooms, offer_of(rooms))) == digest(snapshot)


def test_a_closed_service_says_why_in_both_languages(rooms: Rooms, snapshot: Snapshot) -> None:
    reason = {"zh": "该服务正在维护。", "en": "The service is being repaired."}
    closed = service("water-bill", Closed(reason))
    others = [s for s in rooms.deps[Registry].services.values() if s.id != "water-bill"]
    found = build(rooms, read_offer([closed, *others]))
    body = orjson.loads(found.services["water-bill"])
    assert body["available"] is False
    assert body["unavailable_reason"] == reason
    assert orjson.loads(found.services["power-bill"])["available"] is True
    assert digest(found) != digest(snapshot)


def test_what_is_on_trial_is_closed_to_the_public_and_a_closing_says_more() -> None:
    trial, closed = Closed({"zh": "试运行", "en": "On trial"}), Closed({"zh": "停", "en": "Off"})
    assert read_offer([service("water-bill", None, trial)]).closed == {"water-bill": trial}
    assert read_offer([service("water-bill", closed, trial)]).closed == {"water-bill": closed}
    assert read_offer([service("water-bill")]).closed == {}


def test_what_nobody_provides_here_is_not_available(rooms: Rooms) -> None:
    found = build(rooms, read_offer([]))
    bill = orjson.loads(found.services["water-bill"])
    assert (bill["available"], bill["unavailable_reason"]["zh"]) == (False, "该服务暂时不可用")
    guide = orjson.loads(found.services["water-connection-application"])
    assert (guide["available"], guide["unavailable_reason"]) == (True, None)


def test_an_empty_catalogue_is_served_too() -> None:
    found = build_snapshot(0, [], read_offer([]))
    assert orjson.loads(found.categories) == {"items": [], "next_cursor": None}
    assert (found.version, found.departments, found.summaries) == (0, (), ())
    assert found.finder.find("水费") == ()
