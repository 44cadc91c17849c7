"""What each form of an interaction does, and which page an interaction shows next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from flask import Response, request
from marshmallow import ValidationError

from app.consent import service as consent
from app.core.crypto import mask_phone
from app.core.errors import Invalid
from app.core.passkeys import PasskeyRefused
from app.core.unit_of_work import UnitOfWork
from app.credentials.schemas import UsedPasskeySchema
from app.credentials.values import Ceremony
from app.http.context import client_address, deps
from app.http.cookies import drop_cookie, read_cookie, set_cookie
from app.http.json_input import parse_json
from app.identity import service as identity
from app.identity.service import IdentityDeps
from app.identity.values import Device, LogIn, PasskeyLogIn, PasswordLogIn, Purpose, SignedIn
from app.oauth import service
from app.oauth.pages.forms import Form, proof_of
from app.oauth.pages.page import Fault, go_to, show
from app.oauth.service import OAuthDeps
from app.oauth.service.consents import AGREEMENT
from app.oauth.values import (
    BROWSER_COOKIE,
    SESSION_COOKIE,
    BrowserSession,
    Interaction,
    Kind,
    Step,
)

_CODE_LENGTH = 6
WAYS = ("code", "password")
"""The ways to log in that have a page of their own; a passkey's is made when it is asked."""

CLAIM_TITLES: Mapping[str, tuple[str, str]] = {
    "nickname": ("隐去部分的姓名", "your name in part"),
    "phone_number": ("手机号码", "phone number"),
    "phone_number_verified": ("号码已核实", "that the number is proven"),
    "name": ("姓名", "name"),
    "resident_id": ("身份证号码", "resident identity number"),
}
"""The attributes of a person as they are named when consent is asked for them."""

FIELDS: Mapping[str, str] = {
    "phone": "phone",
    "code": "code",
    "password": "password",
    "verify": "resident_id",
    "device": "user_code",
}
"""Which field a refused form's fault is shown at."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One browser at one interaction, and who is logged in there."""

    interaction: Interaction
    browser: str
    session: BrowserSession | None


@dataclass(frozen=True, slots=True)
class Account:
    """Who is logged in, as they are shown to themselves."""

    phone: str
    assurance: str


@dataclass(frozen=True, slots=True)
class Posted:
    """A form that was sent, should it have to be shown again."""

    interaction_id: UUID | None
    form: Form

    def typed(self) -> dict[str, Any]:
        """Return how the same page is shown again: all that was typed but the secrets."""
        form = self.form
        step = form.one("step")
        return {
            "way": step if step in WAYS else "code",
            "challenge": form.one("challenge") or None if step == "code" else None,
            "typed": {
                "phone": form.one("phone"),
                "name": form.one("name"),
                "scopes": form.all("scope"),
            },
        }


def read_visit(uow: UnitOfWork, interaction_id: UUID) -> Visit:
    """Return what this browser's cookies make of an interaction.

    Raise `InteractionNotFound` in any browser but the one it began in, or `InteractionOver`.
    """
    browser = read_cookie(BROWSER_COOKIE) or ""
    known = service.read_browser_session(uow, deps(OAuthDeps), read_cookie(SESSION_COOKIE))
    session = service.visitor_of(uow, interaction_id, browser, known)
    interaction = service.read_interaction(uow, deps(OAuthDeps), interaction_id, browser, session)
    return Visit(interaction, browser, session)


def show_visit(
    uow: UnitOfWork,
    visit: Visit,
    *,
    way: str = "code",
    challenge: object = None,
    question: str | None = None,
    typed: Mapping[str, Any] | None = None,
    fault: Fault | None = None,
    status: int = 200,
) -> Response:
    """Return the page of an interaction's next step."""
    interaction = visit.interaction
    values: dict[str, Any] = {
        "interaction": interaction,
        "csrf": proof_of(visit.browser, str(interaction.id)),
        "who": _account(uow, visit),
        "claims": CLAIM_TITLES,
        "typed": typed or {},
    }
    if interaction.step is Step.CONSENT:
        agreement = consent.current_agreement(uow, AGREEMENT)
        sensitive = {a.name for a in agreement.attributes if a.sensitivity == "sensitive"}
        values |= {"agreement": agreement, "sensitive": sensitive}
    if interaction.step is Step.LOG_IN:
        is_known = way in WAYS or question is not None
        values |= {
            "way": way if is_known else "code",
            "challenge": challenge,
            "question": question,
        }
    return show(
        _PAGES[interaction.step],
        status=status,
        fault=fault,
        wished=interaction.ui_locales,
        leads_to=interaction.redirect_uri,
        **values,
    )


_PAGES: Mapping[Step, str] = {
    Step.LOG_IN: "log_in",
    Step.RAISE_LEVEL: "raise_level",
    Step.CONSENT: "consent",
    Step.CONFIRM: "log_out",
}


def _account(uow: UnitOfWork, visit: Visit) -> Account | None:
    if visit.session is None:
        return None
    keyring = deps(IdentityDeps).keyring
    known = identity.attributes_of(uow, keyring, visit.session.citizen_id, {"phone"})
    return Account(mask_phone(known.values["phone"]), known.assurance)


def _send_code(uow: UnitOfWork, visit: Visit, form: Form) -> Response:
    opened = identity.open_challenge(
        uow, deps(IdentityDeps), form.one("phone"), Purpose.LOGIN, client_address()
    )
    return go_to(f"{_place(visit)}?challenge={opened.id}")


