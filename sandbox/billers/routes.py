"""`/billers`: what the product asks the companies, and what tests ask of them."""

from typing import Any

from flask import Blueprint, Response, jsonify

from sandbox.behaviour import (
    Mode,
    behaviour_of,
    is_refusing,
    outside_party,
    set_behaviour,
    show_behaviour,
)
from sandbox.billers import schemas
from sandbox.billers.bill_file import write_bill_file
from sandbox.billers.bills import (
    change_bill,
    find_account,
    find_bill,
    find_bills,
    open_account,
    pay_at_counter,
    put_bill,
    set_meter,
)
from sandbox.billers.companies import BILLERS, Biller, find_biller
from sandbox.billers.ledger import (
    booked_on,
    find_posting,
    reverse_posting,
    reversed_on,
    take_notice,
)
from sandbox.billers.posting_file import write_posting_file, write_reversal_file
from sandbox.store import current_store
from sandbox.wire import Problem, read_body, read_query

_READING = (Mode.DOWN, Mode.SLOW, Mode.GARBAGE)
_POSTING = (*_READING, Mode.ANSWER_LOST, Mode.REFUSE)

billers = Blueprint("billers", __name__, url_prefix="/billers")


@billers.get("/<biller>/accounts/<number>")
@outside_party(*_READING)
def get_account(biller: str, number: str) -> Response:
    """Tell whose account this is."""
    return jsonify(schemas.show_account(find_account(current_store(), find_biller(biller), number)))


@billers.get("/<biller>/accounts/<number>/bills")
@outside_party(*_READING)
def list_account_bills(biller: str, number: str) -> Response:
    """List the bills of an account."""
    company = find_biller(biller)
    query = read_query(schemas.AccountBillFilter())
    account = find_account(current_store(), company, number)
    return _list_bills(company, account=account["number"], **query)


@billers.get("/<biller>/bills/<reference>")
@outside_party(*_READING)
def get_bill(biller: str, reference: str) -> Response:
    """Show one bill."""
    return jsonify(schemas.show_bill(find_bill(current_store(), find_biller(biller), reference)))


@billers.post("/<biller>/postings")
@outside_party(*_POSTING)
def take_posting(biller: str) -> Response:
    """Take the notice that a bill was paid."""
    company = find_biller(biller)
    notice = schemas.notice_from(read_body(schemas.NewPosting()))
    posting = take_notice(current_store(), company, notice, refusing=is_refusing())
    return _created(schemas.show_posting(posting))


@billers.get("/<biller>/postings/by-key/<path:key>")
@outside_party(*_READING)
def find_posting_by_key(biller: str, key: str) -> Response:
    """Tell what was booked under a key, if this company tells at all."""
    company = find_biller(biller)
    if not company.offers_inquiry:
        raise Problem(404, "not-offered", f"{company.id} does not answer inquiries")
    found = find_posting(current_store(), company, key)
    if found is None:
        raise Problem(404, "posting-not-found", "nothing was booked under this key")
    row, posting = found
    return jsonify(
        {
            "key": row["key"],
            "bill": row["reference"],
            "amount": row["amount"],
            "currency": row["currency"],
            **schemas.show_posting(posting),
        }
    )


