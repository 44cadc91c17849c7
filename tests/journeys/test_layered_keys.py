"""The key of blind indexes and the pepper change while a town uses three processes (P49)."""

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy.engine import make_url

from app.cli.keys import register
from app.core.blind_indexes import take_indexes
from app.core.crypto import Keyring
from app.credentials import service as credentials
from app.credentials.service import CredentialsDeps
from app.credentials.values import Owner, Policy
from app.factory import Rooms
from app.identity import service as identity
from app.identity.values import SignedIn
from tests.conftest import World
from tests.factories import bearer, city, make_person, make_phone
from tests.identity.support import HERE, ask, log_in_quickly, with_codes
from tests.journeys.house import wait_until
from tests.live import PATIENCE, ROOT, Answer, Live, at_once, serve

PASSWORD = "nine grey cranes wander"
BILLER = "shiyan-water"
DEVICE = {"name": "phone", "platform": "android"}
KNOWN, FORMER, THREADS = 10, 3_000, 4
SHORT, LONG = (100, 2), (3_000, 6)
"""How many calls, and how many changes of keys, at least: in the suite, and by `--promises`."""


@dataclass(frozen=True)
class Resident:
    """Somebody who was here before the keys changed: number, identity, password, account."""

    id: UUID
    phone: str
    person: Mapping[str, str]
    account: str