def _log_in_with_code(uow: UnitOfWork, visit: Visit, form: Form) -> Response:
    code = form.one("code")
    if not (len(code) == _CODE_LENGTH and code.isascii() and code.isdigit()):
        raise Invalid
    login = LogIn(_id(form.one("challenge")), code, _device())
    signed_in = identity.start_session(uow, deps(IdentityDeps), login, client_address())
    return _begin(uow, visit, signed_in, "otp", "sms")


def _log_in_with_password(uow: UnitOfWork, visit: Visit, form: Form) -> Response:
    login = PasswordLogIn(form.one("phone"), form.one("password"), _device())
    signed_in = identity.start_session(uow, deps(IdentityDeps), login, client_address())
    return _begin(uow, visit, signed_in, "pwd")


def _ask_passkey(uow: UnitOfWork, visit: Visit, form: Form) -> Response:  # noqa: ARG001 - a step
    """Show the page on which our script asks the browser's passkey."""
    asked = identity.ask_passkey(uow, deps(IdentityDeps), Ceremony.LOGIN, None)
    question = orjson.dumps(asked.public_key).decode()
    return show_visit(uow, visit, way="passkey", question=question)


def _log_in_with_passkey(uow: UnitOfWork, visit: Visit, form: Form) -> Response:
    try:
        answer = UsedPasskeySchema().load(parse_json(form.one("answer").encode()))
    except ValidationError as error:
        raise PasskeyRefused from error
    login = PasskeyLogIn(answer, _device())
    signed_in = identity.start_session(uow, deps(IdentityDeps), login, client_address())
    return _begin(uow, visit, signed_in, "pop", "user", "mfa")


def _begin(uow: UnitOfWork, visit: Visit, signed_in: SignedIn, *means: str) -> Response:
    """Bind the browser to a session that was just begun, and go on with the interaction.

    The cookie's secret is new with each log-in, so that one planted before is worth nothing.
    """
    secret = service.open_browser_session(
        uow, deps(OAuthDeps), signed_in.citizen_id, signed_in.session_id, means
    )
    session = service.read_browser_session(uow, deps(OAuthDeps), secret)
    service.leave_entry(uow, visit.interaction.id)
    after = service.read_interaction(
        uow, deps(OAuthDeps), visit.interaction.id, visit.browser, session
    )
    target = _place(visit)
    if after.step is Step.CONSENT and after.is_consented:
        granted = frozenset(line.scope for line in after.scopes)
        target = service.decide_interaction(
            uow, deps(OAuthDeps), after.id, visit.browser, session, granted=granted
        )
    response = go_to(target)
    set_cookie(response, SESSION_COOKIE, secret)
    return response


def _verify(uow: UnitOfWork, visit: Visit, form: Form) -> Response:
    if visit.session is not None:
        identity.verify_citizen(
            uow,
            deps(IdentityDeps),
            visit.session.citizen_id,
            form.one("name"),
            form.one("resident_id"),
        )
    return go_to(_place(visit))


def _consent(uow: UnitOfWork, visit: Visit, form: Form) -> Response:
    """Grant what is required and what was ticked; any other button refuses."""
    if form.one("decision") != "allow":
        return _refuse(uow, visit, form)
    ticked = set(form.all("scope"))
    granted = {line.scope for line in visit.interaction.scopes if line.required}
    granted |= {line.scope for line in visit.interaction.scopes if line.scope in ticked}
    return _decide(uow, visit, frozenset(granted))


def _refuse(uow: UnitOfWork, visit: Visit, form: Form) -> Response:  # noqa: ARG001 - a step
    return _decide(uow, visit, None)


def _decide(uow: UnitOfWork, visit: Visit, granted: frozenset[str] | None) -> Response:
    target = service.decide_interaction(
        uow,
        deps(OAuthDeps),
        visit.interaction.id,
        visit.browser,
        visit.session,
        granted=granted,
    )
    response = go_to(target)
    if visit.interaction.kind is Kind.LOGOUT and granted is not None:
        drop_cookie(response, SESSION_COOKIE)
    return response


def _switch(uow: UnitOfWork, visit: Visit, form: Form) -> Response:  # noqa: ARG001 - a step
    """End this browser's session, so that somebody else can log in.

    Whoever came in from the city's app stays logged in there; here they are forgotten.
    """
    response = go_to(_place(visit))
    if visit.session is not None and visit.session.entry_id is not None:
        service.leave_entry(uow, visit.interaction.id)
        return response
    if visit.session is not None:
        service.end_browser_session(uow, visit.session)
    drop_cookie(response, SESSION_COOKIE)
    return response


STEPS: Mapping[str, Callable[[UnitOfWork, Visit, Form], Response]] = {
    "phone": _send_code,
    "code": _log_in_with_code,
    "password": _log_in_with_password,
    "ask-passkey": _ask_passkey,
    "passkey": _log_in_with_passkey,
    "verify": _verify,
    "consent": _consent,
    "log-out": _consent,
    "refuse": _refuse,
    "switch": _switch,
}
"""What the forms of an interaction may ask for, by their hidden field."""


def _place(visit: Visit) -> str:
    return f"/oauth/interaction/{visit.interaction.id}"


def _device() -> Device:
    """Return this browser as its citizen will find it in the list of sessions."""
    agent = request.user_agent.string
    known = (
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    )
    name = next((name for mark, name in known if mark in agent), "")
    return Device(name=f"浏览器 {name}".strip(), platform="browser")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid from error
