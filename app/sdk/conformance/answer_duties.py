"""The duties of the wire, first half: answers that can be believed."""

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from app.core.egress import NoAnswer, Reply
from app.core.ids import new_id, new_secret
from app.sdk import wire
from app.sdk.conformance.caller import Statement, payable_path, said
from app.sdk.conformance.duty import Broken, Duty, need
from app.sdk.conformance.payable_duties import found_under, notice_of
from app.sdk.conformance.trial import Trial
from app.sdk.provider import Fulfilment, PaymentNotice
from app.sdk.remote import DISCOVERY, HEALTH

AT_ONCE = 5
_PROBLEM = "application/problem+json"


def discovery(trial: Trial) -> str:
    """Return what the provider says of itself."""
    found = trial.caller.get(DISCOVERY)
    need(isinstance(found, dict), f"it says {found!r}")
    need(found.get("contract") == wire.CONTRACT, f"it speaks contract {found.get('contract')!r}")
    need(found.get("name") == trial.manifest["name"], f"it calls itself {found.get('name')!r}")
    need(found.get("health") == HEALTH, f"its health is at {found.get('health')!r}")
    return f"contract {wire.CONTRACT}, {found['name']}"


def health(trial: Trial) -> str:
    """Return how the provider is."""
    found = trial.caller.get(HEALTH)
    need(isinstance(found, dict) and found.get("status") == "ok", f"it says {found!r}")
    return "ok"


def signed_answers(trial: Trial) -> str:
    """Return which answers were signed: good ones and refusals alike."""
    reference, citizen = trial.make_payable()
    paths = [
        "/payables",
        payable_path(reference),
        payable_path(trial.unknown_reference),
        f"/fulfilments/{new_id()}",
    ]
    seen = []
    for path in paths:
        prepared = trial.caller.prepare("GET", path, statement=Statement.of(citizen))
        reply = trial.caller.send(prepared)
        trial.caller.believe(prepared, reply)
        seen.append(str(reply.status))
    return ", ".join(seen)


def problems(trial: Trial) -> str:
    """Return how an unknown reference is refused: a problem document with a code (RFC 9457)."""
    statement = Statement.of(trial.citizen)
    path = payable_path(trial.unknown_reference)
    reply = trial.caller.send(trial.caller.prepare("GET", path, statement=statement))
    need(reply.status == HTTPStatus.NOT_FOUND, f"it answers {said(reply)}")
    kind = reply.headers.get("content-type", "")
    need(kind.partition(";")[0].strip() == _PROBLEM, f"its Content-Type is {kind!r}")
    try:
        body = reply.json()
    except NoAnswer as error:
        raise Broken("the refusal is not JSON") from error
    code = body.get("code") if isinstance(body, dict) else None
    need(isinstance(code, str) and bool(code), f"its code is {code!r}")
    return said(reply)


def odd_references(trial: Trial) -> str:
    """Return how references with odd characters are refused: as any other unknown one."""
    seen = []
    for reference in (f"停车/{new_id()}", f"a b?c#d&{new_id()}", "%2e%2e", "'; --"):
        prepared = trial.caller.prepare(
            "GET", payable_path(reference), statement=Statement.of(trial.citizen)
        )
        reply = trial.caller.send(prepared)
        trial.caller.believe(prepared, reply)
        need(reply.status == HTTPStatus.NOT_FOUND, f"{reference!r} is answered with {said(reply)}")
        seen.append(said(reply))
    return f"{len(seen)} of {len(seen)} not found"


def strangers(trial: Trial) -> str:
    """Return what a citizen owes of whom nobody has ever heard: nothing."""
    trial.make_payable()  # somebody has asked for something now
    stranger = Statement(f"conformance-{new_secret(16)}")
    found = trial.caller.get("/payables", stranger)
    need(isinstance(found, dict) and found.get("items") == [], f"it is {str(found)[:200]}")
    return "nothing"


def told_at_once(trial: Trial) -> str:
    """Return what five notices with one key got at the same moment: one answer, and one booking."""
    if trial.declared["posting"] == "neither":
        return "its posting promises nothing of the kind"
    reference, citizen = trial.make_payable()
    notice = notice_of(trial.provider.get_payable(reference, citizen))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        replies = list(pool.map(lambda _: _tell(trial, notice), range(AT_ONCE)))
    good = [reply for reply in replies if reply.status == HTTPStatus.OK]
    later = {HTTPStatus.ACCEPTED, HTTPStatus.SERVICE_UNAVAILABLE}
    others = [said(reply) for reply in replies if reply.status not in {HTTPStatus.OK, *later}]
    need(not others, f"{', '.join(others)} for the same notice")
    need(bool(good), "none of them was booked")
    booked: set[object] = {wire.load(Fulfilment, reply.json()) for reply in good}
    booked.add(found_under(trial, notice.key))
    need(len(booked) == 1, f"different answers for one key: {booked}")
    return f"{len(good)} times {good[0].status}, one booking"


def _tell(trial: Trial, notice: PaymentNotice) -> Reply:
    path = f"/fulfilments/{notice.key}"
    prepared = trial.caller.prepare("PUT", path, key=notice.key, body=wire.dump(notice))
    return trial.caller.send(prepared)


FIRST: tuple[Duty[Trial], ...] = (
    Duty(
        "discovery",
        "The discovery document says who it is and which contract it speaks",
        'answer GET /.well-known/city-provider: {"contract": 1, "name": …, "health": "/health"}',
        discovery,
    ),
    Duty(
        "health",
        "It is well, and says so",
        'answer GET /health with 200 {"status": "ok"}, within two seconds and without a redirect',
        health,
    ),
)

DUTIES: tuple[Duty[Trial], ...] = (
    Duty(
        "signed-answers",
        "Every answer is signed, refusals too, and only for its own request",
        "sign status, content-digest, content-type and the request's signature with a key of the"
        " manifest, after the body is made",
        signed_answers,
    ),
    Duty(
        "problems",
        "A refusal is a problem document with a code",
        "answer application/problem+json with a `code` that stays the same",
        problems,
    ),
    Duty(
        "odd-references",
        "References with odd characters are unknown references",
        "verify the path as it was sent, then decode its last segment, and look it up as a value",
        odd_references,
    ),
    Duty(
        "strangers",
        "A citizen of whom nobody has heard owes nothing",
        "list by the context's `sub` and claims, and nothing for whom you do not know",
        strangers,
    ),
    Duty(
        "told-at-once",
        "The same notice five times at the same moment is one booking",
        "let a unique key of your database decide, and give the answer that is under it",
        told_at_once,
    ),
)
