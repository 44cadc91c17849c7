"""The application: authenticate, open the unit of work, dispatch, commit; in this order, once."""

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, cast
from uuid import UUID, uuid5

import structlog
from flask import Flask, Request, Response, g, request
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter

from app.core import idempotency
from app.core.deadline import serving
from app.core.errors import (
    ActingNotAllowed,
    AssuranceTooLow,
    DomainError,
    Forbidden,
    InsufficientScope,
    Invalid,
    Malformed,
    NotFromHere,
    StepUpRequired,
    Unauthenticated,
)
from app.core.tokens import FIRST_PARTY, Mandated, Principal
from app.core.unit_of_work import UnitOfWork, Units
from app.http import envelope, problems
from app.http.blueprint import Access, access_of, check_json_type
from app.http.json_input import parse_json
from app.http.possession import KeyCheck, read_token
from app.http.rate_limit import PER_ADDRESS, PER_PRINCIPAL, RateLimiter
from app.http.served import Served, describe_served
from app.http.shedding import Lanes
from app.http.watch import Watch

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SERIALIZATION = {"40001", "40P01", "55P03"}
_TRIES = 5
REQUEST_SECONDS = 12.0
_KEPT_HEADERS = ("Content-Type", "Location")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route: its marks, and what input it declares."""

    access: Access
    takes_query: bool
    takes_json: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Door:
    """What the server needs to let somebody in; made in the factory."""

    units: Units
    authenticate: Callable[[str, bool], Principal]
    limiter: RateLimiter
    lanes: Lanes
    body_key: Callable[[], bytes]
    check_sealing: Callable[[], None]
    loopback_exempt: bool
    require_tls: bool
    note_act: Callable[[UnitOfWork, Principal, str, str], None]
    note_served: Callable[[Served], None]
    keys: KeyCheck
    check_open: Callable[[str], None] = lambda _: None
    staff_networks: tuple[IPv4Network | IPv6Network, ...] = ()


class SlugConverter(BaseConverter):
    """A lower-case name of letters, digits and hyphens in a path."""

    regex = "[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"


class NameConverter(BaseConverter):
    """What may be the name of a plug-in or company in a path; whether it is one, its room knows."""

    regex = "[a-z0-9][a-z0-9_-]{0,62}"


class KeyConverter(BaseConverter):
    """The id that somebody has given to a key, in a path."""

    regex = "[A-Za-z0-9._~-]{1,64}"


class WayConverter(BaseConverter):
    """Several plain segments of a path, of which somebody else says what they mean."""

    regex = "[A-Za-z0-9._:~-][A-Za-z0-9._:~/-]{0,299}"


class Server(Flask):
    """Flask with one way through: closed doors, one unit of work, one commit."""

    json_provider_class = envelope.OrjsonProvider
    door: Door

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)
        self.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
        self.url_map.converters.update(
            slug=SlugConverter, name=NameConverter, kid=KeyConverter, way=WayConverter
        )
        self.url_map.strict_slashes = True
        self.url_map.merge_slashes = False
        self.url_map.redirect_defaults = False
        self.before_request(envelope.open_request)
        self.after_request(envelope.close_response)
        self.after_request(self._note_served)
        problems.register(self)
        self._operations: dict[tuple[str, str], Operation] = {}
        self._watch = Watch(self._unit)

    def trust_proxies(self, hops: int) -> None:
        """Believe the address and scheme that the nearest `hops` proxies, our own, have written."""
        if hops:
            self.wsgi_app = ProxyFix(self.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]

    def dispatch_request(self, *context: Any) -> Any:  # noqa: ANN401 - Flask's signature
        """Let the caller in, run the view in its unit of work, commit, and only then answer.

        Flask 3.2 hands the context to this method; it is passed on.
        """
        if request.routing_exception is not None:
            return super().dispatch_request(*context)
        operation = self._operation(request)
        g.access = operation.access
        request.max_content_length = operation.access.max_body
        with ExitStack() as held:
            held.enter_context(self.door.lanes.admit(operation.access.lane))
            try:
                self._authenticate(operation.access)
                self._limit(operation.access)
                _check_input(operation)
                self.door.check_open(request.blueprint or "")
                held.enter_context(serving(operation.seconds))
                return self._execute(operation, context)
            except DomainError as error:
                self._watch.refusal(operation.access, error)
                raise

    def _note_served(self, response: Response) -> Response:
        """Have the call noted for the system that made it, if it is somebody else's."""
        served = describe_served(response)
        if served is not None:
            self.door.note_served(served)
        return response

    def _operation(self, req: Request) -> Operation:
        endpoint, method = req.endpoint or "", req.method
        found = self._operations.get((endpoint, method))
        if found is None:
            view = self.view_functions[endpoint]
            kind = getattr(view, "view_class", None)
            name = "get" if method == "HEAD" else method.lower()
            handler = getattr(kind, name, view) if kind else view
            parameters = getattr(handler, "_apidoc", {}).get("arguments", {}).get("parameters", ())
            found = Operation(
                access=access_of(handler),
                takes_query=any(p["in"] == "query" for p in parameters),
                takes_json=any(p["in"] == "json" for p in parameters),
                seconds=self._seconds(req.blueprint),
            )
            self._operations[endpoint, method] = found
        return found

    def _seconds(self, blueprint: str | None) -> float:
        seconds = getattr(self.blueprints.get(blueprint or ""), "seconds", None)
        return REQUEST_SECONDS if seconds is None else float(seconds)

    def _authenticate(self, access: Access) -> None:
        if access.from_office:
            self._check_office()
        if access.public and not access.from_office:
            return
        if self.door.require_tls and not request.is_secure:
            raise Forbidden("This API is served over TLS only.")
        if access.public:
            return
        fresh = request.method not in _SAFE or access.permission is not None or access.step_up
        try:
            presented = read_token(request)
            who = self.door.authenticate(presented.token, fresh)
            if not fresh and not who.reaches(access.assurance):
                who = self.door.authenticate(presented.token, True)  # noqa: FBT003 - a callable's
            self.door.keys.check(request, presented, who)
        except Unauthenticated:
            self._limit_address()
            raise
        g.principal = who
        structlog.contextvars.bind_contextvars(actor=who.actor)
        if who.kind == "staff":
            self._check_office()
        _check_power(who, access)
        if access.permission is not None and request.method not in _SAFE:
            self.door.check_sealing()

    def _check_office(self) -> None:
        """Refuse whoever calls from outside the staff's networks, where these are set."""
        networks, address = self.door.staff_networks, ip_address(g.address)
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if networks and not any(address in network for network in networks):
            raise NotFromHere

    def _limit(self, access: Access) -> None:
        who: Principal | None = g.get("principal")
        if not access.metered:
            return
        if who is None:
            self._limit_address()
            return
        g.allowance = self.door.limiter.hit(PER_PRINCIPAL, "principal", str(who.id))
        if access.rate is not None:
            g.allowance = self.door.limiter.hit(access.rate, request.endpoint or "", str(who.id))

    def _limit_address(self) -> None:
        if self.door.loopback_exempt and ip_address(g.address).is_loopback:
            return
        g.allowance = self.door.limiter.hit(PER_ADDRESS, "address", g.address)

    def _execute(self, operation: Operation, context: tuple[Any, ...]) -> Response:
        access = operation.access
        claim = self._claim(access)
        for attempt in range(1, _TRIES + 1):
            g.uow = None
            try:
                return self._replay(claim, access) or self._run(access, claim, context)
            except DBAPIError as error:
                is_final = g.uow is not None and g.uow.may_have_committed
                if attempt == _TRIES or is_final or not _is_passing(error, attempt):
                    raise
                time.sleep(random.uniform(0, min(0.2, 0.01 * 2**attempt)))  # noqa: S311 - jitter
        raise AssertionError("unreachable")

    def _replay(self, claim: idempotency.Claim | None, access: Access) -> Response | None:
        """Return the answer that this key's first request was given, if it was."""
        if claim is None or claim.is_held:
            return None
        with self._unit() as uow:
            answer = idempotency.look_up(uow, claim)
            if answer is not None:
                self._watch.act(uow, access, answer.status)
        return None if answer is None else _replay(answer)

    def _run(
        self, access: Access, claim: idempotency.Claim | None, context: tuple[Any, ...]
    ) -> Response:
        is_reader = request.method in _SAFE and not access.writes
        try:
            with self._unit(read_only=is_reader, key=claim) as uow:
                g.uow = uow
                response = self.make_response(super().dispatch_request(*context))
                if not is_reader:
                    self._note_act(uow)
                if claim is not None:
                    claim.keep(uow, _answer(response))
                self._watch.act(uow, access, response.status_code)
        except idempotency.KeyInFlight:
            raise
        except Exception as error:
            if claim is None or g.uow is None:
                raise
            if not g.uow.has_committed:
                return self._overtaken(claim, access, error)
            # Execution has begun: the refusal is this key's answer from now on.
            response = problems.response_for(error)
            with self._unit() as uow:
                claim.keep(uow, _answer(response))
                self._watch.act(uow, access, response.status_code)
            return response
        if is_reader and _mandate() is not None:
            with self._unit() as uow:
                self._note_act(uow)
        return response

    def _overtaken(self, claim: idempotency.Claim, access: Access, error: Exception) -> Response:
        """Return what a faster request with the same key was answered, or raise the error.

        What refuses this one may be what that one has just made: its own payment of a bill.
        """
        answer = self._replay(claim, access) if isinstance(error, DomainError) else None
        if answer is None:
            raise error
        return answer

    def _note_act(self, uow: UnitOfWork) -> None:
        """Have written down what was done in another's name, before anybody gets the answer."""
        if _mandate() is not None:
            action = self._operation(request).access.acting or ""
            self.door.note_act(uow, g.principal, action, _operation_name())

    def _unit(
        self, *, read_only: bool = False, key: idempotency.Claim | None = None
    ) -> AbstractContextManager[UnitOfWork]:
        who: Principal | None = g.get("principal")
        return self.door.units.open(
            actor=who.actor if who else "anonymous",
            read_only=read_only,
            request_id=g.request_id,
            address=g.address,
            key=key,
        )

    def _claim(self, access: Access) -> idempotency.Claim | None:
        header = request.headers.get("Idempotency-Key")
        if not access.idempotent or (header is None and access.key_optional):
            return None
        key = idempotency.parse_key(header)
        operation = _operation_name()
        who = cast("Principal", g.principal)
        return idempotency.Claim(
            principal_id=_key_owner(who),
            key=key,
            operation=operation,
            fingerprint=idempotency.fingerprint(f"{operation} {request.path}", _payload(access)),
            body_key=self.door.body_key(),
        )


