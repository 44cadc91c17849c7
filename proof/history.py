"""The history of a run: every call to the product and what came back, in the order it ended."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from proof.client import Answer, send_json
from proof.values import Call

IN_FLIGHT = "idempotency-key-in-flight"


class RunStopped(RuntimeError):
    """The run is over before its plan is."""


@dataclass(slots=True)
class History:
    """Keeps calls from many threads; `on_success` hears of each 2xx before anybody acts on it."""

    door: Callable[[], tuple[str, str]]
    on_success: Callable[[str, str], None]
    is_stopped: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _calls: list[Call] = field(default_factory=list)

    @property
    def calls(self) -> list[Call]:
        """Return what has ended so far."""
        with self._lock:
            return list(self._calls)

    def call(  # noqa: PLR0913 - a call has that many parts
        self,
        who: str,
        token: str,
        method: str,
        path: str,
        body: object | None = None,
        *,
        story: int = -1,
        key: str | None = None,
        purpose: str = "",
        seconds: float = 30.0,
        is_lost: bool = False,
    ) -> Answer | None:
        """Make one call as somebody, and write down what came of it.

        Raise `RunStopped` when the run has ended: whoever still wants something gives up.
        """
        if self.is_stopped:
            raise RunStopped
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        began = time.time()
        name, url = self.door()
        answer = send_json(url, method, path, body, headers, seconds=seconds, is_lost=is_lost)
        self.keep(
            _call(answer, story, who, method, path, key, purpose or f"{method} {path}", began)
        )
        if answer is not None and method == "POST" and answer.status < 300:  # noqa: PLR2004 - 2xx
            self.on_success(name, path)
        return answer

    def forge(self, event: dict[str, Any], story: int) -> None:
        """Send an event with a signature that is none, as anybody can who knows the address."""
        path = "/v1/payments/webhooks/stripe"
        signature = f"t={int(time.time())},v1={secrets.token_hex(32)}"
        began = time.time()
        _, url = self.door()
        answer = send_json(url, "POST", path, event, {"Stripe-Signature": signature})
        self.keep(_call(answer, story, "forger", "POST", path, None, "forged event", began))

    def keep(self, call: Call) -> None:
        """Write down a call."""
        with self._lock:
            self._calls.append(call)


def _call(
    answer: Answer | None,
    story: int,
    who: str,
    method: str,
    path: str,
    key: str | None,
    purpose: str,
    began: float,
) -> Call:
    problem = answer.json if answer is not None and answer.status >= 400 else {}  # noqa: PLR2004
    return Call(
        story=story,
        who=who,
        method=method,
        path=path,
        key=key,
        purpose=purpose,
        began=began,
        ended=time.time(),
        status=answer.status if answer else None,
        code=problem.get("code") if isinstance(problem, dict) else None,
        body=answer.body if answer else b"",
        is_replayed=answer is not None and "idempotent-replayed" in answer.headers,
        is_retry_told=answer is not None and "retry-after" in answer.headers,
    )
