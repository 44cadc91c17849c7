"""Authorization details (RFC 9396): always asked about, and said in every answer."""

import json

from app.core import jose
from app.factory import Rooms
from app.http.server import Server
from tests.factories import Citizen
from tests.oauth.support import make_client, open_browser

PAYMENT = {"type": "payment", "payee": "自来水公司", "amount": 4250, "order": "W-1"}
APPLICATION = {"type": "application", "item_code": "420300-01"}


def test_what_was_granted_is_said_in_the_answer_and_in_the_token(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = make_client(app, rooms)
    browser = open_browser(app, rooms, citizen)
    wanted = json.dumps([PAYMENT, APPLICATION])
    for _ in range(2):  # consent to one payment is none to the next
        location = browser.go(rp.address(authorization_details=wanted)).headers["Location"]
        assert "/oauth/interaction/" in location
        code = browser.decide(location).partition("code=")[2].partition("&")[0]
        tokens = rp.redeem(code).json
        assert tokens["authorization_details"] == [PAYMENT, APPLICATION]
        claims = jose.read_unverified(tokens["access_token"]).claims
        assert claims["authorization_details"] == [PAYMENT, APPLICATION]
        assert rp.is_active(tokens["access_token"])


def test_the_longest_details_still_make_a_token_that_can_be_read(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = make_client(app, rooms)
    longest = [{"type": "payment", "payee": "水" * 100, "amount": 10**10, "order": "o" * 100}]
    longest.append({"type": "application", "item_code": "i" * 100, "case_id": "c" * 100})
    assert 1_000 < len(json.dumps(longest)) <= 1_500
    tokens = rp.log_in(open_browser(app, rooms, citizen), authorization_details=json.dumps(longest))
    assert rp.is_active(tokens["access_token"])
