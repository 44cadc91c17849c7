"""Consents as the rest of this plug-in needs them: given with an application, and ended.

A copy of a curriculum ends with its consent, and PostgreSQL sees to it.
"""

import json
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from app.sdk import Citizen, House, UnitOfWork, new_id, now
from plugins.jobs.errors import CvNotFound
from plugins.jobs.models import Application, Cv, CvShare
from plugins.jobs.values.profiles import APPLICATION_SHARE, ShareKind, ShareStatus


def share_with_application(
    house: House, uow: UnitOfWork, citizen: Citizen, application: Application, words: str
) -> CvShare:
    """Send a copy of one's curriculum with an application, or raise `CvNotFound`."""
    cv = uow.scalar(select(Cv).where(Cv.citizen_reference == citizen.reference).with_for_update())
    if cv is None:
        raise CvNotFound
    share_id = new_id()
    copy = {"cv": json.loads(open_cv(house, cv)), "words": words}
    plain, moment = json.dumps(copy, ensure_ascii=False), now()
    share = CvShare(
        id=share_id,
        status=ShareStatus.GIVEN,
        citizen_reference=citizen.reference,
        letterbox=citizen.letterbox,
        kind=ShareKind.APPLICATION,
        employer_id=application.employer_id,
        application_id=application.id,
        cv_sealed=house.vault.seal(plain, place=f"cv_shares|cv|{share_id}"),
        edition=cv.edition,
        given_at=moment,
        expires_at=moment + APPLICATION_SHARE,
    )
    uow.open_record(share, cause="application")
    return share


def end_application_shares(uow: UnitOfWork, applications: Iterable[UUID], cause: str) -> None:
    """End what was sent along with applications that have ended."""
    wanted = list(applications)
    if wanted:
        for share in lock_shares(uow, CvShare.application_id.in_(wanted), is_standing()):
            end_share(uow, share, ShareStatus.WITHDRAWN, cause)


def live_shares_of(uow: UnitOfWork, applications: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return by which standing consent each of some applications shows a curriculum."""
    rows = uow.execute(
        select(CvShare.application_id, CvShare.id).where(
            CvShare.application_id.in_(applications), is_standing(), CvShare.expires_at > now()
        )
    )
    return {application: share for application, share in rows if application is not None}


def open_cv(house: House, cv: Cv) -> str:
    """Return what a curriculum says, as JSON."""
    return house.vault.unseal(cv.cv_sealed, place=f"cvs|cv|{cv.id}")


def is_standing() -> ColumnElement[bool]:
    """Return the condition that nobody has ended a consent; its time may be over."""
    return CvShare.status == ShareStatus.GIVEN


def lock_shares(uow: UnitOfWork, *conditions: ColumnElement[bool]) -> Sequence[CvShare]:
    """Return consents under their locks, in the one order that everybody takes them in."""
    statement: Select[CvShare] = (
        select(CvShare).where(*conditions).order_by(CvShare.id).with_for_update()
    )
    return uow.scalars(statement.execution_options(populate_existing=True)).all()


def end_share(uow: UnitOfWork, share: CvShare, to: ShareStatus, cause: str) -> None:
    """End a consent whose row the caller has locked, and the copy that went with it."""
    uow.move(share, to, cause=cause)
    share.cv_sealed = None
    share.edition = None
    share.ended_at = now()