@billers.get("/<biller>/bill-file")
@outside_party(*_READING)
def get_bill_file(biller: str) -> Response:
    """Give all open bills as a file."""
    company = find_biller(biller)
    encoding = read_query(schemas.FileQuery())["encoding"]
    bills = find_bills(current_store(), company, status="open")
    answer = Response(
        write_bill_file(bills, encoding=encoding), content_type=f"text/csv; charset={encoding}"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{company.id}.csv"'
    return answer


@billers.get("/<biller>/posting-file")
@outside_party(*_READING)
def get_posting_file(biller: str) -> Response:
    """Give what was booked on a day as a file."""
    company = find_biller(biller)
    query = read_query(schemas.PostingFileQuery())
    postings = booked_on(current_store(), company, query["day"])
    encoding = query["encoding"]
    answer = Response(
        write_posting_file(postings, encoding=encoding),
        content_type=f"text/csv; charset={encoding}",
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{company.id}-postings.csv"'
    return answer


@billers.get("/<biller>/reversal-file")
@outside_party(*_READING)
def get_reversal_file(biller: str) -> Response:
    """Give what was taken back on a day as a file."""
    company = find_biller(biller)
    query = read_query(schemas.PostingFileQuery())
    postings = reversed_on(current_store(), company, query["day"])
    encoding = query["encoding"]
    answer = Response(
        write_reversal_file(postings, encoding=encoding),
        content_type=f"text/csv; charset={encoding}",
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{company.id}-reversals.csv"'
    return answer


@billers.get("")
def list_billers() -> Response:
    """List the companies, what they promise and their accounts."""
    return jsonify({"items": [_show_biller(biller) for biller in BILLERS.values()]})


@billers.post("/<biller>/accounts")
def make_account(biller: str) -> Response:
    """Open an account."""
    company = find_biller(biller)
    row = open_account(current_store(), company, **read_body(schemas.NewAccount()))
    return _created(schemas.show_account(row))


@billers.post("/<biller>/bills")
def make_bill(biller: str) -> Response:
    """Put a bill on an account."""
    row = put_bill(current_store(), find_biller(biller), read_body(schemas.NewBill()))
    return _created(schemas.show_bill(row))


@billers.put("/<biller>/bills/<reference>")
def put_amount(biller: str, reference: str) -> Response:
    """Change what an open bill asks for, why, and until when it can be paid."""
    change = read_body(schemas.BillChange())
    row = change_bill(current_store(), find_biller(biller), reference, change)
    return jsonify(schemas.show_bill(row))


@billers.post("/<biller>/bills/<reference>/counter-payments")
def make_counter_payment(biller: str, reference: str) -> Response:
    """Pay a bill at the company's own counter."""
    row = pay_at_counter(current_store(), find_biller(biller), reference)
    return _created(schemas.show_bill(row))


@billers.post("/<biller>/postings/by-key/<path:key>/reversal")
def make_reversal(biller: str, key: str) -> Response:
    """Take a booking back."""
    reason = read_body(schemas.NewReversal())["reason"]
    row = reverse_posting(current_store(), find_biller(biller), key, reason)
    return _created(schemas.show_notice(row))


@billers.put("/<biller>/accounts/<number>/meter")
def put_meter(biller: str, number: str) -> Response:
    """Let a meter be reachable or not."""
    state = read_body(schemas.MeterState())["state"]
    row = set_meter(current_store(), find_biller(biller), number, state)
    return jsonify(schemas.show_account(row))


@billers.get("/<biller>/bills")
def list_bills(biller: str) -> Response:
    """List bills."""
    return _list_bills(find_biller(biller), **read_query(schemas.BillFilter()))


@billers.get("/<biller>/postings")
def list_postings(biller: str) -> Response:
    """List the notices that arrived, oldest first."""
    query = read_query(schemas.PostingFilter())
    rows = current_store().rows(
        "SELECT * FROM postings WHERE biller = :biller AND (:key IS NULL OR key = :key)"
        " AND (:reference IS NULL OR reference = :reference) ORDER BY number",
        {"biller": find_biller(biller).id, **query},
    )
    return jsonify({"items": [schemas.show_notice(row) for row in rows]})


@billers.put("/<biller>/behaviour")
def put_behaviour(biller: str) -> Response:
    """Set how a company behaves."""
    return set_behaviour(_room(find_biller(biller)), *Mode)


@billers.get("/<biller>/behaviour")
def get_behaviour(biller: str) -> Response:
    """Tell how a company behaves."""
    return show_behaviour(_room(find_biller(biller)))


def _room(biller: Biller) -> str:
    return f"billers/{biller.id}"


def _list_bills(biller: Biller, **query: Any) -> Response:  # noqa: ANN401 - checked filters
    rows = find_bills(current_store(), biller, **query)
    return jsonify({"items": [schemas.show_bill(row) for row in rows]})


def _show_biller(biller: Biller) -> dict[str, object]:
    accounts = current_store().rows(
        "SELECT * FROM accounts WHERE biller = ? ORDER BY number", [biller.id]
    )
    return {
        "id": biller.id,
        "name": biller.name,
        "honours_key": biller.honours_key,
        "offers_inquiry": biller.offers_inquiry,
        "mode": behaviour_of(_room(biller)).mode,
        "accounts": [schemas.show_account(row) for row in accounts],
    }


def _created(body: dict[str, Any]) -> Response:
    answer = jsonify(body)
    answer.status_code = 201
    return answer
