"""Books to compare: payments and bookings by the thousand, and a gateway that is a sheet of paper.

Each test has a gateway and a biller of its own name, so nothing of another test is in its books.
"""

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from app.core.clock import CITY_TIME, city_day, now
from app.core.unit_of_work import UnitOfWork
from app.factory import Rooms
from app.ledger.values import AccountRef, Kind, clearing
from app.payments.gateway import Gateways, Movement, StatementLine, StatementUnavailable
from app.payments.service import PaymentDeps
from app.reconciliation import service
from app.reconciliation.events import RunRequested
from app.reconciliation.models import Difference
from app.reconciliation.service import ReconciliationDeps
from app.reconciliation.values import RunView, StatementView, Tariff
from app.sdk.registry import Payee, Registry
from tests.factories import today_for

TARIFF = Tariff(60, 0)


def yesterday() -> date:
    """Return the last day of the city that is over, and stays the last one for a while."""
    return today_for(30) - timedelta(days=1)


@dataclass
class PaperGateway:
    """A gateway that is nothing but its statement: what a test wrote down for each day."""

    name: str
    days: dict[date, Sequence[StatementLine]] = field(default_factory=dict)

    def list_statement(self, day: date) -> Iterator[StatementLine]:
        if day not in self.days:
            raise StatementUnavailable
        return iter(self.days[day])


@dataclass(frozen=True)
class Row:
    """One paid item in every book: number, what it is called, and how much it is."""

    number: int
    attempt: UUID
    payment: UUID
    item: UUID
    refund: UUID
    intent: str
    amount: int
    at: datetime


@dataclass
class Books:
    """A gateway, a biller, and what our own books say of both."""

    rooms: Rooms
    gateway: PaperGateway
    biller: str
    seed: int
    deps: ReconciliationDeps

    @property
    def source(self) -> str:
        return f"gateway:{self.gateway.name}"

    def row(self, number: int, day: date) -> Row:
        """Return the row of a number: the same ids as PostgreSQL makes of it."""
        return Row(
            number,
            attempt=self._id(1, number),
            payment=self._id(2, number),
            item=self._id(3, number),
            refund=self._id(4, number),
            intent=f"pi_{self.seed}_{number}",
            amount=1000 + number,
            at=city_day(day)[0] + timedelta(hours=12, milliseconds=number),
        )

    def _id(self, kind: int, number: int) -> UUID:
        return UUID(f"{self.seed:08x}-000{kind}-7000-8000-{number:012x}")

    def fill(
        self,
        day: date,
        first: int,
        last: int,
        *,
        unbooked: Sequence[int] = (),
        refunded: Sequence[int] = (),
    ) -> list[Row]:
        """Write paid, fulfilled and booked items into our books: numbers `first` to `last`.

        Of the `unbooked` ones the ledger has lost the booking; the `refunded` ones had one yuan
        returned.
        """
        given: dict[str, Any] = {
            "seed": f"{self.seed:08x}",
            "label": str(self.seed),
            "gateway": self.gateway.name,
            "biller": self.biller,
            "noon": city_day(day)[0] + timedelta(hours=12),
            "first": first,
            "last": last,
            "unbooked": list(unbooked),
            "refunded": list(refunded),
        }
        with self.rooms.units.open(actor="test") as uow:
            uow.execute(text("set local statement_timeout = '10min'"))
            accounts = (
                clearing(self.gateway.name),
                AccountRef(f"payee:{self.biller}", Kind.LIABILITY),
            )
            given |= dict(zip(("debit", "credit"), _open(uow, accounts), strict=True))
            for statement in _statements(uow):
                uow.execute(text(statement), given)
        return [self.row(number, day) for number in range(first, last + 1)]

    def run(self, source: str, day: date) -> RunView:
        """Compare a day now, as the job does, and return what came of it."""
        with self.rooms.units.open(actor="test") as uow:
            asked = service.request_run(uow, self.deps, source, day, cause="test")
        with self.rooms.units.open(actor="test") as uow:
            service.perform_run(uow, self.deps, RunRequested(run_id=asked.id))
        with self.rooms.units.open(actor="test", read_only=True) as uow:
            return service.read_run(uow, asked.id)

    def bring(self, source: str, day: date, profile: str, raw: bytes) -> StatementView:
        """Import a file as the desk does, without the run that follows."""
        with self.rooms.units.open(actor="test") as uow:
            return service.take_file(uow, self.deps, source, day, profile, raw)

    def differences(self, *, closed: bool = False) -> list[Difference]:
        """Return the differences of this gateway and biller."""
        wanted = select(Difference).where(
            Difference.source.in_([self.source, f"biller:{self.biller}"]),
            (Difference.status == "closed") == closed,
        )
        with self.rooms.units.open(actor="test", read_only=True) as uow:
            return list(uow.scalars(wanted.order_by(Difference.subject, Difference.kind)))

    def execute(self, statement: str, **values: Any) -> Any:  # noqa: ANN401 - a result
        with self.rooms.units.open(actor="test") as uow:
            return uow.execute(text(statement), values)


def _statements(uow: UnitOfWork) -> list[str]:
    """Return what fills our books: `ID_k` is an id of the number, as `Books.row` makes it.

    A column that a room has added since and that must not be null gets nothing at all: 0, '', no.
    """
    script = Path(__file__).with_name("fill.sql").read_text(encoding="utf-8")
    numbers = "generate_series(cast(:first as int), cast(:last as int)) n"
    noon = "cast(:noon as timestamptz) + n * interval '1 millisecond'"
    made = r"cast(:seed || '-000\1-7000-8000-' || lpad(to_hex(n), 12, '0') as uuid)"
    statements = [_complete(uow, statement) for statement in script.split(";")]
    return [
        re.sub(r"ID_([0-9])", made, text.replace("NUMBERS", numbers).replace("AT_N", noon))
        for text in statements
    ]


