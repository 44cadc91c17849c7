"""The drill: `python -m tools.drill` lets a provider hang, crash, trickle, lie, babble and flood.

It starts the product, the example company behind a gate, and citizens; and prints what the rest of
the city felt meanwhile. Five rounds of all misdeeds, each compared with the seconds before it, take
about eighteen minutes; the figures are those of this machine, and of whatever else it does. It ends
with 1 when a promise was missed, and with 0 only when all were kept.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sandbox.servers import free_port
from tests.journeys import company as companies
from tests.journeys.house import Citizen, House, run_house
from tools.drill.figures import RECOVERY_BOUND, Felt, is_kept, judge_round, line, report
from tools.drill.gate import HEALTHY, MODES, Gate, open_gate
from tools.drill.load import Load, Sample, between, run_load

CITIZENS = 4
IN_A_ROW = 10
LATEST = 3.0
WARM_UP = 10.0
_NOT_FOUND = 404


def main() -> int:
    """Run the drill and return 0 when every promise was kept, else 1."""
    asked = _arguments()
    modes = asked.modes.split(",")
    with (
        tempfile.TemporaryDirectory() as folder,
        run_house(PACE="normal") as house,
        open_gate(int(house.env["PORT"]) + companies.PROVIDER_OFFSET) as gate,
        companies.run_company(house, Path(folder), listen=f"127.0.0.1:{free_port()}") as company,
    ):
        gate.upstream = company.inner
        _let_in(company)
        load = Load(house.web.url, _citizens(house), "parking-fee")
        with run_load(load):
            time.sleep(WARM_UP)
            felt = []
            for number in range(asked.rounds):
                if number:
                    load.tokens = _citizens(house)  # a token is good for ten minutes
                felt += [_do(gate, load, mode, asked.seconds) for mode in _turned(modes, number)]
    print("\n".join(report(felt)))
    return 0 if is_kept(felt) else 1


def _let_in(company: companies.Company) -> None:
    companies.register(company)
    desk = companies.staff(company.house)
    states = ("document_review", "sandbox", "conformance_passed", "canary", "live")
    companies.move(desk, *states)
    companies.await_service(company.house, available=True)


def _citizens(house: House) -> list[str]:
    tokens = []
    for _ in range(CITIZENS):
        someone = Citizen(house.web, house.city)
        someone.log_in()
        tokens.append(someone.token)
    return tokens


def _do(gate: Gate, load: Load, mode: str, seconds: float) -> Felt:
    """Let the provider be well for some seconds, misbehave as long, and heal."""
    load.forget()
    well = time.monotonic()
    time.sleep(seconds)
    began = time.monotonic()
    gate.turn(mode)
    time.sleep(seconds)
    healed = time.monotonic()
    gate.turn(HEALTHY)
    recovery = _recovery(load, healed)
    # Whoever began to wait while it misbehaved is heard, too, however late the answer came.
    time.sleep(max(0.0, healed + LATEST - time.monotonic()))
    felt = judge_round(
        mode,
        between(load.others, well, began),
        between(load.others, began, healed),
        between(load.own, began, healed),
        began,
        recovery,
    )
    print(line(felt), flush=True)
    return felt


def _recovery(load: Load, healed: float) -> float | None:
    """Return how long it took until so many requests in a row were well, or None for too long."""
    while time.monotonic() - healed < 3 * RECOVERY_BOUND:
        time.sleep(0.25)
        later: Sequence[Sample] = sorted(
            (s for s in list(load.own) if s.at >= healed), key=lambda s: s.at
        )
        run = 0
        for sample in later:
            run = run + 1 if sample.status == _NOT_FOUND else 0
            if run == IN_A_ROW:
                return sample.at + sample.seconds - healed
    return None


def _turned(modes: Sequence[str], number: int) -> list[str]:
    """Return the misdeeds, each round beginning with another one."""
    start = number % len(modes)
    return [*modes[start:], *modes[:start]]


def _arguments() -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="tools.drill", description=__doc__)
    reader.add_argument("--rounds", type=int, default=5)
    reader.add_argument("--seconds", type=float, default=12.0, help="how long each misdeed lasts")
    reader.add_argument("--modes", default=",".join(MODES), help=f"of {', '.join(MODES)}")
    return reader.parse_args()


if __name__ == "__main__":
    sys.exit(main())
