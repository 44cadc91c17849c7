"""Standard Webhooks, both ways, and against the reference library."""

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest
import standardwebhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import now
from app.core.webhook_signatures import (
    ID,
    SIGNATURE,
    TIMESTAMP,
    BadWebhook,
    SharedSecret,
    SigningKey,
    VerifyingKey,
    public_text,
    sign_webhook,
    verify_webhook,
)

BODY = '{"type":"payment.succeeded","data":{"title":"水费"}}'.encode()


def pairs() -> dict[str, tuple[SigningKey, VerifyingKey]]:
    secret, private = SharedSecret.fresh(), Ed25519PrivateKey.generate()
    return {"v1": (secret, secret), "v1a": (private, private.public_key())}


@pytest.fixture(params=["v1", "v1a"])
def pair(request: pytest.FixtureRequest) -> tuple[SigningKey, VerifyingKey]:
    return pairs()[request.param]


Pair = tuple[SigningKey, VerifyingKey]


def refused(keys: list[VerifyingKey], headers: dict[str, str], body: bytes = BODY) -> str:
    with pytest.raises(BadWebhook) as caught:
        verify_webhook(keys, headers, body)
    return str(caught.value)


def test_what_is_signed_is_believed(pair: Pair) -> None:
    ours, theirs = pair
    at = now()
    found = verify_webhook([theirs], sign_webhook([ours], "evt_1", at, BODY), BODY)
    assert (found.id, found.at) == ("evt_1", at.replace(microsecond=0))


def test_header_names_are_read_in_any_case(pair: Pair) -> None:
    ours, theirs = pair
    signed = sign_webhook([ours], "evt_1", now(), BODY)
    assert verify_webhook([theirs], {k.title(): v for k, v in signed.items()}, BODY).id == "evt_1"


# A stamp has no fraction, and a crowded machine takes its time: some seconds from the border.
@pytest.mark.parametrize("seconds", [-270, 299])
def test_five_minutes_either_way_are_borne(pair: Pair, seconds: int) -> None:
    ours, theirs = pair
    at = now() + timedelta(seconds=seconds)
    assert verify_webhook([theirs], sign_webhook([ours], "evt_1", at, BODY), BODY).id == "evt_1"


@pytest.mark.parametrize("seconds", [-302, 330, -86_400])
def test_what_is_older_or_newer_is_refused(pair: Pair, seconds: int) -> None:
    ours, theirs = pair
    at = now() + timedelta(seconds=seconds)
    assert "five minutes" in refused([theirs], sign_webhook([ours], "evt_1", at, BODY))


BENDS: dict[str, Callable[[dict[str, str]], None]] = {
    "other id": lambda h: h.update({ID: "evt_2"}),
    "other time": lambda h: h.update({TIMESTAMP: str(int(h[TIMESTAMP]) + 1)}),
    "no id": lambda h: h.pop(ID) and None,
    "no time": lambda h: h.pop(TIMESTAMP) and None,
    "no signature": lambda h: h.pop(SIGNATURE) and None,
    "empty signature": lambda h: h.update({SIGNATURE: ""}),
    "id with a full stop": lambda h: h.update({ID: "evt.1"}),
    "time with a sign": lambda h: h.update({TIMESTAMP: "+" + h[TIMESTAMP]}),
    "time with a fraction": lambda h: h.update({TIMESTAMP: h[TIMESTAMP] + ".0"}),
    "time in other digits": lambda h: h.update({TIMESTAMP: "١٧٠٠٠٠٠٠٠٠"}),
    "time out of the calendar": lambda h: h.update({TIMESTAMP: "99999999999"}),
    "unknown version": lambda h: h.update({SIGNATURE: h[SIGNATURE].replace("v1", "v2", 1)}),
    "no version": lambda h: h.update({SIGNATURE: h[SIGNATURE].partition(",")[2]}),
    "cut": lambda h: h.update({SIGNATURE: h[SIGNATURE][:-8]}),
    "not base64": lambda h: h.update({SIGNATURE: h[SIGNATURE][:-1] + "*"}),
    "not ASCII": lambda h: h.update({SIGNATURE: "v1,水费"}),
    "eleven signatures": lambda h: h.update({SIGNATURE: " ".join([h[SIGNATURE]] * 11)}),
}


