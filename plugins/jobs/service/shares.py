"""Consents to show a curriculum: given, ended, and read by employers while they stand.

Each look asks for a consent that stands and has not expired, under a lock that its withdrawal
waits for: what was withdrawn is not shown a moment later. A copy ends with its consent.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from app.sdk import Citizen, House, Page, PageRequest, UnitOfWork, fetch_page, new_id, now
from plugins.jobs.errors import AlreadyShared, CvNotFound, EmployerNotFound, ShareNotFound
from plugins.jobs.events import CvRead
from plugins.jobs.models import Application, Cv, CvShare, CvSight, Employer
from plugins.jobs.service.consents import end_share, is_standing, lock_shares, open_cv
from plugins.jobs.service.employers import member_of
from plugins.jobs.service.locks import hold_employer
from plugins.jobs.values import EmployerStatus
from plugins.jobs.values.applications import LIVING, ApplicationStatus
from plugins.jobs.values.profiles import (
    CandidateView,
    CvReading,
    NewShare,
    SharedCv,
    ShareKind,
    ShareStatus,
    ShareView,
    read_cv,
)

_BATCH = 200
_SHOWING = (*LIVING, ApplicationStatus.ACCEPTED)
"""In these states of an application its curriculum is of use to the employer."""


def give_share(uow: UnitOfWork, citizen: Citizen, wanted: NewShare) -> ShareView:
    """Consent to show one's curriculum to one verified employer, or to all of them.

    Raise `CvNotFound` without a curriculum, `EmployerNotFound`, or `AlreadyShared` while an earlier
    consent of the kind stands.
    """
    if wanted.employer_id is not None:
        _check_verified(uow, wanted.employer_id)
    mine = select(Cv).where(Cv.citizen_reference == citizen.reference).with_for_update()
    if uow.scalar(mine) is None:
        raise CvNotFound
    kind = ShareKind.POOL if wanted.employer_id is None else ShareKind.EMPLOYER
    moment = now()
    # One whose time is over does not stand, though nobody has come to write that down.
    same = and_(CvShare.kind == kind, CvShare.employer_id.is_not_distinct_from(wanted.employer_id))
    for earlier in lock_shares(
        uow, CvShare.citizen_reference == citizen.reference, same, is_standing()
    ):
        if earlier.expires_at > moment:
            raise AlreadyShared
        end_share(uow, earlier, ShareStatus.EXPIRED, "expiry")
    uow.flush()
    share = CvShare(
        id=new_id(),
        status=ShareStatus.GIVEN,
        citizen_reference=citizen.reference,
        letterbox=citizen.letterbox,
        kind=kind,
        employer_id=wanted.employer_id,
        given_at=moment,
        expires_at=moment + timedelta(days=wanted.days),
    )
    uow.open_record(share, cause="citizen")
    uow.flush()
    return _show(uow, [share])[0]


def list_shares(uow: UnitOfWork, citizen_reference: str, page: PageRequest) -> Page[ShareView]:
    """Return a page of a citizen's consents, the newest first."""
    mine = select(CvShare).where(CvShare.citizen_reference == citizen_reference)
    rows = fetch_page(uow, mine, [CvShare.given_at, CvShare.id], page, descending=True)
    return Page(_show(uow, rows.items), rows.next_cursor)


def find_share(uow: UnitOfWork, citizen_reference: str, share_id: UUID) -> ShareView:
    """Return one of a citizen's consents, or raise `ShareNotFound`."""
    share = uow.scalar(
        select(CvShare).where(
            CvShare.id == share_id, CvShare.citizen_reference == citizen_reference
        )
    )
    if share is None:
        raise ShareNotFound
    return _show(uow, [share])[0]


def withdraw_share(uow: UnitOfWork, citizen_reference: str, share_id: UUID) -> None:
    """Withdraw a consent at once; one that has ended stays as it is. Raise `ShareNotFound`."""
    mine = CvShare.citizen_reference == citizen_reference
    found = lock_shares(uow, mine, CvShare.id == share_id)
    if not found:
        raise ShareNotFound
    for share in found:
        if share.status == ShareStatus.GIVEN:
            end_share(uow, share, ShareStatus.WITHDRAWN, "citizen")


def withdraw_all_shares(uow: UnitOfWork, citizen_reference: str) -> None:
    """Withdraw every consent of a citizen at once."""
    for share in lock_shares(uow, CvShare.citizen_reference == citizen_reference, is_standing()):
        end_share(uow, share, ShareStatus.WITHDRAWN, "citizen")


def expire_shares(house: House) -> None:
    """End consents whose time is over, a bounded number of them; safe to run again."""
    with house.unit_of_work() as uow:
        due = (
            select(CvShare)
            .where(is_standing(), CvShare.expires_at <= now())
            .order_by(CvShare.expires_at)
            .limit(_BATCH)
            .with_for_update(skip_locked=True)
        )
        for share in uow.scalars(due):
            end_share(uow, share, ShareStatus.EXPIRED, "expiry")
            if share.kind != ShareKind.APPLICATION:
                house.tell(uow, share.letterbox, "cv-share-ended", str(share.id))


