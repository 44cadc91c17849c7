"""Registering a provider by its manifest: what is checked, what is unique, what never changes."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.factory import Rooms
from app.http.server import Server
from tests.factories import bearer, staff_token
from tests.live import at_once
from tests.providers.support import (
    Company,
    Office,
    admitted,
    count,
    entry_of,
    epoch,
    make_company,
    new_jwk,
)

PROVIDERS = text("select count(*) from providers where name = :name")
CLAIMS = text("select count(*) from provider_claims where id = :id")


def changed(company: Company, change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Return a copy of a company's manifest with something changed."""
    manifest = copy.deepcopy(company.manifest)
    change(manifest)
    return manifest


def test_a_company_registers_and_sees_where_it_stands(company: Company, rooms: Rooms) -> None:
    before = epoch(rooms)
    made = company.register()
    assert (made["status"], made["transport"], made["manifest_version"]) == ("applied", "remote", 1)
    assert company.get(company.path).json == made
    assert [one["id"] for one in company.get("/v1/providers").json["items"]] == [company.name]
    [move] = company.get(f"{company.path}/moves").json["items"]
    assert (move["from_state"], move["to_state"], move["by"]) == (None, "applied", "integrator")
    entry = entry_of(rooms, company.name)
    assert entry is not None
    assert entry.manifest == company.manifest
    assert not entry.is_published
    assert entry.key_of("first") == company.key.public_key()
    assert entry.key_of("second") is None
    assert epoch(rooms) > before


def _service(**fields: object) -> Callable[[dict[str, Any]], object]:
    return lambda manifest: manifest["services"][0].update(fields)


def _set(**fields: object) -> Callable[[dict[str, Any]], object]:
    return lambda manifest: manifest.update(fields)


DEEP: dict[str, Any] = {"zh": "深", "en": "deep"}
for _ in range(12):
    DEEP = {"zh": "深", "en": DEEP}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda m: m.pop("contract"), "/manifest/contract"),
        (_set(contract=2), "/manifest/contract"),
        (_set(contract="1"), "/manifest/contract"),
        (_set(name="Firm"), "/manifest/name"),
        (_set(name="keys"), "/manifest/name"),
        (_set(sdk=1), "/manifest/sdk"),
        (_set(provider="Python"), "/manifest/provider"),
        (_set(surprise=1), "/manifest/surprise"),
        (_set(owner="nobody"), "/manifest/owner"),
        (_set(support="somewhere"), "/manifest/support"),
        (_set(title={"zh": "停车\u202e", "en": "Parking"}), "/manifest/title/zh"),
        (_set(title={"zh": "停" * 501, "en": "Parking"}), "/manifest/title/zh"),
        (_set(title=DEEP), "/manifest"),
        (_set(support="a" * 70_000), "/manifest"),
        (_set(base_url="http://parking.example"), "/manifest/base_url"),
        (_set(base_url="http://127.0.0.1:1"), "/manifest/base_url"),
        (_set(base_url="https://a@parking.example"), "/manifest/base_url"),
        (_set(base_url="https://parking.example/"), "/manifest/base_url"),
        (_set(base_url="https://parking.example/?a=1"), "/manifest/base_url"),
        (_set(base_url="https://parking.example/#a"), "/manifest/base_url"),
        (_set(base_url="https://parking.example/../up"), "/manifest/base_url"),
        (_set(base_url="https:///nowhere"), "/manifest/base_url"),
        (_set(base_url="ftp://parking.example"), "/manifest/base_url"),
        (_set(base_url="https://[::1"), "/manifest/base_url"),
        (_set(base_url="https://127.0.0.1"), "/manifest/base_url"),
        (_set(base_url="https://[::1]:8443/city"), "/manifest/base_url"),
        (_set(base_url="https://169.254.169.254/latest"), "/manifest/base_url"),
        (_set(base_url="https://0x7f000001"), "/manifest/base_url"),
        (_set(base_url="https://parking.example:0"), "/manifest/base_url"),
        (_set(base_url="https://par\tking.example/city"), "/manifest/base_url"),
        (_set(keys=[]), "/manifest/keys"),
        (lambda m: m["keys"][0].update(d="secret"), "/manifest/keys/0/d"),
        (lambda m: m["keys"][0].update(x="A" * 42), "/manifest/keys/0/x"),
        (lambda m: m["keys"].append(m["keys"][0]), "/manifest/keys/1"),
        (_service(id="Water Bill"), "/manifest/services/0/id"),
        (_service(id="ordinary-passport"), "/manifest/services/0/id"),
        (_service(category="magic"), "/manifest/services/0/category"),
        (_service(department="nobody"), "/manifest/services/0/department"),
        (_service(kind="guide"), "/manifest"),
        (_set(payees=[]), "/manifest"),
        (_set(services=[]), "/manifest/services"),
    ],
)
def test_what_a_manifest_must_not_be(
    company: Company, rooms: Rooms, change: Callable[[dict[str, Any]], object], pointer: str
) -> None:
    manifest = changed(company, change)
    answer = company.post("/v1/providers", {"manifest": manifest})
    assert answer.status_code == 422, answer.text
    assert answer.json["code"] == "manifest-invalid"
    places = [error["pointer"] for error in answer.json["errors"]]
    assert any(place.startswith(pointer) for place in places), places
    assert count(rooms, PROVIDERS, name=str(manifest["name"])) == 0
    assert count(rooms, CLAIMS, id=company.service) == 0


