"""Notices on their way to the merchant: kept, signed when they are sent, sent until answered."""

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import urllib3

from sandbox.store import Store
from sandbox.wallets.books import Row

MODES = ("normal", "paused", "drop", "duplicate", "reorder")
RETRY_DELAYS = (1.0, 5.0, 30.0, 300.0, 3600.0)
_log = logging.getLogger(__name__)
_NAP = 0.5


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice as it is sent: fresh and signed."""

    raw: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sender:
    """How one wallet writes a notice, and which answers it takes for a yes."""

    write: Callable[[Row], Letter]
    is_taken: Callable[[int, bytes], bool]


class Notices:
    """The notices of all wallets; `wake` may be called from any thread."""

    def __init__(self, store: Store, *, tick: Callable[[], None]) -> None:
        self._store = store
        self._tick = tick
        self._senders: dict[str, Sender] = {}
        self._wake = threading.Event()
        self._closing = False
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=10.0))
        self._thread = threading.Thread(target=self._work, name="wallet-notices", daemon=True)

    def connect(self, wallet: str, sender: Sender) -> None:
        """Tell how a wallet writes."""
        self._senders[wallet] = sender

    def put(self, wallet: str, kind: str, subject: str, url: str | None, content: Any) -> None:  # noqa: ANN401 - JSON
        """Queue a notice as the behaviour of the moment says; without an address there is none."""
        if not url:
            return
        mode = self.mode(wallet)
        state = {"paused": "held", "reorder": "held", "drop": "dropped"}.get(mode, "waiting")
        event = secrets.token_hex(17)
        with self._store.change() as db:
            for _ in range(2 if mode == "duplicate" else 1):
                db.execute(
                    "INSERT INTO notices (wallet, event, kind, subject, url, content, state, due)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    [wallet, event, kind, subject, url, json.dumps(content), state, time.time()],
                )

    def mode(self, wallet: str) -> str:
        """Return how notices of a wallet are treated."""
        row = self._store.row("SELECT value FROM settings WHERE name = ?", [f"notices/{wallet}"])
        return str(row["value"]) if row else "normal"

    def behave(self, wallet: str, mode: str) -> None:
        """Treat notices so from now on; `normal` lets go what was held, `reorder` backwards."""
        backwards = self.mode(wallet) == "reorder"
        with self._store.change() as db:
            db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", [f"notices/{wallet}", mode])
            if mode != "normal":
                return
            held = self._store.rows(
                "SELECT id FROM notices WHERE wallet = ? AND state = 'held' ORDER BY id", [wallet]
            )
            ids = [row["id"] for row in held]
            for place, number in enumerate(reversed(ids) if backwards else ids):
                db.execute(
                    "UPDATE notices SET state = 'waiting', due = ? WHERE id = ?",
                    [time.time() + place / 1000, number],
                )

    def again(self, wallet: str, subject: str, times: int) -> int:
        """Send what was told of a subject again, and count the letters."""
        with self._store.change() as db:
            known = self._store.rows(
                "SELECT * FROM notices WHERE wallet = ? AND subject = ? GROUP BY event ORDER BY id",
                [wallet, subject],
            )
            for row in list(known) * times:
                db.execute(
                    "INSERT INTO notices (wallet, event, kind, subject, url, content, state, due)"
                    " VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?)",
                    [
                        *(row[name] for name in ("wallet", "event", "kind", "subject", "url")),
                        row["content"],
                        time.time(),
                    ],
                )
        return len(known) * times

    def listed(self, wallet: str, subject: str | None) -> Sequence[Row]:
        """Return the notices of a wallet, oldest first."""
        return self._store.rows(
            "SELECT * FROM notices WHERE wallet = :wallet"
            " AND (:subject IS NULL OR subject = :subject) ORDER BY id",
            {"wallet": wallet, "subject": subject},
        )

    def letter(self, row: Row) -> Letter:
        """Return a notice as it would be sent now."""
        return self._senders[row["wallet"]].write(row)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Let the running delivery end and start no other."""
        self._closing = True
        self._wake.set()
        self._thread.join(12)
        self._http.clear()

    def wake(self) -> None:
        """Look at once for what is due."""
        self._wake.set()

    def _work(self) -> None:
        while not self._closing:
            try:
                self._tick()
                self._send_due()
            except Exception:  # noqa: BLE001 - a thread that died would silence every notice
                _log.exception("a delivery failed inside the sandbox")
            self._wake.wait(_NAP)
            self._wake.clear()

    def _send_due(self) -> None:
        due = self._store.rows(
            "SELECT * FROM notices WHERE state = 'waiting' AND due <= ? ORDER BY due, id LIMIT 100",
            [time.time()],
        )
        for row in due:
            if self._closing:
                return
            letter = self.letter(row)
            status, taken = None, False
            try:
                answer = self._http.request(
                    "POST", row["url"], body=letter.raw, headers=letter.headers, redirect=False
                )
                status = answer.status
                taken = self._senders[row["wallet"]].is_taken(answer.status, answer.data)
            except urllib3.exceptions.HTTPError:
                _log.info("nobody takes notices at %s", row["url"])
            self._record(row, status, taken=taken)

    def _record(self, row: Row, status: int | None, *, taken: bool) -> None:
        attempt = int(row["attempts"])
        over = attempt >= len(RETRY_DELAYS)
        state = "taken" if taken else "failed" if over else "waiting"
        due = time.time() + (0.0 if over else RETRY_DELAYS[attempt])
        with self._store.change() as db:
            db.execute(
                "UPDATE notices SET state = ?, attempts = attempts + 1, last_status = ?, due = ?"
                " WHERE id = ?",
                [state, status, due, row["id"]],
            )
