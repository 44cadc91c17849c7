"""Organisations: claimed by whoever the business register knows as their representative."""

from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError

from app.core.blind_indexes import take_index
from app.core.clock import now
from app.core.ids import new_id
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.delegation.errors import (
    AlreadyRepresentative,
    OrganisationMismatch,
    OrganisationNotActive,
    OrganisationNotFound,
    PersonNotFound,
    RegisterSilent,
)
from app.delegation.events import ClaimRefused
from app.delegation.models import Mandate, Organisation
from app.delegation.service.claims import begin_claim, forget_claim
from app.delegation.service.deps import DelegationDeps
from app.delegation.service.mandates import end_mandates_of
from app.delegation.service.membership import is_of
from app.delegation.service.uscc import canonical_uscc
from app.delegation.values import (
    Answer,
    Claim,
    OrganisationStatus,
    OrganisationView,
    StaffReason,
)
from app.notifications.service import tell

_LIVING = (OrganisationStatus.ACTIVE, OrganisationStatus.SUSPENDED)
_NEW_REPRESENTATIVE = {"how_zh": "法定代表人已变更", "how_en": "has a new representative"}
_HOW = {
    OrganisationStatus.ACTIVE: {"how_zh": "已启用", "how_en": "is active"},
    OrganisationStatus.SUSPENDED: {"how_zh": "已停用", "how_en": "was suspended"},
    OrganisationStatus.CLOSED: {"how_zh": "已注销", "how_en": "was closed"},
}


def claim_organisation(
    uow: UnitOfWork, deps: DelegationDeps, who: Principal, claim: Claim
) -> OrganisationView:
    """Become the representative of an organisation, when the register confirms it.

    Of an organisation that somebody else represented, the register's word makes the caller the
    representative, and what the one before has given is revoked. A register that is silent leaves
    the claim; the next try goes on with it. Five a day may be made. Raise `UsccInvalid`,
    `AlreadyRepresentative`, `TooManyClaims`, `OrganisationMismatch`, `OrganisationNotActive` (it
    is suspended) or `RegisterSilent`.
    """
    claim = Claim(canonical_uscc(claim.uscc), claim.name.strip())
    with uow.phase():
        person = deps.identity_of(uow, who.id)
        if person is None:
            raise PersonNotFound
        tried = begin_claim(uow, who.id)
        record_id = _claim(uow, deps, who.id, claim).id
    try:
        answer = deps.registers.check_organisation(claim.uscc, claim.name, person)
    except RegisterSilent:
        with uow.phase():
            forget_claim(uow, tried)
        raise
    with uow.phase():  # a refusal is kept although the answer undoes the rest
        decided = _decide(uow, deps, record_id, answer)
        if answer is not Answer.MATCH:
            uow.record(ClaimRefused(subject=who.id, result="refused", claim="organisation"))
    if decided is None:
        raise OrganisationMismatch
    return view_organisation(deps, decided, who.id)


def _claim(uow: UnitOfWork, deps: DelegationDeps, citizen_id: UUID, claim: Claim) -> Organisation:
    """Write the claim down, or find it as it waits."""
    index = take_index(uow, deps.keyring, "uscc", claim.uscc)
    mine = select(Organisation).where(
        Organisation.representative_id == citizen_id, Organisation.uscc_index == index
    )
    if uow.scalar(mine.where(Organisation.status.in_(_LIVING))) is not None:
        raise AlreadyRepresentative
    waiting = uow.scalar(mine.where(Organisation.status == OrganisationStatus.CLAIMED))
    record_id = waiting.id if waiting is not None else new_id()
    name = deps.seal(claim.name, "organisations", "name", record_id)
    if waiting is not None:
        waiting.name_sealed = name
        return waiting
    record = Organisation(
        id=record_id,
        representative_id=citizen_id,
        uscc_index=index,
        uscc_sealed=deps.seal(claim.uscc, "organisations", "uscc", record_id),
        name_sealed=name,
        created_at=now(),
        status=OrganisationStatus.CLAIMED,
    )
    uow.open_record(record, cause="citizen")
    return record


def _decide(
    uow: UnitOfWork, deps: DelegationDeps, claim_id: UUID, answer: Answer
) -> Organisation | None:
    """Apply the register's word; return the living organisation, or None when it said no."""
    claim = _locked(uow, Organisation.id == claim_id)
    if claim is None or claim.status != OrganisationStatus.CLAIMED:
        raise AlreadyRepresentative  # a second try of the same claim was faster
    claim.decided_at = now()
    if answer is not Answer.MATCH:
        uow.move(claim, OrganisationStatus.CLOSED, cause=f"register: {answer}")
        return None
    if _activate(uow, claim):
        _tell(uow, claim, claim.representative_id)
        return claim
    living = _locked(
        uow, Organisation.uscc_index == claim.uscc_index, Organisation.status.in_(_LIVING)
    )
    if living is None or living.status != OrganisationStatus.ACTIVE:
        raise OrganisationNotActive
    uow.move(claim, OrganisationStatus.CLOSED, cause=f"organisation {living.id}")
    _change_representative(uow, deps, living, claim.representative_id)
    return living


