"""Red letters: what is refunded is taken back once, and never more than stands."""

import uuid

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from tests.live import at_once
from tests.receipts.support import Issued, issue, numbers, read, reverse, section, this_year

NOTHING = {"valid": False, "status": None, "standing_amount": None}


def validity(client: FlaskClient, code: str, amount: int) -> dict[str, object]:
    answer = client.get(f"/v1/receipts/{code}/validity?amount={amount}")
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json
    return body


def reds(rooms: Rooms, issued: Issued) -> list[int]:
    return [one.amount for one in read(rooms, issued.payment_id).reversals]


def test_a_receipt_is_taken_back_piece_by_piece(rooms: Rooms, client: FlaskClient) -> None:
    issued = issue(rooms, section(3000), section(1250))
    code = issued.receipt.code
    assert validity(client, code, 4250) == {
        "valid": True,
        "status": "issued",
        "standing_amount": 4250,
    }
    reverse(rooms, issued, 1000, left=2000)
    assert validity(client, code, 4250) == {
        "valid": True,
        "status": "partly_reversed",
        "standing_amount": 3250,
    }
    reverse(rooms, issued, 2000, left=0)
    reverse(rooms, issued, 1250, left=0, item=1)
    assert validity(client, code, 4250) == {
        "valid": False,
        "status": "reversed",
        "standing_amount": 0,
    }
    assert reds(rooms, issued) == [-1000, -2000, -1250]
    seen = read(rooms, issued.payment_id)
    assert (seen.amount, seen.standing_amount, seen.number) == (4250, 0, issued.receipt.number)
    found = numbers(rooms, f"{this_year()}R")
    assert found == list(range(1, len(found) + 1))


def test_a_red_letter_names_its_receipt_and_proves_no_payment(
    rooms: Rooms, client: FlaskClient
) -> None:
    issued = issue(rooms)
    reverse(rooms, issued, 250, left=4000)
    (letter,) = read(rooms, issued.payment_id).reversals
    assert (letter.series, letter.amount) == (f"{this_year()}R", -250)
    red = {"valid": False, "status": "red_letter", "standing_amount": 0}
    assert validity(client, letter.code, 250) == red


def test_nothing_tells_a_wrong_amount_from_a_code_that_nobody_has(
    rooms: Rooms, client: FlaskClient
) -> None:
    issued = issue(rooms)
    reverse(rooms, issued, 250, left=4000)
    (letter,) = read(rooms, issued.payment_id).reversals
    answers = [
        client.get(f"/v1/receipts/{code}/validity?amount={amount}")
        for code, amount in [
            ("nobody", 4250),
            (issued.receipt.code, 4249),
            (issued.receipt.code, 4000),  # what stands now is not what the paper says
            (letter.code, 4250),
            (str(issued.receipt.id), 4250),
        ]
    ]
    assert [answer.json for answer in answers] == [NOTHING] * 5
    headers = [{name for name, _ in answer.headers} for answer in answers]
    assert all(one == headers[0] for one in headers)


def test_a_refund_takes_back_once(rooms: Rooms) -> None:
    issued = issue(rooms)
    refund = uuid.uuid4()
    for _ in range(3):
        reverse(rooms, issued, 1000, left=3250, refund_id=refund)
    assert reds(rooms, issued) == [-1000]


def test_what_is_on_no_receipt_takes_nothing_back(rooms: Rooms) -> None:
    issued = issue(rooms)
    elsewhere = Issued(issued.payment_id, issued.citizen_id, [uuid.uuid4()], issued.receipt)
    reverse(rooms, elsewhere, 1000, left=0)
    nowhere = Issued(uuid.uuid4(), issued.citizen_id, issued.items, issued.receipt)
    reverse(rooms, nowhere, 1000, left=0)
    assert reds(rooms, issued) == []


def test_money_that_came_back_and_went_out_again_is_taken_back_once(rooms: Rooms) -> None:
    issued = issue(rooms)
    reverse(rooms, issued, 1000, left=3250)  # the bank returned it to us …
    reverse(rooms, issued, 1000, left=3250)  # … and another refund brought it
    reverse(rooms, issued, 3250, left=0)
    assert reds(rooms, issued) == [-1000, -3250]


@pytest.mark.promise("P07")
def test_parallel_refunds_take_back_what_was_received_and_no_more(
    rooms: Rooms, shows: object
) -> None:
    issued = issue(rooms, section(1000))

    def take(_: int) -> bool:
        try:
            reverse(rooms, issued, 300, left=0)
        except Exception as error:  # noqa: BLE001 - SQLAlchemy's wrapping of PostgreSQL's refusal
            assert "more than the receipt is about" in str(error)  # noqa: PT017
            return False
        return True

    at_once([lambda n=n: take(n) for n in range(8)])
    reverse(rooms, issued, 300, left=0)  # a job is run again after such a refusal
    seen = read(rooms, issued.payment_id)
    assert sum(one.amount for one in seen.reversals) == -1000
    assert (seen.status, seen.standing_amount) == ("reversed", 0)
    found = numbers(rooms, f"{this_year()}R")
    assert found == list(range(1, len(found) + 1))
    shows(f"8 parallel refunds of one receipt: {len(seen.reversals)} red letters, sum 1000 of 1000")  # type: ignore[operator]
