"""Gathering the evidence: the books of the product, the gateway's and the billers' journals."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from proof.client import Answer, send, send_json
from proof.values import SERVICES, Bill, Call, Evidence, Row

_PROBE_SECONDS = 1.0
_BALANCE = """
    select
        (select coalesce(json_object_agg(currency, total), '{}') from (
            select currency, sum(amount)::bigint as total from ledger_entries group by currency
        ) as book) as balance,
        (select count(*) from ledger_entries) as entries,
        (select count(*) from (
            select from payment_items where is_live
            group by service, reference having count(*) > 1
        ) as twice) as live_twice
"""
_TABLES = {
    "payments": "select id, citizen_id, status, amount, refunded_amount from payments",
    "items": (
        "select id, payment_id, service, reference, amount, status, is_live, fulfilled_at,"
        " biller_reference from payment_items"
    ),
    "attempts": (
        "select id, payment_id, status, intent_id, amount, captured_amount, refunded_amount,"
        " gateway, mismatch from payment_attempts"
    ),
    "refunds": "select id, payment_id, item_id, status, amount, gateway_refund_id from refunds",
    "biller_postings": "select item_id, key, status from biller_postings",
    "receipts": "select payment_id, series, number, amount from receipts",
    "ledger": (
        "select t.subject_id as payment_id, t.kind, a.code, e.amount, e.currency"
        " from ledger_entries e join ledger_transactions t on t.id = e.transaction_id"
        " join ledger_accounts a on a.id = e.account_id"
    ),
    "inbox": "select event_id, state from gateway_events where source = 'stripe'",
    "jobs": (
        "select id, task_name, status, attempts from procrastinate_jobs"
        " where status in ('todo', 'doing', 'failed') and queueing_lock is null"
    ),
}
_OPEN = """
    select
        (select count(*) from payments where status in ('pending', 'processing'))
        + (select count(*) from payment_items
            where status in ('due', 'unknown', 'rejected', 'refunding'))
        + (select count(*) from payment_attempts
            where status in ('requested', 'open', 'unknown', 'processing'))
        + (select count(*) from refunds where status in ('approved', 'submitted', 'unknown'))
        + (select count(*) from procrastinate_jobs
            where status in ('todo', 'doing') and queueing_lock is null)
"""
_TIMELINE = """
    select to_char(at, 'HH24:MI:SS.MS') as at, entity, coalesce(from_state, '') as from_state,
        to_state, cause, actor
    from event_log
    where subject_id = (
        select coalesce(
            (select id from payments where id = %(id)s),
            (select payment_id from payment_items where id = %(id)s),
            (select payment_id from payment_attempts where id = %(id)s),
            (select payment_id from refunds where id = %(id)s)
        )
    )
    order by event_log.at, id
"""
_SETTLED = """
    select p.id::text as payment_id,
        extract(epoch from min(l.at) filter (
            where l.entity = 'payment_attempt' and l.to_state in ('succeeded', 'succeeded_late')
        ))::float8 as paid_at,
        extract(epoch from max(l.at) filter (
            where l.entity in ('payment_item', 'refund')
        ))::float8 as settled_at
    from payments p join event_log l on l.subject_id = p.id
    group by p.id
"""


@dataclass(slots=True)
class Probe:
    """Looks at the trial balance once a second for as long as it runs."""

    url: str
    seen: list[Row] = field(default_factory=list)
    unanswered: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look a last time, and end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with connect(self.url) as connection:
                    self._look_through(connection)
            except psycopg.Error:
                self.unanswered += 1
                self._stop.wait(_PROBE_SECONDS)

    def _look_through(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        """Look each second, and a last time when the run is over."""
        is_last = False
        while not is_last:
            is_last = self._stop.wait(_PROBE_SECONDS)
            (row,) = connection.execute(_BALANCE.encode()).fetchall()
            self.seen.append({**row, "at": time.time()})


def connect(url: str) -> psycopg.Connection[dict[str, Any]]:
    """Return a connection of the auditor's."""
    return psycopg.connect(url, autocommit=True, connect_timeout=2, row_factory=dict_row)


def count_open(url: str) -> int:
    """Count what is not at its end yet."""
    with connect(url) as connection:
        (row,) = connection.execute(_OPEN.encode()).fetchall()
        count: int = next(iter(row.values()))
        return count


def read_timeline(url: str, subject: str) -> list[str]:
    """Return what happened to the payment of a record, line by line; nothing for other subjects."""
    try:
        record = UUID(subject)
    except ValueError:
        return []
    with connect(url) as connection:
        rows = connection.execute(_TIMELINE.encode(), {"id": record}).fetchall()
    return [
        f"{row['at']} {row['entity']} {row['from_state']} -> {row['to_state']}:"
        f" {row['cause']} ({row['actor']})"
        for row in rows
    ]


def read_settling(url: str) -> list[Row]:
    """Return when each payment's money was booked, and when the last of it was done."""
    with connect(url) as connection:
        return list(connection.execute(_SETTLED.encode()).fetchall())


@dataclass(frozen=True, slots=True)
class Auditor:
    """Reads every journal there is."""

    database_url: str
    stripe_url: str
    api_key: str
    city_url: str

    def gather(
        self, *, bills: Sequence[Bill], calls: Sequence[Call], probes: Sequence[Row]
    ) -> Evidence:
        """Return the evidence as it is now."""
        with connect(self.database_url) as connection:
            tables = {
                name: [_plain(row) for row in connection.execute(query.encode()).fetchall()]
                for name, query in _TABLES.items()
            }
        found = send(self.stripe_url, "GET", "/sandbox/webhooks/deliveries", seconds=60)
        return Evidence(
            bills=bills,
            calls=calls,
            probes=probes,
            intents=self._list("/v1/payment_intents"),
            gateway_refunds=self._list("/v1/refunds"),
            gateway_events=self._list("/v1/events"),
            deliveries=_items(found),
            postings=[
                {**row, "service": service}
                for service, biller in SERVICES.items()
                for row in _items(
                    send_json(self.city_url, "GET", f"/billers/{biller}/postings", seconds=60)
                )
            ],
            **tables,
        )

    def charges(self) -> dict[str, float]:
        """Return when the money of each payment came, by the gateway's clock."""
        return {
            charge["payment_intent"]: float(charge["created"])
            for charge in self._list("/v1/charges")
            if charge["paid"]
        }

    def _list(self, path: str) -> list[Row]:
        """Return every object of a kind."""
        rows: list[Row] = []
        after = ""
        while True:
            page = f"{path}?limit=100{after}"
            headers = {"Authorization": f"Bearer {self.api_key}"}
            answer = send(self.stripe_url, "GET", page, headers=headers, seconds=60)
            assert answer is not None
            assert answer.status == 200, answer.body  # noqa: PLR2004 - OK
            data = answer.json["data"]
            rows += data
            if not answer.json["has_more"]:
                return rows
            after = f"&starting_after={data[-1]['id']}"


def _items(answer: Answer | None) -> list[Row]:
    assert answer is not None
    assert answer.status == 200, answer.body  # noqa: PLR2004 - OK
    items: list[Row] = answer.json["items"]
    return items


def _plain(row: dict[str, Any]) -> Row:
    """Return a row whose ids are text, as they are in every journal."""
    return {
        name: str(value) if name == "id" or (name.endswith("_id") and value is not None) else value
        for name, value in row.items()
    }
