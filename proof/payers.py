"""What payers do: the stories of the plan, each from its bill to the last look at its payment."""

import secrets
import threading
import time
import urllib.parse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from proof.citizens import Household, Session, Town, settle_in
from proof.client import Answer, send, send_json
from proof.history import IN_FLIGHT
from proof.values import Bill, Finish, Gust, Start, Story

_OK, _CREATED, _UNAUTHENTICATED, _CONFLICT, _BUSY = 200, 201, 401, 409, {429, 503}
_KEY_SECONDS = 10.0
_ACTION_SECONDS = 20.0
_POSTED_SECONDS = 15.0
_IMPATIENCE = 0.08


@dataclass(frozen=True, slots=True)
class Asked:
    """A key in use: who asked what under it."""

    session: Session
    key: str
    order: dict[str, Any]
    story: int


@dataclass(slots=True)
class Ledger:
    """What the payers did, for the questions at the end."""

    bills: list[Bill] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    payments: list[tuple[Session, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class Payers:
    """All payers of a run."""

    town: Town
    stripe_url: str
    publishable_key: str
    ledger: Ledger
    next_turn: Callable[[], None]
    stranger: Session
    desk: Session

    def live(self, number: int, stories: Sequence[Story]) -> None:
        """Live through the stories of one household, each when its turn comes."""
        house = settle_in(self.town, number, stories, self.stranger)
        with self.ledger.lock:
            self.ledger.bills += house.bills.values()
        for story in stories:
            self.next_turn()
            self._tell(house, story)

    def _tell(self, house: Household, story: Story) -> None:
        if story.gust is not None:
            self._blow(story.gust)
        bills = [house.bills[story.number, service] for service in story.services]
        started = self._start(house, story, bills)
        for session, payment in started:
            if story.is_spied_on:
                self._spy(house, story, payment["id"])
            self._finish(story, session, payment)
            if story.is_forged:
                self._forge(story, payment)
        for session, payment in started:
            with self.ledger.lock:
                self.ledger.payments.append((session, payment["id"]))
            for _ in range(story.looks):
                self._look(session, story, payment["id"])
                time.sleep(0.05)
            if story.is_returned:
                self._take_back(story, session, payment["id"])

    def _blow(self, gust: Gust) -> None:
        body: dict[str, Any] = {"times": gust.times}
        if gust.party == "gateway":
            body |= {"operation": gust.operation, "kind": gust.kind}
            send_json(self.stripe_url, "PUT", "/sandbox/faults", body)
        elif gust.party == "webhooks":
            body |= {"mode": gust.kind, "seconds": gust.seconds}
            send_json(self.stripe_url, "PUT", "/sandbox/webhooks/behaviour", body)
        else:
            body |= {"mode": gust.kind, "seconds": gust.seconds}
            path = f"/billers/{gust.party}/behaviour"
            send_json(self.town.city_url, "PUT", path, body)

    # How a payment begins.

    def _start(
        self, house: Household, story: Story, bills: Sequence[Bill]
    ) -> list[tuple[Session, dict[str, Any]]]:
        """Ask for the payment as the story says; return each payment that somebody was given."""
        order: dict[str, Any] = {
            "items": [{"service": bill.service, "reference": bill.reference} for bill in bills],
            "method": story.method,
        }
        if story.method != "card":
            order["return_url"] = "https://example.com/back"
        askers = _askers(house, story)
        asked = [Asked(session, key, order, story.number) for session, key in askers]
        with self.ledger.lock:
            self.ledger.asked += {one.key: one for one in asked}.values()
        answers = _at_once([partial(self._ask, one, story) for one in asked])
        started = {
            answer.json["id"]: (one.session, answer.json)
            for one, answer in zip(asked, answers, strict=True)
            if answer is not None and answer.status == _CREATED
        }
        return list(started.values())

    def _ask(self, asked: Asked, story: Story) -> Answer | None:
        """Ask until there is an answer; a key in flight for long is asked about at the end."""
        if story.start is Start.LOST_ANSWER:
            self._post_payment(asked, is_lost=True)
        if story.start is Start.IMPATIENT:
            self._post_payment(asked, seconds=_IMPATIENCE)
        deadline = time.monotonic() + _KEY_SECONDS
        while True:
            answer = self._post_payment(asked)
            if answer is not None and answer.status not in _BUSY:
                in_flight = answer.status == _CONFLICT and answer.json.get("code") == IN_FLIGHT
                if not in_flight:
                    return answer
            if time.monotonic() > deadline:
                return answer
            time.sleep(0.35)

    def _post_payment(
        self, asked: Asked, *, seconds: float = 30.0, is_lost: bool = False
    ) -> Answer | None:
        return self._as(
            asked.session,
            "POST",
            "/v1/payments",
            asked.order,
            asked.story,
            "start",
            key=asked.key,
            seconds=seconds,
            is_lost=is_lost,
        )

    def ask_again(self, asked: Asked) -> None:
        """Ask a key once more, when all is quiet: there is one answer to it for ever."""
        self._post_payment(asked)

    def clear_the_desk(self) -> None:
        """Send anew what the gateway could not send back, as the desk does with such a case.

        Their stories are over: it keeps an error under a key for a day.
        """
        page = "/v1/refunds?status=failed&limit=100"
        failed = self._as(self.desk, "GET", page, None, -1, "failed refunds")
        for refund in failed.json["items"] if failed else ():
            path = f"/v1/refunds/{refund['id']}/retry"
            self._as(self.desk, "POST", path, None, -1, "retry refund")

    def look_again(self, session: Session, payment_id: str) -> None:
        """Look at a payment when all is quiet."""
        self._as(session, "GET", f"/v1/payments/{payment_id}", None, -1, "look")

    def _as(  # noqa: PLR0913 - a call has that many parts
        self,
        session: Session,
        method: str,
        path: str,
        body: object | None,
        story: int,
        purpose: str,
        *,
        key: str | None = None,
        seconds: float = 30.0,
        is_lost: bool = False,
    ) -> Answer | None:
        """Call as somebody, whose token is renewed when its time is over."""
        answer = None
        for _ in range(2):
            token = session.token
            answer = self.town.history.call(
                session.who,
                token,
                method,
                path,
                body,
                story=story,
                key=key,
                purpose=purpose,
                seconds=seconds,
                is_lost=is_lost,
            )
            if answer is None or answer.status != _UNAUTHENTICATED or not session.phone:
                break
            with session.lock:
                if session.token == token:
                    self.town.renew(session)
        return answer

    # How it goes on.

    def _finish(self, story: Story, session: Session, payment: dict[str, Any]) -> None:
        action = self._await_action(story, session, payment)
        if action is None:
            return
        finish = story.finish
        if finish is Finish.PAID:
            self._confirm(action)
        elif finish is Finish.PAID_TWICE:
            _at_once([lambda: self._confirm(action)] * min(story.callers, 4))
        elif finish is Finish.DECLINED_FIRST:
            self._confirm(action, "pm_card_chargeDeclined")
            self._look(session, story, payment["id"])
            self._confirm(action)
        elif finish is Finish.OTHER_METHOD:
            self._confirm(action, "pm_card_chargeDeclined")
            self._try_wallet(story, session, payment)
        elif finish is Finish.WALLET:
            self._approve(action["intent"])
        elif finish is Finish.CANCEL_RACE:
            _at_once(
                [
                    lambda: self._confirm(action),
                    lambda: self._cancel(story, session, payment["id"]),
                ]
            )
        elif finish is Finish.CANCELLED:
            self._cancel(story, session, payment["id"])
            self._confirm(action)

    def _await_action(
        self, story: Story, session: Session, payment: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Return what the client is to do, once the product knows it."""
        deadline = time.monotonic() + _ACTION_SECONDS
        seen: dict[str, Any] | None = payment
        while time.monotonic() < deadline:
            if seen is not None and seen.get("next_action"):
                action: dict[str, Any] = seen["next_action"]
                return action
            if seen is not None and seen["status"] not in {"pending", "processing"}:
                return None
            time.sleep(0.4)
            seen = self._look(session, story, payment["id"])
        return None

    def _confirm(self, action: dict[str, Any], card: str = "pm_card_visa") -> None:
        if action.get("type") != "stripe":
            self._approve(action["intent"])
            return
        form = {"client_secret": action["client_secret"], "payment_method": card}
        send(
            self.stripe_url,
            "POST",
            f"/v1/payment_intents/{action['intent']}/confirm",
            body=urllib.parse.urlencode(form).encode(),
            headers={
                "Authorization": f"Bearer {self.publishable_key}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )

    def _approve(self, intent: str) -> None:
        path = f"/sandbox/payment_intents/{intent}/approve"
        send_json(self.stripe_url, "POST", path, {})

    def _try_wallet(self, story: Story, session: Session, payment: dict[str, Any]) -> None:
        """Go on with another method, as somebody does whose card was declined."""
        wanted = {"method": "alipay", "return_url": "https://example.com/back"}
        path = f"/v1/payments/{payment['id']}/attempts"
        answer = self._call(session, "POST", path, wanted, story, "another method")
        if answer is None or answer.status != _CREATED:
            seen = self._look(session, story, payment["id"])
            action = (seen or {}).get("next_action")
        else:
            action = self._await_action(story, session, answer.json)
        if action is not None:
            self._confirm(action)

    def _cancel(self, story: Story, session: Session, payment_id: str) -> None:
        path = f"/v1/payments/{payment_id}/cancellation"
        self._call(session, "POST", path, None, story, "cancel")

    def _look(self, session: Session, story: Story, payment_id: str) -> dict[str, Any] | None:
        path = f"/v1/payments/{payment_id}"
        answer = self._call(session, "GET", path, None, story, "look")
        if answer is None or answer.status != _OK:
            return None
        body: dict[str, Any] = answer.json
        return body

    def _call(
        self,
        session: Session,
        method: str,
        path: str,
        body: object | None,
        story: Story,
        purpose: str,
    ) -> Answer | None:
        return self._as(session, method, path, body, story.number, purpose)

    def _take_back(self, story: Story, session: Session, payment_id: str) -> None:
        """Ask twice at once for more than half of an item back; the desk says yes to both, twice.

        Only one can be kept: together they are more than was paid.
        """
        deadline = time.monotonic() + _POSTED_SECONDS
        item: dict[str, Any] | None = None
        while item is None and time.monotonic() < deadline:
            seen = self._look(session, story, payment_id)
            done = [i for i in (seen or {}).get("items", []) if i["status"] == "fulfilled"]
            item = done[0] if seen and seen["receipt_code"] and done else None
            time.sleep(0.3)
        if item is None:
            return
        wish = {"item_id": item["id"], "amount": item["amount"] * 6 // 10, "reason": "other"}
        keys = [_key(), _key()]
        asked = _at_once(
            [partial(self._ask_back, story, session, payment_id, wish, k) for k in keys]
        )
        ids = [answer.json["id"] for answer in asked if answer and answer.status == _CREATED]
        if ids:
            _at_once([partial(self._approve_return, story, refund) for refund in ids * 2])

    def _ask_back(
        self, story: Story, session: Session, payment_id: str, wish: dict[str, Any], key: str
    ) -> Answer | None:
        answer = None
        for _ in range(8):
            path = f"/v1/payments/{payment_id}/refunds"
            wanted = {**wish, "client_reference": key}
            answer = self._as(session, "POST", path, wanted, story.number, "ask back", key=key)
            if answer is not None and answer.status not in {*_BUSY, _CONFLICT}:
                break
            time.sleep(0.4)
        return answer

    def _approve_return(self, story: Story, refund: str) -> None:
        path = f"/v1/refunds/{refund}/approval"
        for _ in range(8):
            answer = self._call(self.desk, "POST", path, None, story, "approve return")
            if answer is not None and answer.status not in _BUSY:
                return
            time.sleep(0.4)

    # What others try.

    def _spy(self, house: Household, story: Story, payment_id: str) -> None:
        """Let a stranger try what only the payer may."""
        path = f"/v1/payments/{payment_id}"
        for method, target in (
            ("GET", path),
            ("GET", f"{path}/events"),
            ("GET", f"{path}/receipt"),
            ("POST", f"{path}/cancellation"),
        ):
            self._call(house.stranger, method, target, None, story, "stranger")

    def _forge(self, story: Story, payment: dict[str, Any]) -> None:
        """Send an event that no gateway has signed."""
        action = payment.get("next_action") or {}
        event = {
            "id": f"evt_forged{secrets.token_hex(8)}",
            "object": "event",
            "type": "payment_intent.succeeded",
            "data": {
                "object": {
                    "id": action.get("intent", "pi_none"),
                    "object": "payment_intent",
                    "amount": payment["amount"],
                    "amount_received": payment["amount"],
                    "status": "succeeded",
                    "metadata": {"payment": payment["id"]},
                }
            },
        }
        self.town.history.forge(event, story.number)


def _askers(house: Household, story: Story) -> list[tuple[Session, str]]:
    """Return who asks, and under which key."""
    if story.start is Start.SAME_KEY:
        key = _key()
        return [(house.first, key)] * story.callers
    if story.start is Start.OTHER_KEYS:
        return [(house.first, _key()) for _ in range(story.callers)]
    if story.start is Start.TWO_DEVICES:
        keys = [_key(), _key()]
        return [(house.first, keys[0]), (house.second, keys[0]), (house.second, keys[1])]
    if story.start is Start.TWO_CITIZENS:
        return [(house.first, _key()), (house.neighbour, _key())]
    return [(house.first, _key())]


def _key() -> str:
    return f"proof-{secrets.token_hex(12)}"


def _at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    if len(calls) == 1:
        return [calls[0]()]
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]
