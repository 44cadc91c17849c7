"""Faults on demand: which calls are to fail, how, and how often still."""

import threading
from dataclasses import asdict, dataclass, replace

from sandbox.stripe.errors import Body
from sandbox.stripe.store import Store

KINDS = (
    "timeout",
    "drop",
    "drop_before",
    "error_before",
    "error_after",
    "error_kept",
    "rate_limit",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of failure for one operation, or for all of them with `*`."""

    operation: str
    kind: str
    times: int | None = None
    seconds: float = 0.0

    def strikes(self, operation: str) -> bool:
        """Say whether a call of this operation is meant."""
        return self.operation in ("*", operation)


class Faults:
    """The planned faults, oldest first; they survive a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        kept: Body = store.setting("faults") or {"items": []}
        self._planned = [Fault(**item) for item in kept["items"]]

    def plan(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._planned.append(fault)
            self._keep()

    def clear(self) -> None:
        """Plan nothing any more."""
        with self._lock:
            self._planned = []
            self._keep()

    def planned(self) -> list[Body]:
        """Return what is planned."""
        with self._lock:
            return [asdict(fault) for fault in self._planned]

    def take(self, operation: str) -> Fault | None:
        """Return the fault that strikes this call, and count it down."""
        with self._lock:
            for index, fault in enumerate(self._planned):
                if not fault.strikes(operation):
                    continue
                if fault.times is not None:
                    left = replace(fault, times=fault.times - 1)
                    self._planned[index : index + 1] = [left] if fault.times > 1 else []
                    self._keep()
                return fault
        return None

    def _keep(self) -> None:
        self._store.keep_setting("faults", {"items": [asdict(fault) for fault in self._planned]})
