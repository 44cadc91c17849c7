"""Signed receipts: others verify them, no altered one passes, and a new key changes nothing."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import jwt
import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from flask.testing import FlaskClient
from psycopg import errors
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pypdf import PdfReader, PdfWriter

from app.core.jose import read_unverified
from app.core.papers.errors import SealUnusable
from app.core.papers.seal import Seal
from app.core.unit_of_work import TransactionOpen
from app.factory import Rooms, StartRefused, build
from app.receipts import service as receipts
from app.receipts.service import ReceiptsDeps
from app.receipts.values import Form
from config.settings import Settings
from sandbox.certificates import make_seal
from tests import outside
from tests.conftest import World
from tests.live import at_once
from tests.receipts.signatures import is_genuine, look, pdfsig, pdftotext
from tests.receipts.support import Issued, issue, read, reverse

FLIPS = 120


@pytest.fixture(scope="module")
def issued(rooms: Rooms) -> Issued:
    """Return a receipt that has been signed as a PDF."""
    made = issue(rooms)
    sign(rooms, made, Form.PDF)
    return made


@pytest.fixture(scope="module")
def signed(rooms: Rooms, issued: Issued) -> bytes:
    """Return its PDF."""
    return sign(rooms, issued, Form.PDF)


@pytest.fixture(scope="module")
def chain(world: World) -> str:
    """Return the certificates of the installation."""
    return world.env["RECEIPT_SIGNING_CERTIFICATE"]


def sign(rooms: Rooms, issued: Issued, form: Form, *, seal: tuple[str, str] | None = None) -> bytes:
    """Return a receipt in a signed form, as this installation or one with another key gives it."""
    deps: ReceiptsDeps = rooms.deps[ReceiptsDeps]
    deps = replace(deps, seal=Seal(*seal)) if seal else deps
    with rooms.units.open(actor="test", read_only=True) as uow:
        return receipts.sign_receipt(uow, deps, issued.receipt, form)


def signed_ranges(pdf: bytes) -> list[range]:
    """Return the bytes that the signature is about: everything but its own hexadecimal digits."""
    (signature,) = PdfFileReader(BytesIO(pdf)).embedded_signatures
    a, b, c, d = (int(number) for number in signature.byte_range)
    assert (a, c + d) == (0, len(pdf))
    return [range(a, a + b), range(c, c + d)]


def test_a_signed_receipt_is_genuine_to_pyhanko(signed: bytes, chain: str) -> None:
    status = look(signed, chain)
    assert status.bottom_line
    assert (status.valid, status.intact, status.trusted) == (True, True, True)
    assert status.coverage.name == "ENTIRE_FILE"
    assert status.docmdp_ok
    (signature,) = PdfFileReader(BytesIO(signed)).embedded_signatures
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert signature.docmdp_level.name == "NO_CHANGES"
    words = PdfReader(BytesIO(signed)).pages[0].extract_text()
    assert "十堰市水务集团有限公司" in words
    assert "肆拾贰元伍角整" in words


def test_another_authority_is_not_believed(signed: bytes) -> None:
    _, elsewhere = make_seal()
    assert not is_genuine(signed, elsewhere)


def test_poppler_agrees(signed: bytes, tmp_path: Path) -> None:
    outside.need("pdfsig", "pdftotext")
    said = pdfsig(signed, tmp_path)
    assert "Signature is Valid." in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said
    words = pdftotext(signed, tmp_path)
    assert "十堰市水务集团有限公司" in words
    assert "肆拾贰元伍角整" in words
    (first, second) = signed_ranges(signed)
    for place in (first[len(first) // 2], second[len(second) // 2]):
        altered = bytearray(signed)
        altered[place] ^= 1
        assert "Signature is Valid." not in pdfsig(bytes(altered), tmp_path)


def test_no_byte_can_be_changed(signed: bytes, chain: str) -> None:
    chance = random.Random(17)  # noqa: S311 - the same places each time
    places = [place for one in signed_ranges(signed) for place in chance.sample(one, FLIPS // 2)]
    passed = []
    for place in places:
        altered = bytearray(signed)
        altered[place] ^= 1 << chance.randrange(8)
        if is_genuine(bytes(altered), chain):
            passed.append(place)
    assert len(places) == FLIPS
    assert passed == []


def test_nothing_can_be_appended(signed: bytes, chain: str) -> None:
    writer = IncrementalPdfFileWriter(BytesIO(signed))
    writer.root["/Extra"] = writer.root["/Pages"]
    writer.update_root()
    assert not look(_written(writer), chain).bottom_line
    assert not is_genuine(signed + b"\n% one more line\n", chain)


def test_no_page_can_be_swapped(rooms: Rooms, signed: bytes, chain: str) -> None:
    other = PdfReader(BytesIO(sign(rooms, issue(rooms), Form.PDF)))
    writer = IncrementalPdfFileWriter(BytesIO(signed))
    page = writer.root["/Pages"]["/Kids"][0]
    content = page["/Contents"]
    content._data = other.pages[0].get_contents().get_data()  # noqa: SLF001 # type: ignore[union-attr]
    content._encoded_data = None  # noqa: SLF001
    writer.mark_update(page.raw_get("/Contents"))
    assert not is_genuine(_written(writer), chain)
    rebuilt = PdfWriter(clone_from=BytesIO(signed))
    rebuilt.pages[0].merge_page(other.pages[0])
    made = BytesIO()
    rebuilt.write(made)
    assert not is_genuine(made.getvalue(), chain)


def _written(writer: IncrementalPdfFileWriter) -> bytes:
    made = BytesIO()
    writer.write(made)
    return made.getvalue()


def test_the_same_file_is_returned_for_ever_also_under_a_new_key(
    rooms: Rooms, issued: Issued, signed: bytes, chain: str
) -> None:
    fresh = make_seal()
    assert sign(rooms, issued, Form.PDF, seal=fresh) == signed
    jws = sign(rooms, issued, Form.JWS)
    assert sign(rooms, issued, Form.JWS, seal=fresh) == jws
    reverse(rooms, issued, 50, left=4200)
    again = Issued(
        issued.payment_id, issued.citizen_id, issued.items, read(rooms, issued.payment_id)
    )
    assert again.receipt.status == "partly_reversed"
    assert sign(rooms, again, Form.PDF) == signed
    assert is_genuine(signed, chain)
    other = issue(rooms)
    assert is_genuine(sign(rooms, other, Form.PDF, seal=fresh), fresh[1])


def test_of_two_signatures_at_once_one_is_kept(rooms: Rooms) -> None:
    made = issue(rooms)
    for form in Form:
        found = at_once([lambda form=form: sign(rooms, made, form)] * 4)  # type: ignore[misc]
        assert len(set(found)) == 1


def test_nobody_signs_while_a_transaction_is_open(rooms: Rooms) -> None:
    made = issue(rooms)
    with rooms.units.open(actor="test") as other:
        other.connection()
        with pytest.raises(TransactionOpen):
            sign(rooms, made, Form.PDF)


@pytest.mark.parametrize("table", ["receipt_documents", "receipt_certificates"])
def test_what_was_signed_cannot_be_changed(
    raw: psycopg.Connection, world: World, signed: bytes, table: str
) -> None:
    assert signed
    column = "signed_at" if table == "receipt_documents" else "first_used_at"
    with pytest.raises(errors.InsufficientPrivilege):
        raw.execute(f"update {table} set {column} = now()")  # type: ignore[arg-type] # noqa: S608
    with (
        psycopg.connect(world.env["DATABASE_OWNER_URL"].replace("+psycopg", "")) as owner,
        pytest.raises(errors.RestrictViolation, match="append-only"),
    ):
        owner.execute(f"delete from {table}")  # type: ignore[arg-type] # noqa: S608


def keys_of(client: FlaskClient) -> list[dict[str, Any]]:
    answer = client.get("/v1/receipts/keys")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["keys"]
    return found


def verify_offline(jws: str, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """Verify as an accountant's system does: with the published keys and a library of its own."""
    kid = read_unverified(jws).header["kid"]
    (key,) = [key for key in keys if key["kid"] == kid]
    claims: dict[str, Any] = jwt.decode(jws, jwt.PyJWK.from_dict(key), algorithms=[key["alg"]])
    return claims


