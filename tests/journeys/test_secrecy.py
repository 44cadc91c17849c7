"""A citizen's whole visit, with planted names, numbers, codes and tokens: none lies open (P48)."""

import base64
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
import redis
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from structlog import get_logger

from app.factory import Rooms
from app.http.openapi import as_yaml
from app.http.server import Server
from tests.clockwork import wind
from tests.conftest import World
from tests.credentials.authenticator import Authenticator
from tests.factories import (
    Citizen,
    bearer,
    city,
    make_person,
    make_phone,
    run_jobs,
    staff_token,
    verify,
)
from tests.identity.ways_in import (
    add_passkey,
    by_passkey,
    by_password,
    login_options,
    passkey_options,
    put_password,
    step_up,
)
from tests.oauth.support import make_client, open_browser, plain
from tests.payments.helpers import confirm, make_bill, order, pay, start
from tests.secrecy import Find, Search, forms_of

CHARACTERS = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"


def planted_name(family: str) -> str:
    return family + "".join(secrets.choice(CHARACTERS) for _ in range(7))


def log_in_by_code(
    client: FlaskClient, world: World, rooms: Rooms, search: Search, phone: str, device: str
) -> Citizen:
    """Log in, and look at the moment when the code waits for its SMS and right after."""
    opened = client.post("/v1/auth/challenges", json={"phone": phone, "purpose": "login"})
    search.look(rooms)  # the job of the SMS is there now
    run_jobs(rooms)
    sent = city(world, "GET", f"/sms/messages?to={quote(phone)}")["items"][0]
    search.plant(otp=sent["code"])
    body = {
        "challenge_id": opened.json["id"],
        "code": sent["code"],
        "device": {"name": device, "platform": "android"},
    }
    answer = client.post("/v1/auth/sessions", json=body).json
    search.plant(access=answer["access_token"], refresh=answer["refresh_token"])
    return Citizen(
        answer["citizen"]["id"],
        phone,
        answer["access_token"],
        answer["refresh_token"],
        answer["session"]["id"],
    )


@pytest.mark.promise("P48")
def test_nothing_planted_is_found_after_a_whole_visit(
    app: Server,
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    shows: Callable[[str], None],
) -> None:
    phone, name, holder = make_phone(), planted_name("欧阳"), planted_name("司马")
    device, password = f"canary-{secrets.token_hex(8)}", f"Heron {secrets.token_hex(8)} wades"
    person = make_person(world, name)
    search = Search(
        {
            "phone": phone,
            "local phone": phone.removeprefix("+86"),
            "name": name,
            "resident id": person["resident_id"],
            "holder": holder,
            "device": device,
            "password": password,
        }
    )
    with search.listening():
        mine = log_in_by_code(client, world, rooms, search, phone, device)
        verify(client, world, mine, person)
        assert put_password(client, mine, password).status_code == 204
        again = by_password(client, phone, password)
        assert again.status_code == 201, again.text
        assert by_password(client, phone, password + "x").status_code == 422
        search.plant(second=again.json["refresh_token"])
        step_up(rooms, mine)
        visit_by_passkey(client, search, mine)
        visit_by_oauth(app, rooms, search, mine)
        pay_a_bill(client, world, rooms, search, mine, holder)
        refused(client, rooms, mine, person["resident_id"])
        search.look(rooms)
        run_jobs(rooms)
        wind()  # the trail is sealed and anchored, as each second does
        search.look(rooms)
    search.read("openapi", as_yaml(app.extensions["api"]))
    assert search.found == [], search.found
    tables = [place for place in search.places if "." in place]
    assert len(tables) > 40
    assert {"valkey", "log", "log of libraries", "anchors", "openapi"} <= search.places
    assert "public.procrastinate_jobs" in tables
    shows(
        f"{len(search.canaries)} values in {len(forms_of(phone))} forms: 0 found in {len(tables)} "
        f"tables, Valkey, logs, jobs and OpenAPI ({search.characters // 1000} kB read)"
    )


def visit_by_passkey(client: FlaskClient, search: Search, mine: Citizen) -> None:
    device = Authenticator()
    made = device.register(passkey_options(client, mine))
    assert add_passkey(client, mine, made).status_code == 201
    options = login_options(client)
    answer = by_passkey(client, device.prove(options))
    assert answer.status_code == 201, answer.text
    search.plant(
        third=answer.json["refresh_token"],
        signature=made["response"]["attestationObject"],
    )


def visit_by_oauth(app: Server, rooms: Rooms, search: Search, mine: Citizen) -> None:
    """Let two clients in, by FAPI and by the plain flow, and let one read who the citizen is."""
    browser = open_browser(app, rooms, mine)
    fapi = make_client(app, rooms)
    code = fapi.authorize(browser, scope="openid profile phone real_name offline_access")["code"]
    tokens = fapi.redeem(code).json
    assert fapi.call(tokens["access_token"]).status_code == 200
    renewed = fapi.refresh(tokens["refresh_token"]).json
    simple = plain(app, rooms)
    theirs = simple.log_in(browser)
    search.plant(
        code=code,
        verifier=fapi.verifier,
        grant_access=tokens["access_token"],
        grant_refresh=tokens["refresh_token"],
        id_token=tokens["id_token"],
        renewed=renewed["access_token"],
        plain_access=theirs["access_token"],
        client_secret=simple.secret or "",
        browser=browser.secret,
    )


