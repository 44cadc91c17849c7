"""A citizen's own receipts: the list, each of them, and what a year comes to."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from app.core import clock
from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen, bearer, later, staff_token
from tests.receipts.signatures import is_genuine
from tests.receipts.support import Issued, issue, read, reverse, section, this_year

POWER = {
    "service": "power-bill",
    "service_title": {"zh": "电费", "en": "Power bill"},
    "payee": "shiyan-power",
    "payee_title": {"zh": "国网十堰供电公司", "en": "State Grid Shiyan"},
}
TAX = {
    "service": "car-tax",
    "service_title": {"zh": "车船税", "en": "Car tax"},
    "category": "transport",
    "payee": "shiyan-power",
    "payee_title": {"zh": "国网十堰供电公司", "en": "State Grid Shiyan"},
}


def get(client: FlaskClient, citizen: Citizen, path: str, **headers: str) -> Any:  # noqa: ANN401 - JSON
    answer = client.get(f"/v1/me/receipts{path}", headers={**citizen.auth, **headers})
    assert answer.status_code == 200, answer.text
    return answer.json if answer.is_json else answer.data


def of(citizen: Citizen) -> UUID:
    return UUID(citizen.id)


@pytest.fixture
def three(rooms: Rooms, citizen: Citizen) -> list[Issued]:
    """Return three receipts of a citizen, one of them taken back in part."""
    made = [
        issue(rooms, section(3000), section(2000, **POWER), citizen_id=of(citizen)),
        issue(rooms, section(500), citizen_id=of(citizen)),
        issue(rooms, section(10_000, **TAX), citizen_id=of(citizen)),
    ]
    reverse(rooms, made[0], 700, left=1300, item=1)
    return made


def test_the_list_is_mine_newest_first_and_goes_on(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, stranger: Citizen, three: list[Issued]
) -> None:
    issue(rooms, citizen_id=of(stranger))
    (letter,) = read(rooms, three[0].payment_id).reversals
    wanted = [str(letter.id), *(str(one.receipt.id) for one in reversed(three))]
    seen: list[dict[str, Any]] = []
    path: str | None = "?limit=3"
    while path is not None:
        page = get(client, citizen, path)
        seen += page["items"]
        path = f"?limit=3&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert [one["id"] for one in seen] == wanted
    assert [one["status"] for one in seen] == ["red_letter", "issued", "issued", "partly_reversed"]
    assert [one["amount"] for one in seen] == [-700, 10_000, 500, 5000]
    assert [one["standing_amount"] for one in seen] == [0, 10_000, 500, 4300]
    first = three[0].receipt
    assert seen[0]["original_id"] == str(first.id)
    assert seen[0]["original_number"] == f"WD-{first.series}-{first.number:08d}"
    assert get(client, citizen, f"?year={int(this_year()) - 1}")["items"] == []


def test_a_red_letter_is_read_and_printed_like_a_receipt(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, three: list[Issued]
) -> None:
    (letter,) = read(rooms, three[0].payment_id).reversals
    path = f"/{letter.id}"
    shown = get(client, citizen, path)
    assert (shown["amount"], shown["status"], shown["reversals"]) == (-700, "red_letter", [])
    assert [one["amount"] for one in shown["sections"]] == [-700]
    pdf = get(client, citizen, path, Accept="application/pdf")
    assert is_genuine(pdf, world.env["RECEIPT_SIGNING_CERTIFICATE"])
    words = PdfReader(BytesIO(pdf)).pages[0].extract_text()
    assert "电子缴费凭证（红字）" in words
    assert shown["original_number"] in words
    assert get(client, citizen, path, Accept="application/pdf") == pdf


def test_a_strangers_receipts_do_not_exist(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, stranger: Citizen, three: list[Issued]
) -> None:
    for answer in (
        client.get(f"/v1/me/receipts/{three[0].receipt.id}", headers=stranger.auth),
        client.get(f"/v1/me/receipts/{three[0].payment_id}", headers=citizen.auth),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "not-found")
    assert get(client, stranger, "")["items"] == []
    empty = get(client, stranger, f"/summaries/{this_year()}")
    assert (empty["total"]["amount"], empty["by_service"]) == (0, [])
    clerk = bearer(staff_token(rooms, "auditor"))
    assert client.get("/v1/me/receipts", headers=clerk).status_code in {401, 403}


def test_a_year_is_summed_up_with_red_letters_taken_off(
    client: FlaskClient, citizen: Citizen, three: list[Issued]
) -> None:
    assert three
    seen = get(client, citizen, f"/summaries/{this_year()}")
    figures = ("receipts", "red_letters", "issued_amount", "reversed_amount", "amount")
    assert [seen["total"][name] for name in figures] == [3, 1, 15_500, -700, 14_800]

    def by(part: str) -> dict[str, list[int]]:
        return {one["id"]: [one[name] for name in figures] for one in seen[f"by_{part}"]}

    assert by("category") == {
        "transport": [1, 0, 10_000, 0, 10_000],
        "living": [2, 1, 5500, -700, 4800],
    }
    assert by("service") == {
        "car-tax": [1, 0, 10_000, 0, 10_000],
        "water-bill": [2, 0, 3500, 0, 3500],
        "power-bill": [1, 1, 2000, -700, 1300],
    }
    assert by("payee") == {
        "shiyan-power": [2, 1, 12_000, -700, 11_300],
        "shiyan-water": [2, 0, 3500, 0, 3500],
    }
    titles = {one["id"]: one["title"]["zh"] for one in seen["by_category"]}
    assert titles == {"transport": "交通出行", "living": "生活缴费"}


def test_the_summary_is_a_signed_pdf_that_says_the_same(
    client: FlaskClient, world: World, citizen: Citizen, three: list[Issued]
) -> None:
    assert three
    pdf = get(client, citizen, f"/summaries/{this_year()}", Accept="application/pdf")
    assert is_genuine(pdf, world.env["RECEIPT_SIGNING_CERTIFICATE"])
    words = PdfReader(BytesIO(pdf)).pages[0].extract_text()
    for said in (
        "年度缴费汇总",
        this_year(),
        "¥155.00",
        "-¥7.00",
        "壹佰肆拾捌元整",
        "国网十堰供电公司",
        "生活缴费",
    ):
        assert said in words
    assert citizen.phone.removeprefix("+86") not in words


def test_a_red_letter_of_the_new_year_belongs_to_the_new_year(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    year = int(this_year()) + 3
    midnight = datetime(year + 1, 1, 1, tzinfo=clock.CITY_TIME)
    with later((midnight - timedelta(hours=1) - datetime.now(UTC)).total_seconds()):
        issued = issue(rooms, section(1000), citizen_id=of(citizen))
    with later((midnight - datetime.now(UTC)).total_seconds()):
        reverse(rooms, issued, 400, left=600)
    old, new = (get(client, citizen, f"/summaries/{one}") for one in (year, year + 1))
    assert (old["total"]["amount"], old["total"]["receipts"]) == (1000, 1)
    assert (new["total"]["amount"], new["total"]["red_letters"]) == (-400, 1)
    listed = [len(get(client, citizen, f"?year={one}")["items"]) for one in (year, year + 1)]
    assert listed == [1, 1]
    pdf = get(client, citizen, f"/summaries/{year + 1}", Accept="application/pdf")
    assert "（负数）肆元整" in PdfReader(BytesIO(pdf)).pages[0].extract_text()


@pytest.mark.parametrize("year", ["26", "99999", "next", "0026", "2026R"])
def test_what_is_no_year_is_not_found(client: FlaskClient, citizen: Citizen, year: str) -> None:
    answer = client.get(f"/v1/me/receipts/summaries/{year}", headers=citizen.auth)
    assert (answer.status_code, answer.json["code"]) == (404, "not-found")


def test_another_form_is_not_acceptable(client: FlaskClient, citizen: Citizen) -> None:
    headers = {**citizen.auth, "Accept": "text/html"}
    answer = client.get(f"/v1/me/receipts/summaries/{this_year()}", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (406, "not-acceptable")