def test_the_json_is_verified_offline_with_the_published_keys(
    rooms: Rooms, client: FlaskClient
) -> None:
    made = issue(rooms)
    old, fresh = sign(rooms, made, Form.JWS).decode(), issue(rooms)
    new = sign(rooms, fresh, Form.JWS, seal=make_seal()).decode()
    keys = keys_of(client)
    claims = verify_offline(old, keys)
    assert claims["code"] == made.receipt.code
    assert claims["receipt_number"] == f"WD-{made.receipt.series}-{made.receipt.number:08d}"
    assert (claims["amount"], claims["currency"]) == (4250, "CNY")
    assert claims["sections"] == made.receipt.sections
    assert verify_offline(new, keys)["code"] == fresh.receipt.code
    assert all(set(key) & {"d", "p", "q", "k"} == set() for key in keys)
    head, _, tail = old.split(".")
    other = new.split(".")[1]
    with pytest.raises(jwt.InvalidSignatureError):
        verify_offline(f"{head}.{other}.{tail}", keys)


def test_an_rsa_key_signs_too(rooms: Rooms, client: FlaskClient) -> None:
    seal = _with_rsa()
    made = issue(rooms)
    assert is_genuine(sign(rooms, made, Form.PDF, seal=seal), seal[1])
    claims = verify_offline(sign(rooms, made, Form.JWS, seal=seal).decode(), keys_of(client))
    assert claims["code"] == made.receipt.code


