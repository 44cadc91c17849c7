"""The seal of the installation: the key that signs papers, and the certificate that names it."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from app.core import jose
from app.core.papers.errors import SealUnusable

_CURVE = "secp256r1"
_RSA_BITS = 2048
SIGNED = (
    "本文件已加盖数字签章，改动即失效。",
    "This file is digitally signed: any change breaks the signature.",
)
"""What a paper says of its seal."""


class Chain:
    """A certificate and those that vouch for it (PEM, its own first)."""

    def __init__(self, pem: str) -> None:
        self.pem = pem
        self.certificates = x509.load_pem_x509_certificates(pem.encode())
        self.leaf = self.certificates[0]

    @cached_property
    def fingerprint(self) -> bytes:
        """Return the SHA-256 of the certificate: its name among ours, and `kid` of its key."""
        return sha256(self.leaf.public_bytes(Encoding.DER)).digest()

    @property
    def kid(self) -> str:
        """Return the fingerprint as JOSE writes it (`x5t#S256`, RFC 7515, 4.1.8)."""
        return urlsafe_b64encode(self.fingerprint).decode().rstrip("=")

    @property
    def algorithm(self) -> str:
        """Return how its key signs JSON; raise `ValueError` for one that may not sign."""
        key = self.leaf.public_key()
        if isinstance(key, EllipticCurvePublicKey) and key.curve.name == _CURVE:
            return "ES256"
        if isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS:
            return "PS256"
        raise ValueError("the key is neither P-256 nor RSA of 2048 bits or more")

    @cached_property
    def jwk(self) -> Mapping[str, Any]:
        """Return the public key with its certificates as a JWK (RFC 7517)."""
        spki = self.leaf.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return {
            **jose.as_jwk(spki, self.algorithm),
            "use": "sig",
            "alg": self.algorithm,
            "kid": self.kid,
            "x5t#S256": self.kid,
            "x5c": [
                b64encode(one.public_bytes(Encoding.DER)).decode() for one in self.certificates
            ],
        }

    def holds_at(self, moment: datetime) -> bool:
        """Say whether a moment lies within the certificate's time."""
        return self.leaf.not_valid_before_utc <= moment <= self.leaf.not_valid_after_utc


class Seal:
    """A private key (PEM) and its chain; nothing is believed of them before `check`."""

    def __init__(self, key_pem: str, chain_pem: str) -> None:
        self.key_pem = key_pem
        self._chain_pem = chain_pem

    @cached_property
    def chain(self) -> Chain:
        """Return the certificate with those that vouch for it."""
        return Chain(self._chain_pem)

    @cached_property
    def key(self) -> EllipticCurvePrivateKey | RSAPrivateKey:
        """Return the private key."""
        key = load_pem_private_key(self.key_pem.encode(), password=None)
        if not isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
            raise TypeError("the key is neither P-256 nor RSA")
        return key

    def check(self, moment: datetime) -> None:
        """Raise `SealUnusable`, saying why, unless this pair may sign at a moment."""
        try:
            is_pair = self.key.public_key() == self.chain.leaf.public_key()
            algorithm = self.chain.algorithm
            may_sign = _may_sign(self.chain.leaf)
            is_chain = _is_chain(self.chain)
        except (ValueError, TypeError) as error:
            raise SealUnusable(f"The receipt key or certificate cannot be used: {error}") from error
        if not is_pair:
            raise SealUnusable("The receipt certificate belongs to another key.")
        if not may_sign or not algorithm:
            raise SealUnusable("The receipt certificate is not for signatures.")
        if not is_chain:
            raise SealUnusable("The certificates do not vouch for each other in their order.")
        if not self.chain.holds_at(moment):
            raise SealUnusable(
                "The receipt certificate holds from "
                f"{self.chain.leaf.not_valid_before_utc:%Y-%m-%d} to "
                f"{self.chain.leaf.not_valid_after_utc:%Y-%m-%d} only."
            )

    def sign_json(self, claims: Mapping[str, Any], moment: datetime, *, typ: str) -> str:
        """Return claims as a compact JWS (RFC 7515) that names its key by the certificate.

        `typ` keeps one use of the key from passing for another.
        """
        self.check(moment)
        algorithm = self.chain.algorithm
        header = {"alg": algorithm, "typ": typ, "kid": self.chain.kid}
        return jose.sign(claims, header, jose.as_jwk(self.key_pem.encode(), algorithm))

    def sign_pdf(self, pdf: bytes, moment: datetime, *, reason: str) -> bytes:
        """Return a PDF with a PAdES signature (ETSI EN 319 142-1, B-B) that forbids any change."""
        self.check(moment)
        # The library takes half a second to import; only who signs a PDF pays it.
        from app.core.papers.pdf_signature import sign_pdf  # noqa: PLC0415

        return sign_pdf(pdf, self.key, self.chain.certificates, moment, reason)


def list_jwks(present: Chain, before: Iterable[str]) -> list[Mapping[str, Any]]:
    """Return the key that signs and those that have signed (chains in PEM), each once, as JWKs."""
    chains = {chain.kid: chain for chain in (present, *map(Chain, before))}
    return [chain.jwk for chain in chains.values()]


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature or usage.content_commitment


def _is_chain(chain: Chain) -> bool:
    pairs = zip(chain.certificates, chain.certificates[1:], strict=False)
    try:
        for one, issuer in pairs:
            one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise ValueError("a certificate of the chain is not issued by the next") from error
    return True
