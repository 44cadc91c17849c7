"""A plug-in issues certificates, changes them, and finds what citizens hold already."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from psycopg.errors import LockNotAvailable
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.certificates import service
from app.certificates.errors import CertificateReferenceUsed, HolderGone
from app.certificates.service.numbers import is_number, make_number
from app.core.errors import IllegalMove, NotFound
from app.core.ids import new_id
from app.factory import Rooms
from app.sdk import Certificate
from tests.certificates.support import FIELDS, USCC, Bureau, in_a_year, without
from tests.factories import Citizen, later, today_for
from tests.privacy.support import ask_closure, close, export, read_all

DAY = 86_400


def log_of(bureau: Bureau, number: str) -> list[tuple[Any, ...]]:
    return read_all(
        bureau.rooms,
        "select coalesce(from_state, ''), to_state, l.cause, l.actor from event_log l"
        " join certificates c on c.id = l.entity_id where c.number = :n order by l.sequence",
        n=number,
    )


def count(bureau: Bureau, reference: str) -> int:
    rows = read_all(
        bureau.rooms, "select count(*) from certificates where reference = :r", r=reference
    )
    return int(rows[0][0])


def test_a_certificate_is_issued_sealed_and_logged(bureau: Bureau, citizen: Citizen) -> None:
    until = in_a_year()
    made = bureau.issue(citizen, reference="F-1", valid_until=until)
    assert made == Certificate(
        number=made.number,
        type=bureau.licence,
        status="active",
        reference="F-1",
        issued_at=made.issued_at,
        valid_until=until,
    )
    kind, issuer, serial, edition, _ = made.number.split(".")
    assert (kind, issuer, edition) == (f"{USCC}001", USCC, "001")
    assert is_number(made.number)
    assert not is_number(made.number.replace(serial, f"{int(serial) + 1:09d}"))
    actor = f"plugin:{bureau.name}"
    assert log_of(bureau, made.number) == [
        ("", "issued", "issued", actor),
        ("issued", "active", "issued", actor),
    ]
    (row,) = read_all(
        bureau.rooms,
        "select to_jsonb(c)::text, fields_sealed from certificates c where number = :n",
        n=made.number,
    )
    assert not any(FIELDS[name] in row[0] for name in ("holder_name", "shop", "address"))
    assert "李雷".encode() not in bytes(row[1])


def test_a_reference_names_one_certificate(
    bureau: Bureau, citizen: Citizen, stranger: Citizen
) -> None:
    made = bureau.issue(citizen, reference="F-2")
    again = bureau.issue(citizen, reference="F-2", fields={**FIELDS, "shop": "另一家"})
    assert again == made
    with pytest.raises(CertificateReferenceUsed):
        bureau.issue(stranger, reference="F-2")
    badge = {"holder_name": "李雷"}
    with pytest.raises(CertificateReferenceUsed):
        bureau.issue(
            citizen, reference="F-2", type_id=f"{bureau.name}-badge", fields=badge, valid_until=None
        )
    assert count(bureau, "F-2") == 1


def test_parallel_issues_of_one_reference_make_one(bureau: Bureau, holder: Citizen) -> None:
    ready = Barrier(6)

    def issue(_: int) -> str:
        ready.wait()
        while True:
            try:
                return bureau.issue(holder, reference="F-3").number
            except OperationalError as error:  # a crowded machine lets one wait for too long
                if not isinstance(error.orig, LockNotAvailable):
                    raise

    with ThreadPoolExecutor(6) as pool:
        numbers = set(pool.map(issue, range(6)))
    assert (len(numbers), count(bureau, "F-3")) == (1, 1)


def test_what_is_undone_was_never_issued(bureau: Bureau, citizen: Citizen) -> None:
    def issue_and_fail() -> None:
        with bureau.house.unit_of_work() as uow:
            bureau.issue_in(uow, citizen, reference="F-4")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        issue_and_fail()
    assert count(bureau, "F-4") == 0
    assert bureau.find(citizen) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fields": without(FIELDS, "shop")}, "shop"),
        ({"fields": {**FIELDS, "more": "1"}}, "more"),
        ({"fields": {**FIELDS, "granted_on": "29.11.2026"}}, "granted_on"),
        ({"fields": {**FIELDS, "granted_on": "2026-02-30"}}, "granted_on"),
        ({"fields": {**FIELDS, "shop": ""}}, "shop"),
        ({"fields": {**FIELDS, "shop": "x" * 501}}, "shop"),
        ({"fields": {**FIELDS, "shop": "a\nb"}}, "shop"),
        ({"fields": {**FIELDS, "shop": "a\u202eb"}}, "shop"),
        ({"fields": {**FIELDS, "shop": "e\u0301"}}, "shop"),
        ({"valid_until": None}, "1830 days"),
        ({"valid_until": date(2200, 1, 1)}, "1830 days"),
        ({"valid_until": date(2020, 1, 1)}, "over before"),
        ({"type_id": "water-bill"}, "no certificate type"),
        ({"reference": "a b"}, "reference"),
        ({"reference": ""}, "reference"),
    ],
)
def test_what_is_not_of_the_type_is_refused(
    bureau: Bureau, holder: Citizen, changes: dict[str, Any], said: str
) -> None:
    before = bureau.find(holder)
    with pytest.raises(ValueError, match=said) as refused:
        bureau.issue(holder, **changes)
    assert not any(value in str(refused.value) for value in FIELDS.values())
    assert bureau.find(holder) == before


def test_another_plugins_letterbox_opens_nothing(bureau: Bureau, holder: Citizen) -> None:
    with pytest.raises(ValueError, match="letterbox"), bureau.house.unit_of_work() as uow:
        bureau.house.issue_certificate(
            uow,
            bureau.letterbox(holder, "another"),
            bureau.licence,
            FIELDS,
            valid_until=in_a_year(),
            reference="F-5",
        )
    assert count(bureau, "F-5") == 0


def test_it_is_suspended_taken_up_and_revoked_for_good(bureau: Bureau, citizen: Citizen) -> None:
    number = bureau.issue(citizen).number
    assert bureau.change(number, "suspended", "under-inspection").status == "suspended"
    assert bureau.find(citizen) == []
    assert bureau.change(number, "suspended", "once-more").status == "suspended"
    assert bureau.change(number, "active", "nothing-found").status == "active"
    assert bureau.find(citizen) == [number]
    assert bureau.change(number, "revoked", "false-papers").status == "revoked"
    for state in ("active", "suspended"):
        with pytest.raises(IllegalMove):
            bureau.change(number, state)
    assert bureau.find(citizen) == []
    assert [row[1:3] for row in log_of(bureau, number)] == [
        ("issued", "issued"),
        ("active", "issued"),
        ("suspended", "under-inspection"),
        ("active", "nothing-found"),
        ("revoked", "false-papers"),
    ]


def test_only_its_issuer_changes_it_and_only_so(bureau: Bureau, holder: Citizen) -> None:
    number = bureau.issue(holder).number
    for state, reason, said in (
        ("expired", "why", "is made"),
        ("replaced", "why", "is made"),
        ("revoked", "Because of 李雷", "kebab"),
        ("revoked", "", "kebab"),
        ("revoked", "a" * 65, "kebab"),
    ):
        with pytest.raises(ValueError, match=said):
            bureau.change(number, state, reason)
    with pytest.raises(NotFound):
        bureau.change(number[:-1] + ("0" if number[-1] != "0" else "1"), "revoked")
    with pytest.raises(NotFound), bureau.rooms.units.open(actor="test") as uow:
        service.change_certificate(uow, lambda *_: None, "another", number, "revoked", "why")
    assert len(log_of(bureau, number)) == 2


def test_a_renewed_one_takes_the_place_of_the_first(
    bureau: Bureau, citizen: Citizen, stranger: Citizen
) -> None:
    first = bureau.issue(citizen)
    with pytest.raises(NotFound):
        bureau.issue(stranger, replaces=first.number)
    second = bureau.issue(citizen, replaces=first.number)
    assert second.number.split(".")[2:4] == [first.number.split(".")[2], "002"]
    assert bureau.find(citizen) == [second.number]
    assert log_of(bureau, first.number)[-1][:3] == ("active", "replaced", "renewed")
    with pytest.raises(IllegalMove):
        bureau.issue(citizen, replaces=first.number)
    bureau.change(second.number, "revoked")
    with pytest.raises(IllegalMove):
        bureau.issue(citizen, replaces=second.number)


def test_the_last_day_is_good_to_its_end(bureau: Bureau, citizen: Citizen) -> None:
    until = today_for(30) + timedelta(days=10)
    number = bureau.issue(citizen, valid_until=until).number
    with later(10 * DAY):
        assert bureau.find(citizen) == [number]
    with later(11 * DAY):
        assert bureau.find(citizen) == []
        with pytest.raises(IllegalMove):
            bureau.change(number, "suspended")
        with bureau.rooms.units.open(actor="test") as uow:
            service.expire_certificates(uow)
    assert log_of(bureau, number)[-1][:3] == ("active", "expired", "expiry")


def test_several_are_found_newest_first(bureau: Bureau, citizen: Citizen) -> None:
    made = [bureau.issue(citizen).number for _ in range(3)]
    assert bureau.find(citizen) == made[::-1]
    assert bureau.find(citizen, f"{bureau.name}-badge") == []
    with pytest.raises(ValueError, match="neither issues"):
        bureau.find(citizen, "another-licence")


def test_closing_the_account_leaves_nothing_to_read(
    bureau: Bureau, client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    number = bureau.issue(citizen).number
    copy = export(client, rooms, citizen)
    assert FIELDS["address"] in str(copy)
    close(rooms, ask_closure(client, rooms, citizen))
    with pytest.raises(HolderGone):
        bureau.issue(citizen)
    assert bureau.change(number, "suspended").status == "suspended"
    keys = "select count(*) from data_keys where owner = 'citizen:' || :c"
    assert read_all(rooms, keys, c=citizen.id) == [(0,)]


COPY = (
    "insert into certificates (id, status, version, citizen_id, plugin, reference, type, number,"
    " code, serial, edition, place, replaces_id, form, fields_sealed, valid_until, issued_at)"
    " select :id, {status}, 1, citizen_id, plugin, {reference}, type, {number}, code, {serial},"
    " edition, {place}, {replaces}, form, fields_sealed, valid_until, issued_at"
    " from certificates where number = :n"
)
HONEST = {
    "status": "'issued'",
    "reference": "'copy'",
    "number": "number",
    "serial": "serial",
    "place": "place + 500000",
    "replaces": "replaces_id",
}


@pytest.mark.parametrize(
    ("changes", "kept_by"),
    [
        ({}, "uq_certificates_number"),
        ({"status": "'active'"}, "cannot become active"),
        ({"reference": "reference"}, "uq_certificates"),
        ({"serial": "serial + 1"}, "ck_certificates_parts"),
        ({"number": "lower(number)"}, "ck_certificates_number"),
        ({"place": "place"}, "uq_certificates"),
        ({"replaces": "id"}, "ck_certificates_edition"),
    ],
)
def test_the_database_knows_no_second_of_a_number(
    bureau: Bureau, holder: Citizen, changes: dict[str, str], kept_by: str
) -> None:
    number = bureau.issue(holder).number
    with pytest.raises(Exception, match=kept_by), bureau.rooms.units.open(actor="test") as uow:
        uow.execute(text(COPY.format(**{**HONEST, **changes})), {"n": number, "id": new_id()})
    assert read_all(bureau.rooms, "select count(*) from certificates where number = :n", n=number)[
        0
    ] == (1,)


@pytest.mark.parametrize(
    ("statement", "kept_by"),
    [
        ("update certificates set status = 'issued' where number = :n", "cannot become issued"),
        ("update certificates set status = 'lost' where number = :n", "cannot become lost"),
        ("update certificates set valid_until = null where number = :n", "never rewritten"),
        ("update certificates set number = '1' where number = :n", "never rewritten"),
        ("update certificates set fields_sealed = ''::bytea where number = :n", "never rewritten"),
        ("update certificates set citizen_id = id where number = :n", "never rewritten"),
        ("delete from certificates where number = :n", "append-only"),
    ],
)
def test_the_database_lets_nothing_else_happen(
    bureau: Bureau, holder: Citizen, statement: str, kept_by: str
) -> None:
    number = bureau.issue(holder).number
    with pytest.raises(Exception, match=kept_by), bureau.rooms.units.open(actor="test") as uow:
        uow.execute(text(statement), {"n": number})
    assert number in bureau.find(holder)


def test_the_database_brings_nothing_back(bureau: Bureau, holder: Citizen) -> None:
    number = bureau.issue(holder).number
    bureau.change(number, "revoked")
    for state in ("active", "suspended", "issued", "expired"):
        with (
            pytest.raises(Exception, match=f"cannot become {state}"),
            bureau.rooms.units.open(actor="test") as uow,
        ):
            uow.execute(
                text("update certificates set status = :s where number = :n"),
                {"s": state, "n": number},
            )
    assert number not in bureau.find(holder)


@given(
    serial=st.integers(1, 999_999_999),
    edition=st.integers(1, 999),
    place=st.integers(0, 51),
    other=st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"),
)
def test_one_wrong_character_is_noticed(serial: int, edition: int, place: int, other: str) -> None:
    number = make_number(f"{USCC}001", USCC, serial, edition)
    assert is_number(number)
    wrong = number[:place] + other + number[place + 1 :]
    assert is_number(wrong) == (wrong == number)


@given(st.text(max_size=60), st.sampled_from([".", "\n", " ", "0", "\u0661"]))
def test_nothing_else_is_a_number(text_of_anybody: str, more: str) -> None:
    assert not is_number(text_of_anybody)
    number = make_number(f"{USCC}001", USCC, 7, 1)
    for wrong in (more + number, number + more, number.lower(), number.replace(".", ""), "....1"):
        assert not is_number(wrong)
