"""Four eyes: a dangerous act is asked for by one and approved by another, and done once."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Select, or_, select

from app.core.clock import now
from app.core.crypto import Keyring, seal, unseal
from app.core.errors import Forbidden
from app.core.ids import new_id
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.staff.errors import (
    ActUnknown,
    NotOneself,
    OwnRequest,
    ParametersInvalid,
    RequestDecided,
    RequesterLost,
    RequestNotFound,
)
from app.staff.events import ActApproved, ActRejected, ActRequested, ApprovalRefused
from app.staff.models import StaffRequest
from app.staff.service.deps import StaffDeps
from app.staff.service.members import permissions_of
from app.staff.values import Act, Asked, RequestStatus, RequestView

_AT_ONCE = 500


def request_act(
    uow: UnitOfWork,
    deps: StaffDeps,
    who: Principal,
    name: str,
    parameters: Mapping[str, object],
    reason: str,
) -> RequestView:
    """Ask for a dangerous act; nothing happens until another person approves it within a day.

    Raise `ActUnknown`, `Forbidden`, `ParametersInvalid`, `NotOneself`, or whatever the act itself
    would refuse with now.
    """
    act = deps.acts.get(name)
    if act is None:
        raise ActUnknown(acts=sorted(deps.acts))
    if act.may_request not in who.permissions:
        raise Forbidden
    _check_parameters(act, parameters)
    moment, request_id = now(), new_id()
    asked = Asked(request_id, who.id, None, parameters)
    if not act.for_oneself and act.subject_of is not None and act.subject_of(asked) == who.id:
        raise NotOneself
    if act.examine is not None:
        act.examine(uow, asked)
    request = StaffRequest(
        id=request_id,
        status=RequestStatus.REQUESTED,
        act=name,
        parameters=dict(parameters),
        reason_sealed=_seal(deps.keyring, reason, request_id),
        requested_by=who.id,
        created_at=moment,
        expires_at=moment + deps.policy.request,
    )
    uow.open_record(request, cause="requester")
    uow.record(ActRequested(request_id=request_id, act=name))
    return _view(deps, request)


def _check_parameters(act: Act, parameters: Mapping[str, object]) -> None:
    faults = [
        {"pointer": f"/parameters/{name}", "message": "Is not a parameter of this act."}
        for name in parameters
        if name not in act.parameters
    ]
    for name, is_good in act.parameters.items():
        if name not in parameters or not is_good(parameters[name]):
            faults.append({"pointer": f"/parameters/{name}", "message": "Is missing or not valid."})
    if faults:
        raise ParametersInvalid(errors=faults)


def list_requests(
    uow: UnitOfWork, deps: StaffDeps, who: Principal, status: str | None, page: PageRequest
) -> Page[RequestView]:
    """Return the requests that the caller has made or may decide on, newest first."""
    wanted = _visible(deps, who)
    if status is not None:
        wanted = wanted.where(StaffRequest.status == status)
    found = fetch_page(
        uow, wanted, [StaffRequest.created_at, StaffRequest.id], page, descending=True
    )
    return Page([_view(deps, row) for row in found.items], found.next_cursor)


def read_request(uow: UnitOfWork, deps: StaffDeps, who: Principal, request_id: UUID) -> RequestView:
    """Return a request that the caller has made or may decide on, or raise `RequestNotFound`."""
    request = uow.scalar(_visible(deps, who).where(StaffRequest.id == request_id))
    if request is None:
        raise RequestNotFound
    return _view(deps, request)


def approve_request(
    uow: UnitOfWork, deps: StaffDeps, who: Principal, request_id: UUID
) -> RequestView:
    """Approve an act and do it, both in this transaction: it is done once, or nothing is.

    Raise `RequestNotFound`, `OwnRequest`, `RequestDecided`, `RequesterLost` when whoever asked may
    not ask any more, or what the act refuses with.
    """
    request, act = _to_decide(uow, deps, who, request_id)
    if act.may_request not in permissions_of(uow, request.requested_by):
        raise RequesterLost
    request.decided_by, request.decided_at = who.id, now()
    uow.move(request, RequestStatus.APPROVED, cause="second-person")
    asked = Asked(request.id, request.requested_by, who.id, request.parameters)
    if act.examine is not None:
        act.examine(uow, asked)
    act.execute(uow, asked)
    uow.move(request, RequestStatus.EXECUTED, cause="approval")
    uow.record(ActApproved(request_id=request.id, act=request.act))
    return _view(deps, request)


def reject_request(
    uow: UnitOfWork, deps: StaffDeps, who: Principal, request_id: UUID
) -> RequestView:
    """Reject an act. Raise `RequestNotFound`, `OwnRequest` or `RequestDecided`."""
    request, _ = _to_decide(uow, deps, who, request_id)
    request.decided_by, request.decided_at = who.id, now()
    uow.move(request, RequestStatus.REJECTED, cause="second-person")
    uow.record(ActRejected(request_id=request.id, act=request.act))
    return _view(deps, request)


def expire_requests(uow: UnitOfWork) -> None:
    """Close the requests on which nobody decided within a day; safe in parallel."""
    over = uow.scalars(
        select(StaffRequest)
        .where(StaffRequest.status == RequestStatus.REQUESTED, StaffRequest.expires_at <= now())
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    for request in over.all():
        uow.move(request, RequestStatus.EXPIRED, cause="expired")


def _to_decide(
    uow: UnitOfWork, deps: StaffDeps, who: Principal, request_id: UUID
) -> tuple[StaffRequest, Act]:
    """Return a request, locked, that the caller is the right person to decide on."""
    request = uow.scalar(
        _visible(deps, who)
        .where(StaffRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if request is None:
        raise RequestNotFound
    act = deps.acts[request.act]
    asked = Asked(request.id, request.requested_by, who.id, request.parameters)
    subject = None if act.subject_of is None else act.subject_of(asked)
    if who.id in (request.requested_by, subject):
        uow.record(ApprovalRefused(request_id=request.id, act=request.act, result="refused"))
        raise OwnRequest
    if request.status != RequestStatus.REQUESTED or request.expires_at <= now():
        raise RequestDecided
    return request, act


def _visible(deps: StaffDeps, who: Principal) -> Select[StaffRequest]:
    decidable = [a.name for a in deps.acts.values() if a.may_approve in who.permissions]
    return select(StaffRequest).where(
        StaffRequest.act.in_(list(deps.acts)),
        or_(StaffRequest.requested_by == who.id, StaffRequest.act.in_(decidable)),
    )


def _view(deps: StaffDeps, request: StaffRequest) -> RequestView:
    return RequestView(
        id=request.id,
        act=request.act,
        title=deps.acts[request.act].title,
        parameters=request.parameters,
        reason=_unseal(deps.keyring, request.reason_sealed, request.id),
        status=request.status,
        requested_by=request.requested_by,
        decided_by=request.decided_by,
        created_at=request.created_at,
        decided_at=request.decided_at,
        expires_at=request.expires_at,
    )


def _seal(keyring: Keyring, reason: str, request_id: UUID) -> bytes:
    context = f"staff_requests|reason|{request_id}"
    return seal(keyring.class_key("staff_requests"), reason.encode(), context=context)


def _unseal(keyring: Keyring, sealed: bytes, request_id: UUID) -> str:
    context = f"staff_requests|reason|{request_id}"
    return unseal(keyring.class_key("staff_requests"), sealed, context=context).decode()
