"""Passkeys: only a maker that is known here is believed that a key cannot leave its device."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.core.passkeys import NewPasskey, PasskeyRefused, RelyingParty
from tests.credentials.authenticator import (
    ATTESTED,
    USER_PRESENT,
    USER_VERIFIED,
    Authenticator,
    Maker,
)

PLACE = ("localhost", "i武当", ("http://localhost:8000",))
MAY_BE_SYNCED = 0x08
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def make_maker(name: str) -> Maker:
    """Return a maker of keys with a root certificate and one that signs for its devices."""

    def named(what: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, what)])

    root, batch = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def certificate(
        subject: str, key: ec.EllipticCurvePrivateKey, *, is_root: bool
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named(name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(BEGAN)
            .not_valid_after(BEGAN + timedelta(days=36_500))
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
            .sign(root, SHA256())
        )

    made = certificate(name, root, is_root=True).public_bytes(Encoding.PEM)
    leaf = certificate(f"{name} batch 1", batch, is_root=False).public_bytes(Encoding.DER)
    return Maker(made, leaf, batch)


KNOWN, STRANGE = make_maker("Known keys"), make_maker("Strange keys")


def register(party: RelyingParty, maker: Maker | None = None, flags: int = 0) -> NewPasskey:
    challenge = secrets.token_bytes(32)
    options = party.ask_registration(challenge, user_id=b"x" * 16, user_name="x", known=[])
    wanted = USER_PRESENT | USER_VERIFIED | ATTESTED | flags
    made = Authenticator().register(options, maker=maker, flags=wanted)
    return party.check_registration(made, challenge)


def test_without_roots_nobodys_word_is_asked_for() -> None:
    party = RelyingParty(*PLACE)
    options = party.ask_registration(b"x" * 32, user_id=b"x", user_name="x", known=[])
    assert options["attestation"] == "none"
    assert register(party).is_bound is False
    assert register(party, KNOWN).is_bound is False


@pytest.mark.parametrize(
    ("maker", "flags", "is_bound"),
    [
        (KNOWN, 0, True),
        (STRANGE, 0, False),
        (None, 0, False),
        (KNOWN, MAY_BE_SYNCED, False),
    ],
)
def test_a_known_maker_is_believed(maker: Maker | None, flags: int, is_bound: bool) -> None:  # noqa: FBT001
    party = RelyingParty(*PLACE, roots=(KNOWN.root,))
    options = party.ask_registration(b"x" * 32, user_id=b"x", user_name="x", known=[])
    assert options["attestation"] == "direct"
    made = register(party, maker, flags)
    assert (made.is_bound, made.is_synced) == (is_bound, bool(flags))


def test_a_maker_that_signed_something_else_is_refused() -> None:
    party = RelyingParty(*PLACE, roots=(KNOWN.root,))
    forged = Maker(KNOWN.root, KNOWN.leaf, STRANGE.private)
    with pytest.raises(PasskeyRefused):
        register(party, forged)
