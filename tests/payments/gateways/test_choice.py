"""Which gateway serves which method: a setting, checked before anything starts."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.factory import Rooms, build, create_app
from app.payments.errors import MethodUnavailable
from app.payments.models import PaymentAttempt
from app.payments.service import PaymentDeps
from app.payments.values import Method
from config.settings import Settings, SettingsInvalid
from tests.conftest import World
from tests.factories import Citizen, run_jobs
from tests.payments.gateways.tills import WalletTill
from tests.payments.helpers import make_bill, order, read, start

RETURN = "https://app.example.org/paid"
ACCOUNTS = ("ALIPAY_", "WECHAT_PAY_")


@pytest.fixture
def without(world: World) -> dict[str, str]:
    """Return the environment of an installation that knows Stripe alone."""
    return {name: value for name, value in world.env.items() if not name.startswith(ACCOUNTS)}


def faults(env: dict[str, str]) -> str:
    with pytest.raises(SettingsInvalid) as refused:
        Settings.from_env(env)
    return str(refused.value)


@pytest.fixture(scope="module")
def direct(world: World) -> Iterator[Rooms]:
    """Return a house that speaks to both wallets directly and takes no cards."""
    env = {
        **world.env,
        "CARD_GATEWAY": "off",
        "ALIPAY_GATEWAY": "alipay",
        "WECHAT_PAY_GATEWAY": "wechat",
    }
    house = build(Settings.from_env(env))
    yield house
    house.close()


@pytest.fixture
def shop(direct: Rooms, world: World) -> FlaskClient:
    """Return a client of that house."""
    app = create_app(direct.settings, direct)
    client: FlaskClient = app.test_client()
    return client


def test_stripe_serves_every_method_unless_told_otherwise(
    rooms: Rooms, without: dict[str, str]
) -> None:
    gateways = rooms.deps[PaymentDeps].gateways
    assert {gateways.serving(method).name for method in Method} == {"stripe"}
    assert gateways.names == ["alipay", "stripe", "wechat"]
    settings = Settings.from_env(without)
    assert (settings.alipay, settings.wechat_pay) == (None, None)


def test_a_method_goes_to_the_gateway_of_its_setting(direct: Rooms) -> None:
    gateways = direct.deps[PaymentDeps].gateways
    assert gateways.serving(Method.ALIPAY).name == "alipay"
    assert gateways.serving(Method.WECHAT_PAY).name == "wechat"
    with pytest.raises(MethodUnavailable):
        gateways.serving(Method.CARD)


@pytest.mark.parametrize("name", ["alipay", "wechat"])
def test_a_payment_stays_with_the_gateway_that_opened_it(
    shop: FlaskClient,
    client: FlaskClient,
    rooms: Rooms,
    world: World,
    citizen: Citizen,
    request: pytest.FixtureRequest,
    name: str,
) -> None:
    till: WalletTill = request.getfixturevalue(name)
    bill = make_bill(client, world, citizen)
    body = order(bill, method=str(till.method), return_url=RETURN)
    started = start(shop, citizen, body)
    assert started.status_code == 201, started.text
    action = started.json["next_action"]
    assert (action["type"], bool(action["data"])) == ("qr_code", True)
    assert till.control("POST", f"/orders/{action['intent']}/approve", {})[0] == 200
    raw, headers = till.notices_about(action["intent"])[0]
    # The setting has changed meanwhile: this house has Stripe serve the method.
    told = client.post(f"/v1/payments/webhooks/{name}", data=raw, headers=headers)
    assert told.status_code in {200, 204}
    run_jobs(rooms)
    paid = read(client, citizen, started.json["id"])
    assert (paid["status"], paid["items"][0]["status"]) == ("succeeded", "fulfilled")
    with rooms.units.open(actor="test") as uow:
        kept = [
            (attempt.gateway, attempt.status, attempt.captured_amount)
            for attempt in uow.scalars(
                select(PaymentAttempt).where(PaymentAttempt.payment_id == UUID(started.json["id"]))
            )
        ]
    assert kept == [(name, "succeeded", bill.amount)]


def test_a_method_that_is_off_is_refused_before_anything_happens(
    shop: FlaskClient, client: FlaskClient, world: World, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    refused = start(shop, citizen, order(bill))
    assert (refused.status_code, refused.json["code"]) == (422, "method-unavailable")
    listed = client.get("/v1/payments", headers=citizen.auth).json["items"]
    assert listed == []


def test_a_method_needs_the_credentials_of_its_gateway(without: dict[str, str]) -> None:
    said = faults({**without, "ALIPAY_GATEWAY": "alipay", "WECHAT_PAY_GATEWAY": "wechat"})
    assert "ALIPAY_GATEWAY=alipay needs ALIPAY_APP_ID" in said
    assert "WECHAT_PAY_GATEWAY=wechat needs WECHAT_PAY_APP_ID" in said
    crossed = faults({**without, "ALIPAY_GATEWAY": "wechat", "CARD_GATEWAY": "alipay"})
    assert "ALIPAY_GATEWAY must be one of stripe, alipay, off" in crossed
    assert "CARD_GATEWAY must be one of stripe, off" in crossed


@pytest.mark.parametrize(
    "name",
    [
        "ALIPAY_APP_ID",
        "ALIPAY_PUBLIC_KEY",
        "WECHAT_PAY_MERCHANT_SERIAL",
        "WECHAT_PAY_API_V3_KEY",
        "WECHAT_PAY_PUBLIC_KEY_ID",
    ],
)
def test_half_an_account_is_none(world: World, name: str) -> None:
    assert f"{name} is missing, and others of its kind are set" in faults({**world.env, name: ""})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ALIPAY_PRIVATE_KEY", "-----BEGIN", "must be a private RSA key"),
        ("ALIPAY_PUBLIC_KEY", "TOKEN_SIGNING_KEY", "must be a public RSA key"),
        ("WECHAT_PAY_PRIVATE_KEY", "TOKEN_SIGNING_KEY", "must be a private RSA key"),
        ("WECHAT_PAY_PUBLIC_KEY", "WECHAT_PAY_PRIVATE_KEY", "must be a public RSA key"),
        ("WECHAT_PAY_API_V3_KEY", "short", "must be 32 characters"),
        ("ALIPAY_API_BASE", "http://openapi.alipay.com/gateway.do", "must be https"),
        ("ALIPAY_API_BASE", "ftp://openapi.alipay.com", "must be https"),
        ("WECHAT_PAY_API_BASE", "http://127.0.0.1:1", "must be https"),
    ],
)
def test_what_cannot_be_right_is_refused_at_the_start(
    world: World, name: str, value: str, reason: str
) -> None:
    said = faults({**world.env, name: world.env.get(value, value)})
    assert f"{name} {reason}" in said
    assert "PRIVATE KEY-----" not in said


def test_a_place_for_rehearsals_takes_no_real_money(world: World) -> None:
    place = "https://openapi-sandbox.dl.alipaydev.com/gateway.do"
    live = {
        **world.env,
        "PROFILE": "production",
        "STRIPE_API_KEY": "sk_live_1",
        "STRIPE_PUBLISHABLE_KEY": "pk_live_1",
        "ALIPAY_API_BASE": place,
    }
    said = faults(live)
    assert "ALIPAY_API_BASE is no place for real money" in said
    # And what may be called on this machine is not read in production.
    assert "WECHAT_PAY_API_BASE must be https" in said
    assert Settings.from_env({**world.env, "ALIPAY_API_BASE": place}).alipay is not None


def test_secrets_are_not_shown(settings: Settings) -> None:
    shown = repr(settings)
    assert settings.alipay is not None
    assert settings.wechat_pay is not None
    secrets = (
        settings.alipay.private_key,
        settings.wechat_pay.private_key,
        settings.wechat_pay.api_v3_key,
    )
    assert not any(secret in shown or repr(secret)[1:-1] in shown for secret in secrets)
