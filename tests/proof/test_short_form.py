"""The short form of the crash proof: the whole product, killed again and again while people pay.

It takes minutes, so `make check-promises` runs it, not the suite.
"""

import sys
from collections.abc import Callable

import pytest

from proof.report import Report
from proof.run import Order, prove
from proof.values import Act

pytestmark = pytest.mark.timed

SEED = 3
"""Its twelve blows fall where much happens, on each process, and one on a worker at work."""


@pytest.fixture(scope="module")
def report() -> Report:
    """Run the proof once for all its figures."""
    lines: list[str] = []
    made = prove(Order.short(SEED), lines.append)
    sys.stdout.write("\n".join([*lines, *made.lines()]))
    return made


@pytest.mark.promise("P20")
def test_kills_at_any_step_lose_nothing_and_double_nothing(
    report: Report, shows: Callable[[str], None]
) -> None:
    assert report.violations == []
    assert len(report.struck) >= 8
    assert len({blow.process.rstrip("-12") for blow in report.struck}) >= 3
    shows(
        f"{len(report.struck)} kills of {report.kinds_of_kills} kinds among"
        f" {len(report.evidence.payments)} payments, seed {report.seed}: 0 violations,"
        f" settled after {report.settling.median:.1f} s (median)"
    )


@pytest.mark.promise("P01")
def test_no_bill_is_charged_twice(report: Report, shows: Callable[[str], None]) -> None:
    assert report.violations == []
    paid = [row for row in report.evidence.payments if row["status"] == "succeeded"]
    assert paid
    shows(f"{report.calls} calls, {len(report.evidence.bills)} bills, {len(paid)} paid: 0 twice")


@pytest.mark.promise("P06")
def test_each_biller_is_told_once(report: Report, shows: Callable[[str], None]) -> None:
    assert report.violations == []
    booked = [row for row in report.evidence.postings if row["effective"]]
    assert booked
    shows(f"{len(booked)} postings at billers of three kinds: 0 missing, 0 extra")


@pytest.mark.promise("P10")
def test_the_books_balance_at_every_second(report: Report, shows: Callable[[str], None]) -> None:
    assert report.violations == []
    assert any(probe["entries"] for probe in report.evidence.probes)
    shows(f"{len(report.evidence.probes)} probes of the trial balance, one a second: all zero")


@pytest.mark.promise("P18")
def test_what_was_acknowledged_is_there(report: Report, shows: Callable[[str], None]) -> None:
    assert report.violations == []
    told = [c for c in report.evidence.calls if c.status in {200, 201} and c.purpose == "start"]
    taken = [row for row in report.evidence.deliveries if row["state"] == "delivered"]
    assert told
    assert taken
    shows(f"{len(told)} payments and {len(taken)} events acknowledged among kills: 0 lost")


@pytest.mark.promise("P21")
def test_a_worker_that_comes_late_does_nothing_twice(
    report: Report, shows: Callable[[str], None]
) -> None:
    assert report.violations == []
    frozen = [blow for blow in report.struck if blow.act is Act.FREEZE]
    assert frozen
    shows(f"{len(frozen)} workers frozen past their lease in a call, then let go: 0 doubles")


@pytest.mark.parametrize(
    "process",
    [
        pytest.param("postgresql", marks=pytest.mark.promise("P22")),
        pytest.param("valkey", marks=pytest.mark.promise("P23")),
    ],
)
def test_a_server_may_be_killed(report: Report, shows: Callable[[str], None], process: str) -> None:
    assert report.violations == []
    kills = [blow for blow in report.struck if blow.process == process]
    assert kills
    shows(f"{process} killed {len(kills)} times under load: 0 violations")