@pytest.mark.parametrize("bend", BENDS)
def test_what_is_bent_is_refused(pair: Pair, bend: str) -> None:
    ours, theirs = pair
    headers = sign_webhook([ours], "evt_1", now(), BODY)
    verify_webhook([theirs], headers, BODY)
    BENDS[bend](headers)
    refused([theirs], headers)


def test_another_body_is_refused(pair: Pair) -> None:
    ours, theirs = pair
    headers = sign_webhook([ours], "evt_1", now(), BODY)
    for other in (BODY + b" ", BODY[:-1], b"", BODY.replace(b"succeeded", b"cancelled")):
        refused([theirs], headers, other)


def test_another_key_is_refused() -> None:
    mine, others = pairs(), pairs()
    for version, (ours, _) in mine.items():
        headers = sign_webhook([ours], "evt_1", now(), BODY)
        refused([others[version][1]], headers)
        refused([], headers)


def test_a_signature_of_one_kind_does_not_pass_for_the_other() -> None:
    private = Ed25519PrivateKey.generate()
    secret = SharedSecret(private.public_key().public_bytes_raw())  # what everybody knows
    headers = sign_webhook([secret], "evt_1", now(), BODY)
    refused([private.public_key()], headers)
    headers[SIGNATURE] = headers[SIGNATURE].replace("v1,", "v1a,")
    refused([private.public_key()], headers)


def test_while_keys_change_either_one_is_enough() -> None:
    old, new = SharedSecret.fresh(), Ed25519PrivateKey.generate()
    headers = sign_webhook([new, old], "evt_1", now(), BODY)
    assert [one.partition(",")[0] for one in headers[SIGNATURE].split(" ")] == ["v1a", "v1"]
    for keys in ([old], [new.public_key()], [SharedSecret.fresh(), old]):
        assert verify_webhook(keys, headers, BODY).id == "evt_1"


def test_a_short_secret_is_none() -> None:
    for size in (0, 23, 65):
        with pytest.raises(ValueError, match="24 to 64"):
            SharedSecret(bytes(size))
    for text in ("whsec_", "whsec_*", "whsec_" + base64.b64encode(bytes(23)).decode()):
        with pytest.raises(ValueError, match="secret"):
            SharedSecret.parse(text)
    secret = SharedSecret.fresh()
    assert SharedSecret.parse(secret.text) == secret
    assert secret.text not in repr(secret)
    assert repr(secret.raw) not in repr(secret)


@pytest.mark.parametrize("message_id", ["", "a.b", "a b", "a\n", "x" * 129])
def test_an_id_that_could_be_read_two_ways_is_not_signed(message_id: str) -> None:
    with pytest.raises(ValueError, match="an id"):
        sign_webhook([SharedSecret.fresh()], message_id, now(), BODY)


def test_the_reference_library_believes_us_and_we_believe_it() -> None:
    secret = SharedSecret.fresh()
    library = standardwebhooks.Webhook(secret.text)
    headers = sign_webhook([SharedSecret.fresh(), secret], "evt_1", now(), BODY)
    assert library.verify(BODY, headers)["type"] == "payment.succeeded"
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        library.verify(BODY + b" ", headers)
    at = now()
    theirs = {
        ID: "evt_2",
        TIMESTAMP: str(int(at.timestamp())),
        SIGNATURE: library.sign("evt_2", at, BODY.decode()),
    }
    assert verify_webhook([secret], theirs, BODY).id == "evt_2"


def test_a_public_key_is_shown_as_the_standard_says() -> None:
    key = Ed25519PrivateKey.generate().public_key()
    text = public_text(key)
    assert base64.b64decode(text.removeprefix("whpk_")) == key.public_bytes_raw()


@given(st.dictionaries(st.sampled_from([ID, TIMESTAMP, SIGNATURE]), st.text()), st.binary())
def test_whatever_comes_is_refused_and_nothing_else(headers: dict[str, str], body: bytes) -> None:
    keys: list[VerifyingKey] = [SharedSecret(bytes(24)), Ed25519PrivateKey.generate().public_key()]
    with pytest.raises(BadWebhook):
        verify_webhook(keys, headers, body)
