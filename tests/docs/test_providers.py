"""docs/providers.md tells the truth: its example is computed anew, and both sides accept it."""

import base64
import re
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.core.signatures import (
    TO_PROVIDER,
    BadSignature,
    SentRequest,
    verify_request,
    verify_response,
)
from config.settings import ROOT
from examples.parking import signing
from tests.factories import later

PAGE = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```\w+ (\S+)\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL))
DUTIES_OF_THE_PAGE = re.findall(
    r"^\| `([a-z-]+)` \| .+ \|$", PAGE.partition("## The duties")[2], re.MULTILINE
)
MADE_AT = 1767225600
CITY, PROVIDER = (Ed25519PrivateKey.from_private_bytes(bytes(range(n, n + 32))) for n in (0, 32))
KEYS = {"example-city-key": CITY.public_key(), "parking-1": PROVIDER.public_key()}
URL = "https://parking.example"


def message(block: str) -> tuple[list[str], dict[str, str], bytes]:
    """Return first line, headers and body of a message of the page."""
    head, _, body = BLOCKS[block].partition("\n\n")
    first, *lines = head.split("\n")
    return first.split(" "), dict(line.split(": ", 1) for line in lines), body.encode()


def text_of(key: Ed25519PublicKey) -> str:
    return base64.urlsafe_b64encode(key.public_bytes_raw()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("block", "label", "key"), [("request", "city", CITY), ("answer", "provider", PROVIDER)]
)
def test_the_worked_examples_are_right(block: str, label: str, key: Ed25519PrivateKey) -> None:
    _, headers, body = message(block)
    base = BLOCKS[f"{block}-base"]
    said = headers["Signature-Input"].removeprefix(f"{label}=")
    assert base.splitlines()[-1] == f'"@signature-params": {said}'
    assert headers["Content-Digest"] == signing.content_digest(body)
    signature = base64.b64encode(key.sign(base.encode())).decode()
    assert headers["Signature"] == f"{label}=:{signature}:"
    assert f"`{text_of(key.public_key())}`" in PAGE


def test_the_house_and_the_example_accept_the_request_and_nothing_else() -> None:
    (method, target, _), headers, body = message("request")
    small = {name.lower(): value for name, value in headers.items()}

    def theirs(sent: bytes, at: int) -> signing.Signed:
        request = signing.Request(method, target, small, sent)
        return signing.verify_request(request, KEYS.get, "parking.example", at)

    assert theirs(body, MADE_AT + 59).nonce == "ZXhhbXBsZS1ub25jZQ"
    for sent, at in ((body, MADE_AT + 61), (body, MADE_AT - 11), (body + b" ", MADE_AT)):
        with pytest.raises(signing.BadSignature):
            theirs(sent, at)

    def ours(sent: bytes) -> str:
        url = URL + target
        return verify_request(method, url, headers, sent, key_of=KEYS.get, tag=TO_PROVIDER).nonce

    with later(MADE_AT + 1 - time.time()):
        assert ours(body) == "ZXhhbXBsZS1ub25jZQ"
        with pytest.raises(BadSignature):
            ours(body + b" ")


def test_the_house_accepts_the_answer_to_this_request_and_to_no_other() -> None:
    (method, target, _), asked, _ = message("request")
    (_, status, _), headers, body = message("answer")

    def ours(request: SentRequest) -> str:
        return verify_response(int(status), headers, body, request=request, key_of=KEYS.get).key_id

    with later(MADE_AT + 2 - time.time()):
        assert ours(SentRequest(method, URL + target, asked)) == "parking-1"
        other = {**asked, "Signature": f"city=:{base64.b64encode(bytes(64)).decode()}:"}
        with pytest.raises(BadSignature):
            ours(SentRequest(method, URL + target, other))


def test_the_example_signs_the_answer_of_the_page() -> None:
    _, asked, _ = message("request")
    _, headers, body = message("answer")
    signature = asked["Signature"].removeprefix("city=")
    signed = signing.sign_answer(
        signing.OwnKey(PROVIDER, "parking-1"),
        signing.Signed("", 0, signature),
        200,
        headers["Content-Type"],
        body,
        MADE_AT + 1,
    )
    assert signed == headers
