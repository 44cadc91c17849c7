"""The people of a run: a payer with two devices and a neighbour, and the bills between them."""

import secrets
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from proof.client import Answer, send_json
from proof.history import History
from proof.values import SERVICES, Bill, Start, Story

_HOLDER = "李雷"
_INSIST_SECONDS = 150.0
_CODE_SECONDS = 60.0
"""How long one waits for a code: as long as the product lets one wait for another."""
_LOG_IN_SECONDS = 6 * _CODE_SECONDS
"""A code is sent once a minute, and more than one may be lost with the worker that sends it."""
_OK, _CREATED, _UNAUTHENTICATED, _LATER = 200, 201, 401, 503


class PayerStuck(RuntimeError):
    """The product did not answer for minutes: a run cannot go on."""


@dataclass(slots=True)
class Session:
    """One device of a citizen: the token in its hands, and the one that renews it."""

    who: str
    phone: str
    token: str = field(default="", repr=False)
    refresh: str = field(default="", repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


@dataclass(slots=True)
class Town:
    """What citizens need to live: the product's address and history, and the city's."""

    history: History
    city_url: str

    def insist(
        self, session: Session, method: str, path: str, body: object | None, purpose: str
    ) -> Answer:
        """Call until there is an answer that is none of "later"; for what may be repeated."""
        deadline = time.monotonic() + _INSIST_SECONDS
        seen: list[int | None] = []
        while time.monotonic() < deadline:
            answer = self.history.call(
                session.who, session.token, method, path, body, purpose=purpose
            )
            if answer is not None and answer.status == _UNAUTHENTICATED and session.refresh:
                self.renew(session)
            elif answer is not None and answer.status not in {409, 429, 503}:
                return answer
            seen.append(None if answer is None else answer.status)
            time.sleep(0.4)
        raise PayerStuck(f"{purpose}: for {_INSIST_SECONDS:.0f} s only {Counter(seen)}")

    def renew(self, session: Session) -> None:
        """Exchange the session's refresh token; when that is impossible, log in anew."""
        path = "/v1/auth/sessions/refresh"
        answer = self.history.call(
            session.who, "", "POST", path, {"refresh_token": session.refresh}, purpose="refresh"
        )
        if answer is not None and answer.status == _OK:
            session.token = answer.json["access_token"]
            session.refresh = answer.json.get("refresh_token", session.refresh)
        elif answer is not None and answer.status == _UNAUTHENTICATED:
            self.log_in(session)

    def log_in(self, session: Session) -> None:
        """Log in by a code; again from the start when a kill came between."""
        deadline = time.monotonic() + _LOG_IN_SECONDS
        session.refresh = ""
        while time.monotonic() < deadline:
            asked = self.history.call(
                session.who,
                "",
                "POST",
                "/v1/auth/challenges",
                {"phone": session.phone, "purpose": "login"},
                purpose="log in",
            )
            if asked is not None and asked.status == 202:  # noqa: PLR2004 - accepted
                if self._give_code(session, asked.json["id"]):
                    return
            else:
                time.sleep(1.1)
        raise PayerStuck("nobody can log in")

    def _give_code(self, session: Session, challenge: str) -> bool:
        began = time.monotonic()
        path = f"/sms/messages?to={urllib.parse.quote(session.phone)}"
        tried = set[str]()
        while time.monotonic() - began < _CODE_SECONDS:
            found = send_json(self.city_url, "GET", path)
            codes = [m["code"] for m in found.json.get("items", [])] if found else []
            for code in codes[:1]:
                if code in tried:
                    continue
                tried.add(code)
                made = self.history.call(
                    session.who,
                    "",
                    "POST",
                    "/v1/auth/sessions",
                    {
                        "challenge_id": challenge,
                        "code": code,
                        "device": {"name": "我的手机", "platform": "ios"},
                    },
                    purpose="log in",
                )
                if made is not None and made.status == _CREATED:
                    session.token = made.json["access_token"]
                    session.refresh = made.json.get("refresh_token", "")
                    return True
                if made is None or made.status == _LATER:
                    tried.discard(code)  # nobody has looked at it, or nobody could say so
            time.sleep(0.15)
        return False

    def ask_city(self, method: str, path: str, body: object | None = None) -> Any:  # noqa: ANN401 - JSON
        """Call the sandbox city, which is never killed."""
        answer = send_json(self.city_url, method, path, body)
        if answer is None or answer.status not in {_OK, _CREATED}:
            raise PayerStuck(f"the sandbox city answered {answer}")
        return answer.json


@dataclass(slots=True)
class Household:
    """A citizen with two devices, a neighbour who has linked the same accounts, and their bills."""

    first: Session
    second: Session
    neighbour: Session
    stranger: Session
    bills: dict[tuple[int, str], Bill] = field(default_factory=dict)


def make_stranger(town: Town) -> Session:
    """Return somebody who has nothing to do with anybody's bills."""
    stranger = Session("stranger", _phone())
    town.log_in(stranger)
    return stranger


def settle_in(town: Town, number: int, stories: Sequence[Story], stranger: Session) -> Household:
    """Make a household and every bill that its stories need."""
    phone = _phone()
    house = Household(
        Session(f"citizen-{number}", phone),
        Session(f"citizen-{number}", phone),
        Session(f"neighbour-{number}", _phone()),
        stranger,
    )
    starts = {story.start for story in stories}
    made: list[tuple[int, str, str, int]] = []
    accounts = {service: f"{secrets.randbelow(10**10):010d}" for service in SERVICES}
    for service, biller in SERVICES.items():
        account = {"number": accounts[service], "holder_name": _HOLDER}
        town.ask_city("POST", f"/billers/{biller}/accounts", account)
    for story in stories:
        for service, amount in zip(story.services, story.amounts, strict=True):
            bill = f"S{story.number}-{secrets.token_hex(4)}"
            wanted = {
                "account": accounts[service],
                "reference": bill,
                "amount": amount,
                "currency": "CNY",
                "period_from": "2026-10-01",
                "period_to": "2026-10-31",
                "due_date": "2026-12-15",
            }
            town.ask_city("POST", f"/billers/{SERVICES[service]}/bills", wanted)
            made.append((story.number, service, bill, amount))
    linking = [house.first]
    if Start.TWO_CITIZENS in starts:
        linking.append(house.neighbour)
    for session in linking:
        town.log_in(session)
    if Start.TWO_DEVICES in starts:
        town.log_in(house.second)
    for session in linking:
        for service, biller in SERVICES.items():
            wanted = {"biller": biller, "number": accounts[service], "holder_name": _HOLDER}
            town.insist(session, "POST", "/v1/utilities/accounts", wanted, "link account")
    references = _references(town, house.first, {bill for _, _, bill, _ in made})
    for story_number, service, bill, amount in made:
        house.bills[story_number, service] = Bill(service, bill, amount, references[bill])
    return house


def _phone() -> str:
    return f"+86139{secrets.randbelow(10**8):08d}"


def _references(town: Town, session: Session, wanted: set[str]) -> dict[str, str]:
    """Return what the product calls each bill, once it has asked the billers for all of them."""
    deadline = time.monotonic() + _INSIST_SECONDS
    while time.monotonic() < deadline:
        found: dict[str, str] = {}
        path = "/v1/utilities/bills?status=open&limit=100"
        cursor: str | None = ""
        while cursor is not None:
            page = f"{path}&cursor={cursor}" if cursor else path
            answer = town.insist(session, "GET", page, None, "list bills")
            if answer.status != _OK:
                break
            for bill in answer.json["items"]:
                found[bill["biller_reference"]] = bill["reference"]
            cursor = answer.json["next_cursor"]
        if wanted <= found.keys():
            return found
        time.sleep(1.0)
    raise PayerStuck("the bills do not appear")
