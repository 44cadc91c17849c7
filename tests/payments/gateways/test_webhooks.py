"""Notices of Alipay and WeChat Pay over HTTP: genuine ones are kept once, others leave nothing."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.payments.models import GatewayEvent
from tests.payments.gateways.tills import StripeTill, WalletTill, open_paid


@pytest.fixture(params=["alipay", "wechat"])
def wallet(request: pytest.FixtureRequest) -> WalletTill:
    """Return each wallet in turn."""
    found: WalletTill = request.getfixturevalue(request.param)
    return found


def deliver(
    client: FlaskClient, till: WalletTill, raw: bytes, headers: dict[str, str]
) -> TestResponse:
    return client.post(f"/v1/payments/webhooks/{till.gateway.name}", data=raw, headers=headers)


def kept(rooms: Rooms, source: str) -> int:
    with rooms.units.open(actor="test") as uow:
        count = select(func.count()).where(GatewayEvent.source == source)
        return uow.scalar(count) or 0


def mutations(raw: bytes, headers: dict[str, str]) -> Iterator[tuple[bytes, dict[str, str]]]:
    """Return what is nearly genuine, each in its own way."""
    yield b"", headers
    yield raw + b" ", headers
    yield raw[:-1], headers
    yield raw.replace(b"0", b"1"), headers
    yield raw.replace(b"sign=", b"sign=A"), {**headers, "Wechatpay-Signature": "AAAA"}
    yield raw.replace(b"%3D%3D", b"%3D"), {**headers, "Wechatpay-Nonce": "other"}
    yield raw.replace(b"RSA2", b"RSA"), {**headers, "Wechatpay-Timestamp": "0"}
    yield raw + b"&app_id=1", {**headers, "Wechatpay-Serial": "PUB_KEY_ID_0"}
    kind = {"Content-Type": headers["Content-Type"]}
    yield raw.partition(b"&sign=")[0] + b"!", kind


def test_a_genuine_notice_is_kept_once_and_answered_as_the_wallet_asks(
    client: FlaskClient, rooms: Rooms, wallet: WalletTill
) -> None:
    raw, headers = wallet.notice(open_paid(wallet))
    before = kept(rooms, wallet.gateway.name)
    answers = [deliver(client, wallet, raw, headers) for _ in range(3)]
    expected = (200, b"success") if wallet.gateway.name == "alipay" else (204, b"")
    assert [(answer.status_code, answer.data) for answer in answers] == [expected] * 3
    assert kept(rooms, wallet.gateway.name) == before + 1


def test_whatever_is_not_genuine_is_refused_and_leaves_nothing(
    client: FlaskClient, rooms: Rooms, wallet: WalletTill
) -> None:
    raw, headers = wallet.notice(open_paid(wallet))
    before = kept(rooms, wallet.gateway.name)
    answers = [deliver(client, wallet, *sent) for sent in mutations(raw, headers)]
    assert {(a.status_code, a.json["code"]) for a in answers} == {(400, "signature-invalid")}
    assert kept(rooms, wallet.gateway.name) == before


def flipped(raw: bytes, headers: dict[str, str]) -> Iterator[tuple[bytes, dict[str, str]]]:
    """Return a notice with one bit changed, in twenty places, and with headers that do not fit."""
    for place in range(0, len(raw), max(1, len(raw) // 20)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        yield changed, headers
    for name in headers.keys() - {"Content-Type"}:
        yield raw, {**headers, name: headers[name].swapcase() + "0"}
        yield raw, {other: value for other, value in headers.items() if other != name}


@pytest.mark.promise("P17")
def test_a_notice_that_was_altered_changes_nothing_at_any_gateway(
    client: FlaskClient,
    rooms: Rooms,
    stripe: StripeTill,
    alipay: WalletTill,
    wechat: WalletTill,
    shows: Callable[[str], None],
) -> None:
    statuses: list[int] = []
    tills: Sequence[StripeTill | WalletTill] = (stripe, alipay, wechat)
    for till in tills:
        name = till.gateway.name
        raw, headers = till.notice(open_paid(till))
        before = kept(rooms, name)
        for changed in flipped(raw, headers):
            answer = client.post(
                f"/v1/payments/webhooks/{name}", data=changed[0], headers=changed[1]
            )
            statuses.append(answer.status_code)
        assert kept(rooms, name) == before
    assert len(statuses) >= 60
    assert set(statuses) == {400}
    shows(f"{len(statuses)} altered notices of 3 gateways: all 400, none kept, 0 x 5xx")


def test_a_notice_of_the_other_wallet_is_refused(
    client: FlaskClient, rooms: Rooms, alipay: WalletTill, wechat: WalletTill
) -> None:
    raw, _ = alipay.notice(open_paid(alipay))
    _, headers = wechat.notice(open_paid(wechat))
    before = kept(rooms, "wechat")
    assert deliver(client, wechat, raw, headers).status_code == 400
    assert kept(rooms, "wechat") == before


def test_a_wallet_that_is_not_set_up_takes_no_notices(
    client: FlaskClient, wallet: WalletTill
) -> None:
    raw, headers = wallet.notice(open_paid(wallet))
    answer = client.post(
        f"/v1/payments/webhooks/{wallet.gateway.name}",
        data=raw,
        headers={**headers, "Content-Type": "text/plain"},
    )
    assert answer.status_code == 415
