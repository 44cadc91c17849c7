"""However a provider misbehaves, the house says so, books once, and goes on by itself."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.errors import Unavailable
from app.sdk.conformance import payable_duties as duties
from app.sdk.provider import Citizen, OutcomeUnknown
from sandbox.servers import free_port
from tests.sdk.conformance.company import REFERENCES, Company, open_company
from tools.drill.gate import HEALTHY, MODES, Gate, open_gate

BOUND = 2.5


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[tuple[Company, Gate]]:
    """Return a company behind a gate; the city knows it by the gate's address."""
    port = free_port()
    with (
        open_gate(port) as gate,
        open_company(tmp_path, public=f"http://127.0.0.1:{port}") as company,
    ):
        gate.upstream = company.inner
        yield company, gate


@pytest.mark.parametrize("mode", MODES)
def test_it_is_found_out_and_books_once(stage: tuple[Company, Gate], mode: str) -> None:
    company, gate = stage
    provider, citizen = company.trial.provider, Citizen("somebody")
    payable = provider.get_payable(REFERENCES[0], citizen)
    notice = duties.notice_of(payable)
    gate.turn(mode)
    with pytest.raises(Unavailable):
        provider.get_payable(REFERENCES[0], citizen)
    if mode not in {"hang", "trickle"}:  # eight seconds each: the drill itself waits for them
        with pytest.raises((Unavailable, OutcomeUnknown)):
            provider.fulfil(notice)
    gate.turn(HEALTHY)
    assert provider.get_payable(REFERENCES[1], citizen).reference == REFERENCES[1]
    # What a liar has booked behind its lie is found when it is asked, and booked no second time.
    done = provider.fulfil(notice)
    assert provider.find_fulfilment(notice.key) == done
    assert company.paid() == [REFERENCES[0]]


@pytest.mark.timed
@pytest.mark.promise("P25")
@pytest.mark.parametrize("mode", MODES)
def test_it_is_found_out_in_time(
    stage: tuple[Company, Gate], shows: Callable[[str], None], mode: str
) -> None:
    company, gate = stage
    gate.turn(mode)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        company.trial.provider.get_payable(REFERENCES[0], Citizen("somebody"))
    taken = time.monotonic() - started
    shows(f"a provider that does this ({mode}): unavailable within {taken:.2f} s")
    assert taken < BOUND