def pay_a_bill(
    client: FlaskClient, world: World, rooms: Rooms, search: Search, mine: Citizen, holder: str
) -> None:
    bill = make_bill(client, world, mine, holder=holder)
    payment = start(client, mine, order(bill)).json
    search.plant(intent_secret=payment["next_action"]["client_secret"], account=bill.account)
    search.look(rooms)
    confirm(payment)
    run_jobs(rooms)
    paid = pay(client, rooms, mine, make_bill(client, world, mine, "power-bill", holder=holder))
    assert paid["status"] == "succeeded"


def refused(client: FlaskClient, rooms: Rooms, mine: Citizen, resident_id: str) -> None:
    """Let what is secret stand where it does not belong: in addresses, headers and wrong fields."""
    for path in (f"/v1/payments/{resident_id}", f"/v1/services/{resident_id.lower()}"):
        client.get(path, headers=mine.auth)
    client.get(f"/v1/me?phone={quote(mine.phone)}", headers=mine.auth)
    client.get("/v1/me", headers=bearer(mine.token[:-4]))
    client.post("/v1/auth/sessions/refresh", json={"refresh_token": mine.refresh + "x"})
    client.get("/v1/audit/entries", headers=mine.auth)
    auditor = bearer(staff_token(rooms, "auditor"))
    client.get(f"/v1/audit/entries?actor={quote(mine.phone)}", headers=auditor)


@contextmanager
def probe(rooms: Rooms) -> Iterator[Callable[[str], None]]:
    """Make a table for the time of a test, and yield what writes a text into it."""
    engine = create_engine(rooms.settings.database.owner_url or "")
    with engine.begin() as connection:
        connection.execute(text("create table canary_probe (t text, j jsonb, b bytea)"))
    try:

        def write(statement: str) -> None:
            with engine.begin() as connection:
                connection.execute(text(f"insert into canary_probe {statement}"))

        yield write
    finally:
        with engine.begin() as connection:
            connection.execute(text("drop table canary_probe"))
        engine.dispose()


NAME = "欧阳甲乙丙丁戊己庚"


@pytest.mark.parametrize(
    ("row", "form"),
    [
        (f"(t) values ('say {NAME}.')", "clear"),
        (f"""(j) values ('{{"a": ["{NAME}"]}}')""", "clear"),
        (f"(b) values (convert_to('x{NAME}x', 'UTF8'))", "hex"),
        (f"(t) values ('{quote('ab' + NAME)}')", "percent"),
        (f"(t) values ('{base64.b64encode(NAME.encode()).decode()}')", "base64/0"),
        (f"(t) values ('{base64.b64encode(f'x{NAME}y'.encode()).decode()}')", "base64/1"),
        (
            f"(t) values ('{base64.urlsafe_b64encode(f'xx{NAME}'.encode()).decode()}')",
            "base64url/2",
        ),
        (f"(t) values ('{NAME.encode().hex().upper()}')", "HEX"),
    ],
)
def test_what_lies_open_is_found_in_every_form(rooms: Rooms, row: str, form: str) -> None:
    """The search above would also find nothing if it could not see."""
    with probe(rooms) as write:
        write(row)
        search = Search({"name": NAME})
        search.look(rooms)
    assert Find("name", "public.canary_probe", form) in search.found
    assert {found.place for found in search.found} == {"public.canary_probe"}


def test_a_code_is_found_alone_and_not_in_a_moment(rooms: Rooms) -> None:
    with probe(rooms) as write:
        write("(t) values ('2026-11-28 18:00:00.482913+00')")
        write("(t) values ('id 1482913 and 01a2-482913-77')")
        search = Search({"otp": "482913"})
        search.look(rooms)
        assert [f for f in search.found if f.place == "public.canary_probe"] == []
        write("""(j) values ('{"code": "482913"}')""")
        search.look(rooms)
    assert Find("otp", "public.canary_probe", "clear") in search.found


def test_a_log_line_and_a_key_of_valkey_are_found(rooms: Rooms) -> None:
    search = Search({"name": NAME, "other": "司马子丑寅卯辰巳午"})
    client = redis.Redis.from_url(rooms.settings.redis_url or "")
    client.hset("probe", "field", NAME)
    try:
        with search.listening():
            get_logger().info("event", who=NAME)
            logging.getLogger("some.library").warning("司马子丑寅卯辰巳午")
            search.look(rooms)
    finally:
        client.delete("probe")
    places = {(found.canary, found.place) for found in search.found}
    assert places == {("name", "log"), ("other", "log of libraries"), ("name", "valkey")}