def list_candidates(
    uow: UnitOfWork, citizen_reference: str, employer_id: UUID, page: PageRequest
) -> Page[CandidateView]:
    """Return who shows their curriculum to an employer without having applied, oldest first.

    Raise `EmployerNotFound` for whoever is no member of it, and while it is not verified.
    """
    member_of(uow, citizen_reference, employer_id)
    statement = select(CvShare).where(CvShare.kind != ShareKind.APPLICATION, _shown_to(employer_id))
    rows = fetch_page(uow, statement, [CvShare.given_at, CvShare.id], page)
    shown = [CandidateView(one.id, one.kind, one.given_at, one.expires_at) for one in rows.items]
    return Page(shown, rows.next_cursor)


def read_shared_cv(
    house: House, citizen_reference: str, employer_id: UUID, share_id: UUID
) -> SharedCv:
    """Show a curriculum to a member of an employer, and write down that it was seen.

    Raise `EmployerNotFound` for whoever is no member, and `ShareNotFound` unless a consent stands.
    """
    with house.unit_of_work() as uow:
        # First the employer, as whoever suspends it does.
        hold_employer(uow, employer_id)
        member_of(uow, citizen_reference, employer_id)
        # The lock makes a withdrawal wait for this look, or this look see the withdrawal.
        statement = (
            select(CvShare)
            .where(CvShare.id == share_id, _shown_to(employer_id))
            .with_for_update(read=True)
        )
        share = uow.scalar(statement)
        if share is None:
            raise ShareNotFound
        shown = _open(house, uow, share)
        uow.add(
            CvSight(
                citizen_reference=share.citizen_reference,
                share_id=share.id,
                employer_id=employer_id,
                edition=shown.edition,
                seen_at=now(),
            )
        )
        uow.record(CvRead(share_id=share.id, employer_id=employer_id))
        return shown


def list_readings(uow: UnitOfWork, citizen_reference: str, page: PageRequest) -> Page[CvReading]:
    """Return a page of who saw a citizen's curriculum, the newest first."""
    mine = select(CvSight).where(CvSight.citizen_reference == citizen_reference)
    rows = fetch_page(uow, mine, [CvSight.seen_at, CvSight.id], page, descending=True)
    return Page(show_readings(uow, rows.items), rows.next_cursor)


def show_readings(uow: UnitOfWork, sights: Sequence[CvSight]) -> list[CvReading]:
    """Return looks as their citizen reads of them."""
    kinds = dict(
        uow.execute(
            select(CvShare.id, CvShare.kind).where(CvShare.id.in_({one.share_id for one in sights}))
        ).all()
    )
    names = _names(uow, {one.employer_id for one in sights})
    return [
        CvReading(
            id=one.id,
            employer_id=one.employer_id,
            employer=names[one.employer_id],
            share_id=one.share_id,
            kind=kinds[one.share_id],
            edition=one.edition,
            seen_at=one.seen_at,
        )
        for one in sights
    ]


def list_all_shares(uow: UnitOfWork, citizen_reference: str) -> list[ShareView]:
    """Return every consent of a citizen."""
    mine = select(CvShare).where(CvShare.citizen_reference == citizen_reference)
    return _show(uow, uow.scalars(mine.order_by(CvShare.given_at, CvShare.id)).all())


def _open(house: House, uow: UnitOfWork, share: CvShare) -> SharedCv:
    """Return what a consent shows: the copy that went with an application, or how it is now."""
    if share.cv_sealed is not None:
        assert share.edition is not None
        copy = json.loads(house.vault.unseal(share.cv_sealed, place=f"cv_shares|cv|{share.id}"))
        return SharedCv(
            share.id, read_cv(copy["cv"]), copy["words"], share.edition, share.expires_at
        )
    cv = uow.scalar(select(Cv).where(Cv.citizen_reference == share.citizen_reference))
    if cv is None:
        raise ShareNotFound
    return SharedCv(
        share.id, read_cv(json.loads(open_cv(house, cv))), "", cv.edition, share.expires_at
    )


def _shown_to(employer_id: UUID) -> ColumnElement[bool]:
    of_use = select(Application.id).where(
        Application.id == CvShare.application_id, Application.status.in_(_SHOWING)
    )
    return and_(
        is_standing(),
        CvShare.expires_at > now(),
        or_(CvShare.kind == ShareKind.POOL, CvShare.employer_id == employer_id),
        or_(CvShare.kind != ShareKind.APPLICATION, of_use.exists()),
    )


def _check_verified(uow: UnitOfWork, employer_id: UUID) -> None:
    employer = hold_employer(uow, employer_id)
    if employer is None or employer.status != EmployerStatus.VERIFIED:
        raise EmployerNotFound


def _names(uow: UnitOfWork, employers: set[UUID]) -> dict[UUID, str]:
    rows = uow.execute(select(Employer.id, Employer.name).where(Employer.id.in_(employers)))
    return dict(rows.all())


def _show(uow: UnitOfWork, shares: Sequence[CvShare]) -> list[ShareView]:
    names = _names(uow, {one.employer_id for one in shares if one.employer_id is not None})
    return [
        ShareView(
            id=one.id,
            kind=one.kind,
            status=_status(one),
            employer_id=one.employer_id,
            employer=None if one.employer_id is None else names[one.employer_id],
            application_id=one.application_id,
            given_at=one.given_at,
            expires_at=one.expires_at,
            ended_at=one.ended_at,
        )
        for one in shares
    ]


def _status(share: CvShare) -> str:
    """Return how a consent stands now: an end that nobody has written down yet is one."""
    is_over = share.status == ShareStatus.GIVEN and share.expires_at <= now()
    return ShareStatus.EXPIRED if is_over else share.status
