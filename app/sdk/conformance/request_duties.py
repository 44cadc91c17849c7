"""The duties of the wire, second half: requests that must not be believed.

A forged request names something unpaid, and would be booked if it were taken for the city's; the
duty is kept when it is refused and the provider's books say that nothing has happened.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.egress import Reply
from app.core.ids import new_id, new_secret
from app.core.signatures import PROVIDER_CALL
from app.sdk import wire
from app.sdk.conformance.caller import (
    Prepared,
    Statement,
    Terms,
    digest,
    payable_path,
    said,
)
from app.sdk.conformance.duty import Duty, need
from app.sdk.conformance.payable_duties import notice_of
from app.sdk.conformance.trial import Trial

STALE = timedelta(minutes=10)
_AT_THE_DOOR = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
"""Any other refusal is an answer to the city: whoever gives it has believed the request."""


def unsigned(trial: Trial) -> str:
    """Return how a request without a signature is refused."""
    return _not_booked(trial, lambda sent: _without(sent, "Signature", "Signature-Input"))


def forged(trial: Trial) -> str:
    """Return how a request is refused that somebody else has signed in the name of our key."""
    return _not_booked(trial, terms=Terms(key=Ed25519PrivateKey.generate()))


def unknown_signer(trial: Trial) -> str:
    """Return how a request is refused that was signed with a key of nobody."""
    terms = Terms(key=Ed25519PrivateKey.generate(), key_id=f"key-{new_secret(8)}")
    return _not_booked(trial, terms=terms)


def stale(trial: Trial) -> str:
    """Return how a request is refused that was signed ten minutes ago."""
    return _not_booked(trial, terms=Terms(age=STALE))


def replayed(trial: Trial) -> str:
    """Return how a request is refused that came before, to the letter."""
    reference, citizen = trial.make_payable()
    prepared = trial.caller.prepare("GET", payable_path(reference), statement=Statement.of(citizen))
    first = trial.caller.send(prepared)
    need(first.status == HTTPStatus.OK, f"the first time it is answered with {said(first)}")
    return refused(trial.caller.send(prepared))


def swapped_body(trial: Trial) -> str:
    """Return how a request is refused whose body was exchanged, with the digest and without."""

    def only_the_body(sent: Prepared) -> Prepared:
        return replace(sent, body=_older(sent.body))

    def with_its_digest(sent: Prepared) -> Prepared:
        body = _older(sent.body)
        return replace(sent, body=body, headers={**sent.headers, "Content-Digest": digest(body)})

    return f"{_not_booked(trial, only_the_body)}, {_not_booked(trial, with_its_digest)}"


def moved(trial: Trial) -> str:
    """Return how a request is refused that was signed for another address."""
    key = str(new_id())
    return _not_booked(
        trial,
        lambda sent: replace(sent, url=sent.url.rpartition("/")[0] + f"/{key}"),
        moved_to=key,
    )


def other_purpose(trial: Trial) -> str:
    """Return how a request is refused that our key has signed for another purpose."""
    return _not_booked(trial, terms=Terms(tag=PROVIDER_CALL))


def other_provider(trial: Trial) -> str:
    """Return how a request is refused that was signed for another provider and passed on."""
    other = f"{new_secret(6).lower().strip('_-')}.example"
    terms = Terms(authority=other)
    return _not_booked(
        trial,
        lambda sent: replace(sent, headers={**sent.headers, "Host": other}),
        terms=terms,
    )


def uncovered(trial: Trial) -> str:
    """Return how requests are refused in which something that counts is not signed."""
    seen = [_not_booked(trial, terms=Terms(uncovered=frozenset({"content-digest"})))]
    for name in ("citizen-context", "@path", "@authority"):
        terms = Terms(uncovered=frozenset({name}))
        seen.append(_not_shown(trial, Statement.of(trial.citizen), terms))
    return ", ".join(seen)


def context_needed(trial: Trial) -> str:
    """Return how a question about a citizen is refused that names none."""
    return _not_shown(trial, None)


def context_forged(trial: Trial) -> str:
    """Return how a citizen's context is refused that we have not signed."""
    key = Ed25519PrivateKey.generate()
    return _not_shown(trial, replace(Statement.of(trial.citizen), key=key))


def context_expired(trial: Trial) -> str:
    """Return how a citizen's context of ten minutes ago is refused."""
    return _not_shown(trial, replace(Statement.of(trial.citizen), age=STALE))


def context_for_another(trial: Trial) -> str:
    """Return how a citizen's context is refused that was meant for another provider."""
    return _not_shown(trial, replace(Statement.of(trial.citizen), audience="provider:another"))