def test_nobody_takes_a_name_or_an_id_of_somebody_else(
    app: Server, rooms: Rooms, company: Company
) -> None:
    company.register()
    other = make_company(app, rooms)
    own = company.manifest["payees"][0]["id"]
    for change, code in (
        (_set(name=company.name), "provider-name-taken"),
        (_set(name="utilities"), "provider-name-taken"),
        (_service(id=company.service), "provider-id-taken"),
        (_service(id="water-bill"), "provider-id-taken"),
        (lambda m: m["payees"][0].update(id=own), "provider-id-taken"),
        (lambda m: m["payees"][0].update(id="shiyan-water"), "provider-id-taken"),
    ):
        answer = other.post("/v1/providers", {"manifest": changed(other, change)})
        assert (answer.status_code, answer.json["code"]) == (409, code)
    assert entry_of(rooms, other.name) is None
    assert count(rooms, CLAIMS, id=other.service) == 0
    other.register()


def test_of_eight_that_register_the_same_at_once_one_is_first(app: Server, rooms: Rooms) -> None:
    rivals = [make_company(app, rooms) for _ in range(8)]
    name, wanted = rivals[0].name, rivals[0].service
    same_name = [changed(rival, _set(name=name)) for rival in rivals[:4]]
    same_id = [changed(rival, _service(id=wanted)) for rival in rivals[4:]]
    answers = at_once(
        [
            lambda rival=rival, manifest=manifest: admitted(  # type: ignore[misc]
                lambda: rival.post("/v1/providers", {"manifest": manifest})
            )
            for rival, manifest in zip(rivals, same_name + same_id, strict=True)
        ]
    )
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {201, 409}, [answer.text for answer in answers]
    assert statuses[:4].count(201) <= 1
    assert statuses.count(201) >= 1
    assert count(rooms, CLAIMS, id=wanted) == 1
    assert count(rooms, PROVIDERS, name=name) == statuses[:4].count(201)


