"""Certificates of what was granted: one each, in the holder's name, and none for what was not."""

import unicodedata
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from app.core.crypto import Keyring
from app.core.ids import new_id
from app.factory import Rooms
from app.host.letters import sector_of
from app.sdk import Citizen, NotFound
from plugins.permits import service
from plugins.permits.models import Application, Task
from plugins.permits.service.bundles import find_bundle
from plugins.permits.service.certificates import fields_of_types, issue_certificates, one_line
from plugins.permits.values.bundles import FieldKind
from plugins.permits.values.tasks import GRANTED, RefusalReason, TaskStatus, Verdict
from tests.factories import Citizen as Person
from tests.payments.helpers import new_key
from tests.plugins.permits.answers import FORMS, RESTAURANT, SMALL_FACTORY
from tests.plugins.permits.cases import see
from tests.plugins.permits.desk import PLACE
from tests.plugins.permits.fee_cases import decide_all
from tests.plugins.permits.files import upload
from tests.plugins.permits.office import Office, rows

REFUSED = Verdict(TaskStatus.REFUSED, words="不符合条件", reason=RefusalReason.CONDITIONS_NOT_MET)
OWN = {"holder_name", "matter", "conditions", "decided_on"}
ISSUED = "select number, type from certificates where plugin = 'permits' and reference = any(:refs)"


def decided(office: Office, citizen: Citizen, **verdicts: Verdict) -> UUID:
    """Return a restaurant in which everything is decided."""
    case = office.accepted(citizen, RESTAURANT, "restaurant-opening").id
    decide_all(office, citizen, case, **verdicts)
    return case


def document(office: Office, citizen: Citizen, case: UUID) -> dict[str, str | None]:
    """Return the certificate that the document names for each task with a permit."""
    result = office.shown(citizen, case).result
    assert result is not None
    return {one["task"]: one["certificate"] for one in result.content["tasks"] if one["permit"]}


def issued(office: Office, citizen: Citizen, case: UUID, rooms: Rooms) -> Counter[str]:
    """Return how many certificates of each type there are for the tasks of an application."""
    refs = [str(task.id) for task in office.shown(citizen, case).tasks]
    return Counter(row[1] for row in rows(rooms, ISSUED, refs=refs))


def test_only_what_was_granted_is_issued_and_says_what_was_applied_for(
    client: FlaskClient, office: Office, rooms: Rooms, me: Person
) -> None:
    citizen = see(rooms, me.id)
    assert citizen.attributes.keys() == {"name"}
    conditional = Verdict(TaskStatus.APPROVED_WITH_CONDITIONS, conditions="每日\n二十二时前关灯")
    case = decided(office, citizen, signboard=REFUSED, food_permit=conditional)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: service.issue_decided(office.house), range(4)))
    assert office.shown(citizen, case).status == "partly_completed"
    expected = {
        *("business-licence", "food-operation-permit", "fire-safety-check"),
        *("drainage-permit", "tobacco-retail-permit"),
    }
    assert issued(office, citizen, case, rooms) == dict.fromkeys(expected, 1)
    named = document(office, citizen, case)
    assert named["signboard"] is None
    held = client.get("/v1/me/certificates?limit=100", headers=me.auth).json["items"]
    assert {one["number"] for one in held} == {number for number in named.values() if number}
    food = next(one for one in held if one["type"] == "food-operation-permit")
    read = client.get(f"/v1/me/certificates/{food['id']}", headers=me.auth).json
    says = {one["id"]: one["value"] for one in read["fields"]}
    assert says | {"decided_on": ""} == {
        "holder_name": citizen.attributes["name"],
        "matter": "食品经营许可证核发",
        "shop_name": RESTAURANT["shop-name"],
        "premises_address": RESTAURANT["premises-address"],
        "food_types": "热食类食品制售",
        "conditions": "每日 二十二时前关灯",
        "decided_on": "",
    }


def test_the_same_issue_again_makes_no_second_certificate(
    office: Office, rooms: Rooms, me: Person
) -> None:
    citizen = see(rooms, me.id)
    case = decided(office, citizen)

    def issue() -> dict[UUID, str]:
        with office.house.unit_of_work() as uow:
            application = uow.get_one(Application, case)
            tasks = [
                uow.get_one(Task, one.id)
                for one in office.shown(citizen, case).tasks
                if one.status in GRANTED
            ]
            bundle = find_bundle(application.bundle, application.bundle_version)
            return dict(issue_certificates(office.house, uow, application, bundle, tasks))

    with ThreadPoolExecutor(3) as pool:
        numbers = list(pool.map(lambda _: issue(), range(3)))
    assert numbers[0] == numbers[1] == numbers[2]
    assert len(numbers[0]) == 6
    service.issue_decided(office.house)  # a worker that was killed in between, and comes back
    assert set(document(office, citizen, case).values()) - {None} == set(numbers[0].values())
    assert issued(office, citizen, case, rooms).total() == 6


def test_a_bundle_that_is_refused_together_issues_none(
    office: Office, rooms: Rooms, me: Person
) -> None:
    citizen = see(rooms, me.id)
    case = office.accepted(citizen, SMALL_FACTORY).id
    decide_all(office, citizen, case, construction_permit=REFUSED)
    granted = [one for one in office.shown(citizen, case).tasks if one.status in GRANTED]
    assert len(granted) == 2
    service.issue_decided(office.house)
    assert office.shown(citizen, case).status == "refused"
    assert issued(office, citizen, case, rooms) == {}
    assert set(document(office, citizen, case).values()) == {None}


