"""Everything an installation can set, read once from the environment, all faults at once."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from math import isfinite
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

ROOT = Path(__file__).resolve().parent.parent
FAST_PACE = 60
_KEY_SIZE = 32
_SHORTEST_RSA = 2048
_REHEARSALS = (".alipaydev.com",)
_SHORTEST_SECRET = 20
_SHORTEST_RETENTION = 180
_THREE_YEARS = 1095


class SettingsInvalid(ValueError):
    """One or more settings are missing or wrong; the message names each."""


@dataclass(frozen=True, slots=True)
class Database:
    """PostgreSQL: the application role, and (for `migrate` only) the owner."""

    url: str = field(repr=False)
    owner_url: str | None = field(repr=False)
    pool_size: int


@dataclass(frozen=True, slots=True)
class Stripe:
    """The payment gateway: Stripe itself, or the sandbox at `api_base`."""

    api_key: str = field(repr=False)
    publishable_key: str
    webhook_secret: str | None = field(repr=False)
    api_base: str


@dataclass(frozen=True, slots=True)
class Alipay:
    """Alipay spoken to directly: one application, its key and Alipay's (RSA, PEM)."""

    app_id: str
    private_key: str = field(repr=False)
    public_key: str = field(repr=False)
    api_base: str


@dataclass(frozen=True, slots=True)
class WechatPay:
    """WeChat Pay (APIv3) spoken to directly: one merchant, its key and WeChat's (RSA, PEM)."""

    app_id: str
    merchant_id: str
    merchant_serial: str
    private_key: str = field(repr=False)
    public_key: str = field(repr=False)
    public_key_id: str
    api_v3_key: str = field(repr=False)
    api_base: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Secrets that never enter the database; 32 bytes each, and one P-256 private key.

    `file` is where rotation adds further ones; `suite` is what new values are sealed with.
    """

    token_signing: str = field(repr=False)
    encryption: bytes = field(repr=False)
    blind_index: bytes = field(repr=False)
    pepper: bytes = field(repr=False)
    file: Path
    suite: str


@dataclass(frozen=True, slots=True)
class Audit:
    """How the audit trail is sealed (an Ed25519 key), where it is anchored, how long it is kept."""

    signing_key: str = field(repr=False)
    former_keys: tuple[str, ...]
    anchors: Path
    retention: timedelta


@dataclass(frozen=True, slots=True)
class Receipts:
    """What signs receipts: a private key, and its certificate with those that vouch for it."""

    signing_key: str = field(repr=False)
    certificate: str


@dataclass(frozen=True, slots=True)
class Payments:
    """How long a payment waits for its citizen; above how many fen a step-up is needed.

    `serving` names the gateway of each method; a method that is off is not in it.
    """

    serving: Mapping[str, str]
    lifetime: timedelta
    step_up_above: int
    daily_limit: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """Our own account at the bank, and the least that a payee is paid out at a time (fen)."""

    minimum: int
    debtor_name: str | None
    debtor_account: str | None = field(repr=False)
    debtor_bank: str | None


@dataclass(frozen=True, slots=True)
class WaysIn:
    """How people log in: us as browsers know us, what a hash costs, and how much is let pass.

    `codes` and `sessions` are the figures of `identity.values.CodeLimits` and `SessionLimits` by
    their names. So many wrong passwords in ten minutes look like somebody guessing all over the
    city, so many in a quarter of an hour at one account.
    """

    rp_id: str
    origins: tuple[str, ...]
    attestation_roots: tuple[bytes, ...]
    argon2_memory: int
    argon2_passes: int
    codes: Mapping[str, int | timedelta]
    sessions: Mapping[str, int | timedelta]
    failed_passwords: int
    failures_per_quarter: int


@dataclass(frozen=True, slots=True)
class Web:
    """The HTTP side of a process.

    So many seconds may a request wait at a provider at whom nothing moves (`provider_wait`).
    """

    public_url: str
    threads: int
    provider_wait: float
    rate_factor: int
    docs: bool
    require_tls: bool
    trusted_proxies: int
    staff_networks: tuple[IPv4Network | IPv6Network, ...]
    loopback_exempt: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; environments differ by variables, not by classes."""

    profile: str
    log_level: str
    pace: int
    clock_shift: timedelta
    clock_file: Path | None
    database: Database
    redis_url: str | None = field(repr=False)
    stripe: Stripe
    alipay: Alipay | None
    wechat_pay: WechatPay | None
    keys: Keys
    provider_signing_key: str = field(repr=False)
    audit: Audit
    receipts: Receipts
    payments: Payments
    settlement: Settlement
    ways_in: WaysIn
    web: Web
    sms_url: str
    sms_answers_url: str | None
    register_url: str
    organisation_register_url: str
    guardian_register_url: str
    egress_loopback: frozenset[str]
    egress_inward: frozenset[str]
    plugins_dir: Path
    plugins_disabled: frozenset[str]
    plugin_env: Mapping[str, str] = field(repr=False)

    @property
    def is_production(self) -> bool:
        """Say whether this installation serves real citizens."""
        return self.profile == "production"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Build the settings, or raise `SettingsInvalid` naming every fault."""
        read = _Reader(env)
        profile = read.choice("PROFILE", ("sandbox", "production"), "sandbox")
        sandbox = profile == "sandbox"
        port = read.number("PORT", 8000)
        public_url = read.text("PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/")
        # A browser makes passkeys for names only, never for an address.
        browser_url = f"http://localhost:{port}" if sandbox else public_url
        settings = cls(
            profile=profile,
            log_level=read.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
            pace=FAST_PACE if read.choice("PACE", ("normal", "fast"), "normal") == "fast" else 1,
            clock_shift=timedelta(seconds=read.number("CLOCK_SHIFT_SECONDS", 0)),
            clock_file=_clock_file(read),
            database=Database(
                url=read.text("DATABASE_URL"),
                owner_url=read.optional("DATABASE_OWNER_URL"),
                pool_size=read.number("DATABASE_POOL_SIZE", 5),
            ),
            redis_url=read.optional("REDIS_URL"),
            stripe=Stripe(
                api_key=read.text("STRIPE_API_KEY"),
                publishable_key=read.text("STRIPE_PUBLISHABLE_KEY"),
                webhook_secret=read.optional("STRIPE_WEBHOOK_SECRET"),
                api_base=read.text("STRIPE_API_BASE", "https://api.stripe.com"),
            ),
            alipay=_alipay(read),
            wechat_pay=_wechat_pay(read),
            keys=Keys(
                token_signing=read.text("TOKEN_SIGNING_KEY").replace("\\n", "\n"),
                encryption=read.key("KEY_ENCRYPTION_KEY"),
                blind_index=read.key("BLIND_INDEX_KEY"),
                pepper=read.key("PEPPER_KEY"),
                file=Path(read.text("KEYS_FILE", str(ROOT / "keys.json"))),
                suite=read.choice("CRYPTO_SUITE", ("aes-256-gcm", "sm4-gcm"), "aes-256-gcm"),
            ),
            provider_signing_key=read.text("PROVIDER_SIGNING_KEY").replace("\\n", "\n"),
            audit=Audit(
                signing_key=read.text("AUDIT_SIGNING_KEY").replace("\\n", "\n"),
                former_keys=tuple(sorted(read.names("AUDIT_FORMER_KEYS"))),
                anchors=Path(read.text("AUDIT_ANCHORS_FILE")),
                retention=timedelta(days=read.number("AUDIT_RETENTION_DAYS", _THREE_YEARS)),
            ),
            receipts=Receipts(
                signing_key=read.text("RECEIPT_SIGNING_KEY").replace("\\n", "\n"),
                certificate=read.text("RECEIPT_SIGNING_CERTIFICATE").replace("\\n", "\n"),
            ),
            payments=Payments(
                serving=_serving(read),
                lifetime=timedelta(seconds=read.number("PAYMENT_LIFETIME_SECONDS", 900)),
                step_up_above=read.number("STEP_UP_ABOVE_FEN", 20_000),
                daily_limit=read.number("STEP_UP_DAILY_FEN", 100_000),
            ),
            settlement=Settlement(
                minimum=read.within("SETTLEMENT_MINIMUM_FEN", 100),
                debtor_name=read.optional("SETTLEMENT_DEBTOR_NAME"),
                debtor_account=read.optional("SETTLEMENT_DEBTOR_ACCOUNT"),
                debtor_bank=read.optional("SETTLEMENT_DEBTOR_BANK"),
            ),
            ways_in=WaysIn(
                rp_id=read.text("WEBAUTHN_RP_ID", urlsplit(browser_url).hostname),
                origins=tuple(sorted(read.names("WEBAUTHN_ORIGINS") or {browser_url})),
                attestation_roots=read.certificates("WEBAUTHN_ROOTS_FILE"),
                argon2_memory=read.number("ARGON2_MEMORY_KIB", 19_456),
                argon2_passes=read.number("ARGON2_PASSES", 2),
                codes=_codes(read),
                sessions=_sessions(read),
                failed_passwords=read.within("FAILED_PASSWORDS", 500),
                failures_per_quarter=read.within("LOGIN_FAILURES_PER_QUARTER", 10),
            ),
            web=Web(
                public_url=public_url,
                threads=read.number("WEB_THREADS", 8),
                provider_wait=read.within("PROVIDER_WAIT_MILLISECONDS", 100, most=2_000) / 1000,
                rate_factor=_rate_factor(read),
                docs=read.choice("DOCS", ("on", "off"), "on") == "on",
                require_tls=read.choice("REQUIRE_TLS", ("0", "1"), "0") == "1",
                trusted_proxies=read.number("TRUSTED_PROXIES", 0),
                staff_networks=read.networks("STAFF_NETWORKS"),
                loopback_exempt=sandbox,
            ),
            sms_url=read.text("SMS_URL"),
            sms_answers_url=read.optional("SMS_ANSWERS_URL"),
            register_url=read.text("REGISTER_URL"),
            organisation_register_url=read.text("ORGANISATION_REGISTER_URL"),
            guardian_register_url=read.text("GUARDIAN_REGISTER_URL"),
            egress_loopback=read.names("EGRESS_LOOPBACK") if sandbox else frozenset(),
            egress_inward=read.pairs("EGRESS_INWARD"),
            plugins_dir=Path(read.text("PLUGINS_DIR", str(ROOT / "plugins"))),
            plugins_disabled=read.names("PLUGINS_DISABLED"),
            plugin_env=dict(env),
        )
        read.check_clock(settings)
        read.check_stripe(settings)
        read.check_wallets(settings)
        read.check_audit(settings.audit)
        read.finish()
        return settings


def _clock_file(read: "_Reader") -> Path | None:
    named = read.optional("CLOCK_SHIFT_FILE")
    return None if named is None else Path(named)


def _rate_factor(read: "_Reader") -> int:
    return 100 if read.choice("RATE_LIMITS", ("default", "sandbox"), "default") == "sandbox" else 1


def _serving(read: "_Reader") -> Mapping[str, str]:
    chosen = {
        "card": read.choice("CARD_GATEWAY", ("stripe", "off"), "stripe"),
        "alipay": read.choice("ALIPAY_GATEWAY", ("stripe", "alipay", "off"), "stripe"),
        "wechat_pay": read.choice("WECHAT_PAY_GATEWAY", ("stripe", "wechat", "off"), "stripe"),
    }
    return {method: gateway for method, gateway in chosen.items() if gateway != "off"}


def _alipay(read: "_Reader") -> Alipay | None:
    given = read.together("ALIPAY_APP_ID", "ALIPAY_PRIVATE_KEY", "ALIPAY_PUBLIC_KEY")
    base = read.text("ALIPAY_API_BASE", "https://openapi.alipay.com/gateway.do")
    if given is None:
        return None
    app_id, private_key, public_key = given
    return Alipay(
        app_id=app_id,
        private_key=read.rsa_key("ALIPAY_PRIVATE_KEY", private_key, is_private=True),
        public_key=read.rsa_key("ALIPAY_PUBLIC_KEY", public_key, is_private=False),
        api_base=base,
    )


def _wechat_pay(read: "_Reader") -> WechatPay | None:
    given = read.together(
        "WECHAT_PAY_APP_ID",
        "WECHAT_PAY_MERCHANT_ID",
        "WECHAT_PAY_MERCHANT_SERIAL",
        "WECHAT_PAY_PRIVATE_KEY",
        "WECHAT_PAY_PUBLIC_KEY",
        "WECHAT_PAY_PUBLIC_KEY_ID",
        "WECHAT_PAY_API_V3_KEY",
    )
    base = read.text("WECHAT_PAY_API_BASE", "https://api.mch.weixin.qq.com")
    if given is None:
        return None
    app_id, merchant_id, serial, private_key, public_key, public_key_id, api_v3_key = given
    return WechatPay(
        app_id=app_id,
        merchant_id=merchant_id,
        merchant_serial=serial,
        private_key=read.rsa_key("WECHAT_PAY_PRIVATE_KEY", private_key, is_private=True),
        public_key=read.rsa_key("WECHAT_PAY_PUBLIC_KEY", public_key, is_private=False),
        public_key_id=public_key_id,
        api_v3_key=api_v3_key,
        api_base=base,
    )


def _codes(read: "_Reader") -> Mapping[str, int | timedelta]:
    return {
        # NIST SP 800-63B: ten minutes at the most; the table holds five tries.
        "lifetime": timedelta(seconds=read.within("CODE_SECONDS", 300, most=600)),
        "tries": read.within("CODE_TRIES", 5, most=5),
        "resend": timedelta(seconds=read.within("CODE_RESEND_SECONDS", 60)),
        "per_number_hour": read.within("CODES_PER_NUMBER_HOUR", 5),
        "per_number_day": read.within("CODES_PER_NUMBER_DAY", 10),
        "per_network_hour": read.within("CODES_PER_NETWORK_HOUR", 20),
        "numbers_per_address_day": read.within("NUMBERS_PER_ADDRESS_DAY", 30),
        "city_day": read.within("DAILY_CODES", 50_000),
        "city_wrong": read.within("FAILED_CODES", 500),
    }


def _sessions(read: "_Reader") -> Mapping[str, int | timedelta]:
    return {
        "access": timedelta(seconds=read.within("ACCESS_TOKEN_SECONDS", 600, most=600)),
        "idle": timedelta(days=read.within("SESSION_IDLE_DAYS", 14)),
        "absolute": timedelta(days=read.within("SESSION_ABSOLUTE_DAYS", 30)),
        "most": read.within("SESSIONS_PER_CITIZEN", 10),
    }


class _Reader:
    """Reads variables and collects faults, so that one start names all of them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._faults: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        value = self._env.get(name) or default
        if value is None:
            self._faults.append(f"{name} is missing")
            return ""
        return value

    def optional(self, name: str) -> str | None:
        return self._env.get(name) or None

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self._env.get(name) or default
        if value not in allowed:
            self._faults.append(f"{name} must be one of {', '.join(allowed)}")
        return value

    def number(self, name: str, default: int) -> int:
        value = self.number_or_none(name)
        return default if value is None else value

    def within(self, name: str, default: int, *, most: int | None = None) -> int:
        value = self.number(name, default)
        if value < 1 or (most is not None and value > most):
            upper = f" and at most {most}" if most is not None else ""
            self._faults.append(f"{name} must be at least 1{upper}")
        return value

    def number_or_none(self, name: str) -> int | None:
        value = self._env.get(name)
        if not value:
            return None
        try:
            return int(value)
        except ValueError:
            self._faults.append(f"{name} must be a whole number")
            return None

    def names(self, name: str) -> frozenset[str]:
        parts = (part.strip() for part in self._env.get(name, "").split(","))
        return frozenset(part for part in parts if part)

    def pairs(self, name: str) -> frozenset[str]:
        """Return pairs of host and port."""
        found = self.names(name)
        for pair in sorted(found):
            if re.fullmatch(r"(?:[a-z0-9.-]+|\[[0-9a-f:]+\]):[1-9][0-9]{0,4}", pair) is None:
                self._faults.append(f"{name}: {pair} is not a host and a port such as sms.city:443")
        return found

    def networks(self, name: str) -> tuple[IPv4Network | IPv6Network, ...]:
        found = []
        for written in sorted(self.names(name)):
            try:
                found.append(ip_network(written))
            except ValueError:
                self._faults.append(f"{name}: {written} is not a network such as 10.20.0.0/16")
        return tuple(found)

    def certificates(self, name: str) -> tuple[bytes, ...]:
        path = self.optional(name)
        if path is None:
            return ()
        try:
            text = Path(path).read_text(encoding="ascii")
        except (OSError, UnicodeError):
            text = ""
        found = re.findall(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----", text)
        if not found:
            self._faults.append(f"{name} must name a file with certificates (PEM)")
        return tuple(one.encode() for one in found)

    def key(self, name: str) -> bytes:
        try:
            value = base64.b64decode(self.text(name), validate=True)
        except (binascii.Error, ValueError):
            value = b""
        if len(value) != _KEY_SIZE:
            self._faults.append(f"{name} must be {_KEY_SIZE} bytes in base64")
        return value

    def together(self, *names: str) -> tuple[str, ...] | None:
        """Return what belongs together, or None when none of it is set; a part is a fault."""
        values = [self._env.get(name) or "" for name in names]
        if not any(values):
            return None
        for name, value in zip(names, values, strict=True):
            if not value:
                self._faults.append(f"{name} is missing, and others of its kind are set")
        return tuple(values)

    def rsa_key(self, name: str, written: str, *, is_private: bool) -> str:
        pem = written.replace("\\n", "\n")
        try:
            key = (
                load_pem_private_key(pem.encode(), None)
                if is_private
                else load_pem_public_key(pem.encode())
            )
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if written and (
            not isinstance(key, RSAPrivateKey | RSAPublicKey) or key.key_size < _SHORTEST_RSA
        ):
            kind = "private" if is_private else "public"
            self._faults.append(
                f"{name} must be a {kind} RSA key of at least {_SHORTEST_RSA} bits in PEM"
            )
        return pem

    def check_wallets(self, settings: Settings) -> None:
        direct = {"alipay": settings.alipay, "wechat": settings.wechat_pay}
        names = {"alipay": "ALIPAY", "wechat": "WECHAT_PAY"}
        for gateway, account in direct.items():
            name = names[gateway]
            if account is None:
                if gateway in settings.payments.serving.values():
                    self._faults.append(f"{name}_GATEWAY={gateway} needs {name}_APP_ID and more")
                continue
            parts = urlsplit(account.api_base)
            is_loopback = parts.scheme == "http" and parts.netloc in settings.egress_loopback
            is_rehearsal = (parts.hostname or "").endswith(_REHEARSALS)
            if not (is_loopback or (parts.scheme == "https" and parts.hostname)):
                self._faults.append(f"{name}_API_BASE must be https, or listed in EGRESS_LOOPBACK")
            if is_rehearsal and settings.is_production:
                self._faults.append(f"{name}_API_BASE is no place for real money")
        wechat = settings.wechat_pay
        if wechat is not None and len(wechat.api_v3_key.encode()) not in {0, _KEY_SIZE}:
            self._faults.append(f"WECHAT_PAY_API_V3_KEY must be {_KEY_SIZE} characters")

    def check_stripe(self, settings: Settings) -> None:
        stripe = settings.stripe
        wanted = "live" if settings.is_production else "test"
        for name, value in (
            ("STRIPE_API_KEY", stripe.api_key),
            ("STRIPE_PUBLISHABLE_KEY", stripe.publishable_key),
        ):
            if value and f"_{wanted}_" not in value:
                self._faults.append(
                    f"{name} must be a {wanted} key under PROFILE={settings.profile}"
                )
        secret = stripe.webhook_secret
        if secret is not None and len(secret) < _SHORTEST_SECRET:
            self._faults.append(
                f"STRIPE_WEBHOOK_SECRET is shorter than {_SHORTEST_SECRET} characters"
            )

    def check_clock(self, settings: Settings) -> None:
        """Whoever may write this file could let limits pass and certificates run out."""
        if settings.clock_file is None:
            return
        if settings.is_production:
            self._faults.append("CLOCK_SHIFT_FILE is for PROFILE=sandbox only")
        elif settings.clock_shift:
            self._faults.append("give CLOCK_SHIFT_FILE or CLOCK_SHIFT_SECONDS, not both")
        elif not _holds_number(settings.clock_file):
            self._faults.append("CLOCK_SHIFT_FILE must name a file that holds seconds, such as 0")

    def check_audit(self, audit: Audit) -> None:
        # The law keeps logs of a network for six months (Cybersecurity Law, article 21).
        if audit.retention < timedelta(days=_SHORTEST_RETENTION):
            self._faults.append(f"AUDIT_RETENTION_DAYS is below {_SHORTEST_RETENTION}")
        if any(not re.fullmatch(r"[0-9a-f]{64}", key) for key in audit.former_keys):
            self._faults.append("AUDIT_FORMER_KEYS must be public keys of 64 hexadecimal digits")

    def finish(self) -> None:
        if self._faults:
            raise SettingsInvalid("; ".join(self._faults))


def _holds_number(file: Path) -> bool:
    try:
        return isfinite(float(file.read_text(encoding="ascii")))
    except (OSError, ValueError):
        return False
