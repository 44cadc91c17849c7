"""Who takes part: an applicant's app, and officers at the desks of departments."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any
from urllib.parse import quote

from app.cli.demo.actors import City, Phone, confirm_card, new_key, order_of
from app.cli.demo.story import check, expect, expect_refusal, wait_for
from app.cli.demo.wire import Answer, call

PLACE, FEE_SERVICE = "/v1/permits", "permit-fee"
UNAUTHORIZED, UNAVAILABLE = 401, 503
_LATE, _STEP_UP = "audit-sealing-late", "step-up-required"
_CODE = re.compile(r"验证码 ([0-9]{6})，用于确认本人操作")


@dataclass(frozen=True, slots=True)
class Account:
    """A member of staff and their token."""

    id: str
    token: str


MakeStaff = Callable[[str, str | None], Account]
"""Makes a member of staff with a role, of a department; what `staff create` does."""


class Applicant:
    """The app of whoever applies: logged in by SMS, with a proven name."""

    def __init__(self, web: str, city: City) -> None:
        self._phone = Phone.fresh(web)
        self._city = city
        self._refresh = ""
        self._password = token_urlsafe(18)

    def log_in(self) -> str:
        """Log in, set a password, prove a name and return it."""
        wanted = {"phone": self._phone.number, "purpose": "login"}
        asked = expect(self._phone.post("/v1/auth/challenges", wanted), 202)
        code = self._city.code_sent_to(self._phone.number)
        self._refresh = self._phone.start_session(asked["id"], code)["refresh_token"]
        expect(self.send("PUT", "/v1/me/password", {"password": self._password}), 204)
        person = self._city.make_person()
        right = {"name": person.name, "resident_id": person.resident_id}
        made = expect(self._phone.post("/v1/me/verifications", right), 201)
        check("verification", "verified", made["status"])
        return person.name

    def apply(self, bundle: str, answers: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Begin an application, hand in all that it needs, submit it; and count the files."""
        wish = {"bundle": bundle, "answers": answers}
        begun = expect(self.send("POST", f"{PLACE}/applications", wish), 201)
        place = f"{PLACE}/applications/{begun['id']}"
        materials = expect(self.send("GET", f"{place}/materials"), 200)["items"]
        for material in materials:
            named = f"name={quote(material['title']['zh'])}.pdf"
            path = f"{place}/materials/{material['id']}/files?{named}"
            expect(self.send("POST", path, file=_a_pdf(material["id"])), 201)
        made = expect(self.send("POST", f"{place}/submission"), 200)
        check("application", "submitted", made["status"])
        return made, len(materials)

    def read(self, application_id: str, what: str = "") -> Any:  # noqa: ANN401 - JSON
        """Read my application, or what belongs to it."""
        return expect(self.send("GET", f"{PLACE}/applications/{application_id}{what}"), 200)

    def await_end(self, application_id: str) -> Any:  # noqa: ANN401 - JSON
        """Read my application until the worker has issued what was decided."""
        return wait_for(
            "the application is over",
            lambda: self.read(application_id),
            lambda seen: seen["ended_at"] is not None,
        )

    def await_fee(self, application_id: str) -> Any:  # noqa: ANN401 - JSON
        """Read my application until the worker has said by when its fee is to be paid."""
        return wait_for(
            "the fee is asked for",
            lambda: self.read(application_id),
            lambda seen: all(fee["due_at"] is not None for fee in seen["fees"]),
        )

    def pay(self, fee: dict[str, Any]) -> None:
        """Pay a fee by card: refused at first, for so much needs a fresh proof of who pays."""
        order, key = order_of({"service": FEE_SERVICE, "reference": fee["reference"]}), new_key()
        refused = self.send("POST", "/v1/payments", order, key=key)
        expect_refusal(refused, UNAUTHORIZED, _STEP_UP)
        self._step_up()
        payment = expect(self.send("POST", "/v1/payments", order, key=key), 201)
        check("amount", fee["amount"], payment["amount"])
        check("intent", "succeeded", confirm_card(payment["next_action"])["status"])
        wait_for(
            "the money is booked",
            lambda: expect(self.get(f"/v1/payments/{payment['id']}"), 200),
            lambda seen: [item["status"] for item in seen["items"]] == ["fulfilled"],
        )

    def _step_up(self) -> None:
        """Prove myself anew, by my password and a code that comes by SMS."""
        before = len(self._codes_for_step_ups())
        begun = expect(self.send("POST", "/v1/auth/step-ups", {"means": "password"}), 201)
        codes = wait_for("the SMS", self._codes_for_step_ups, lambda seen: len(seen) > before)
        proof = {"code": codes[0], "password": self._password}
        expect(self.send("POST", f"/v1/auth/step-ups/{begun['id']}/completion", proof), 200)

    def _codes_for_step_ups(self) -> list[str]:
        """Return the codes of step-ups that came, the newest first; notices come beside them."""
        texts = self._city.texts_to(self._phone.number)
        return [found[1] for text in texts if (found := _CODE.search(text))]

    def get(self, path: str) -> Answer:
        """Read something."""
        return self.send("GET", path)

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        file: bytes | None = None,
        key: str | None = None,
    ) -> Answer:
        """Send something, once more with fresh tokens when those in hand have run out."""
        more = {"Idempotency-Key": key or new_key()} if method == "POST" else {}
        answer = self._send(method, path, body, file, more)
        if answer.status == UNAUTHORIZED and answer.body.get("code") != _STEP_UP:
            renewed = expect(
                self._phone.post("/v1/auth/sessions/refresh", {"refresh_token": self._refresh}), 200
            )
            self._phone.token, self._refresh = renewed["access_token"], renewed["refresh_token"]
            answer = self._send(method, path, body, file, more)
        return answer

    def _send(
        self, method: str, path: str, body: object, file: bytes | None, more: dict[str, str]
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self._phone.token}", **more}
        return call(method, self._phone.web + path, json_body=body, file=file, headers=headers)


