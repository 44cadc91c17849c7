"""The rights of a person over curricula, consents, applications and seats at fairs."""

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import delete, select, update

from app.sdk import House, UnitOfWork
from plugins.jobs.models import Application, Cv, CvShare, CvSight, FairBooking, FairWait
from plugins.jobs.service.applicants import end_what_hangs_on, is_living, lock_applications
from plugins.jobs.service.applications import list_all_applications
from plugins.jobs.service.fair_bookings import list_all_bookings, release_citizen
from plugins.jobs.service.fair_waits import list_all_waits
from plugins.jobs.service.json_values import plain_values
from plugins.jobs.service.profiles import find_cv
from plugins.jobs.service.shares import list_all_shares, show_readings, withdraw_all_shares
from plugins.jobs.values.applications import ApplicationStatus


def export_people(house: House, uow: UnitOfWork, citizen_reference: str) -> Mapping[str, object]:
    """Return a citizen's curriculum, consents, applications and seats, as JSON values."""
    has_cv = uow.scalar(select(Cv.id).where(Cv.citizen_reference == citizen_reference))
    sights = select(CvSight).where(CvSight.citizen_reference == citizen_reference)
    seen = show_readings(uow, uow.scalars(sights.order_by(CvSight.seen_at, CvSight.id)).all())
    return {
        "cv": plain_values(asdict(find_cv(house, uow, citizen_reference))) if has_cv else {},
        "cv_shares": [plain_values(asdict(one)) for one in list_all_shares(uow, citizen_reference)],
        "cv_readings": [plain_values(asdict(one)) for one in seen],
        "applications": [
            plain_values(asdict(one)) for one in list_all_applications(uow, citizen_reference)
        ],
        "fair_bookings": [
            plain_values(asdict(one)) for one in list_all_bookings(uow, citizen_reference)
        ],
        "fair_waits": [plain_values(asdict(one)) for one in list_all_waits(uow, citizen_reference)],
    }


def erase_people(house: House, uow: UnitOfWork, citizen_reference: str) -> None:
    """Forget a citizen: their curriculum goes, what is living is withdrawn, the rest is nobody's.

    How long an employer took to answer stays, and says of nobody that they applied.
    """
    mine = Application.citizen_reference == citizen_reference
    living = lock_applications(uow, mine & is_living())
    for one in living:
        uow.move(one, ApplicationStatus.WITHDRAWN, cause="erased")
    end_what_hangs_on(uow, living, "erased")
    uow.flush()
    withdraw_all_shares(uow, citizen_reference)
    release_citizen(house, uow, citizen_reference)
    uow.flush()
    uow.execute(delete(CvSight).where(CvSight.citizen_reference == citizen_reference))
    uow.execute(delete(Cv).where(Cv.citizen_reference == citizen_reference))
    for table in (CvShare, Application, FairBooking, FairWait):
        uow.execute(
            update(table)
            .where(table.citizen_reference == citizen_reference)
            .values(citizen_reference=None, letterbox="")
        )
