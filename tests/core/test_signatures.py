"""Signed messages: whatever is exchanged in one, nobody believes it, in either direction.

What has to be signed is rebuilt here by hand after RFC 9421, so that the library is judged, too.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_private_key
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock
from app.core.replay import claim_once
from app.core.signatures import (
    AHEAD,
    LIFETIME,
    NONCE_KEPT,
    PROVIDER_CALL,
    TO_CITY,
    TO_PROVIDER,
    BadSignature,
    SentRequest,
    Signature,
    Signer,
    sign_request,
    sign_response,
    verify_request,
    verify_response,
)
from app.core.unit_of_work import Units

URL = "https://parking.example:8443/fulfilments/0197?part=1&part=2"
BODY = '{"reference":"停车-1"}'.encode()
ANSWER = b'{"reference":"7"}'
CITY = Signer(Ed25519PrivateKey.generate(), "city-1")
COMPANY = Signer(Ed25519PrivateKey.generate(), "company-1")
STRANGER = Signer(Ed25519PrivateKey.generate(), "city-1")
KEYS = {one.key_id: one.key.public_key() for one in (CITY, COMPANY)}
JSON = {"Content-Type": "application/json"}
FIELDS = {
    **JSON,
    "Request-Id": "0197-1",
    "Request-Deadline": "2026-11-29T08:00:02.000Z",
    "Idempotency-Key": "0197-2",
    "Citizen-Context": "eyJ.eyJ.sig",
    "User-Agent": "not covered",
}
# RFC 9421, appendix B.1.4.
RFC_KEY = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as its receiver sees it."""

    headers: Mapping[str, str]
    method: str = "PUT"
    url: str = URL
    body: bytes | None = BODY

    def believed(self, tag: str = TO_PROVIDER) -> Signature:
        return verify_request(
            self.method, self.url, self.headers, self.body, key_of=KEYS.get, tag=tag
        )

    def with_headers(self, **headers: str) -> "Asked":
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})

    @property
    def sent(self) -> SentRequest:
        return SentRequest(self.method, self.url, self.headers)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as the house sees it, beside the request that it has sent."""

    headers: Mapping[str, str]
    request: SentRequest
    status: int = 200
    body: bytes = ANSWER

    def believed(self, tag: str = TO_CITY) -> Signature:
        return verify_response(
            self.status, self.headers, self.body, request=self.request, key_of=KEYS.get, tag=tag
        )

    def with_headers(self, **headers: str) -> "Answered":
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})


def ask(signer: Signer = CITY, tag: str = TO_PROVIDER, **fields: str) -> Asked:
    headers = fields or FIELDS
    return Asked({**headers, **sign_request(signer, "PUT", URL, headers, BODY, tag)})


def answer(signer: Signer = COMPANY, asked: Asked | None = None) -> Answered:
    request = (asked or ask()).sent
    return Answered({**JSON, **sign_response(signer, 200, JSON, ANSWER, request=request)}, request)


@pytest.fixture
def at() -> Iterator[Callable[[timedelta], None]]:
    """Move the clock, and set it right again."""
    yield clock.travel
    clock.travel(timedelta(0))


def lines_of(asked: Asked, components: str) -> str:
    """Return the lines that RFC 9421 (2.5) wants signed for these components."""
    fields = {name.lower(): value for name, value in asked.headers.items()}
    derived = {
        "@method": asked.method,
        "@authority": "parking.example:8443",
        "@path": "/fulfilments/0197",
        "@query": "?part=1&part=2",
    }
    names = re.findall(r'"([^"]+)"', components)
    return "".join(f'"{name}": {derived.get(name) or fields[name]}\n' for name in names)


def by_hand(signer: Signer, asked: Asked, components: str, parameters: str) -> Asked:
    """Sign as anybody would who has the standard and no library of ours."""
    said = f"({components}){parameters}"
    signed = signer.key.sign(f'{lines_of(asked, components)}"@signature-params": {said}'.encode())
    encoded = base64.b64encode(signed).decode()
    return asked.with_headers(Signature_Input=f"city={said}", Signature=f"city=:{encoded}:")


COMPONENTS = '"@method" "@authority" "@path" "@query" "request-id" "content-digest" "content-type"'
UNSIGNED = Asked(
    {
        **JSON,
        "Request-Id": "0197-1",
        "Content-Digest": f"sha-256=:{base64.b64encode(sha256(BODY).digest()).decode()}:",
    }
)


def parameters(**changes: str | int | None) -> str:
    moment = int(clock.now().timestamp())
    values: dict[str, str | int | None] = {
        "created": moment,
        "expires": moment + 60,
        "nonce": "0123456789abcdef",
        "keyid": "city-1",
        "alg": "ed25519",
        "tag": TO_PROVIDER,
        **changes,
    }
    written = {
        name: str(value) if isinstance(value, int) else f'"{value}"'
        for name, value in values.items()
        if value is not None
    }
    return "".join(f";{name}={value}" for name, value in written.items())


class TestTheStandard:
    def test_its_own_example_comes_out_as_printed(self) -> None:
        """RFC 9421, appendix B.2.6, with the version of the library that is installed."""
        key = load_der_private_key(base64.b64decode(RFC_KEY), None)
        assert isinstance(key, Ed25519PrivateKey)

        class Message:
            method = "POST"
            url = "https://example.com/foo?param=Value&Pet=dog"
            headers = {
                "Host": "example.com",
                "Date": "Tue, 20 Apr 2021 02:07:55 GMT",
                "Content-Type": "application/json",
                "Content-Length": "18",
            }

        keys = MappingKeyResolver(public_keys={}, private_keys={"test-key-ed25519": key})
        names = ("date", "@method", "@path", "@authority", "content-type", "content-length")
        prepared = HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=keys).prepare(
            Message,
            key_id="test-key-ed25519",
            created=datetime.fromtimestamp(1618884473, UTC),
            covered_component_ids=names,
            include_alg=False,
        )
        assert base64.b64encode(key.sign(prepared.signature_base)).decode() == (
            "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu"
            "4A0w6vuQv5lIp5WPpBKRCw=="
        )

    def test_ours_is_what_anybody_can_check(self) -> None:
        asked = ask()
        said = asked.headers["Signature-Input"].removeprefix("city=")
        assert said.startswith(
            '("@method" "@authority" "@path" "@query" "request-id" "request-deadline" '
            '"idempotency-key" "citizen-context" "content-type" "content-digest");created='
        )
        assert re.search(r';nonce="[\w-]{22}";tag="city-to-provider"$', said)
        base = f'{lines_of(asked, said.partition(")")[0])}"@signature-params": {said}'
        signed = base64.b64decode(asked.headers["Signature"].removeprefix("city=").strip(":"))
        CITY.key.public_key().verify(signed, base.encode())

    def test_what_others_sign_by_hand_is_believed(self) -> None:
        found = by_hand(CITY, UNSIGNED, COMPONENTS, parameters()).believed()
        assert (found.key_id, found.nonce) == ("city-1", "0123456789abcdef")

    def test_a_request_without_content_has_no_digest(self) -> None:
        url = "https://parking.example/payables"
        added = sign_request(CITY, "GET", url, {}, None, TO_PROVIDER)
        assert set(added) == {"Signature-Input", "Signature"}
        verify_request("GET", url, added, b"", key_of=KEYS.get, tag=TO_PROVIDER)

    def test_content_without_a_type_is_not_signed(self) -> None:
        with pytest.raises(ValueError, match="Content-Type"):
            sign_request(CITY, "PUT", URL, {}, BODY, TO_PROVIDER)

    def test_an_answer_is_signed_over_the_signature_of_its_request(self) -> None:
        answered = answer()
        found = answered.believed()
        assert (found.key_id, found.nonce) == ("company-1", "")
        said = answered.headers["Signature-Input"]
        assert '("@status" "signature";req;key="city" "content-type" "content-digest")' in said

    def test_a_company_calls_in_its_own_name(self) -> None:
        assert ask(COMPANY, PROVIDER_CALL).believed(PROVIDER_CALL).key_id == "company-1"


EXCHANGED: dict[str, Callable[[Asked], Asked]] = {
    "another method": lambda asked: replace(asked, method="DELETE"),
    "another host": lambda asked: replace(asked, url=URL.replace("parking", "heating")),
    "another port": lambda asked: replace(asked, url=URL.replace(":8443", "")),
    "another path": lambda asked: replace(asked, url=URL.replace("0197", "0198")),
    "another query": lambda asked: replace(asked, url=URL.replace("part=2", "part=3")),
    "no query": lambda asked: replace(asked, url=URL.partition("?")[0]),
    "another body": lambda asked: replace(asked, body=BODY.replace(b"1", b"2")),
    "no body": lambda asked: replace(asked, body=b""),
    "another body with its digest": lambda asked: replace(
        asked.with_headers(
            Content_Digest=f"sha-256=:{base64.b64encode(sha256(b'{}').digest()).decode()}:"
        ),
        body=b"{}",
    ),
    "another type": lambda asked: asked.with_headers(Content_Type="text/plain"),
    "another idempotency key": lambda asked: asked.with_headers(Idempotency_Key="0197-9"),
    "another citizen": lambda asked: asked.with_headers(Citizen_Context="eyJ.eyI.sig"),
    "another deadline": lambda asked: asked.with_headers(Request_Deadline="2027-01-01T00:00:00Z"),
    "another request id": lambda asked: asked.with_headers(Request_Id="0197-8"),
    "the type a second time": lambda asked: asked.with_headers(content_type="application/json"),
    "another nonce": lambda asked: asked.with_headers(
        Signature_Input=re.sub('nonce="..', 'nonce="xx', asked.headers["Signature-Input"])
    ),
    "a later end": lambda asked: asked.with_headers(
        Signature_Input=re.sub(
            r"expires=(\d+)",
            lambda found: f"expires={int(found[1]) + 1}",
            asked.headers["Signature-Input"],
        )
    ),
    "the signature of another request": lambda asked: asked.with_headers(
        Signature=ask().headers["Signature"]
    ),
    "no signature": lambda asked: replace(asked, headers=FIELDS),
    "no key by that name": lambda _: ask(replace(CITY, key_id="city-9")),
    "a stranger's key": lambda _: ask(STRANGER),
}


@pytest.mark.parametrize("how", EXCHANGED)
def test_a_request_in_which_something_is_exchanged_is_not_believed(how: str) -> None:
    asked = ask()
    asked.believed()
    with pytest.raises(BadSignature):
        EXCHANGED[how](asked).believed()


def test_what_is_not_covered_may_change() -> None:
    ask().with_headers(User_Agent="a proxy's").believed()


@pytest.mark.parametrize(
    "name", ["Idempotency-Key", "Citizen-Context", "Request-Deadline", "Request-Id"]
)
def test_a_field_that_nobody_signed_is_not_slipped_in(name: str) -> None:
    asked = ask(**JSON)
    asked.believed()
    with pytest.raises(BadSignature):
        replace(asked, headers={**asked.headers, name: "slipped in"}).believed()


ANSWERS_EXCHANGED: dict[str, Callable[[Answered], Answered]] = {
    "another status": lambda answered: replace(answered, status=404),
    "another body": lambda answered: replace(answered, body=ANSWER.replace(b"7", b"8")),
    "no body": lambda answered: replace(answered, body=b""),
    "another type": lambda answered: answered.with_headers(Content_Type="text/html"),
    "no type": lambda answered: replace(
        answered, headers={k: v for k, v in answered.headers.items() if k != "Content-Type"}
    ),
    "no digest": lambda answered: replace(
        answered, headers={k: v for k, v in answered.headers.items() if k != "Content-Digest"}
    ),
    "the answer to another request": lambda answered: replace(answered, request=ask().sent),
    "the answer to an unsigned request": lambda answered: replace(
        answered, request=SentRequest("PUT", URL, FIELDS)
    ),
    "no signature": lambda answered: replace(answered, headers=JSON),
    "a stranger's key": lambda _: answer(replace(STRANGER, key_id="company-1")),
    "no key by that name": lambda _: answer(replace(COMPANY, key_id="company-9")),
}


@pytest.mark.parametrize("how", ANSWERS_EXCHANGED)
def test_an_answer_in_which_something_is_exchanged_is_not_believed(how: str) -> None:
    answered = answer()
    answered.believed()
    with pytest.raises(BadSignature):
        ANSWERS_EXCHANGED[how](answered).believed()


def test_an_answer_that_leaves_its_request_out_is_not_believed() -> None:
    """Signed well by the right key, but good for any request."""
    answered = answer()
    digest = answered.headers["Content-Digest"]
    said = (
        '("@status" "content-digest" "content-type")'
        f';created={int(clock.now().timestamp())};keyid="company-1";alg="ed25519";tag="{TO_CITY}"'
    )
    lines = f'"@status": 200\n"content-digest": {digest}\n"content-type": application/json\n'
    signed = COMPANY.key.sign(f'{lines}"@signature-params": {said}'.encode())
    bent = answered.with_headers(
        Signature_Input=f"provider={said}",
        Signature=f"provider=:{base64.b64encode(signed).decode()}:",
    )
    with pytest.raises(BadSignature, match="signature"):
        bent.believed()


@pytest.mark.parametrize(
    "left_out", ["@method", "@authority", "@path", "@query", "request-id", "content-digest"]
)
def test_every_component_has_to_be_covered(left_out: str) -> None:
    components = COMPONENTS.replace(f'"{left_out}" ', "")
    assert components != COMPONENTS
    with pytest.raises(BadSignature, match=left_out):
        by_hand(CITY, UNSIGNED, components, parameters()).believed()


@pytest.mark.parametrize(
    "changes",
    [
        {"created": None},
        {"expires": None},
        {"nonce": None},
        {"keyid": None},
        {"alg": None},
        {"tag": None},
        {"tag": PROVIDER_CALL},
        {"tag": TO_CITY},
        {"alg": "hmac-sha256"},
        {"alg": "rsa-v1_5-sha256"},
        {"alg": "none"},
        {"nonce": "short"},
        {"nonce": "x" * 129},
        {"nonce": 7},
        {"keyid": "x" * 257},
        {"keyid": "company-1"},
        {"created": "1618884473"},
        {"created": 1, "expires": 60},
        {"created": -1},
        {"expires": 999_999_999_999_999},
        {"context": "more than was agreed"},
    ],
    ids=str,
)
def test_every_parameter_is_as_agreed(changes: dict[str, str | int | None]) -> None:
    """Each of these is signed well: only what it says is not what was agreed."""
    with pytest.raises(BadSignature):
        by_hand(CITY, UNSIGNED, COMPONENTS, parameters(**changes)).believed()


def test_a_signature_is_for_one_purpose_only() -> None:
    asked = ask(COMPANY, PROVIDER_CALL)
    with pytest.raises(BadSignature):
        asked.believed(TO_PROVIDER)
    answered = answer()
    with pytest.raises(BadSignature):
        answered.believed(PROVIDER_CALL)


class TestTime:
    def test_a_signature_is_good_for_a_minute(self, at: Callable[[timedelta], None]) -> None:
        asked, answered = ask(), answer()
        at(LIFETIME - timedelta(seconds=30))
        asked.believed()
        answered.believed()
        at(LIFETIME)
        for late in (asked, answered):
            with pytest.raises(BadSignature, match="over"):
                late.believed()

    def test_a_clock_may_go_a_little_before_ours(self, at: Callable[[timedelta], None]) -> None:
        at(AHEAD - timedelta(seconds=1))
        near = (ask(), answer())
        at(AHEAD + timedelta(seconds=30))
        far = (ask(), answer())
        at(timedelta(0))
        for good in near:
            good.believed()
        for bad in far:
            with pytest.raises(BadSignature, match="future"):
                bad.believed()


class TestReplay:
    def test_the_nonce_is_claimed_once(self, units: Units) -> None:
        asked = ask()
        claims = []
        for _ in range(2):
            found = asked.believed()
            with units.open(actor="test") as uow:
                forget_at = clock.now() + NONCE_KEPT
                claims.append(
                    claim_once(uow, TO_PROVIDER, found.key_id, found.nonce, forget_at=forget_at)
                )
        assert claims == [True, False]

    def test_every_call_has_a_nonce_of_its_own(self) -> None:
        assert len({ask().believed().nonce for _ in range(20)}) == 20

    def test_a_nonce_outlives_every_signature_with_it(self) -> None:
        assert NONCE_KEPT > LIFETIME + AHEAD


class TestTwoSignatures:
    def test_two_for_the_same_purpose_are_none(self) -> None:
        asked = ask()
        twice = asked.with_headers(
            Signature_Input=", ".join(
                asked.headers["Signature-Input"].replace("city=", label) for label in ("a=", "b=")
            ),
            Signature=", ".join(
                asked.headers["Signature"].replace("city=", label) for label in ("a=", "b=")
            ),
        )
        with pytest.raises(BadSignature, match="more than one"):
            twice.believed()

    def test_one_that_holds_does_not_excuse_one_that_does_not(self) -> None:
        asked, other = ask(), ask()
        twice = asked.with_headers(
            Signature_Input=f"{asked.headers['Signature-Input']}, "
            + other.headers["Signature-Input"].replace("city=", "b="),
            Signature=f"{asked.headers['Signature']}, b=:{base64.b64encode(bytes(64)).decode()}:",
        )
        with pytest.raises(BadSignature):
            twice.believed()

    def test_a_label_that_stands_twice_is_none(self) -> None:
        asked = ask()
        with pytest.raises(BadSignature):
            asked.with_headers(
                Signature_Input=f"{asked.headers['Signature-Input']}, "
                + asked.headers["Signature-Input"]
            ).believed()

    def test_a_signature_for_another_purpose_is_not_looked_at(self) -> None:
        """A proxy may add one of its own (RFC 9421, 4.3)."""
        asked = ask()
        with_another = asked.with_headers(
            Signature_Input=f"{asked.headers['Signature-Input']}, "
            'proxy=("@method");created=1;keyid="p";tag="a-proxy"',
            Signature=f"{asked.headers['Signature']}, proxy=:AAAA:",
        )
        assert with_another.believed() == asked.believed()


def test_a_key_that_cannot_be_looked_up_is_no_forgery() -> None:
    def fails(key_id: str) -> Ed25519PublicKey | None:
        raise ConnectionError(key_id)

    asked = ask()
    with pytest.raises(ConnectionError, match="city-1"):
        verify_request("PUT", URL, asked.headers, BODY, key_of=fails, tag=TO_PROVIDER)


TEXT = st.text(max_size=60) | st.text(alphabet='ab1="();:,?-* \t\\@%', max_size=60)


@given(TEXT, TEXT)
def test_malformed_fields_are_refused(said: str, signed: str) -> None:
    with pytest.raises(BadSignature):
        ask().with_headers(Signature_Input=said, Signature=signed).believed()
    with pytest.raises(BadSignature):
        answer().with_headers(Signature_Input=said, Signature=signed).believed()


@given(st.integers(min_value=0), TEXT.filter(bool), st.booleans())
def test_a_field_that_is_bent_anywhere_is_refused(place: int, text: str, in_input: bool) -> None:  # noqa: FBT001
    name = "Signature-Input" if in_input else "Signature"
    asked = ask()
    value = asked.headers[name]
    cut = place % len(value)
    bent = value[:cut] + text + value[cut + len(text) :]
    if bent == value:
        return
    try:
        found = replace(asked, headers={**asked.headers, name: bent}).believed()
    except BadSignature:
        return
    # A signature is bound to what it covers, not to its label or to the spaces around it.
    assert found == asked.believed()


@given(TEXT)
def test_a_malformed_digest_is_refused(digest: str) -> None:
    asked = replace(UNSIGNED, headers={**UNSIGNED.headers, "Content-Digest": digest})
    try:
        signed = by_hand(CITY, asked, COMPONENTS, parameters())
    except UnicodeEncodeError:
        return
    with pytest.raises(BadSignature):
        signed.believed()


def test_fields_without_end_are_not_read() -> None:
    with pytest.raises(BadSignature, match="too long"):
        ask().with_headers(Signature="city=:" + "A" * 10_000 + ":").believed()
