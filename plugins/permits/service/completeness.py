"""Whether all is there that an application needs: handed in, held by the city, or promised."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.sdk import House, UnitOfWork, now
from plugins.permits.errors import MaterialsMissing
from plugins.permits.models import Application, MaterialCertificate
from plugins.permits.service.calendar import current_calendar
from plugins.permits.service.materials import (
    latest_files,
    missing_materials,
    template_in,
    undertakings_of,
)
from plugins.permits.values.bundles import Bundle, Limit, MaterialTemplate
from plugins.permits.values.materials import UndertakingStatus


def check_materials(
    house: House,
    uow: UnitOfWork,
    application: Application,
    bundle: Bundle,
    answers: Mapping[str, Any],
) -> None:
    """Raise `MaterialsMissing` unless all is there that an application needs; its row is locked.

    A certificate must hold now. The time of what was promised begins with this.
    """
    held = set(latest_files(uow, application.id))
    rows = select(MaterialCertificate).where(MaterialCertificate.application_id == application.id)
    for row in uow.scalars(rows).all():
        material = template_in(application, row.material)
        if row.certificate in held_certificates(house, uow, application, material):
            held.add(row.material)
    promised = [
        row for row in undertakings_of(uow, application.id) if row.status == UndertakingStatus.GIVEN
    ]
    missing = missing_materials(bundle, answers, held | {row.material for row in promised})
    if missing:
        raise MaterialsMissing(
            errors=[
                {
                    "pointer": f"/materials/{one.id}",
                    "message": f"{one.title['zh']} / {one.title['en']}",
                }
                for one in missing
            ]
        )
    calendar, moment = current_calendar(uow), now()
    for row in promised:
        if row.due_at is None:
            row.due_at = calendar.due(Limit(row.working_days), moment)
    uow.flush()


def held_certificates(
    house: House, uow: UnitOfWork, application: Application, material: MaterialTemplate
) -> list[str]:
    """Return the numbers of the certificates that can stand for a material now, newest first."""
    if material.certificate is None or not application.letterbox:
        return []
    try:
        found = house.find_certificates(uow, application.letterbox, material.certificate)
    except ValueError:
        return []  # nobody in the city issues certificates of this type
    return [certificate.number for certificate in found]
