"""What every call of a wallet passes: the journal, a fault, one transaction, the answer."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from flask import Response, request

from sandbox.store import Store
from sandbox.wallets.books import Books, Row, bounds
from sandbox.wallets.faults import Fault, Faults
from sandbox.wallets.keys import WalletKeys
from sandbox.wallets.notices import Notices

_BILLS_AFTER = 10 * 3600.0


class Wallet(Protocol):
    """What the desk asks of a wallet."""

    name: str
    books: Books

    def tell_paid(self, order: Row) -> None:
        """Queue the notice that an order was paid."""

    def tell_refund(self, refund: Row) -> None:
        """Queue the notice that a refund has ended."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the wallets work with."""

    store: Store
    keys: WalletKeys
    notices: Notices

    def carry_out(
        self,
        wallet: str,
        operation: str,
        work: Callable[[], Response],
        broken: Callable[[], Response],
        forge: Callable[[Response, str], Response],
    ) -> Response:
        """Return the answer to a call, or what a fault makes of it.

        `work` does it and signs; `broken` is the wallet's own system error; `forge` takes the
        signature off an answer, or puts another one on it.
        """
        fault = Faults(wallet, self.store).take(operation)
        number = self._arrive(wallet, operation, fault)
        if fault is None:
            answer = work()
        elif fault.kind == "drop_before":
            answer = Response()
            hang_up()
        elif fault.kind == "error_before":
            answer = broken()
        else:
            answer = self._spoil(fault, work(), broken, forge)
        self.notices.wake()
        self._end(number, answer.status_code)
        return answer

    def _spoil(
        self,
        fault: Fault,
        answer: Response,
        broken: Callable[[], Response],
        forge: Callable[[Response, str], Response],
    ) -> Response:
        if fault.kind == "drop":
            hang_up()
        elif fault.kind == "delay":
            time.sleep(fault.seconds)
        elif fault.kind == "error_after":
            return broken()
        elif fault.kind == "garbage":
            return Response("<html><body>\ufffd OK?", content_type="text/html")
        else:
            return forge(answer, fault.kind)
        return answer

    def _arrive(self, wallet: str, operation: str, fault: Fault | None) -> int:
        with self.store.change() as db:
            made = db.execute(
                "INSERT INTO journal (wallet, operation, fault) VALUES (?, ?, ?)",
                [wallet, operation, fault.kind if fault else None],
            )
            return int(made.lastrowid or 0)

    def _end(self, number: int, status: int) -> None:
        with self.store.change() as db:
            db.execute("UPDATE journal SET status = ? WHERE number = ?", [status, number])

    def close_books(self, wallet: str, day: date) -> None:
        """Write a day's bill now: real wallets do it in the morning after."""
        with self.store.change() as db:
            name = f"closed/{wallet}/{day.isoformat()}"
            db.execute("INSERT OR REPLACE INTO settings VALUES (?, '1')", [name])

    def are_closed(self, wallet: str, day: date) -> bool:
        """Say whether a day's bill is written: at ten the next morning, or when told to."""
        if time.time() >= bounds(day)[1] + _BILLS_AFTER:
            return True
        name = f"closed/{wallet}/{day.isoformat()}"
        return self.store.row("SELECT 1 FROM settings WHERE name = ?", [name]) is not None


def hang_up() -> None:
    """End the connection of this call without an answer."""
    connection = request.environ["werkzeug.socket"]
    assert isinstance(connection, socket.socket)
    connection.shutdown(socket.SHUT_RDWR)