@dataclass(frozen=True, slots=True)
class Officer:
    """A member of staff of a department, at its desk."""

    web: str
    account: Account
    department: str

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Read from the desk."""
        return expect(self._send("GET", path, None), 200)

    def do(self, path: str, method: str = "POST", **body: object) -> Any:  # noqa: ANN401 - JSON
        """Do something at the desk; after a leap of the clock the trail is first sealed."""
        return expect(
            wait_for(
                "the trail is sealed",
                lambda: self._send(method, path, body),
                lambda seen: seen.status != UNAVAILABLE or seen.body.get("code") != _LATE,
            ),
            200,
        )

    def _send(self, method: str, path: str, body: object) -> Answer:
        headers = {"Authorization": f"Bearer {self.account.token}"}
        return call(method, f"{self.web}{PLACE}/desk/{path}", json_body=body, headers=headers)


@dataclass(frozen=True, slots=True)
class Town:
    """The officers of one day: two at each desk, and who oversees a department."""

    desks: dict[tuple[str, str], Officer]

    @classmethod
    def open(cls, web: str, make_staff: MakeStaff, seats: list[tuple[str, str]]) -> "Town":
        """Let staff give each seat to a fresh officer; a token of theirs is good for eight hours.

        Their accounts are made as `staff create` makes them; everything else goes over HTTP.
        """
        manager = make_staff("security-admin", None)
        desks = {}
        for department, role in seats:
            account = make_staff("department-operator", department)
            path = f"seats/{account.id}/{role}"
            Officer(web, manager, "").do(path, "PUT", department=department)
            desks[department, role] = Officer(web, account, department)
        return cls(desks)

    def clerk(self, department: str) -> Officer:
        """Return who reviews and proposes."""
        return self.desks[department, "clerk"]

    def decider(self, department: str) -> Officer:
        """Return who decides."""
        return self.desks[department, "decider"]

    def supervisor(self, department: str) -> Officer:
        """Return who oversees a department, and sees to its alarms."""
        return self.desks[department, "supervisor"]


def _a_pdf(words: str) -> bytes:
    """Return a PDF as far as its beginning and its end tell."""
    return f"%PDF-1.7\n% {words}\ntrailer\n%%EOF\n".encode()
