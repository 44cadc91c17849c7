"""RSA with SHA-256 (PKCS #1 v1.5), in base64: what both wallets sign with."""

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key


def sign(content: str, pem: str) -> str:
    """Return the signature of a text."""
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return base64.b64encode(key.sign(content.encode(), padding.PKCS1v15(), SHA256())).decode()


def is_signed(content: str, signature: str, pem: str) -> bool:
    """Say whether a signature fits a text."""
    key = load_pem_public_key(pem.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    try:
        plain = base64.b64decode(signature, validate=True)
        key.verify(plain, content.encode(), padding.PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