def _mandate() -> Mandated | None:
    who: Principal | None = g.get("principal")
    return who.mandate if who is not None else None


def _key_owner(who: Principal) -> UUID:
    """Return whose an idempotency key is, so that nobody is given an answer meant for another.

    A delegate's keys are the mandate's; a client's are its own for each citizen, under any grant.
    """
    if who.mandate is not None:
        return who.mandate.id
    if who.client_id != FIRST_PARTY:
        return uuid5(who.id, who.client_id)
    return who.id


def _operation_name() -> str:
    rule = request.url_rule.rule if request.url_rule else request.path
    return f"{request.method} {rule}"


def _check_power(who: Principal, access: Access) -> None:
    needed = access.permission or access.integrator_scope
    if needed is not None:
        kind = "staff" if access.permission else "integrator"
        if who.kind != kind or needed not in who.permissions:
            raise Forbidden
    else:
        _check_citizens_power(who, access)
    if access.step_up and not who.is_stepped_up:
        raise StepUpRequired


def _check_citizens_power(who: Principal, access: Access) -> None:
    if who.kind == "guest" and access.guest:
        return
    if who.kind != "citizen":
        raise Forbidden
    if who.scopes is not None and not (access.scope and access.scope in who.scopes):
        raise InsufficientScope(challenge=_scope_challenge(access))
    if who.mandate is not None and not (access.acting and who.mandate.allows(access.acting)):
        raise ActingNotAllowed
    if not who.reaches(access.assurance):
        raise AssuranceTooLow(needed=access.assurance)


