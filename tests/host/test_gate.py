from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from app.core.egress import NoAnswer, Reply
from app.core.errors import Unavailable
from app.factory import build, create_app
from app.host.breaker import Breaker, Bulkhead
from app.host.gate import PLACES, Gate, GuardedSender
from app.sdk import HttpClient
from config.settings import Settings
from tests.host.plugins import ROUTES, write_plugin


@dataclass
class Sender:
    """Answers with one status, or not at all."""

    status: int | None = 200
    given: list[float] = field(default_factory=list)

    def request(
        self,
        method: str,
        url: str,
        *,
        connect_seconds: float,
        total_seconds: float,
        body: object | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        self.given.append(total_seconds)
        if self.status is None:
            raise NoAnswer("silence", may_have_acted=True)
        return Reply(self.status, {}, b"{}")


def gate(name: str = "x") -> Gate:
    return Gate(name, Breaker(name, clock=lambda: 0.0), Bulkhead(PLACES))


def test_what_a_plugin_sends_goes_out_and_comes_back() -> None:
    sender = Sender(404)
    http = HttpClient(GuardedSender(sender, gate()))
    assert [http.get("http://biller/").status for _ in range(12)] == [404] * 12
    assert http.post("http://biller/", {}).status == 404
    assert len(sender.given) == 13
    assert all(2.0 < seconds <= 8.0 for seconds in sender.given)


@pytest.mark.parametrize("status", [500, 503])
def test_a_biller_that_fails_is_left_alone_after_ten_calls(status: int) -> None:
    sender = Sender(status)
    http = HttpClient(GuardedSender(sender, gate()))
    assert [http.get("http://biller/").status for _ in range(10)] == [status] * 10
    with pytest.raises(Unavailable):
        http.get("http://biller/")
    with pytest.raises(NoAnswer) as caught:
        http.post("http://biller/", {})
    assert caught.value.may_have_acted is False
    assert len(sender.given) == 10


def test_a_silent_biller_is_left_alone_too_and_what_was_sent_may_have_acted() -> None:
    sender = Sender(None)
    http = HttpClient(GuardedSender(sender, gate()))
    for _ in range(10):
        with pytest.raises(NoAnswer) as caught:
            http.post("http://biller/", {})
        assert caught.value.may_have_acted is True
    with pytest.raises(NoAnswer) as caught:
        http.post("http://biller/", {})
    assert caught.value.may_have_acted is False
    assert len(sender.given) == 10


def test_a_providers_call_sends_from_the_place_it_holds() -> None:
    sender, narrow = Sender(), Gate("x", Breaker("x"), Bulkhead(1))
    http = HttpClient(GuardedSender(sender, narrow))
    reply = narrow.run("get_payable", 2.0, lambda: http.get("http://b/"))
    assert reply.status == 200
    assert sender.given[0] <= 2.0


def test_calls_are_counted_by_plugin_call_and_outcome() -> None:
    name = "counted"
    passing = gate(name)

    def count(call: str, outcome: str) -> float | None:
        labels = {"plugin": name, "call": call, "outcome": outcome}
        return REGISTRY.get_sample_value("plugin_calls_total", labels)

    passing.run("get_payable", 2.0, lambda: 1)
    with pytest.raises(KeyError):
        passing.run("fulfil", 2.0, lambda: {}["x"])
    assert count("get_payable", "ok") == 1
    assert count("fulfil", "failed") == 1


def test_a_plugins_own_operation_has_two_seconds_and_the_houses_more(
    settings: Settings, tmp_path: Path
) -> None:
    tell = ROUTES.replace("type(deps(ParkingProvider)).__name__", "str(remaining(100.0))").replace(
        "from app.sdk", "from app.core.deadline import remaining\nfrom app.sdk", 1
    )
    name = write_plugin(tmp_path / "plugins", routes=tell)
    house = build(replace(settings, plugins_dir=tmp_path / "plugins"))
    try:
        client = create_app(house.settings, house).test_client()
        answer = client.get(f"/v1/{name}/lots")
        assert answer.status_code == 200
        assert 0.0 <= float(answer.json[0]["name"]) <= 2.0
    finally:
        house.close()
