"""A badge says who kept what and until when, and nobody but us can make one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core import jose
from app.sdk.conformance import badge
from tests.factories import later

MANIFEST = {"name": "parking", "title": {"zh": "停车", "en": "Parking"}, "payees": [{"id": "p"}]}
DAY = 24 * 60 * 60
KEY = Ed25519PrivateKey.generate()


def jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    return {n: v for n, v in badge.private_jwk(key).items() if n != "d"} | {"kid": "ours"}


def token(key: Ed25519PrivateKey = KEY, **changes: object) -> str:
    made = badge.make_badge("https://city.example", MANIFEST, 1, ["discovery", "paid-once"])
    return badge.issue_badge(key, "ours", replace(made, **changes))  # type: ignore[arg-type]


def test_what_was_written_is_read() -> None:
    read = badge.read_badge(token(), [jwk(KEY)])
    assert (read.provider, read.contract, read.issuer) == ("parking", 1, "https://city.example")
    assert read.duties == ("discovery", "paid-once")
    assert read.manifest == badge.hash_manifest(MANIFEST)
    assert read.expires_at - read.issued_at == timedelta(days=90)


def test_the_hash_is_of_what_a_manifest_says_and_not_of_how_it_is_written() -> None:
    turned = dict(reversed(list(MANIFEST.items())))
    assert badge.hash_manifest(turned) == badge.hash_manifest(MANIFEST)
    assert badge.hash_manifest({**MANIFEST, "name": "other"}) != badge.hash_manifest(MANIFEST)


@pytest.mark.parametrize("seconds", [-2, 90 * DAY + 1])
def test_it_is_good_for_ninety_days(seconds: int) -> None:
    made = token()
    with later(90 * DAY - 5):
        assert badge.read_badge(made, [jwk(KEY)]).provider == "parking"
    with later(seconds), pytest.raises(badge.BadgeRefused, match="time"):
        badge.read_badge(made, [jwk(KEY)])


def test_one_that_others_have_made_is_refused() -> None:
    with pytest.raises(badge.BadgeRefused, match="signature"):
        badge.read_badge(token(Ed25519PrivateKey.generate()), [jwk(KEY)])


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "provider:another"},
        {"duties": {"discovery": "broken"}},
        {"duties": {}},
        {"duties": ["discovery"]},
        {"contract": "1"},
        {"contract": True},
        {"manifest": ""},
        {"exp": None},
        {"exp": 10**400},
        {"iat": 1.5},
    ],
)
def test_claims_of_another_form_are_refused(changes: dict[str, object]) -> None:
    claims = {**jose.read_unverified(token()).claims, **changes}
    header = {"alg": "EdDSA", "typ": badge.TYPE, "kid": "ours"}
    signed = jose.sign(claims, header, badge.private_jwk(KEY))
    with pytest.raises(badge.BadgeRefused):
        badge.read_badge(signed, [jwk(KEY)])


def test_another_token_of_ours_is_no_badge() -> None:
    claims = jose.read_unverified(token()).claims
    header = {"alg": "EdDSA", "typ": "citizen-context+jwt", "kid": "ours"}
    signed = jose.sign(claims, header, badge.private_jwk(KEY))
    with pytest.raises(badge.BadgeRefused, match="type"):
        badge.read_badge(signed, [jwk(KEY)])