def context_of_another_kind(trial: Trial) -> str:
    """Return how another token of ours is refused where a citizen's context belongs."""
    return _not_shown(trial, replace(Statement.of(trial.citizen), kind="at+jwt"))


def _not_booked(
    trial: Trial,
    bend: Callable[[Prepared], Prepared] = lambda sent: sent,
    *,
    terms: Terms | None = None,
    moved_to: str | None = None,
) -> str:
    """Return how a bent notice is refused; raise `Broken` if it is not, or has an effect."""
    reference, citizen = trial.make_payable()
    notice = notice_of(trial.provider.get_payable(reference, citizen))
    prepared = trial.caller.prepare(
        "PUT", f"/fulfilments/{notice.key}", key=notice.key, body=wire.dump(notice), terms=terms
    )
    seen = refused(trial.caller.send(bend(prepared)))
    for key in filter(None, (notice.key, moved_to)):
        need(
            trial.provider.find_fulfilment(key) is None,
            f"{seen}, and yet it was booked under {key}",
        )
    trial.provider.get_payable(reference, citizen)  # it is unpaid, as it was
    return seen


def _not_shown(trial: Trial, statement: Statement | None, terms: Terms | None = None) -> str:
    """Return how a question about a payable is refused; raise `Broken` if it is not."""
    reference, _ = trial.make_payable()
    prepared = trial.caller.prepare(
        "GET", payable_path(reference), statement=statement, terms=terms
    )
    return refused(trial.caller.send(prepared))


def refused(reply: Reply) -> str:
    """Return how a request was refused at the door; raise `Broken` if it was not."""
    need(reply.status in _AT_THE_DOOR, f"it is answered with {said(reply)}")
    return said(reply)


def _older(body: bytes | None) -> bytes:
    """Return a notice with another moment in it, which whoever does not look would book."""
    notice = json.loads(body or b"{}")
    moment = datetime.fromisoformat(notice["paid_at"]) - timedelta(hours=1)
    return json.dumps({**notice, "paid_at": moment.isoformat()}, ensure_ascii=False).encode()


def _without(sent: Prepared, *names: str) -> Prepared:
    left = {name: value for name, value in sent.headers.items() if name not in names}
    return replace(sent, headers=left)


DUTIES: tuple[Duty[Trial], ...] = (
    Duty(
        "unsigned",
        "A request without a signature is refused",
        "answer 401 before you look at anything else",
        unsigned,
    ),
    Duty(
        "forged",
        "A request that somebody else has signed is refused",
        "verify with the city's key (GET /v1/providers/keys), and answer 401",
        forged,
    ),
    Duty(
        "unknown-signer",
        "A request that was signed with an unknown key is refused",
        "take no key but those that the city publishes",
        unknown_signer,
    ),
    Duty(
        "stale",
        "A request of ten minutes ago is refused",
        "compare `created` and `expires` with your clock; a signature is good for a minute",
        stale,
    ),
    Duty(
        "replayed",
        "A request that came before is refused",
        "keep each nonce until its signature is over, under a unique key, and answer 401 to the"
        " second",
        replayed,
    ),
    Duty(
        "swapped-body",
        "A request whose body was exchanged is refused",
        "compute the SHA-256 of the body that came and compare it with Content-Digest",
        swapped_body,
    ),
    Duty(
        "moved",
        "A request that was signed for another address is refused",
        "build @method, @path and @query from the request line that came",
        moved,
    ),
    Duty(
        "other-purpose",
        "A signature for another purpose is refused",
        'want tag="city-to-provider"',
        other_purpose,
    ),
    Duty(
        "other-provider",
        "A request that was meant for another provider is refused",
        "compare @authority with the host of your own base_url",
        other_provider,
    ),
    Duty(
        "uncovered",
        "A request is refused in which something that counts is not signed",
        "want the four parts of the address and each of the six headers that stand there",
        uncovered,
    ),
    Duty(
        "context-needed",
        "A question about a citizen needs the citizen's context",
        "answer 403 without Citizen-Context",
        context_needed,
    ),
    Duty(
        "context-forged",
        "A citizen's context that the city has not signed is refused",
        "verify the token with the city's key, whatever signature the request has",
        context_forged,
    ),
    Duty(
        "context-expired",
        "A citizen's context is good for a minute",
        "compare `iat` and `exp` with your clock",
        context_expired,
    ),
    Duty(
        "context-for-another",
        "A citizen's context for another provider is refused",
        'want aud = "provider:<your name>"',
        context_for_another,
    ),
    Duty(
        "context-of-another-kind",
        "Another token of the city's is no citizen's context",
        'want typ = "citizen-context+jwt"',
        context_of_another_kind,
    ),
)