def _activate(uow: UnitOfWork, claim: Organisation) -> bool:
    """Make a claim the organisation's record; False when it has one already, also in a race."""
    try:
        with uow.begin_nested():
            uow.move(claim, OrganisationStatus.ACTIVE, cause="register: match")
    except IntegrityError as error:
        if "uq_organisations_uscc_index" not in str(error.orig):
            raise
        uow.refresh(claim)
        claim.decided_at = now()
        return False
    return True


def _change_representative(
    uow: UnitOfWork, deps: DelegationDeps, organisation: Organisation, citizen_id: UUID
) -> None:
    before, organisation.representative_id = organisation.representative_id, citizen_id
    if before == citizen_id:
        return
    end_mandates_of(uow, deps, organisation.id, cause="new representative")
    for person in (before, citizen_id):
        subject = f"{organisation.id}:{citizen_id}"
        tell(uow, person, "organisation-changed", subject, _NEW_REPRESENTATIVE)


def close_organisation(
    uow: UnitOfWork, deps: DelegationDeps, who: Principal, organisation_id: UUID
) -> Organisation:
    """Give an organisation up, as its representative; what rests on it is revoked."""
    organisation = _locked(
        uow, Organisation.id == organisation_id, Organisation.representative_id == who.id
    )
    if organisation is None:
        raise OrganisationNotFound
    _move(uow, deps, organisation, OrganisationStatus.CLOSED, cause="representative")
    return organisation


def set_organisation_status(
    uow: UnitOfWork,
    deps: DelegationDeps,
    organisation_id: UUID,
    to: OrganisationStatus,
    reason: StaffReason,
) -> Organisation:
    """Suspend, resume or close an organisation, as staff, who say why by a code."""
    organisation = _locked(uow, Organisation.id == organisation_id)
    if organisation is None:
        raise OrganisationNotFound
    _move(uow, deps, organisation, to, cause=f"staff: {reason}")
    return organisation


def _move(
    uow: UnitOfWork,
    deps: DelegationDeps,
    organisation: Organisation,
    to: OrganisationStatus,
    *,
    cause: str,
) -> None:
    uow.move(organisation, to, cause=cause)
    organisation.decided_at = now()
    if to is OrganisationStatus.CLOSED:
        end_mandates_of(uow, deps, organisation.id, cause="organisation closed")
    _tell(uow, organisation, organisation.representative_id)


def _tell(uow: UnitOfWork, organisation: Organisation, citizen_id: UUID) -> None:
    subject = f"{organisation.id}:{organisation.version}"
    tell(
        uow,
        citizen_id,
        "organisation-changed",
        subject,
        _HOW[OrganisationStatus(organisation.status)],
    )


def list_organisations(
    uow: UnitOfWork, deps: DelegationDeps, citizen_id: UUID, page: PageRequest
) -> Page[OrganisationView]:
    """Return the organisations that a citizen represents or is an agent of, newest first."""
    found = fetch_page(
        uow,
        select(Organisation).where(is_of(citizen_id)),
        [Organisation.id],
        page,
        descending=True,
    )
    return Page(
        [view_organisation(deps, row, citizen_id) for row in found.items], found.next_cursor
    )


def find_organisation(
    uow: UnitOfWork, deps: DelegationDeps, citizen_id: UUID, organisation_id: UUID
) -> OrganisationView:
    """Return one of them; anybody else's is `OrganisationNotFound`."""
    mine = Organisation.id == organisation_id, is_of(citizen_id)
    found = uow.scalar(select(Organisation).where(*mine))
    if found is None:
        raise OrganisationNotFound
    return view_organisation(deps, found, citizen_id)


def list_agents(
    uow: UnitOfWork, citizen_id: UUID, organisation_id: UUID, page: PageRequest
) -> Page[Mandate]:
    """Return the mandates that an organisation gave, newest first, to its representative alone."""
    is_mine = uow.scalar(
        select(Organisation.id).where(
            Organisation.id == organisation_id, Organisation.representative_id == citizen_id
        )
    )
    if is_mine is None:
        raise OrganisationNotFound
    statement = select(Mandate).where(
        Mandate.organisation_id == organisation_id, Mandate.for_organisation
    )
    return fetch_page(uow, statement, [Mandate.id], page, descending=True)


def view_organisation(
    deps: DelegationDeps, organisation: Organisation, citizen_id: UUID
) -> OrganisationView:
    """Return an organisation as its own people see it."""
    row = organisation.id
    return OrganisationView(
        id=row,
        status=organisation.status,
        uscc=deps.open(organisation.uscc_sealed, "organisations", "uscc", row),
        name=deps.open(organisation.name_sealed, "organisations", "name", row),
        is_representative=organisation.representative_id == citizen_id,
        created_at=organisation.created_at,
        decided_at=organisation.decided_at,
    )


def _locked(uow: UnitOfWork, *conditions: ColumnElement[bool]) -> Organisation | None:
    return uow.scalar(
        select(Organisation)
        .where(*conditions)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
