"""Faults on demand: which calls of a wallet are to fail, how, and how often still."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from sandbox.store import Store

KINDS = (
    "drop_before",  # the call never arrives
    "drop",  # it is carried out and the answer is lost
    "error_before",  # the wallet's own system error, and nothing happened
    "error_after",  # the same, and it did happen
    "delay",  # it is carried out and the answer comes late
    "unsigned",  # the answer has no signature
    "forged",  # the answer has somebody else's signature
    "garbage",  # the answer is a page of HTML
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of failure for one operation, or for all of them with `*`."""

    operation: str
    kind: str
    times: int | None = None
    seconds: float = 0.0


class Faults:
    """The planned faults of one wallet, oldest first; they survive a restart."""

    def __init__(self, wallet: str, store: Store) -> None:
        self._name = f"faults/{wallet}"
        self._store = store

    def planned(self) -> list[Fault]:
        """Return what is planned."""
        row = self._store.row("SELECT value FROM settings WHERE name = ?", [self._name])
        kept: list[dict[str, Any]] = json.loads(row["value"]) if row else []
        return [Fault(**item) for item in kept]

    def plan(self, fault: Fault) -> None:
        """Add a fault."""
        with self._store.change():
            self._keep([*self.planned(), fault])

    def clear(self) -> None:
        """Plan nothing any more."""
        self._keep([])

    def take(self, operation: str) -> Fault | None:
        """Return the fault that strikes this call, and count it down."""
        with self._store.change():
            planned = self.planned()
            for index, fault in enumerate(planned):
                if fault.operation not in {"*", operation}:
                    continue
                if fault.times is not None:
                    left = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                    self._keep([*planned[:index], *left, *planned[index + 1 :]])
                return fault
        return None

    def _keep(self, faults: list[Fault]) -> None:
        value = json.dumps([asdict(fault) for fault in faults])
        with self._store.change() as db:
            db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", [self._name, value])