def _scope_challenge(access: Access) -> str:
    """Return the challenge that names the scope an operation needs, if any scope opens it."""
    scope = f', scope="{access.scope}"' if access.scope else ""
    return f'Bearer realm="wudang", error="insufficient_scope"{scope}'


def _check_input(operation: Operation) -> None:
    """Refuse what an operation has not asked for: query arguments and bodies."""
    if request.args and not (operation.takes_query or operation.access.takes_any_query):
        faults = [{"parameter": name, "message": "Unknown argument."} for name in request.args]
        raise Invalid(errors=faults)
    if request.method in _SAFE:
        # Looked at, not read: nobody waits for a body that has no meaning.
        if request.content_length or "Transfer-Encoding" in request.headers:
            raise Malformed("This operation takes no body.")
        return
    access = operation.access
    if operation.takes_json or access.raw_type or access.takes_form or not request.get_data():
        return
    check_json_type(request)
    if parse_json(request.get_data()) != {}:
        raise Malformed("This operation takes no body.")


def _payload(access: Access) -> Any:  # noqa: ANN401 - any JSON value
    """Return what a repeated key has to bring again: the JSON value, or a name of the bytes."""
    raw = request.get_data()
    if access.raw_type:
        return sha256(raw).hexdigest()
    if not raw:
        return None
    check_json_type(request)
    return parse_json(raw)


def _is_passing(error: DBAPIError, attempt: int) -> bool:
    """Say whether a database error is worth another try: a lost race, or one broken connection."""
    if isinstance(error, OperationalError) and error.connection_invalidated:
        return attempt == 1
    return getattr(error.orig, "sqlstate", None) in _SERIALIZATION


def _answer(response: Response) -> idempotency.Answer:
    headers = {n: response.headers[n] for n in _KEPT_HEADERS if n in response.headers}
    return idempotency.Answer(response.status_code, headers, response.get_data())


def _replay(answer: idempotency.Answer) -> Response:
    response = Response(answer.body, status=answer.status, headers=answer.headers)
    response.headers["Idempotent-Replayed"] = "true"
    return response
