"""A holder shows chosen fields by a code: once, for minutes, to a verifier that they read of."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.certificates import service
from app.core.ids import new_id
from app.factory import Rooms
from app.http.server import Server
from tests.certificates.support import FIELDS, Bureau, id_of
from tests.consent.test_consumers import make_consumer
from tests.factories import Citizen, later
from tests.privacy.support import ask_closure, close, read_all

ROOM = "/v1/me/certificates"
VERIFY = "/v1/certificates/presentations"
USED = "update certificate_presentations set status = 'redeemed'"
LIVE = " where status = 'offered'"
SIX_MINUTES_AGO = (
    "update certificate_presentations set created_at = created_at - interval '6 minutes',"
    " expires_at = expires_at - interval '6 minutes' where citizen_id = :c"
)
Headers = dict[str, str]


@pytest.fixture(scope="module")
def verifier(app: Server, rooms: Rooms) -> tuple[str, Headers]:
    """Return a client that may redeem codes: its name as a consumer, and its header."""
    return make_consumer(app, rooms, "certificates.verify")


def offer(bureau: Bureau, who: Citizen, number: str, *names: str) -> Any:  # noqa: ANN401 - an answer
    return bureau.client.post(
        f"{ROOM}/{id_of(bureau, number)}/presentations",
        json={"attributes": list(names), "purpose": "入职体检"},
        headers=who.auth,
    )


def token_of(bureau: Bureau, who: Citizen, number: str, *names: str) -> str:
    answer = offer(bureau, who, number, *names)
    assert answer.status_code == 201, answer.text
    return str(answer.json["token"])


def redeem(bureau: Bureau, headers: Headers, token: str) -> Any:  # noqa: ANN401 - an answer
    return bureau.client.post(VERIFY, json={"token": token}, headers=headers)


def shown_to(client: FlaskClient, who: Citizen) -> list[Any]:
    answer = client.get("/v1/me/disclosures", headers=who.auth)
    assert answer.status_code == 200, answer.text
    return list(answer.json["items"])


def history(bureau: Bureau, who: Citizen, number: str) -> list[Any]:
    place = f"{ROOM}/{id_of(bureau, number)}/presentations"
    answer = bureau.client.get(place, headers=who.auth)
    assert answer.status_code == 200, answer.text
    return list(answer.json["items"])


def test_a_verifier_is_shown_exactly_what_was_chosen_once(
    bureau: Bureau, client: FlaskClient, citizen: Citizen, verifier: tuple[str, Headers]
) -> None:
    number = bureau.issue(citizen).number
    token = token_of(bureau, citizen, number, "business")
    assert shown_to(client, citizen) == []
    assert [one["status"] for one in history(bureau, citizen, number)] == ["offered"]
    answer = redeem(bureau, verifier[1], token)
    assert answer.status_code == 200, answer.text
    assert {field["id"]: field["value"] for field in answer.json["fields"]} == {
        name: FIELDS[name] for name in ("business", "shop", "granted_on")
    }
    assert (answer.json["number"], answer.json["status"]) == (number, "active")
    assert not any(FIELDS[name] in answer.text for name in ("holder_name", "address"))
    (disclosure,) = shown_to(client, citizen)
    kind = bureau.licence
    assert set(disclosure["attributes"]) == {
        f"{kind}:{name}" for name in ("number", "business", "shop", "granted_on")
    }
    (one,) = history(bureau, citizen, number)
    assert (one["status"], one["attributes"], one["purpose"]) == (
        "redeemed",
        ["business"],
        "入职体检",
    )
    assert one["verifier_title"]["zh"].startswith("client ")
    again = redeem(bureau, verifier[1], token)
    assert (again.status_code, again.json["code"]) == (404, "certificate-presentation-over")
    assert len(shown_to(client, citizen)) == 1
    kept = "select c::text from certificate_presentations c where purpose = '入职体检'"
    assert not any(token in row[0] for row in read_all(bureau.rooms, kept))


def test_of_parallel_verifiers_one_is_shown_it(
    bureau: Bureau, app: Server, client: FlaskClient, citizen: Citizen, rooms: Rooms
) -> None:
    others = [make_consumer(app, rooms, "certificates.verify")[1] for _ in range(2)]
    number = bureau.issue(citizen).number
    token = token_of(bureau, citizen, number, "address")
    ready = Barrier(4)

    def ask(place: int) -> int:
        ready.wait()
        return int(redeem(bureau, others[place % 2], token).status_code)

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(ask, range(4)))
    assert statuses == [200, 404, 404, 404]
    assert len(shown_to(client, citizen)) == 1


@pytest.mark.parametrize("change", ["late", "revoked", "suspended", "forged", "closed"])
def test_a_code_that_is_over_shows_nothing(
    bureau: Bureau,
    client: FlaskClient,
    rooms: Rooms,
    citizen: Citizen,
    verifier: tuple[str, Headers],
    change: str,
) -> None:
    number = bureau.issue(citizen).number
    token = token_of(bureau, citizen, number, "address")
    if change in {"revoked", "suspended"}:
        bureau.change(number, change)
    if change == "closed":
        close(rooms, ask_closure(client, rooms, citizen))
    if change == "forged":
        token = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
    if change == "late":
        with bureau.rooms.units.open(actor="test") as uow:
            uow.execute(text(SIX_MINUTES_AGO), {"c": citizen.id})
    answer = redeem(bureau, verifier[1], token)
    assert (answer.status_code, answer.json["code"]) == (404, "certificate-presentation-over")
    told = "select count(*) from disclosures where citizen_id = :c"
    assert read_all(rooms, told, c=citizen.id) == [(0,)]


def test_codes_end_by_themselves(bureau: Bureau, citizen: Citizen) -> None:
    number = bureau.issue(citizen).number
    token_of(bureau, citizen, number, "address")
    with later(301):
        assert [one["status"] for one in history(bureau, citizen, number)] == ["expired"]
        with bureau.rooms.units.open(actor="test") as uow:
            service.expire_presentations(uow)
    query = "select status from certificate_presentations where certificate_id = :c"
    assert read_all(bureau.rooms, query, c=id_of(bureau, number)) == [("expired",)]


def test_only_a_verifier_redeems_and_only_the_holder_offers(
    bureau: Bureau, app: Server, rooms: Rooms, citizen: Citizen, stranger: Citizen
) -> None:
    number = bureau.issue(citizen).number
    token = token_of(bureau, citizen, number, "address")
    _, others = make_consumer(app, rooms, "consents.read")
    assert redeem(bureau, others, token).status_code == 403
    assert redeem(bureau, citizen.auth, token).status_code == 403
    assert redeem(bureau, {}, token).status_code == 401
    assert offer(bureau, stranger, number, "address").status_code == 404
    wrong = offer(bureau, citizen, number, "shop")
    assert (wrong.status_code, wrong.json["code"]) == (422, "certificate-field-not-selective")
    assert [one["status"] for one in history(bureau, citizen, number)] == ["offered"]


@pytest.mark.parametrize(
    ("statement", "kept_by"),
    [
        (USED, "redeemed"),
        ("update certificate_presentations set status = 'shown'", "status"),
        (
            "update certificate_presentations set expires_at = created_at + interval '2 hours'",
            "expires_at",
        ),
        (f"{USED}, redeemed_at = expires_at, verifier_id = :id", "redeemed_at"),
    ],
)
def test_the_database_knows_no_code_that_lasts(
    bureau: Bureau, holder: Citizen, statement: str, kept_by: str
) -> None:
    token_of(bureau, holder, bureau.issue(holder).number, "address")
    with (
        pytest.raises(Exception, match=f"ck_certificate_presentations_{kept_by}"),
        bureau.rooms.units.open(actor="test") as uow,
    ):
        uow.execute(text(statement + LIVE), {"id": new_id()} if ":id" in statement else {})
