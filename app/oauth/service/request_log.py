"""What a client asked of us: noted beside the request, written twice a second, read for a week."""

import threading
from collections import deque
from collections.abc import Sequence
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy import ARRAY, cast, func, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from app.core.clock import now
from app.core.logs import get_logger
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork, Units
from app.http.served import Served
from app.oauth.models import ClientRequest
from app.oauth.service.clients import read_client
from app.oauth.values import REQUESTS_KEPT

SECONDS = 0.5
MOST_WAITING = 20_000
BATCH = 2_000
LOST = Counter("client_requests_lost_total", "Calls of clients that their log does not show")
log = get_logger("oauth")


class RequestLog:
    """Keeps the calls of clients without making any of them wait.

    A call is put into a queue of this process; a thread, begun with the first call, writes what
    waits every half second. A process that is killed loses what it noted since. While PostgreSQL
    is away calls wait, up to a bound; what is beyond it is counted and not kept.
    """

    def __init__(self, units: Units) -> None:
        self._units = units
        self._waiting: deque[Served] = deque()
        self._begin, self._write = threading.Lock(), threading.Lock()
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, served: Served) -> None:
        """Remember a call; no I/O, and never an error."""
        if len(self._waiting) >= MOST_WAITING:
            LOST.inc()
            return
        self._waiting.append(served)
        if self._thread is None or not self._thread.is_alive():
            self._start()

    def flush(self) -> None:
        """Write what waits; what PostgreSQL does not take now, waits on."""
        with self._write:
            while self._waiting and self._write_batch():
                pass

    def close(self) -> None:
        """Write what waits, and stop."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _start(self) -> None:
        with self._begin:
            is_running = self._thread is not None and self._thread.is_alive()
            if not is_running and not self._is_over.is_set():
                self._thread = threading.Thread(target=self._run, name="request-log", daemon=False)
                self._thread.start()

    def _run(self) -> None:
        # Servers end their processes without a word; but they wait for a thread that is no daemon.
        while not self._is_over.wait(SECONDS) and threading.main_thread().is_alive():
            self.flush()
        self.flush()

    def _write_batch(self) -> bool:
        """Write the oldest calls, once even if it is tried twice; False if it has to wait."""
        batch = [self._waiting[i] for i in range(min(BATCH, len(self._waiting)))]
        try:
            with self._units.open(actor="request-log") as uow:
                uow.execute(_insertion(batch))
        except (DataError, IntegrityError) as error:  # would be refused for ever
            LOST.inc(len(batch))
            log.warning("request_log.refused", count=len(batch), error=type(error).__name__)
        except SQLAlchemyError as error:
            log.warning("request_log.waits", count=len(self._waiting), error=type(error).__name__)
            return False
        for _ in batch:
            self._waiting.popleft()
        return True


def _insertion(batch: Sequence[Served]) -> Insert:
    """Return one statement for a whole batch: an array for each column."""
    columns = ClientRequest.__table__.columns
    arrays = [
        cast([getattr(served, column.name) for served in batch], ARRAY(column.type))
        for column in columns
    ]
    names = [column.name for column in columns]
    given = func.unnest(*arrays).table_valued(*names, name="given").render_derived()
    return insert(ClientRequest).from_select(names, select(*given.c)).on_conflict_do_nothing()


def list_requests(uow: UnitOfWork, client_id: UUID, page: PageRequest) -> Page[Served]:
    """Return what a client asked in the last seven days, newest first; it is there in a second.

    Raise `ClientNotFound`.
    """
    read_client(uow, client_id)
    kept = select(ClientRequest).where(
        ClientRequest.client_id == client_id, ClientRequest.at > now() - REQUESTS_KEPT
    )
    keys = [ClientRequest.at, ClientRequest.request_id]
    found = fetch_page(uow, kept, keys, page, descending=True)
    return Page([_view(row) for row in found.items], found.next_cursor)


def _view(row: ClientRequest) -> Served:
    return Served(
        client_id=row.client_id,
        request_id=row.request_id,
        at=row.at,
        operation=row.operation,
        status=row.status,
        milliseconds=row.milliseconds,
        code=row.code,
    )
