"""`python -m proof`: what `make prove-payments` runs. Status 0 means that nothing was broken."""

import faulthandler
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from proof.faults import FAULTS
from proof.run import Order, fresh_seed, prove

_PAYMENTS, _KILLS = 2000, 300


def main() -> int:
    """Run one proof as the environment says (SEED, PAYMENTS, KILLS, FAULT, SHORT, PACE, KEEP)."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    faulthandler.register(signal.SIGUSR1)  # shows an operator where a run stands
    given = {name: value for name, value in os.environ.items() if value}
    fault = given.get("FAULT")
    if fault is not None and fault not in FAULTS:
        print(f"there is no fault {fault}; there are: {', '.join(FAULTS)}", file=sys.stderr)
        return 2
    report = prove(_order(given, fault), lambda line: print(line, flush=True))
    print("\n".join(report.lines()))
    return 1 if report.violations else 0


def _order(given: Mapping[str, str], fault: str | None) -> Order:
    seed = int(given.get("SEED", fresh_seed()))
    keep = Path(given["KEEP"]) if "KEEP" in given else None
    if given.get("SHORT") not in {None, "0"}:
        return Order.short(seed, fault, keep)
    order = Order(seed, _PAYMENTS, _KILLS, fault=fault, pace=given.get("PACE", "fast"), keep=keep)
    if fault is not None:
        # What is broken shows soon, and some of it never comes to rest.
        order = replace(order, payments=100, kills=8, lifetime=25, quiet_seconds=60.0)
    return replace(
        order,
        payments=int(given.get("PAYMENTS", order.payments)),
        kills=int(given.get("KILLS", order.kills)),
    )


if __name__ == "__main__":
    sys.exit(main())