def _with_rsa() -> tuple[str, str]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Receipts")])
    moment = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(days=1))
        .not_valid_after(moment + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode(), made.public_bytes(Encoding.PEM).decode()


KEY, CHAIN = make_seal()
OTHER_KEY, OTHER_CHAIN = make_seal()
END = "-----END CERTIFICATE-----\n"
LEAF, ROOT = (part + END for part in CHAIN.split(END)[:2])
UNFIT = {
    "no key": ("nothing", CHAIN),
    "no certificate": (KEY, "nothing"),
    "another's certificate": (KEY, OTHER_CHAIN),
    "the authority's certificate": (KEY, ROOT),
    "the wrong order": (KEY, ROOT + LEAF),
    "another's authority": (KEY, LEAF + OTHER_CHAIN),
    "over": make_seal(datetime.now(UTC) - timedelta(days=7306)),
    "not yet": make_seal(datetime.now(UTC) + timedelta(days=367)),
}


@pytest.mark.parametrize("fault", UNFIT)
def test_the_service_does_not_start_with_a_pair_that_cannot_sign(world: World, fault: str) -> None:
    key, certificate = UNFIT[fault]
    env = {
        **world.env,
        "RECEIPT_SIGNING_KEY": key,
        "RECEIPT_SIGNING_CERTIFICATE": certificate,
    }
    rooms = build(Settings.from_env(env))
    try:
        with pytest.raises(StartRefused, match="RECEIPT_SIGNING_CERTIFICATE"):
            rooms.check_start()
    finally:
        rooms.close()


def test_nothing_is_signed_with_a_certificate_that_is_over(rooms: Rooms) -> None:
    made = issue(rooms)
    with pytest.raises(SealUnusable):
        sign(rooms, made, Form.JWS, seal=UNFIT["over"])
    assert is_genuine(sign(rooms, made, Form.PDF), rooms.settings.receipts.certificate)


def test_a_good_pair_passes() -> None:
    Seal(KEY, CHAIN).check(datetime.now(UTC))
    Seal(KEY, LEAF).check(datetime.now(UTC))
