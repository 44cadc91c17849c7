"""What each provider last said a citizen owes: shown, marked as old, while it does not answer."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.core.clock import now
from app.sdk.provider import Payable

OLDEST = timedelta(minutes=10)
MOST_ANSWERS = 10_000


@dataclass(frozen=True, slots=True)
class Recent:
    """An answer, and the moment it was given."""

    at: datetime
    payables: Sequence[Payable]


class RecentPayables:
    """Remembers the last answers of a process, in memory only; they serve to be looked at.

    Nothing is ever paid by them: a payment asks the provider itself.
    """

    def __init__(self, most: int = MOST_ANSWERS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[str, UUID], Recent] = OrderedDict()

    def keep(self, provider: str, citizen_id: UUID, at: datetime, said: Sequence[Payable]) -> None:
        """Remember an answer to a question of that moment; the oldest makes room."""
        with self._lock:
            self._answers.pop((provider, citizen_id), None)
            self._answers[provider, citizen_id] = Recent(at, said)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)

    def find(
        self, provider: str, citizen_id: UUID, changed_at: datetime | None = None
    ) -> Recent | None:
        """Return an answer of the last ten minutes that is not known to be out of date, or None."""
        with self._lock:
            found = self._answers.get((provider, citizen_id))
        if found is None or now() - found.at > OLDEST:
            return None
        is_outdated = changed_at is not None and found.at <= changed_at
        return None if is_outdated else found
