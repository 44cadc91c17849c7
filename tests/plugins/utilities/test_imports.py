"""A bill file is imported whole or not at all, and once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.factory import Rooms
from app.sdk import Citizen, House, NotFound, PageRequest, now
from plugins.utilities import service
from plugins.utilities.errors import AlreadyPaid, BillFileInvalid, OtherDepartmentsBiller
from plugins.utilities.models import Bill, BillFile
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.service.bill_file import HEADER
from plugins.utilities.service.mirror import keep_asked
from plugins.utilities.values import BillerBill, BillStatus, ImportedFile
from tests.factories import later
from tests.plugins.utilities.conftest import ALL, City, Subscriber, link, notice_of, statements

_YUAN = "42.50"


def file_of(bills: dict[str, str], number: str = "1002003001") -> bytes:
    """Return a file with these bills: their numbers and the yuan of each."""
    lines = [",".join(HEADER)]
    lines += [
        f"{number},张伟,{bill},2026-10-01,2026-10-31,{yuan},2026-12-07"
        for bill, yuan in bills.items()
    ]
    fen = sum(int(yuan.replace(".", "")) for yuan in bills.values())
    lines.append(f"合计,{len(bills)},{fen // 100}.{fen % 100:02d}")
    return "\r\n".join(lines).encode()


def take(house: House, raw: bytes, biller: str = "shiyan-water") -> ImportedFile:
    with house.unit_of_work() as uow:
        return service.import_bill_file(house, uow, None, biller, raw)


def counts(file: ImportedFile) -> tuple[int, int, int, int]:
    return file.lines, file.created, file.updated, file.unchanged


def stored(house: House, prefix: str) -> list[Bill]:
    statement = select(Bill).where(Bill.biller_reference.startswith(prefix))
    with house.unit_of_work() as uow:
        return list(uow.scalars(statement.order_by(Bill.biller_reference)))


@pytest.fixture
def prefix() -> str:
    """The beginning of bill numbers that no other test uses."""
    return f"F-{uuid4().hex[:12]}"


def test_new_changed_and_unchanged_bills_are_counted(house: House, prefix: str) -> None:
    first = take(house, file_of({f"{prefix}-{n}": _YUAN for n in range(3)}))
    assert counts(first) == (3, 3, 0, 0)
    second = take(
        house, file_of({f"{prefix}-1": _YUAN, f"{prefix}-2": "50.00", f"{prefix}-3": "1.00"})
    )
    assert counts(second) == (3, 1, 1, 1)
    amounts = [bill.amount for bill in stored(house, prefix)]
    assert amounts == [4250, 4250, 5000, 100]


def test_the_same_file_changes_nothing_and_says_what_it_did(house: House, prefix: str) -> None:
    raw = file_of({f"{prefix}-1": _YUAN})
    first = take(house, raw)
    take(house, file_of({f"{prefix}-1": "99.00"}))
    again = take(house, raw)
    assert again == ImportedFile(
        id=first.id,
        biller="shiyan-water",
        lines=1,
        created=1,
        updated=0,
        unchanged=0,
        imported_at=first.imported_at,
        is_new=False,
    )
    assert [bill.amount for bill in stored(house, prefix)] == [9900]


def test_the_same_bytes_of_another_biller_are_another_file(house: House, prefix: str) -> None:
    raw = file_of({f"{prefix}-1": _YUAN})
    assert take(house, raw).is_new
    assert take(house, raw, "shiyan-heat").is_new
    assert {bill.biller for bill in stored(house, prefix)} == {"shiyan-water", "shiyan-heat"}


def test_nothing_of_a_bad_file_is_imported(house: House, prefix: str) -> None:
    raw = file_of({f"{prefix}-1": _YUAN, f"{prefix}-2": _YUAN})
    bad = raw.replace(f"{prefix}-2".encode(), b"bad/number")
    with pytest.raises(BillFileInvalid):
        take(house, bad)
    assert stored(house, prefix) == []
    assert take(house, raw).created == 2


def test_the_same_file_at_once_is_imported_once(house: House, prefix: str) -> None:
    raw = file_of({f"{prefix}-{n}": _YUAN for n in range(50)})
    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(lambda _: take(house, raw), range(4)))
    assert sorted(file.is_new for file in files) == [False, False, False, True]
    assert {(file.id, counts(file)) for file in files} == {(files[0].id, (50, 50, 0, 0))}
    assert len(stored(house, prefix)) == 50


def test_different_files_with_the_same_bills_at_once_store_each_once(
    house: House, prefix: str
) -> None:
    numbers = [f"{prefix}-{n}" for n in range(40)]
    raws = [
        file_of(dict.fromkeys(numbers, "10.00")),
        file_of(dict.fromkeys(reversed(numbers), "20.00")),
    ]
    with ThreadPoolExecutor(2) as pool:
        files = list(pool.map(lambda raw: take(house, raw), raws))
    assert sum(file.created for file in files) == 40
    assert sum(file.updated for file in files) == 40
    amounts = {bill.amount for bill in stored(house, prefix)}
    assert len(amounts) == 1
    assert amounts <= {1000, 2000}


def test_ten_thousand_lines_are_imported_in_six_statements(
    rooms: Rooms, house: House, prefix: str
) -> None:
    raw = file_of({f"{prefix}-{n:05d}": "12.34" for n in range(10_000)})
    with statements(rooms.units.write) as seen:
        assert counts(take(house, raw)) == (10_000, 10_000, 0, 0)
    assert len(seen) == 6
    assert counts(take(house, raw + b"\r\n")) == (10_000, 0, 0, 10_000)
    with house.unit_of_work() as uow:
        total = uow.scalar(
            select(func.sum(Bill.amount)).where(Bill.biller_reference.startswith(prefix))
        )
    assert total == 12_340_000


@pytest.mark.parametrize("biller", ALL)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_the_file_that_a_biller_sends_is_understood(
    house: House, city: City, subscriber: Subscriber, encoding: str
) -> None:
    number = subscriber.add_bill(amount=12345)
    path = f"/billers/{subscriber.biller}/bill-file?encoding={encoding}"
    file = take(house, city("GET", path).content, subscriber.biller)
    assert file.lines == file.created + file.updated + file.unchanged
    (bill,) = stored(house, number)
    assert (bill.amount, bill.status, bill.source) == (12345, "open", "file")


def test_imported_bills_wait_until_their_account_is_linked(
    house: House, citizen: Citizen, subscriber: Subscriber, prefix: str
) -> None:
    take(house, file_of({f"{prefix}-1": _YUAN}, number=subscriber.number))
    service.refresh_bills(house, citizen.reference)
    with house.unit_of_work() as uow:
        assert list(service.list_open_bills(uow, citizen.reference)) == []
    link(house, citizen, subscriber)
    service.refresh_bills(house, citizen.reference)
    with house.unit_of_work() as uow:
        (bill,) = service.list_bills(house, uow, citizen.reference, PageRequest()).items
    # The inquiry does not list it: a file may know more.
    assert (bill.biller_reference, bill.status, bill.amount) == (f"{prefix}-1", "open", 4250)


def test_a_paid_bill_stays_paid(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    number = subscriber.add_bill()
    link(provider.house, citizen, subscriber)
    provider.list_payables(citizen)
    provider.fulfil(notice_of(subscriber, number))
    old_file = file_of({number: "77.00"}, number=subscriber.number)
    assert counts(take(provider.house, old_file)) == (1, 0, 0, 1)
    with pytest.raises(AlreadyPaid):
        provider.get_payable(subscriber.reference(number), citizen)
    (bill,) = stored(provider.house, number)
    assert (bill.amount, bill.status) == (4250, BillStatus.PAID)


def test_a_withdrawn_bill_that_stands_in_a_file_is_open_again(
    house: House, citizen: Citizen, subscriber: Subscriber, prefix: str
) -> None:
    told = BillerBill(
        biller="shiyan-water",
        account=subscriber.number,
        number=f"{prefix}-1",
        amount=4250,
        currency="CNY",
        period_from=date(2026, 10, 1),
        period_to=date(2026, 10, 31),
        due_date=date(2026, 12, 7),
    )
    link(house, citizen, subscriber)
    with house.unit_of_work() as uow:
        keep_asked(uow, house, [told], asked_at=now())
    with later(1):
        service.refresh_bills(house, citizen.reference)
    assert [bill.status for bill in stored(house, prefix)] == ["withdrawn"]
    take(house, file_of({f"{prefix}-1": _YUAN}, number=subscriber.number))
    assert [bill.status for bill in stored(house, prefix)] == ["open"]


@pytest.mark.parametrize(
    ("department", "biller", "may"),
    [
        (None, "shiyan-water", True),
        ("water-bureau", "shiyan-water", True),
        ("power-company", "shiyan-power", True),
        ("power-company", "shiyan-water", False),
        ("water-bureau", "shiyan-gas", False),
    ],
)
def test_a_department_imports_for_its_own_biller(
    house: House, prefix: str, department: str | None, biller: str, *, may: bool
) -> None:
    raw = file_of({f"{prefix}-1": _YUAN})
    if may:
        with house.unit_of_work() as uow:
            service.import_bill_file(house, uow, department, biller, raw)
    else:
        with house.unit_of_work() as uow, pytest.raises(OtherDepartmentsBiller):
            service.import_bill_file(house, uow, department, biller, raw)
    assert len(stored(house, prefix)) == int(may)


def test_who_imported_a_file_is_kept(house: House, prefix: str) -> None:
    file = take(house, file_of({f"{prefix}-1": _YUAN}))
    with house.unit_of_work() as uow:
        assert uow.get_one(BillFile, file.id).imported_by == uow.actor


def test_an_unknown_biller_has_no_files(house: House) -> None:
    with pytest.raises(NotFound):
        take(house, file_of({"F-1": _YUAN}), "shiyan-phone")


def test_names_of_a_file_are_not_stored(
    house: House, prefix: str, open_account: Callable[..., Subscriber]
) -> None:
    raw = file_of({f"{prefix}-1": _YUAN}, number="7777888899")
    take(house, raw)
    (bill,) = stored(house, prefix)
    values = [getattr(bill, column.key) for column in Bill.__table__.columns]
    assert not any("张伟" in str(value) or "7777888899" in str(value) for value in values)
