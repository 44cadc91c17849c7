"""Agreements are data: published version by version, never rewritten, put to citizens anew."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.consent import service
from app.consent.service import AgreementsInvalid
from app.consent.values import AgreementKind, Basis
from app.factory import Rooms
from config.settings import ROOT
from tests.consent.support import make_agreement
from tests.factories import bearer
from tests.identity.support import count, log_in_quickly

FILES = ROOT / "config" / "agreements"


def faults_of(folder: Path) -> tuple[str, ...]:
    with pytest.raises(AgreementsInvalid) as caught:
        service.read_agreements(folder)
    return caught.value.faults


def test_our_own_files_are_published_once(rooms: Rooms) -> None:
    agreements = service.read_agreements(FILES)
    own = [
        "autopay",
        "certificate-presentation",
        "privacy-notice",
        "terms-of-use",
        "third-party-sign-in",
        "traffic-licence",
    ]
    assert [a.id for a in agreements] == own
    before = count(rooms, "select count(*) from agreements")
    assert rooms.publish_agreements() == 0
    assert count(rooms, "select count(*) from agreements") == before
    with rooms.units.open(actor="test", read_only=True) as uow:
        for agreement in agreements:
            assert service.current_agreement(uow, agreement.id) == agreement


def test_a_published_version_is_never_rewritten(rooms: Rooms) -> None:
    first = make_agreement(rooms)
    changed = dataclasses.replace(first, retention_days=31, revision_hash="other")
    with (
        pytest.raises(AgreementsInvalid, match="published with another content"),
        rooms.units.open(actor="test") as uow,
    ):
        service.publish_agreements(uow, [changed])
    with rooms.units.open(actor="test") as uow:
        next_one = dataclasses.replace(changed, version=3)
        assert service.publish_agreements(uow, [next_one]) == 1
    with (
        pytest.raises(AgreementsInvalid, match="version 3 exists"),
        rooms.units.open(actor="test") as uow,
    ):
        service.publish_agreements(uow, [dataclasses.replace(changed, version=2)])
    with rooms.units.open(actor="test", read_only=True) as uow:
        assert service.current_agreement(uow, first.id).version == 3


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('id = "terms-of-use"', 'id = "other"', "`id`: the file's own name"),
        ("version = 1", "version = 0", "`version`"),
        ("version = 1", 'version = "1"', "`version`"),
        ('legal_basis = "contract"', 'legal_basis = "because"', "`legal_basis`"),
        ("forgettable = true", 'forgettable = "yes"', "`forgettable`"),
        ("[text]", "[words]", "`words`"),
        ('kind = "terms"', 'kind = "sharing"', "`legal_basis`"),
        ('kind = "terms"', 'kind = "terms', "is not TOML"),
    ],
)
def test_a_faulty_file_is_named(tmp_path: Path, before: str, after: str, fault: str) -> None:
    shutil.copytree(FILES, tmp_path / "agreements")
    file = tmp_path / "agreements" / "terms-of-use.toml"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))
    (found,) = [f for f in faults_of(tmp_path / "agreements") if fault in f]
    assert found.startswith("agreements/terms-of-use.toml: ")


def test_what_changes_the_content_changes_its_hash(tmp_path: Path) -> None:
    shutil.copytree(FILES, tmp_path / "agreements")
    file = tmp_path / "agreements" / "privacy-notice.toml"
    before = {a.id: a.revision_hash for a in service.read_agreements(tmp_path / "agreements")}
    file.write_text(file.read_text().replace("七天", "八天"))
    after = {a.id: a.revision_hash for a in service.read_agreements(tmp_path / "agreements")}
    assert {one for one in before if before[one] != after[one]} == {"privacy-notice"}


def test_a_new_version_of_the_apps_terms_asks_again(client: FlaskClient, rooms: Rooms) -> None:
    text = {"zh": "一", "en": "1"}
    terms = make_agreement(rooms, kind=AgreementKind.TERMS, legal_basis=Basis.CONTRACT, text=text)
    citizen = log_in_quickly(rooms)
    headers = bearer(citizen.access_token)
    place = f"/v1/me/agreements/{terms.id}/acceptances"

    def standing() -> tuple[bool, int | None]:
        listed = client.get("/v1/me/agreements", headers=headers).json["items"]
        (mine,) = [item for item in listed if item["agreement"]["id"] == terms.id]
        return mine["is_pending"], mine["accepted_version"]

    assert standing() == (True, None)
    first = client.post(place, json={"version": 1}, headers=headers)
    assert (first.status_code, first.json["status"]) == (201, "granted")
    assert first.json["consumer"] == "app"
    again = client.post(place, json={"version": 1}, headers=headers)
    assert (again.status_code, again.json["id"]) == (201, first.json["id"])
    assert standing() == (False, 1)
    with rooms.units.open(actor="test") as uow:
        newer = dataclasses.replace(terms, version=2, revision_hash="two")
        service.publish_agreements(uow, [newer])
    assert standing() == (True, 1)
    old = client.post(place, json={"version": 1}, headers=headers)
    assert (old.status_code, old.json["code"]) == (409, "agreement-superseded")
    assert old.json["current_version"] == 2
    assert standing() == (True, 1)
    assert client.post(place, json={"version": 2}, headers=headers).status_code == 201
    assert standing() == (False, 2)
    kept = client.get("/v1/me/consents", headers=headers).json["items"]
    assert [(c["status"], c["agreement"]["version"]) for c in kept] == [
        ("granted", 2),
        ("superseded", 1),
    ]


def test_only_the_apps_own_agreements_are_accepted(client: FlaskClient, rooms: Rooms) -> None:
    headers = bearer(log_in_quickly(rooms).access_token)
    for name in ("third-party-sign-in", "no-such"):
        answer = client.post(
            f"/v1/me/agreements/{name}/acceptances", json={"version": 1}, headers=headers
        )
        assert (answer.status_code, answer.json["code"]) == (404, "agreement-not-found")