def test_who_is_gone_gets_no_certificate_and_the_case_ends(office: Office, rooms: Rooms) -> None:
    letterbox = rooms.deps[Keyring].seal_letterbox(sector_of("permits"), new_id())
    gone = Citizen(f"c-{new_id().hex}", attributes={"name": "李雷"}, letterbox=letterbox)
    says = dict.fromkeys(fields_of_types()["id-card"], "李雷") | {"decided_on": "2026-01-05"}
    with office.house.unit_of_work() as uow, pytest.raises(NotFound) as refused:
        office.house.issue_certificate(
            uow, letterbox, "id-card", says, valid_until=None, reference=str(new_id())
        )
    assert refused.value.code == "certificate-holder-gone"
    quiet = Office(replace(office.house, tell=lambda *_, **__: False))
    case = quiet.accepted(gone, SMALL_FACTORY).id
    decide_all(quiet, gone, case)
    service.issue_decided(quiet.house)
    assert quiet.shown(gone, case).status == "completed"
    assert issued(quiet, gone, case, rooms) == {}
    assert set(document(quiet, gone, case).values()) == {None}


def test_the_name_is_sealed_and_goes_with_an_erasure(
    office: Office, rooms: Rooms, me: Person
) -> None:
    citizen = see(rooms, me.id)
    case = office.accepted(citizen, SMALL_FACTORY).id
    kept = "select holder_sealed from plugin_permits.applications where id = :id"
    ((sealed,),) = rows(rooms, kept, id=case)
    assert citizen.attributes["name"].encode() not in bytes(sealed)
    service.erase_citizen(office.house, citizen.reference)
    assert rows(rooms, kept, id=case) == [(None,)]


def test_a_certificate_that_is_held_stands_for_a_paper_of_the_next_application(
    client: FlaskClient, office: Office, rooms: Rooms, me: Person
) -> None:
    citizen, house = see(rooms, me.id), office.house
    keyed = {**me.auth, "Idempotency-Key": new_key()}
    wish = {"bundle": "construction-start", "answers": SMALL_FACTORY}
    begun = client.post(f"{PLACE}/applications", json=wish, headers=keyed)
    place = begun.headers["Location"]
    for one in client.get(f"{place}/materials", headers=me.auth).json["items"]:
        if one["id"] != "land-title":
            assert upload(client, me.auth, place, one["id"]).status_code == 201

    def submit() -> tuple[int, str]:
        headers = {**me.auth, "Idempotency-Key": new_key()}
        answer = client.post(f"{place}/submission", headers=headers)
        return answer.status_code, answer.json.get("code") or answer.json["status"]

    def use() -> tuple[int, str | None]:
        path = f"{place}/materials/land-title/certificate"
        answer = client.put(path, headers=me.auth)
        return answer.status_code, answer.json.get("code")

    assert use() == (409, "permit-certificate-not-held")
    says = dict.fromkeys(fields_of_types()["land-use-planning-permit"], "武当新城")
    numbers = []
    for _ in range(2):
        with house.unit_of_work() as uow:
            made = house.issue_certificate(
                uow,
                citizen.letterbox,
                "land-use-planning-permit",
                says | {"decided_on": "2026-01-05"},
                valid_until=None,
                reference=str(new_id()),
            )
        numbers.append(made.number)
        assert use() == (200, None)
        if len(numbers) == 1:
            with house.unit_of_work() as uow:
                house.change_certificate(uow, made.number, "revoked", "issued-in-error")
            assert submit() == (422, "permit-materials-missing")
    assert submit() == (200, "submitted")
    used = (
        "select m.certificate from plugin_permits.material_certificates m join "
        "plugin_permits.applications a on a.id = m.application_id where a.citizen_reference = :c"
    )
    assert rows(rooms, used, c=citizen.reference) == [(numbers[1],)]


def test_every_permit_finds_what_its_certificate_says_in_each_form() -> None:
    seen = set()
    for bundle in service.list_bundles():
        kinds = {field.id.replace("-", "_"): field.kind for field in bundle.fields}
        for form in FORMS[bundle.id]:
            answers = service.read_answers(bundle, form)
            answered = {name.replace("-", "_") for name in answers}
            for task in service.tasks_for(bundle, answers):
                if task.permit is None:
                    continue
                asked = set(fields_of_types()[task.permit]) - OWN
                assert asked <= answered, task.id
                # a department's certificate says nothing that the department does not read
                assert asked <= {name.replace("-", "_") for name in task.fields}, task.id
                assert not {name for name in asked if kinds[name] is FieldKind.BOOLEAN}
                seen.add(task.permit)
    assert fields_of_types().keys() - seen == {"land-use-planning-permit"}
    assert all(set(fields) >= OWN for fields in fields_of_types().values())


@given(st.text(max_size=1_200))
def test_a_certificate_takes_whatever_was_written(text: str) -> None:
    line = one_line(text)
    assert 1 <= len(line) <= 500
    assert unicodedata.is_normalized("NFC", line)
    assert not [c for c in line if unicodedata.category(c)[0] == "C"]
    assert one_line(line) == line
