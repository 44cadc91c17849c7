"""A holder reads, prints and takes along their certificates; anybody checks one by its code."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import text

from app.certificates import service
from app.certificates.service import CertificatesDeps
from app.certificates.service.documents import draw_document
from app.certificates.service.read import read_certificate
from app.core import jose
from app.core.ids import new_id
from app.core.papers.seal import Seal
from app.core.unit_of_work import TransactionOpen
from app.factory import Rooms
from sandbox.certificates import make_seal
from tests import outside
from tests.certificates.support import FIELDS, Bureau, id_of, in_a_year
from tests.conftest import World
from tests.factories import Citizen, later
from tests.privacy.support import ask_closure, close, read_all
from tests.receipts.signatures import is_genuine, pdfsig, pdftotext

ROOM = "/v1/me/certificates"
NOTHING = {
    "valid": False,
    "status": None,
    "title": None,
    "issuer_title": None,
    "holder": None,
    "issued_at": None,
    "valid_until": None,
}


def read(bureau: Bureau, citizen: Citizen, number: str) -> Any:  # noqa: ANN401 - JSON
    answer = bureau.client.get(f"{ROOM}/{id_of(bureau, number)}", headers=citizen.auth)
    assert answer.status_code == 200, answer.text
    return answer.json


def check(bureau: Bureau, number: str, code: str) -> Any:  # noqa: ANN401 - JSON
    answer = bureau.client.get(f"/v1/certificates/{number}/validity?code={code}")
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_holder_reads_what_they_hold(bureau: Bureau, citizen: Citizen, stranger: Citizen) -> None:
    assert bureau.client.get(ROOM, headers=citizen.auth).json["items"] == []
    until = in_a_year()
    made = [bureau.issue(citizen, valid_until=until).number for _ in range(2)]
    listed = bureau.client.get(f"{ROOM}?limit=1", headers=citizen.auth).json
    assert [one["number"] for one in listed["items"]] == made[1:]
    rest = bureau.client.get(f"{ROOM}?cursor={listed['next_cursor']}", headers=citizen.auth).json
    assert [one["number"] for one in rest["items"]] == made[:1]
    bureau.change(made[0], "suspended", "under-inspection")
    one = read(bureau, citizen, made[0])
    assert one["identifier"] == f"1.2.156.3005.2.{made[0]}"
    assert {field["id"]: field["value"] for field in one["fields"]} == FIELDS
    assert (one["status"], one["valid_until"]) == ("suspended", until.isoformat())
    assert [(step["status"], step["reason"]) for step in one["history"]] == [
        ("issued", "issued"),
        ("active", "issued"),
        ("suspended", "under-inspection"),
    ]
    for path in ("", "/pdf", "/presentations"):
        place = f"{ROOM}/{one['id']}{path}"
        assert bureau.client.get(place, headers=stranger.auth).status_code == 404
        assert bureau.client.get(place).status_code == 401


def test_anybody_checks_one_by_number_and_code(bureau: Bureau, citizen: Citizen) -> None:
    until = in_a_year()
    number = bureau.issue(citizen, valid_until=until).number
    one = read(bureau, citizen, number)
    answer = check(bureau, number, one["code"])
    assert answer == {
        "valid": True,
        "status": "active",
        "title": {"zh": "食品经营许可证", "en": "Food business licence"},
        "issuer_title": {"zh": "市场监督管理局", "en": "Market Regulation Bureau"},
        "holder": "李*",
        "issued_at": one["issued_at"],
        "valid_until": until.isoformat(),
    }
    other = bureau.issue(citizen).number
    assert check(bureau, other, one["code"]) == NOTHING
    assert check(bureau, number, "a" * 16) == NOTHING
    assert check(bureau, number[:-1] + "-", one["code"]) == NOTHING
    assert check(bureau, "nothing", one["code"]) == NOTHING
    for state in ("suspended", "revoked"):
        bureau.change(number, state)
        found = check(bureau, number, one["code"])
        assert (found["valid"], found["status"]) == (False, state)
    with later(400 * 86_400):
        ended = check(bureau, other, read_code(bureau, other))
        assert (ended["valid"], ended["status"]) == (False, "expired")


def owner_of(bureau: Bureau, number: str) -> UUID:
    found = read_all(
        bureau.rooms, "select citizen_id from certificates where number = :n", n=number
    )[0][0]
    assert isinstance(found, UUID)
    return found


def read_code(bureau: Bureau, number: str) -> str:
    return str(
        read_all(bureau.rooms, "select code from certificates where number = :n", n=number)[0][0]
    )


def test_a_code_of_another_form_is_refused(bureau: Bureau, holder: Citizen) -> None:
    number = bureau.issue(holder).number
    for code in ("", "?code=", "?code=short", "?code=" + "A" * 16):
        answer = bureau.client.get(f"/v1/certificates/{number}/validity{code}")
        assert answer.status_code == 422, answer.text
    view = bureau.rooms.deps[CertificatesDeps]
    with bureau.rooms.units.open(actor="test", read_only=True) as uow:
        assert service.check_validity(uow, view, number, "b" * 16).valid is False


def test_a_closed_account_leaves_validity_and_nothing_else(
    bureau: Bureau, client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    number = bureau.issue(citizen).number
    one = read(bureau, citizen, number)
    assert check(bureau, number, one["code"])["holder"] == "李*"
    close(rooms, ask_closure(client, rooms, citizen))
    answer = check(bureau, number, one["code"])
    assert (answer["valid"], answer["status"], answer["holder"]) == (True, "active", None)
    deps: CertificatesDeps = bureau.rooms.deps[CertificatesDeps]
    with bureau.rooms.units.open(actor="test", read_only=True) as uow:
        view = read_certificate(uow, deps, id_of(bureau, number), owner_of(bureau, number))
    assert view.fields is None


@pytest.fixture(scope="module")
def printed(bureau: Bureau, holder: Citizen) -> bytes:
    """Return a certificate on paper."""
    number = bureau.issue(holder).number
    answer = bureau.client.get(f"{ROOM}/{id_of(bureau, number)}/pdf", headers=holder.auth)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf"), answer.text
    return answer.data


def test_the_paper_is_signed_and_no_altered_one_passes(
    printed: bytes, world: World, tmp_path: Path
) -> None:
    chain = world.env["RECEIPT_SIGNING_CERTIFICATE"]
    assert is_genuine(printed, chain)
    outside.need("pdfsig", "pdftotext")
    said = pdfsig(printed, tmp_path)
    assert "Signature is Valid." in said
    assert "Total document signed" in said
    words = pdftotext(printed, tmp_path)
    for word in (*FIELDS.values(), "食品经营许可证", "Food business licence", "市场监督管理局"):
        assert word in words.replace("\n", " "), word
    altered = bytearray(printed)
    altered[len(altered) // 3] ^= 1
    assert "Signature is Valid." not in pdfsig(bytes(altered), tmp_path)
    assert not is_genuine(bytes(altered), chain)


def test_its_code_leads_to_the_check(bureau: Bureau, printed: bytes) -> None:
    (page,) = PdfReader(BytesIO(printed)).pages
    notes = [note.get_object() for note in page["/Annots"]]
    (place,) = {note["/A"]["/URI"] for note in notes if "/A" in note}
    path = re.sub(r"^https?://[^/]+", "", place)
    answer = bureau.client.get(path)
    assert (answer.status_code, answer.json["valid"]) == (200, True)


def test_what_is_drawn_is_the_same_for_ever(bureau: Bureau, holder: Citizen) -> None:
    number = bureau.issue(holder).number
    deps: CertificatesDeps = bureau.rooms.deps[CertificatesDeps]
    with bureau.rooms.units.open(actor="test", read_only=True) as uow:
        view = read_certificate(uow, deps, id_of(bureau, number), owner_of(bureau, number))
    first = draw_document(deps, view)
    with later(86_400):
        assert draw_document(deps, view) == first
    fields = {**(view.fields or {}), "shop": "另一家"}
    assert draw_document(deps, replace(view, fields=fields)) != first


def test_one_that_is_not_in_force_is_not_given_out(bureau: Bureau, holder: Citizen) -> None:
    number = bureau.issue(holder).number
    place = f"{ROOM}/{id_of(bureau, number)}"
    bureau.change(number, "suspended")
    calls = (
        ("GET", "/pdf", None),
        ("POST", "/credential", {"disclose": []}),
        ("POST", "/presentations", {"attributes": [], "purpose": "入职"}),
    )
    for method, path, body in calls:
        answer = bureau.client.open(place + path, method=method, json=body, headers=holder.auth)
        assert (answer.status_code, answer.json["code"]) == (409, "certificate-not-in-force")
        assert answer.json["certificate_status"] == "suspended"
    bureau.change(number, "active")
    assert bureau.client.get(f"{place}/pdf", headers=holder.auth).status_code == 200


def test_nothing_is_signed_in_a_transaction(bureau: Bureau, holder: Citizen) -> None:
    number = bureau.issue(holder).number
    deps: CertificatesDeps = bureau.rooms.deps[CertificatesDeps]
    certificate_id, owner = id_of(bureau, number), owner_of(bureau, number)
    with (
        bureau.rooms.units.open(actor="test") as outer,
        bureau.rooms.units.open(actor="test", read_only=True) as uow,
    ):
        outer.execute(text("select 1"))
        with pytest.raises(TransactionOpen):
            service.sign_document(uow, deps, certificate_id, owner)
        with pytest.raises(TransactionOpen):
            service.make_credential(uow, deps, certificate_id, owner, [], None)
        with pytest.raises(TransactionOpen):
            service.sign_status_list(uow, deps, "0")


def test_a_new_key_signs_and_what_the_old_one_signed_goes_on_to_verify(
    bureau: Bureau, holder: Citizen, world: World
) -> None:
    number = bureau.issue(holder).number
    wanted = (id_of(bureau, number), owner_of(bureau, number))
    before: CertificatesDeps = bureau.rooms.deps[CertificatesDeps]
    fresh = make_seal()
    after = replace(before, seal=Seal(*fresh))

    def take(deps: CertificatesDeps) -> str:
        with bureau.rooms.units.open(actor="test", read_only=True) as uow:
            made = service.make_credential(uow, deps, *wanted, [], None)
        return made.partition("~")[0]

    def verify(made: str, keys: Sequence[Mapping[str, Any]]) -> str:
        read = jose.verify(made, keys, types=["dc+sd-jwt"], members=("alg", "typ", "kid"))
        return str(read.claims["number"])

    old, new = take(before), take(after)
    with bureau.rooms.units.open(actor="test", read_only=True) as uow:
        paper = service.sign_document(uow, after, *wanted)
        keys = service.describe_issuer(uow, after)["jwks"]["keys"]
    assert is_genuine(paper, fresh[1])
    assert not is_genuine(paper, world.env["RECEIPT_SIGNING_CERTIFICATE"])
    assert keys[0]["kid"] == after.seal.chain.kid
    assert [verify(made, keys) for made in (old, new)] == [number, number]
    others = [key for key in keys if key["kid"] != before.seal.chain.kid]
    assert verify(new, others) == number
    with pytest.raises(jose.JoseInvalid):
        verify(old, others)
    assert not any("d" in key for key in keys)


@pytest.mark.parametrize(
    "statement",
    ["update certificate_seals set chain = ''", "delete from certificate_seals"],
)
def test_a_key_that_has_signed_is_never_forgotten(
    bureau: Bureau, printed: bytes, statement: str
) -> None:
    assert printed
    with (
        pytest.raises(Exception, match=r"append-only|permission denied"),
        bureau.rooms.units.open(actor="test") as uow,
    ):
        uow.execute(text(statement))


def test_an_unknown_one_is_not_there(bureau: Bureau, holder: Citizen) -> None:
    public = "/v1/certificates"
    lists = [f"{public}/status-lists/{name}" for name in ("7", "01", "x", "9" * 12)]
    for path in (f"{ROOM}/{new_id()}", *lists, f"{public}/types/x"):
        assert bureau.client.get(path, headers=holder.auth).status_code == 404
