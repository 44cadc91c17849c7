"""A citizen of the sandbox logs in, owes for water, pays by card and reads the receipt.

`python pay_a_bill.py http://127.0.0.1:8000 http://127.0.0.1:8011`
"""

import secrets
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
from wudang_api import AuthenticatedClient, Client
from wudang_api.api.auth import log_in, send_a_code_to_a_number
from wudang_api.api.payables import list_what_i_owe
from wudang_api.api.payments import (
    read_the_receipt_of_a_payment_as_json_or_pdf,
    start_a_payment,
)
from wudang_api.api.utilities import link_a_utility_account
from wudang_api.models import (
    Device,
    NewAccount,
    NewChallenge,
    NewPayment,
    NewSession,
    OrderLine,
    Problem,
)
from wudang_client import new_key

T = TypeVar("T")
API, CITY = sys.argv[1:]
NAME = "李雷"
PHONE = f"+86137{secrets.randbelow(10**8):08d}"


def around(path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON value
    """Speak to the world around the product: in production people, phones and billers do this."""
    answer = httpx.request("GET" if body is None else "POST", CITY + path, json=body)
    return answer.raise_for_status().json()


def until(look: Callable[[], T | None]) -> T:
    """Look until it is there."""
    for _ in range(300):
        if seen := look():
            return seen
        time.sleep(0.2)
    raise TimeoutError("it did not come")


def good(answer: T | Problem | None) -> T:
    """Return what was answered, or stop with the refusal's code."""
    if answer is None or isinstance(answer, Problem):
        sys.exit(f"refused: {answer.code if answer else 'no answer'}")
    return answer


# 1. Log in, with the code of the text message.
door = Client(base_url=API)
asked = good(
    send_a_code_to_a_number.sync(client=door, body=NewChallenge(phone=PHONE, purpose="login"))
)
texts = f"/sms/messages?to=%2B{PHONE[1:]}"
code = until(lambda: next((text["code"] for text in around(texts)["items"]), None))
device = Device(name="example", platform="web")
session = good(
    log_in.sync(client=door, body=NewSession(challenge_id=asked.id, code=code, device=device))
)
home = AuthenticatedClient(base_url=API, token=session.access_token)

# 2. Move in: the water company has an account with a bill, which the citizen links.
account = f"{secrets.randbelow(10**10):010d}"
around("/billers/shiyan-water/accounts", {"number": account, "holder_name": NAME})
around(
    "/billers/shiyan-water/bills",
    {
        "account": account,
        "reference": f"E{secrets.token_hex(6)}",
        "amount": 4250,
        "currency": "CNY",
        "period_from": "2026-10-01",
        "period_to": "2026-10-31",
        "due_date": "2026-12-15",
    },
)
wanted = NewAccount(biller="shiyan-water", number=account, holder_name=NAME)
good(link_a_utility_account.sync(client=home, body=wanted))

# 3. List what is owed, and pay it.
(bill,) = good(list_what_i_owe.sync(client=home)).items
order = NewPayment(items=[OrderLine(service=bill.service, reference=bill.reference)], method="card")
payment = good(start_a_payment.sync(client=home, body=order, idempotency_key=new_key()))
action = payment.next_action
httpx.post(
    f"{action.api_base}/v1/payment_intents/{action.intent}/confirm",
    headers={"Authorization": f"Bearer {action.publishable_key}"},
    data={"client_secret": action.client_secret, "payment_method": "pm_card_visa"},
).raise_for_status()


# 4. The receipt, once the biller has been told.
def receipt_there() -> Any:  # noqa: ANN401 - the generated class
    """Return the receipt if there is one yet."""
    found = read_the_receipt_of_a_payment_as_json_or_pdf.sync(payment.id, client=home)
    return None if isinstance(found, Problem) else found


receipt = until(receipt_there)
print(f"{payment.amount / 100:.2f} paid, receipt of {receipt.amount / 100:.2f}")
