"""The world that tests run in: real PostgreSQL and Valkey, the sandbox city and Stripe."""

import base64
import gc
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from app.core import migrate
from app.core.unit_of_work import Units
from app.factory import Rooms, build, create_app
from app.http.server import Server
from config.settings import Settings
from sandbox.certificates import make_seal
from sandbox.city import serve_city
from sandbox.police.access import CITY_KEY
from sandbox.servers import start_postgres, start_valkey, temporary_data_dir
from sandbox.stripe import serve_stripe
from sandbox.wallets import WalletKeys, serve_wallets
from tests.clockwork import forget_failing_jobs, has_house
from tests.contract import ContractClient

pytest_plugins = ["tests.leaks", "tests.promises", "tests.trail_coverage"]
STRIPE_KEY = "sk_test_wudang_suite"
STRIPE_PUBLISHABLE_KEY = "pk_test_wudang_suite"
STRIPE_WEBHOOK_SECRET = "whsec_wudang_suite_secret"
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
# How long an example takes is the machine's matter: by itself, Hypothesis fails one above 200 ms.
hypothesis_settings.register_profile(
    "wudang", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("wudang")
# What a failing test said is shown beside it; painted tracebacks would cost the others more.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
    ]
)


@dataclass(frozen=True)
class World:
    """Where the outside of the product is."""

    env: dict[str, str]
    city: str
    stripe: str
    wallets: str


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage while thousands of tests are collected, nor ever among them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run fuzz the API for longer (make test FUZZ_SECONDS=180)."""
    parser.addoption("--fuzz-seconds", type=int, default=20, help="how long to fuzz the API in all")
    parser.addoption("--promises", action="store_true", help="run the tests of promises only")
    parser.addoption("--fuzz-seed", type=int, default=20261122, help="what it begins with")


@pytest.fixture(scope="session", autouse=True)
def _closed_network() -> Iterator[None]:
    """Let a test that forgot a fake fail loudly: only loopback may be reached."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in _LOOPBACK:
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    socket.socket.connect = guarded
    yield
    socket.socket.connect = connect


def secret_env() -> dict[str, str]:
    """Return fresh keys for one run."""
    key = ec.generate_private_key(ec.SECP256R1())
    sealing, calling = (ed25519.Ed25519PrivateKey.generate() for _ in range(2))
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    receipt_key, receipt_certificate = make_seal()
    names = ("KEY_ENCRYPTION_KEY", "BLIND_INDEX_KEY", "PEPPER_KEY")
    return {
        "TOKEN_SIGNING_KEY": key.private_bytes(*form).decode(),
        "AUDIT_SIGNING_KEY": sealing.private_bytes(*form).decode(),
        "PROVIDER_SIGNING_KEY": calling.private_bytes(*form).decode(),
        "RECEIPT_SIGNING_KEY": receipt_key,
        "RECEIPT_SIGNING_CERTIFICATE": receipt_certificate,
        **{name: base64.b64encode(os.urandom(32)).decode() for name in names},
    }


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """Start the servers and the sandbox world once for this test process."""
    with (
        temporary_data_dir() as folder,
        start_postgres(Path(folder) / "pg", durable=False) as postgres,
        start_valkey(Path(folder) / "valkey") as valkey,
        serve_city(port=0, data_dir=None) as city,
        serve_stripe(
            port=0,
            api_key=STRIPE_KEY,
            publishable_key=STRIPE_PUBLISHABLE_KEY,
            webhook_secret=STRIPE_WEBHOOK_SECRET,
            webhook_url=None,
            data_dir=None,
        ) as stripe,
        serve_wallets(WalletKeys.fresh(), refund_seconds=0) as wallets,
    ):
        outside = (city.url, stripe.url, wallets.url)
        env = {
            "PROFILE": "sandbox",
            "PACE": "fast",
            "PROVIDER_WAIT_MILLISECONDS": "2000",  # a crowded machine is no provider that hangs
            "LOG_LEVEL": "ERROR",
            "DATABASE_URL": postgres.app_url,
            "DATABASE_OWNER_URL": postgres.owner_url,
            "REDIS_URL": valkey.url,
            "STRIPE_API_KEY": STRIPE_KEY,
            "STRIPE_PUBLISHABLE_KEY": STRIPE_PUBLISHABLE_KEY,
            "STRIPE_WEBHOOK_SECRET": STRIPE_WEBHOOK_SECRET,
            "STRIPE_API_BASE": stripe.url,
            "SMS_URL": f"{city.url}/sms/messages",
            "SMS_ANSWERS_URL": f"{city.url}/sms/answers",
            "REGISTER_URL": f"{city.url}/register/checks",
            "ORGANISATION_REGISTER_URL": f"{city.url}/register/organisations/checks",
            "GUARDIAN_REGISTER_URL": f"{city.url}/register/guardians/checks",
            "UTILITIES_BILLER_URL": f"{city.url}/billers",
            "TRAFFIC_POLICE_URL": f"{city.url}/police",
            "TRAFFIC_POLICE_KEY": CITY_KEY,
            "JOBS_HIRE_UNDO_DAYS": "30",
            "EGRESS_LOOPBACK": ",".join(urlsplit(u).netloc for u in outside),
            "RATE_LIMITS": "sandbox",
            "SETTLEMENT_DEBTOR_NAME": "i武当",
            "SETTLEMENT_DEBTOR_ACCOUNT": "6200000000000001",
            "SETTLEMENT_DEBTOR_BANK": "102521000019",
            "AUDIT_ANCHORS_FILE": str(Path(folder) / "audit-anchors"),
            "KEYS_FILE": str(Path(folder) / "keys.json"),
            **secret_env(),
            **wallets.keys.merchant_environment(wallets.url),
        }
        house = build(Settings.from_env(env))
        migrate.upgrade(postgres.owner_url, postgres.app_url, house.histories)
        house.enter_plugins()
        house.load_catalogue()
        house.publish_agreements()
        house.publish_split_rules()
        house.close()
        yield World(env, city.url, stripe.url, wallets.url)


@pytest.fixture(scope="session")
def settings(world: World) -> Settings:
    """Return the settings of the world."""
    return Settings.from_env(world.env)


@contextmanager
def open_house(settings: Settings, note_events: Callable[[Units], None]) -> Iterator[Rooms]:
    """Build a house for tests, and close it when they are over."""
    house = build(settings)
    house.check_start()
    has_house(house)
    yield house
    note_events(house.units)
    house.close()


def open_app(settings: Settings, rooms: Rooms) -> Server:
    """Return the web application of a house; its clients check every answer."""
    made = create_app(settings, rooms)
    made.test_client_class = ContractClient
    return made


@pytest.fixture(scope="session")
def rooms(settings: Settings, note_events: Callable[[Units], None]) -> Iterator[Rooms]:
    """Return the house of this test process."""
    with open_house(settings, note_events) as house:
        yield house


@pytest.fixture(scope="session")
def app(settings: Settings, rooms: Rooms) -> Server:
    """Return the web application of this test process."""
    return open_app(settings, rooms)


@pytest.fixture(scope="module", autouse=True)
def _no_job_is_left_to_fail() -> Iterator[None]:
    """Let no file wait for jobs that those before it left: each draining would try them again."""
    yield
    forget_failing_jobs()


@pytest.fixture
def client(app: Server) -> FlaskClient:
    """Return a client without a token."""
    return app.test_client()
