"""What a provider's operations are held to: sizes, its share, a breaker, and one call for a key."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text

from app.core.clock import monotonic
from app.core.unit_of_work import Units
from app.host.canary import is_in_share
from app.host.letters import sector_of
from app.host.roster import Roster
from app.operations.service import OperationDeps
from tests.conftest import World
from tests.factories import Citizen, log_in
from tests.operations.town import MOST_ANSWERED, MOST_SENT, Town, open_town, refused
from tests.payments.helpers import new_key

PATIENCE = 30


def test_what_is_taken_back_is_taken_back_once_for_a_key(town: Town) -> None:
    key = new_key()
    before = town.house.count("DELETE")
    first, again = (town.send("DELETE", "/places/R-1", key) for _ in range(2))
    assert (first.status_code, first.json) == (200, {"operation": "release", "result": {}})
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
    assert town.house.count("DELETE") == before + 1
    call = town.house.calls[-1]
    assert (call.path, call.body) == ("/operations/parking-fee/places/R-1", b"")
    assert town.send("DELETE", "/places/R-1").status_code == 200
    assert town.house.count("DELETE") == before + 2
    refused(town.send("DELETE", "/car-parks/7"), 404, "operation-not-found")
    assert town.house.count("DELETE") == before + 2


def of_size(size: int) -> str:
    """Return a text that makes a JSON object of so many bytes with it."""
    return "x" * (size - len(b'{"text":""}'))


def test_a_body_that_is_larger_than_declared_never_leaves_the_house(town: Town) -> None:
    before = town.house.count("PUT")
    for size, status in ((MOST_SENT, 200), (MOST_SENT + 1, 422), (MOST_SENT * 5, 422)):
        body = json.dumps({"text": of_size(size)}, separators=(",", ":")).encode()
        assert len(body) == size
        answer = town.send("PUT", "/notes", data=body, content_type="application/json")
        assert answer.status_code == status, answer.text
    assert town.house.count("PUT") == before + 1


def test_an_answer_that_is_larger_than_declared_is_none(town: Town) -> None:
    fits, large = of_size(MOST_ANSWERED), of_size(MOST_ANSWERED + 1)
    try:
        town.house.said = {"text": fits}
        assert town.ask("/news").json["result"] == {"text": fits}
        town.house.said = {"text": large}
        answer = town.ask("/news")
    finally:
        town.house.said = {}
    refused(answer, 503, "unavailable")
    assert "xxx" not in answer.text


def test_citizens_read_in_their_own_record_what_was_called_for_them(
    town: Town, world: World
) -> None:
    someone = replace(town, citizen=log_in(town.client, world, town.rooms))
    assert someone.ask().status_code == 200
    assert someone.send("DELETE", "/places/R-1").status_code == 200

    def record(citizen: Citizen) -> list[dict[str, str]]:
        shown = town.client.get("/v1/me/activity?limit=100", headers=citizen.auth)
        assert shown.status_code == 200, shown.text
        lines = shown.json["items"]
        return [line["details"] for line in lines if line["event"] == "operation.called"]

    provider = {"provider": "parking", "service": "parking-fee"}
    assert record(someone.citizen) == [  # the newest first
        {**provider, "operation": "release"},
        {**provider, "operation": "ask"},
    ]
    assert record(log_in(town.client, world, town.rooms)) == []


def test_a_call_whose_process_died_is_not_made_again(town: Town) -> None:
    """The key is committed before the call; whoever takes it over knows that it may have acted."""
    key = new_key()
    before = town.house.count("PUT")
    other = replace(town, client=town.client.application.test_client())
    with ThreadPoolExecutor(1) as pool, town.house.failing("hold", "PUT"):
        town.house.holds.clear()
        first = pool.submit(other.reserve, 1, key, "PUT")
        assert town.house.holds.wait(PATIENCE)
        with town.rooms.units.open(actor="test") as uow:
            kept = uow.execute(
                text("select state, resource_id from idempotency_keys where key = :key"),
                {"key": key},
            ).one()
            assert kept.state == "in_progress"
            assert kept.resource_id is not None
            uow.execute(
                text(
                    "update idempotency_keys set locked_until = locked_until - interval '1 hour'"
                    " where key = :key"
                ),
                {"key": key},
            )
        for _ in range(2):
            refused(town.reserve(1, key, "PUT"), 503, "operation-outcome-unknown")
        assert first.result(PATIENCE).status_code in {409, 503}
    assert town.house.count("PUT") == before + 1
    refused(town.reserve(1, key, "PUT"), 503, "operation-outcome-unknown")
    assert town.house.count("PUT") == before + 1


def test_who_fails_ten_times_is_called_no_more_from_this_process(town: Town) -> None:
    breaker = town.rooms.deps[Roster]._remotes._gates["parking"].breaker  # noqa: SLF001 - its clock stands still
    at = monotonic()
    breaker.clock = lambda: at
    try:
        before = len(town.house.calls)
        with town.house.failing("signed 500"):
            for _ in range(10):
                refused(town.ask(), 503, "unavailable")
        failed = len(town.house.calls)
        assert failed > before
        refused(town.ask(), 503, "unavailable")
        refused(town.reserve(1), 503, "unavailable")
        refused(town.reserve(1, method="PUT"), 503, "unavailable")
        refused(town.send("DELETE", "/places/R-1"), 503, "unavailable")
        assert len(town.house.calls) == failed
        breaker.clock = lambda: at + 1_000
        assert town.ask().status_code == 200
        assert town.reserve(1).status_code == 200
    finally:
        breaker.clock = monotonic


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_unlike_keys_or_methods_no_call_goes_without_a_log_in(town: Town, method: str) -> None:
    before = len(town.house.calls)
    path = "/v1/services/parking-fee/gateway/places/R-1"
    answer = town.client.open(path, method=method, headers={"Idempotency-Key": new_key()})
    assert answer.status_code == 401
    assert len(town.house.calls) == before


def test_a_canary_is_called_for_the_citizens_of_its_share_alone(
    world: World, note_events: Callable[[Units], None]
) -> None:
    with open_town(world, note_events, "canary") as town:
        inside, outside = town, town
        low = high = number_of(town)
        while low == high:  # one citizen in a hundred has the number of another
            other = replace(town, citizen=log_in(town.client, world, town.rooms))
            inside, outside = sorted((town, other), key=number_of)
            low, high = number_of(inside), number_of(outside)
        answer = town.office.operate("parking", "canary", {"percent": high})
        assert answer.status_code == 200, answer.text
        town.refresh()
        before = len(town.house.calls)
        for tried in (
            outside.ask(),
            outside.reserve(1),
            outside.reserve(1, method="PUT"),
            outside.send("DELETE", "/places/R-1"),
        ):
            refused(tried, 503, "service-unavailable")
            assert "小范围试运行" in tried.json["detail"]
        assert len(town.house.calls) == before
        assert inside.ask().status_code == inside.reserve(1).status_code == 200
        assert len(town.house.calls) == before + 2


def number_of(town: Town) -> int:
    """Return the number below the share from which on a citizen is in it."""
    keyring = town.rooms.deps[OperationDeps].keyring
    reference = keyring.pairwise(sector_of("parking"), town.citizen.id)
    return next(share for share in range(100) if is_in_share(reference, share + 1))
