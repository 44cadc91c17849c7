"""The environment that the product runs in inside the sandbox, and the secrets in it."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandbox.certificates import make_seal
from sandbox.police.access import CITY_KEY
from sandbox.processes import LOOPBACK

WEB_THREADS = 4
PROVIDER_OFFSET = 20
"""Where, above the product's own port, somebody's provider on this machine may be called."""

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Keys of the product, and those it shares with the sandbox Stripe."""

    token_signing_key: str
    key_encryption_key: str
    blind_index_key: str
    pepper_key: str
    audit_signing_key: str
    provider_signing_key: str
    receipt_signing_key: str
    receipt_signing_certificate: str
    stripe_api_key: str
    stripe_publishable_key: str
    stripe_webhook_secret: str | None

    @classmethod
    def fresh(cls) -> Self:
        """Make new random ones."""
        receipt_key, receipt_certificate = make_seal()
        return cls(
            token_signing_key=_signing_key(),
            key_encryption_key=_key(),
            blind_index_key=_key(),
            pepper_key=_key(),
            audit_signing_key=_ed25519_key(),
            provider_signing_key=_ed25519_key(),
            receipt_signing_key=receipt_key.replace("\n", "\\n"),
            receipt_signing_certificate=receipt_certificate.replace("\n", "\\n"),
            stripe_api_key=f"sk_test_{secrets.token_hex(24)}",
            stripe_publishable_key=f"pk_test_{secrets.token_hex(24)}",
            stripe_webhook_secret=f"whsec_{secrets.token_hex(24)}",
        )

    @classmethod
    def kept_in(cls, path: Path) -> Self:
        """Return the secrets in the file, made and written at the first call.

        Only the file's owner may read it.
        """
        kept = json.loads(path.read_text()) if path.exists() else {}
        made = replace(cls.fresh(), **kept)
        if asdict(made) == kept:
            return made
        # A folder of an older version lacks what is new; what it has stays as it is.
        write_private(path, json.dumps(asdict(made), indent=1))
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Where the outside of the product is; `stripe_url=None` is Stripe itself.

    `wallets` is the merchant's side of the sandbox's wallets, if they are there.
    """

    database_url: str
    database_owner_url: str
    redis_url: str
    city_url: str
    stripe_url: str | None
    wallets_url: str | None = None
    wallets: Mapping[str, str] = field(default_factory=dict, repr=False)


def product_environment(
    *, outside: Outside, secrets: Secrets, port: int, data_dir: Path
) -> dict[str, str]:
    """Return the variables with which web, worker and commands of the product are started."""
    environment = {
        "PROFILE": "sandbox",
        "PORT": str(port),
        "PUBLIC_URL": f"http://{LOOPBACK}:{port}",
        "WEB_THREADS": str(WEB_THREADS),
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": outside.database_url,
        "DATABASE_OWNER_URL": outside.database_owner_url,
        "REDIS_URL": outside.redis_url,
        "SMS_URL": f"{outside.city_url}/sms/messages",
        "SMS_ANSWERS_URL": f"{outside.city_url}/sms/answers",
        "REGISTER_URL": f"{outside.city_url}/register/checks",
        "ORGANISATION_REGISTER_URL": f"{outside.city_url}/register/organisations/checks",
        "GUARDIAN_REGISTER_URL": f"{outside.city_url}/register/guardians/checks",
        "UTILITIES_BILLER_URL": f"{outside.city_url}/billers",
        "TRAFFIC_POLICE_URL": f"{outside.city_url}/police",
        "TRAFFIC_POLICE_KEY": CITY_KEY,
        "JOBS_HIRE_UNDO_DAYS": "30",
        "STRIPE_API_KEY": secrets.stripe_api_key,
        "STRIPE_PUBLISHABLE_KEY": secrets.stripe_publishable_key,
        "TOKEN_SIGNING_KEY": secrets.token_signing_key,
        "KEY_ENCRYPTION_KEY": secrets.key_encryption_key,
        "BLIND_INDEX_KEY": secrets.blind_index_key,
        "PEPPER_KEY": secrets.pepper_key,
        "AUDIT_SIGNING_KEY": secrets.audit_signing_key,
        "PROVIDER_SIGNING_KEY": secrets.provider_signing_key,
        "RECEIPT_SIGNING_KEY": secrets.receipt_signing_key,
        "RECEIPT_SIGNING_CERTIFICATE": secrets.receipt_signing_certificate,
        "AUDIT_ANCHORS_FILE": str(data_dir / "audit-anchors"),
        "KEYS_FILE": str(data_dir / "keys.json"),
        "EGRESS_LOOPBACK": _loopback_pairs(
            outside.city_url,
            outside.stripe_url,
            outside.wallets_url,
            f"http://{LOOPBACK}:{port + PROVIDER_OFFSET}",
        ),
        "RATE_LIMITS": "sandbox",
        **outside.wallets,
    }
    if outside.stripe_url is not None:
        environment["STRIPE_API_BASE"] = outside.stripe_url
    if secrets.stripe_webhook_secret is not None:
        environment["STRIPE_WEBHOOK_SECRET"] = secrets.stripe_webhook_secret
    return environment


def with_stripe_keys(kept: Secrets, given: Mapping[str, str]) -> Secrets:
    """Return the secrets with the Stripe keys that the environment gives instead.

    A real secret key brings its own webhook secret or none: ours would fit no event of Stripe's.
    """
    webhook = given.get("STRIPE_WEBHOOK_SECRET")
    if webhook is None and not given.get("STRIPE_API_KEY"):
        webhook = kept.stripe_webhook_secret
    return replace(
        kept,
        stripe_api_key=given.get("STRIPE_API_KEY") or kept.stripe_api_key,
        stripe_publishable_key=given.get("STRIPE_PUBLISHABLE_KEY") or kept.stripe_publishable_key,
        stripe_webhook_secret=webhook or None,
    )


def write_private(path: Path, text: str) -> None:
    """Write a file which only its owner may read; a reader sees the old one or the new one."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)


def _loopback_pairs(*urls: str | None) -> str:
    """Return host:port of the plain-http addresses on this machine, which the product may call."""
    pairs = []
    for url in urls:
        parts = urlsplit(url or "")
        if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
            pairs.append(parts.netloc)
    return ",".join(pairs)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def _ed25519_key() -> str:
    return _one_line(ed25519.Ed25519PrivateKey.generate())


def _signing_key() -> str:
    return _one_line(ec.generate_private_key(ec.SECP256R1()))


def _one_line(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    """Return a private key as PEM in one line, so that it fits into files of variables."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return pem.replace("\n", "\\n")