@dataclass
class Town:
    """People who come, come back and are looked for; each answer is the one they must get."""

    world: World
    rooms: Rooms
    live: Live
    known: list[Resident] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    tokens: dict[UUID, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(THREADS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311 - no secret
        stories = [
            self.comes_back_by_password,
            self.comes_back_by_code,
            self.comes_three_times_at_once,
            self.claims_what_another_claims,
            self.claims_what_somebody_has,
            self.links_an_account,
        ]
        while not self._over.is_set():
            for story in stories:
                try:
                    story(dice.choice(self.known))
                except Exception as error:  # noqa: BLE001 - a thread's faults are counted
                    self.wrong.append(f"{story.__name__}: {error!r}")

    def saw(self, what: str, answer: Answer, status: int, *, that: bool = True) -> Answer:
        self.answers[what] += 1
        if answer.status != status or not that:
            self.wrong.append(f"{what}: {answer.status} {answer.body[:300]!r}")
        return answer

    def post(self, path: str, body: object, token: str | None = None) -> Answer:
        return self.live.post(path, body, bearer(token) if token else {})

    def ask_city(self, path: str, body: object, token: str) -> Answer:
        """Post what makes the house ask a register or a biller, which a crowd may keep waiting."""
        deadline = time.monotonic() + PATIENCE
        while (answer := self.post(path, body, token)).status == 503:
            if time.monotonic() > deadline:
                break
        return answer

    def code(self, phone: str) -> dict[str, Any]:
        free = with_codes(
            self.rooms, resend=timedelta(0), per_number_hour=10**6, per_number_day=10**6
        )
        challenge_id, code = ask(self.rooms, phone, deps=free)
        return {"challenge_id": str(challenge_id), "code": code, "device": DEVICE}

    def newcomer(self) -> SignedIn:
        phone = make_phone()
        self.numbers.append(phone)
        return log_in_quickly(self.rooms, phone)

    def comes_back_by_password(self, one: Resident) -> None:
        body = {"phone": one.phone, "password": PASSWORD, "device": DEVICE}
        answer = self.post("/v1/auth/sessions", body)
        self.saw("password", answer, 201, that=_citizen(answer) == one.id)
        self.tokens[one.id] = answer.json["access_token"]  # the oldest of many sessions are ended

    def comes_back_by_code(self, one: Resident) -> None:
        answer = self.post("/v1/auth/sessions", self.code(one.phone))
        self.saw("code", answer, 201, that=_citizen(answer) == one.id)

    def comes_three_times_at_once(self, _: Resident) -> None:
        phone = make_phone()
        self.numbers.append(phone)
        codes = [self.code(phone) for _ in range(3)]
        answers = at_once([lambda c=c: self.post("/v1/auth/sessions", c) for c in codes])  # type: ignore[misc]
        first = _citizen(answers[0])
        for answer in answers:
            self.saw("first log-ins of a number", answer, 201, that=_citizen(answer) == first)
        number = {"phone": make_phone(), "purpose": "login"}
        self.saw("a code", self.post("/v1/auth/challenges", number), 202)

    def claims_what_another_claims(self, one: Resident) -> None:
        body = _claim(make_person(self.world))
        racers = [self.newcomer().access_token for _ in range(2)]
        answers = at_once(
            [lambda t=t: self.ask_city("/v1/me/verifications", body, t) for t in racers]  # type: ignore[misc]
        )
        for answer, status in zip(sorted(answers, key=lambda a: a.status), (201, 409), strict=True):
            self.saw("claims of an identity", answer, status)
        winner = next(t for t, answer in zip(racers, answers, strict=True) if answer.status == 201)
        self.asks_for_a_mandate(winner, one)

    def claims_what_somebody_has(self, one: Resident) -> None:
        token = self.newcomer().access_token
        answer = self.ask_city("/v1/me/verifications", _claim(one.person), token)
        self.saw("claims of a known identity", answer, 409)

    def asks_for_a_mandate(self, token: str, one: Resident) -> None:
        body = {
            "named": "delegate",
            "phone": one.phone,
            "scopes": [{"service": "water-bill", "actions": ["view"]}],
            "days": 31,
        }
        made = self.saw("mandates", self.post("/v1/delegation/mandates", body, token), 201)
        again = self.post("/v1/delegation/mandates", body, token)
        self.saw("mandates twice", again, 409)
        path = f"/v1/delegation/mandates/{made.json['id']}"
        seen = self.live.call("GET", path, headers=bearer(self.tokens[one.id]))
        self.saw("mandates of a number", seen, 200)

    def links_an_account(self, one: Resident) -> None:
        token = self.newcomer().access_token
        body = {"biller": BILLER, "number": one.account, "holder_name": "李雷"}
        first, second = (self.ask_city("/v1/utilities/accounts", body, token) for _ in range(2))
        self.saw("accounts", first, 201)
        self.saw("accounts", second, 201, that=second.json["id"] == first.json["id"])
        bills = wait_until(
            lambda: self.live.call("GET", "/v1/utilities/bills", headers=bearer(token)),
            lambda answer: answer.status != 200 or answer.json["items"] != [],
        )
        self.saw("bills", bills, 200, that=len(bills.json["items"]) == 1)

    def settle(self, number: int) -> None:
        """Bring somebody to town before anything changes."""
        phone = make_phone()
        mine = log_in_quickly(self.rooms, phone)
        person = make_person(self.world)
        bound = self.ask_city("/v1/me/verifications", _claim(person), mine.access_token)
        assert bound.status == 201, bound.body
        deps: CredentialsDeps = self.rooms.deps[CredentialsDeps]
        owner = Owner.citizen(mine.citizen_id)
        with self.rooms.units.open(actor="test", address=HERE) as uow:
            credentials.set_password(uow, deps, owner, PASSWORD, Policy.CITIZEN)
        account = f"77{number:04d}{phone[-6:]}"
        holder = {"number": account, "holder_name": "李雷"}
        city(self.world, "POST", f"/billers/{BILLER}/accounts", holder)
        bill = {
            "account": account,
            "reference": f"B-{account}",
            "amount": 4_250,
            "currency": "CNY",
            "period_from": "2026-10-01",
            "period_to": "2026-10-31",
            "due_date": "2026-12-07",
        }
        city(self.world, "POST", f"/billers/{BILLER}/bills", bill)
        self.known.append(Resident(mine.citizen_id, phone, person, account))
        self.tokens[mine.citizen_id] = mine.access_token


def _citizen(answer: Answer) -> UUID | None:
    return UUID(answer.json["citizen"]["id"]) if answer.status == 201 else None


def _claim(person: Mapping[str, str]) -> dict[str, str]:
    return {"name": person["name"], "resident_id": person["resident_id"]}


@pytest.fixture
def commands(rooms: Rooms) -> Flask:
    """Return an application that has the commands of `keys`."""
    made = Flask("commands")
    register(made, rooms)
    return made


def keys(commands: Flask, *arguments: str) -> str:
    done = commands.test_cli_runner().invoke(args=["keys", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def killed_after_a_batch(world: World, *arguments: str) -> None:
    """Run a command of ours and kill it once it has said that it did something."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-u", "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env={**world.env, "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as told:
        assert told.readline().startswith("500 ")
        process.kill()
        process.wait(30)


def dump(world: World) -> dict[str, str]:
    """Return every row of every table as text, by the table: what a stolen dump shows."""
    url = make_url(world.env["DATABASE_OWNER_URL"]).set(drivername="postgresql")
    tables = (
        "select schemaname, tablename from pg_tables "
        "where schemaname not in ('pg_catalog', 'information_schema')"
    )
    found = {}
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        for schema, table in connection.execute(tables).fetchall():
            rows = sql.SQL("select t::text from {} t").format(sql.Identifier(schema, table))
            found[table] = "\n".join(text for (text,) in connection.execute(rows).fetchall())
    return found


def plain_values(rooms: Rooms) -> Counter[str]:
    """Return how many open accounts have each number and each proven identity, opened."""
    keyring: Keyring = rooms.deps[Keyring]
    counted: Counter[str] = Counter()
    with rooms.units.open(actor="test", read_only=True) as uow:
        living = uow.connection().exec_driver_sql(
            "select id from citizens where status <> 'closed'"
            " and phone_index in (select name from blind_indexes)"
        )
        for (citizen_id,) in living.all():
            names = ("phone", "resident_id")
            values = identity.attributes_of(uow, keyring, citizen_id, names).values
            counted.update(f"{name} {value}" for name, value in values.items())
    return counted


@pytest.mark.promise("P49")
def test_a_town_does_not_notice(
    world: World,
    rooms: Rooms,
    commands: Flask,
    request: pytest.FixtureRequest,
    shows: Callable[[str], None],
) -> None:
    calls, changes = LONG if request.config.getoption("--promises") else SHORT
    keyring: Keyring = rooms.deps[Keyring]
    with rooms.units.open(actor="test") as uow:
        take_indexes(uow, keyring, "phone", [f"former {n}" for n in range(FORMER)])
    with serve(world, WEB_THREADS="64") as live:
        town = Town(world, rooms, live)
        for number in range(KNOWN):
            town.settle(number)
        with town:
            keys(commands, "add-blind-index")
            killed_after_a_batch(world, "keys", "reindex")
            keys(commands, "reindex")
            rounds = 1
            while rounds < changes or town.answers.total() < calls:
                keys(commands, "add-pepper")
                keys(commands, "repepper")  # which takes seconds
                keys(commands, "add-blind-index")
                keys(commands, "reindex")
                rounds += 1
        for one in town.known:
            town.comes_back_by_password(one)
            town.comes_back_by_code(one)
            town.claims_what_somebody_has(one)
            town.links_an_account(one)
    assert not town.wrong, town.wrong[:5]
    counted = plain_values(rooms)
    twice = [value for value, count in counted.items() if count > 1]
    assert not twice
    assert all(counted[f"phone {number}"] == 1 for number in town.numbers)
    status = json.loads(keys(commands, "status"))
    left = {
        kind: sum(use[what] for use in status[kind] if not use["is_newest"])
        for kind, what in (("blind_index", "names"), ("pepper", "hashes"))
    }
    assert left == {"blind_index": 0, "pepper": 0}
    shows(
        f"{town.answers.total()} calls to 3 processes while keys of blind indexes changed {rounds} "
        f"times and peppers {rounds - 1}: {len(town.wrong)} failed; {len(counted)} numbers and "
        f"identities: {len(twice)} twice; nothing left under an old key"
    )
    _check_dump(world, keyring, town, shows)


def _check_dump(world: World, keyring: Keyring, town: Town, shows: Callable[[str], None]) -> None:
    tables = dump(world)
    everything = "\n".join(tables.values())
    values = [("phone", one.phone) for one in town.known]
    values += [("phone", number) for number in town.numbers]
    values += [("resident_id", one.person["resident_id"]) for one in town.known]
    values += [("plugin_utilities|account", f"{BILLER}|{one.account}") for one in town.known]
    found = [0, 0]
    for kind, value in values:
        *old, newest = keyring.index_digests(kind, value)
        found[0] += any(digest.hex() in everything for digest in old)
        found[1] += newest.hex() in tables["blind_indexes"]
        assert value.split("|")[-1].removeprefix("+86") not in everything.replace("B-77", "")
    assert found == [0, len(values)]
    shows(f"a dump and the old keys: {found[0]} of {len(values)} values found; all with the newest")


def test_a_name_stands_only_where_forgetting_looks(world: World, rooms: Rooms) -> None:
    """Else `forget_unused` would take a name for one that nobody keeps."""
    log_in_quickly(rooms)
    url = make_url(world.env["DATABASE_OWNER_URL"]).set(drivername="postgresql")
    columns = """
        select table_schema, table_name, column_name from information_schema.columns
        where data_type = 'bytea' and table_name <> 'blind_indexes'
          and (table_schema = 'public' or table_schema like 'plugin\\_%')
    """
    keeping = set()
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        for schema, table, column in connection.execute(columns).fetchall():
            asked = sql.SQL(
                "select exists (select from {table} t join blind_indexes i on t.{column} = i.name)"
            ).format(table=sql.Identifier(schema, table), column=sql.Identifier(column))
            (is_there,) = connection.execute(asked).fetchone() or (False,)
            if is_there:
                keeping.add((table, column))
    assert ("citizens", "phone_index") in keeping
    assert {column for _, column in keeping if not column.endswith("_index")} == set()
