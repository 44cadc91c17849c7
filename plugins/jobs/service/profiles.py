"""One's own curriculum: kept sealed, changed as a whole, and removed with all that shows it."""

import json
from uuid import UUID

from sqlalchemy import Insert, select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import Citizen, House, UnitOfWork, new_id, now
from plugins.jobs.errors import CvNotFound
from plugins.jobs.models import Cv
from plugins.jobs.service.consents import open_cv
from plugins.jobs.service.shares import withdraw_all_shares
from plugins.jobs.values.profiles import Curriculum, CvView, cv_json, read_cv


def keep_cv(house: House, uow: UnitOfWork, citizen: Citizen, cv: Curriculum) -> CvView:
    """Keep a citizen's curriculum in the place of what it was before.

    Copies that went with applications stay as they were sent.
    """
    kept = _lock(uow, citizen.reference)
    if kept is None:
        # Two first ones at once: the second waits for the first, and changes it.
        uow.execute(_first(house, citizen.reference, cv))
        kept = _lock(uow, citizen.reference)
        assert kept is not None
        if kept.edition == 1 and _says(house, kept) == cv:
            return _show(house, kept)
    kept.cv_sealed = _seal(house, kept.id, cv)
    kept.edition += 1
    kept.changed_at = now()
    uow.flush()
    return _show(house, kept)


def find_cv(house: House, uow: UnitOfWork, citizen_reference: str) -> CvView:
    """Return a citizen's curriculum, or raise `CvNotFound`."""
    cv = uow.scalar(select(Cv).where(Cv.citizen_reference == citizen_reference))
    if cv is None:
        raise CvNotFound
    return _show(house, cv)


def remove_cv(uow: UnitOfWork, citizen_reference: str) -> None:
    """Remove a curriculum, and withdraw every consent to show it. Raise `CvNotFound`."""
    cv = _lock(uow, citizen_reference)
    if cv is None:
        raise CvNotFound
    withdraw_all_shares(uow, citizen_reference)
    uow.delete(cv)


def _lock(uow: UnitOfWork, citizen_reference: str) -> Cv | None:
    mine = select(Cv).where(Cv.citizen_reference == citizen_reference).with_for_update()
    found: Cv | None = uow.scalar(mine.execution_options(populate_existing=True))
    return found


def _first(house: House, citizen_reference: str, cv: Curriculum) -> Insert:
    cv_id = new_id()
    row = {
        "id": cv_id,
        "citizen_reference": citizen_reference,
        "cv_sealed": _seal(house, cv_id, cv),
        "edition": 1,
        "changed_at": now(),
    }
    return insert(Cv).values(row).on_conflict_do_nothing()


def _seal(house: House, cv_id: UUID, cv: Curriculum) -> bytes:
    plain = json.dumps(cv_json(cv), ensure_ascii=False)
    return house.vault.seal(plain, place=f"cvs|cv|{cv_id}")


def _says(house: House, cv: Cv) -> Curriculum:
    return read_cv(json.loads(open_cv(house, cv)))


def _show(house: House, cv: Cv) -> CvView:
    return CvView(_says(house, cv), cv.edition, cv.changed_at)
