"""What billers ask for and allow is data: read strictly, and served for an app's form."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from plugins import utilities
from plugins.utilities.service.terms import read_terms
from tests.conftest import World
from tests.factories import log_in

FILE = Path(utilities.__file__).with_name("billers.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[shiyan-heat]", "[shiyan-steam]"),
        ('amount_rule = "exact"', 'amount_rule = "roughly"'),
        ('{ to = "15", price', '{ to = "35", price'),
        ('{ price = "750" }', '{ to = "99", price = "750" }'),
    ],
)
def test_terms_that_make_no_sense_are_refused(old: str, new: str) -> None:
    assert old in FILE
    with pytest.raises((ValueError, KeyError)):
        read_terms(FILE.replace(old, new, 1))


def test_an_app_can_draw_the_form_of_a_biller(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    me = log_in(client, world, rooms)
    gas = client.get("/v1/utilities/billers/shiyan-gas/terms", headers=me.auth)
    assert gas.status_code == 200
    assert gas.json == {
        "customer_params": [
            {
                "name": "number",
                "label": {"zh": "户号", "en": "Account number"},
                "pattern": "[0-9A-Za-z-]{4,32}",
                "optional": False,
            }
        ],
        "fetch": "mandatory",
        "amount_rule": "exact",
        "partial_allowed": False,
        "advance_allowed": False,
        "min_amount": 100,
        "pending": "person",
        "top_up": "none",
        "settlement_day": 5,
        "reversals": {
            "not_funded": "owed_again",
            "duplicate": "money_back",
            "bill_cancelled": "money_back",
        },
    }
    nobody = client.get("/v1/utilities/billers/nobody/terms", headers=me.auth)
    assert nobody.status_code == 404