def test_eight_ids_in_eight_orders_do_not_wait_for_each_other_for_ever(
    app: Server, rooms: Rooms
) -> None:
    rivals = [make_company(app, rooms) for _ in range(4)]
    ids = [f"{rivals[0].service}-{number}" for number in range(8)]

    def services(manifest: dict[str, Any], shift: int) -> None:
        [one] = manifest["services"]
        turned = ids[shift:] + ids[:shift]
        manifest["services"] = [{**one, "id": own} for own in turned]

    answers = at_once(
        [
            lambda rival=rival, shift=shift: rival.post(  # type: ignore[misc]
                "/v1/providers",
                {"manifest": changed(rival, lambda m: services(m, 2 * shift))},
            )
            for shift, rival in enumerate(rivals)
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


def test_another_company_sees_nothing(app: Server, rooms: Rooms, company: Company) -> None:
    company.register()
    other = make_company(app, rooms)
    for path in ("", "/moves", "/manifests", "/manifests/1", "/keys"):
        answer = other.get(f"{company.path}{path}")
        absent = other.get(f"/v1/providers/nobody{path}")
        assert (answer.status_code, answer.json["code"]) == (404, "provider-not-found")
        assert absent.json["code"] == answer.json["code"]
    for path, body in (
        ("/manifests", {"manifest": company.manifest}),
        ("/keys", new_jwk(other.key, "theirs")),
        ("/withdrawal", {"reason": {"zh": "再见", "en": "Bye"}}),
    ):
        assert other.post(f"{company.path}{path}", body).status_code == 404
    assert other.get("/v1/providers").json["items"] == []
    assert company.get(company.path).json["status"] == "applied"


def test_the_scope_is_needed(app: Server, rooms: Rooms, client: FlaskClient) -> None:
    other = make_company(app, rooms, scope="services.read")
    answer = other.post("/v1/providers", {"manifest": other.manifest})
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    staff = bearer(staff_token(rooms, "catalog-editor"))
    assert client.get("/v1/providers", headers=staff).status_code == 403


def test_a_version_stays_and_the_next_one_counts_until_somebody_has_vouched(
    company: Company, office: Office, rooms: Rooms
) -> None:
    company.register()
    second = changed(company, _set(support="+86 719 12345"))
    for _ in range(2):  # the same content is the same version
        answer = company.post(f"{company.path}/manifests", {"manifest": second})
        assert answer.status_code == 201, answer.text
        assert (answer.json["id"], answer.json["is_released"]) == (2, True)
    office.bring(company, "conformance_passed")
    third = changed(company, _set(base_url="https://elsewhere.example"))
    waits = company.post(f"{company.path}/manifests", {"manifest": third})
    assert (waits.json["id"], waits.json["is_released"]) == (3, False)
    entry = entry_of(rooms, company.name)
    assert entry is not None
    assert entry.manifest == second
    released = office.review(company, "manifests/3/release", {})
    assert released.json["is_released"]
    entry = entry_of(rooms, company.name)
    assert entry is not None
    assert entry.manifest == third
    first = company.get(f"{company.path}/manifests/1").json
    assert (first["content"], first["is_released"]) == (company.manifest, False)
    assert [one["id"] for one in company.get(f"{company.path}/manifests").json["items"]] == [
        *(3, 2, 1)
    ]
    for absent in ("4", "0", "x", "99999999999"):
        assert office.review(company, f"manifests/{absent}/release", {}).status_code == 404


def test_a_provider_keeps_its_name(company: Company) -> None:
    company.register()
    renamed = changed(company, _set(name=f"{company.name}x"))
    answer = company.post(f"{company.path}/manifests", {"manifest": renamed})
    assert (answer.status_code, answer.json["code"]) == (422, "manifest-invalid")


def test_keys_overlap_while_one_replaces_another(
    app: Server, rooms: Rooms, company: Company
) -> None:
    company.register()
    other = make_company(app, rooms)
    fresh = new_jwk(other.key, "second")
    keys = f"{company.path}/keys"
    only = company.http.delete(f"{keys}/first", headers=dict(company.headers))
    assert (only.status_code, only.json["code"]) == (409, "last-key")
    for _ in range(2):
        assert company.post(keys, fresh).status_code == 201
    entry = entry_of(rooms, company.name)
    assert entry is not None
    assert [key.kid for key in entry.keys] == ["first", "second"]
    for taken in ({**fresh, "kid": "third"}, new_jwk(company.key, "second")):
        assert company.post(keys, taken).json["code"] == "provider-key-conflict"
    gone = company.http.delete(f"{keys}/first", headers=dict(company.headers))
    assert gone.status_code == 204
    entry = entry_of(rooms, company.name)
    assert entry is not None
    assert [key.kid for key in entry.keys] == ["second"]
    again = company.http.delete(f"{keys}/first", headers=dict(company.headers))
    assert (again.status_code, again.json["code"]) == (404, "provider-key-not-found")
    back = company.post(keys, new_jwk(company.key, "first"))
    assert (back.status_code, back.json["code"]) == (409, "provider-key-conflict")
    shown = company.get(keys).json["items"]
    assert [(key["kid"], key["retired_at"] is None) for key in shown] == [
        ("first", False),
        ("second", True),
    ]
    not_a_key = company.post(keys, {**fresh, "kid": "other", "crv": "X25519"})
    assert not_a_key.status_code == 422


def test_there_are_five_live_keys_at_most(app: Server, rooms: Rooms, company: Company) -> None:
    company.register()
    answers = [
        company.post(f"{company.path}/keys", new_jwk(make_company(app, rooms).key, f"k{number}"))
        for number in range(5)
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 201, 409]
    assert answers[-1].json["code"] == "too-many-keys"


def test_our_own_key_is_public(client: FlaskClient, rooms: Rooms) -> None:
    answer = client.get("/v1/providers/keys")
    [key] = answer.json["keys"]
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")
    assert "d" not in key
    assert answer.headers["Cache-Control"] == "public, max-age=300"
