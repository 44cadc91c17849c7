"""Bundles over HTTP: whoever asks sees the form, the tasks and the process."""

from flask.testing import FlaskClient

from app.factory import Rooms
from plugins.permits.service.bpmn import export_bpmn
from plugins.permits.service.bundles import find_bundle, list_bundles
from tests.plugins.permits.answers import FORMS


def test_the_house_has_taken_it_in(rooms: Rooms) -> None:
    assert "permits" not in rooms.hosted.quarantined
    services = {service.id: service for service in rooms.hosted.plugins["permits"].manifest.entries}
    for bundle in list_bundles():
        assert services[bundle.service].department == bundle.lead
        assert services[bundle.service].title["zh"] == bundle.title["zh"]


def test_whoever_asks_sees_what_can_be_asked_for_at_once(client: FlaskClient) -> None:
    answer = client.get("/v1/permits/bundles")
    assert answer.status_code == 200
    lines = {line["id"]: line for line in answer.json["items"]}
    assert set(lines) == set(FORMS)
    assert lines["moving-in"] == {
        "id": "moving-in",
        "version": 1,
        "title": {
            "zh": "跨省迁入落户和社保转移一件事",
            "en": "Moving here with household registration and social insurance",
        },
        "service": "permit-moving-in",
        "lead": "public-security-bureau",
        "issue": "as_decided",
        "partner": "411300",
    }


def test_a_bundle_is_shown_with_form_materials_and_tasks(client: FlaskClient) -> None:
    shown = client.get("/v1/permits/bundles/construction-start").json
    bundle = find_bundle("construction-start")
    assert shown["digest"] == bundle.digest
    assert [field["id"] for field in shown["form"]] == [field.id for field in bundle.fields]
    form = {field["id"]: field for field in shown["form"]}
    assert form["road-area"]["when"] == {
        "every": True,
        "of": [{"field": "occupies-road", "operator": "equals", "value": True}],
    }
    assert [choice["id"] for choice in form["building-use"]["choices"]] == ["civil", "industrial"]
    materials = {material["id"]: material for material in shown["materials"]}
    assert materials["survey-report"]["deferrable_days"] == 5
    assert materials["land-title"]["certificate"] == "land-use-planning-permit"
    tasks = {task["id"]: task for task in shown["tasks"]}
    soil = tasks["soil-conservation"]
    assert (soil["fee"], soil["fee_per"]) == (150, "land-area")
    assert soil["fee_returned"] == ["refused", "withdrawn"]
    assert soil["procedures"] == {"expert_review": {"working_days": 10, "starts": "next_day"}}
    assert soil["fields_needed"] == list(bundle.task("soil-conservation").fields)
    assert tasks["traffic-opinion"]["deemed"] == "approved"
    assert tasks["drawing-review"]["mode"] == "joint_meeting"
    assert tasks["construction-permit"]["limit"] == {"working_days": 1, "starts": "at_once"}
    assert tasks["construction-permit"]["after"] == [
        *("works-planning", "drawing-review", "fire-design-review", "civil-defence"),
    ]


def test_versions_are_asked_for_by_number(client: FlaskClient) -> None:
    place = "/v1/permits/bundles/moving-in"
    assert client.get(f"{place}?version=1").json == client.get(place).json
    for path in (f"{place}?version=2", f"{place}/bpmn?version=2", "/v1/permits/bundles/nothing"):
        refusal = client.get(path)
        assert (refusal.status_code, refusal.json["code"]) == (404, "bundle-not-found")
    assert client.get(f"{place}?version=0").status_code == 422


def test_the_process_is_fetched_as_a_file(client: FlaskClient) -> None:
    answer = client.get("/v1/permits/bundles/restaurant-opening/bpmn")
    assert answer.status_code == 200
    assert answer.content_type == "application/xml; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="restaurant-opening.bpmn"'
    assert answer.data == export_bpmn("restaurant-opening")
