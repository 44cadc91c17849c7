"""Passkeys (W3C WebAuthn level 2): what is asked of a browser and what it may answer.

The only webauthn. Who a passkey belongs to, and which challenges are open, others know.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import webauthn
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    options_to_json_dict,
    parse_attestation_object,
    validate_certificate_chain,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier as Algorithm
from webauthn.helpers.exceptions import InvalidCertificateChain
from webauthn.helpers.structs import AttestationConveyancePreference as _Conveyance
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from app.core.errors import Invalid

CHALLENGE_SIZE = 32
TIMEOUT_MILLISECONDS = 300_000
ALGORITHMS = [Algorithm.ECDSA_SHA_256, Algorithm.EDDSA, Algorithm.RSASSA_PKCS1_v1_5_SHA_256]
# Where no attestation is asked for, some browsers send the key's own signature all the same.
_FORMATS = {AttestationFormat.NONE, AttestationFormat.PACKED}
_LONGEST_ID = 1_023
_SHORTEST_RSA = 2_048

Credential = Mapping[str, Any]
"""A PublicKeyCredential as a browser's `toJSON()` writes it."""


class PasskeyRefused(Invalid):
    """The answer of the passkey does not hold; which part of it does not is not said."""

    code = "passkey-refused"
    title_zh = "通行密钥验证未通过"
    title_en = "The passkey was not accepted"


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What is kept of a passkey that was made.

    `is_synced` is what its device says: it may be kept in several. `is_bound` is what its maker has
    signed: it cannot leave its device.
    """

    credential_id: bytes
    public_key: bytes
    sign_count: int
    is_synced: bool
    is_bound: bool


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Us, as browsers know us: a domain, and the exact origins that may speak for it.

    `roots` are the certificates (PEM) of makers whose word counts that a key cannot leave its
    device; without any, nobody's is asked for.
    """

    id: str
    name: str
    origins: tuple[str, ...]
    roots: tuple[bytes, ...] = ()

    def ask_registration(
        self, challenge: bytes, *, user_id: bytes, user_name: str, known: Sequence[bytes]
    ) -> dict[str, Any]:
        """Return the options of `navigator.credentials.create()`: discoverable, user verified."""
        options = webauthn.generate_registration_options(
            rp_id=self.id,
            rp_name=self.name,
            user_id=user_id,
            user_name=user_name,
            user_display_name=user_name,
            challenge=challenge,
            timeout=TIMEOUT_MILLISECONDS,
            exclude_credentials=[PublicKeyCredentialDescriptor(id=own) for own in known],
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            supported_pub_key_algs=ALGORITHMS,
            attestation=_Conveyance.DIRECT if self.roots else _Conveyance.NONE,
        )
        return dict(options_to_json_dict(options))

    def ask_assertion(self, challenge: bytes, *, allowed: Sequence[bytes]) -> dict[str, Any]:
        """Return the options of `navigator.credentials.get()`; without `allowed`, any passkey."""
        options = webauthn.generate_authentication_options(
            rp_id=self.id,
            challenge=challenge,
            timeout=TIMEOUT_MILLISECONDS,
            allow_credentials=[PublicKeyCredentialDescriptor(id=own) for own in allowed],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return dict(options_to_json_dict(options))

    def check_registration(self, credential: Credential, challenge: bytes) -> NewPasskey:
        """Return the passkey that was made in answer to a challenge, or raise `PasskeyRefused`.

        Type, challenge, origin, relying party, presence, verification, algorithm and key count.
        """
        _refuse_frames(credential)
        try:
            made = webauthn.verify_registration_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=list(self.origins),
                require_user_presence=True,
                require_user_verification=True,
                supported_pub_key_algs=ALGORITHMS,
            )
            is_usable = _is_usable(made.credential_public_key)
        # The library meets what strangers have written: whatever it stumbles over is refused.
        except Exception as error:
            raise PasskeyRefused from error
        is_ours = made.credential_id == _decode(str(credential["rawId"]))
        is_sized = len(made.credential_id) <= _LONGEST_ID
        formats = set(AttestationFormat) if self.roots else _FORMATS
        if made.fmt not in formats or not (is_ours and is_sized and is_usable):
            raise PasskeyRefused
        return NewPasskey(
            credential_id=made.credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            is_synced=made.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
            is_bound=self._is_bound(made),
        )

    def _is_bound(self, made: VerifiedRegistration) -> bool:
        """Say whether a maker that is known here has signed for a key of one device.

        A key that only says so of itself is one that anybody may have made in software.
        """
        is_of_one = made.credential_device_type == CredentialDeviceType.SINGLE_DEVICE
        if not self.roots or made.fmt != AttestationFormat.PACKED or not is_of_one:
            return False
        chain = parse_attestation_object(made.attestation_object).att_stmt.x5c
        try:
            return bool(chain) and validate_certificate_chain(
                x5c=chain or [], pem_root_certs_bytes=list(self.roots)
            )
        except InvalidCertificateChain:
            return False

    def check_assertion(self, credential: Credential, challenge: bytes, public_key: bytes) -> int:
        """Return the signature counter of a genuine answer, or raise `PasskeyRefused`.

        Type, challenge, origin, relying party, presence, verification and signature count. The
        caller compares the counter with the one it keeps: zero is a passkey that does not count.
        """
        _refuse_frames(credential)
        try:
            found = webauthn.verify_authentication_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=list(self.origins),
                credential_public_key=public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except Exception as error:  # as above
            raise PasskeyRefused from error
        return found.new_sign_count


def challenge_of(credential: Credential) -> bytes:
    """Return the challenge that an answer claims to answer, or raise `PasskeyRefused`."""
    challenge = _decode(str(_client_data(credential).get("challenge", "")))
    if len(challenge) != CHALLENGE_SIZE:
        raise PasskeyRefused
    return challenge


def credential_id_of(credential: Credential) -> bytes:
    """Return which passkey an answer claims to be from, or raise `PasskeyRefused`."""
    return _decode(str(credential["rawId"]))


def user_handle_of(credential: Credential) -> bytes | None:
    """Return whose passkey the authenticator says it is, where it says so."""
    handle = credential["response"].get("userHandle")
    return _decode(str(handle)) if handle else None


def _is_usable(public_key: bytes) -> bool:
    """Say whether a key is of the kind and strength that its algorithm needs."""
    key = decode_credential_public_key(public_key)
    made = decoded_public_key_to_cryptography(key)
    if key.alg == Algorithm.ECDSA_SHA_256:
        return isinstance(made, EllipticCurvePublicKey) and isinstance(made.curve, SECP256R1)
    if key.alg == Algorithm.EDDSA:
        return isinstance(made, Ed25519PublicKey)
    return isinstance(made, RSAPublicKey) and made.key_size >= _SHORTEST_RSA


def _refuse_frames(credential: Credential) -> None:
    """Refuse an answer that was given inside somebody else's page."""
    data = _client_data(credential)
    if data.get("crossOrigin", False) is not False or "topOrigin" in data:
        raise PasskeyRefused


def _client_data(credential: Credential) -> dict[str, Any]:
    try:
        data = json.loads(_decode(str(credential["response"]["clientDataJSON"])))
    except (ValueError, RecursionError) as error:
        raise PasskeyRefused from error
    if not isinstance(data, dict):
        raise PasskeyRefused
    return data


def _decode(text: str) -> bytes:
    """Return the bytes of unpadded base64url, written in its one way."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise PasskeyRefused from error
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != text:
        raise PasskeyRefused
    return raw