def _complete(uow: UnitOfWork, statement: str) -> str:
    table, named = re.search(r"insert into (\w+) \(([^)]*)\)", statement).groups()  # type: ignore[union-attr]
    given = {name.strip() for name in named.split(",")}
    needed = text(
        "select column_name, data_type from information_schema.columns where table_name = :table"
        " and table_schema = 'public' and is_nullable = 'NO' and column_default is null"
        " and is_identity = 'NO'"
    )
    zeros = {"text": "''", "boolean": "false", "jsonb": "cast('{}' as jsonb)"}
    missing = {
        name: zeros.get(kind, "0")
        for name, kind in uow.execute(needed, {"table": table})
        if name not in given
    }
    if not missing:
        return statement
    longer = statement.replace(f"({named})", f"({named}, {', '.join(missing)})")
    return re.sub(r"\s+from NUMBERS", f", {', '.join(missing.values())}\nfrom NUMBERS", longer)


def _open(uow: UnitOfWork, accounts: Sequence[AccountRef]) -> list[UUID]:
    found = []
    for account in accounts:
        uow.execute(
            text(
                "insert into ledger_accounts (id, code, kind, currency, opened_at) values"
                " (gen_random_uuid(), :code, :kind, 'CNY', now()) on conflict do nothing"
            ),
            {"code": account.code, "kind": account.kind},
        )
        asked = text("select id from ledger_accounts where code = :code and currency = 'CNY'")
        found.append(uow.execute(asked, {"code": account.code}).scalar_one())
    return found


def make_books(rooms: Rooms) -> Books:
    """Return empty books with a gateway and a biller that nobody else has."""
    seed = secrets.randbits(31)
    gateway, biller = PaperGateway(f"paper-{seed}"), f"biller-{seed}"
    of_house: PaymentDeps = rooms.deps[PaymentDeps]
    payees = {
        **of_house.registry.payees,
        biller: Payee(biller, {"zh": "收费单位", "en": "B"}, "utility"),
    }
    registry = Registry(of_house.registry.services.values(), {}, payees)
    desk = replace(of_house, gateways=Gateways([gateway], {}), registry=registry)  # type: ignore[list-item]
    deps = ReconciliationDeps(
        payments=desk,
        keyring=desk.keyring,
        tariffs={gateway.name: {"card": TARIFF}},
        may_own=lambda _uow, _who: True,
    )
    return Books(rooms, gateway, biller, seed, deps)


def fee_of(amount: int) -> int:
    """Return what the paper gateway has agreed to keep: six thousandths, rounded half up."""
    return (amount * 60 + 5_000) // 10_000


def charge(row: Row, **changes: Any) -> StatementLine:  # noqa: ANN401 - fields of the line
    """Return the line with which the gateway has a row's money."""
    line = StatementLine(
        id=f"txn_{row.intent}",
        kind=Movement.CHARGE,
        intent_id=row.intent,
        refund_id=None,
        our_id=str(row.attempt),
        amount=row.amount,
        fee=fee_of(row.amount),
        currency="CNY",
        occurred_at=row.at,
    )
    return replace(line, **changes)


def ago(**distance: float) -> datetime:
    """Return a moment before now."""
    return (now() - timedelta(**distance)).astimezone(UTC)


def refund(row: Row, **changes: Any) -> StatementLine:  # noqa: ANN401 - fields of the line
    """Return the line with which the gateway has a row's refund."""
    line = StatementLine(
        id=f"txr_{row.intent}",
        kind=Movement.REFUND,
        intent_id=row.intent,
        refund_id=f"re_{row.intent.removeprefix('pi_')}",
        our_id=str(row.refund),
        amount=-100,
        fee=0,
        currency="CNY",
        occurred_at=row.at,
    )
    return replace(line, **changes)


def payout(name: str, amount: int, at: datetime) -> StatementLine:
    """Return the line with which the gateway pays out."""
    return StatementLine(
        id=f"txp_{name}",
        kind=Movement.PAYOUT,
        intent_id=None,
        refund_id=None,
        our_id=None,
        amount=-amount,
        fee=0,
        currency="CNY",
        occurred_at=at,
        payout_id=name,
    )


def yuan(amount: int) -> str:
    """Return fen as files write them."""
    return f"{amount // 100}.{amount % 100:02d}"


def postings_file(rows: Sequence[tuple[str, str, int, datetime]]) -> bytes:
    """Return a biller's file: its number, our key, the amount and when."""
    lines = ["流水号,商户订单号,账单号,金额(元),入账时间"]
    for number, key, amount, at in rows:
        moment = at.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M:%S")
        lines.append(f"{number},{key},B-1,{yuan(amount)},{moment}")
    lines.append(f"合计,{len(rows)},{yuan(sum(row[2] for row in rows))}")
    return "\r\n".join(lines).encode()


def bank_file(day: date, rows: Sequence[tuple[str, int, str]]) -> bytes:
    """Return the bank's file of a day: its number, what came in, and its text."""
    lines = ["交易日期,流水号,收支,金额(元),币种,附言"]
    lines += [f"{day},{number},收,{yuan(amount)},CNY,{text}" for number, amount, text in rows]
    lines.append(f"合计,{len(rows)},{yuan(sum(row[1] for row in rows))}")
    return "\r\n".join(lines).encode("gb18030")
