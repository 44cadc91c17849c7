"""The rights of a person over what this plug-in keeps about them."""

from collections.abc import Mapping

from sqlalchemy import delete, select, update

from app.sdk import House
from plugins.traffic.models import (
    Allowance,
    Contest,
    Licence,
    Lookup,
    Petition,
    Relief,
    Study,
    Vehicle,
    Violation,
)
from plugins.traffic.service.linking import licence_facts
from plugins.traffic.service.petitions import read_statement


def export_citizen(house: House, citizen_reference: str) -> Mapping[str, object]:
    """Return a citizen's vehicles, licence, objections, requests and attempts, as JSON values."""
    with house.unit_of_work() as uow:
        vehicles, licences, contests, reliefs, studies = (
            uow.scalars(select(kind).where(kind.citizen_reference == citizen_reference)).all()
            for kind in (Vehicle, Licence, Contest, Relief, Study)
        )
        answered = uow.scalars(
            select(Violation.notice_no).where(Violation.answered_by == citizen_reference)
        ).all()
        looked_up = uow.scalars(
            select(Lookup.violation_id).where(Lookup.citizen_reference == citizen_reference)
        ).all()
        tries = uow.scalars(select(Allowance).where(Allowance.tried_by == citizen_reference)).all()
    return {
        "vehicles": [_vehicle(house, vehicle) for vehicle in vehicles],
        "licences": [_licence(house, licence) for licence in licences],
        "accepted_or_contested": sorted(answered),
        "contests": [_contest(house, contest) for contest in contests],
        "reliefs": [_relief(house, relief) for relief in reliefs],
        "studies": [_study(study) for study in studies],
        "looked_up": [str(violation_id) for violation_id in looked_up],
        "attempts_until": {one.kind: [at.isoformat() for at in one.attempts] for one in tries},
    }


def erase_citizen(house: House, citizen_reference: str) -> None:
    """Forget a citizen: links, statements, evidence, attempts.

    Violations and what was decided stay, and lead to nobody: they are the police's files.
    """
    with house.unit_of_work() as uow:
        for linked in (Vehicle, Licence, Lookup):
            uow.execute(delete(linked).where(linked.citizen_reference == citizen_reference))
        uow.execute(delete(Allowance).where(Allowance.tried_by == citizen_reference))
        uow.execute(
            update(Violation)
            .where(Violation.answered_by == citizen_reference)
            .values(answered_by=None)
        )
        uow.execute(
            update(Study)
            .where(Study.citizen_reference == citizen_reference)
            .values(citizen_reference=None, letterbox="")
        )
        for kind, more in ((Contest, {"evidence": []}), (Relief, {})):
            uow.execute(
                update(kind)
                .where(kind.citizen_reference == citizen_reference)
                .values(citizen_reference=None, letterbox="", statement_sealed=None, **more)
            )


def _vehicle(house: House, vehicle: Vehicle) -> dict[str, object]:
    plate, engine = (
        house.vault.unseal(sealed, place=f"vehicles|{name}|{vehicle.id}")
        for name, sealed in (("plate", vehicle.plate_sealed), ("engine", vehicle.engine_sealed))
    )
    return {
        "id": str(vehicle.id),
        "plate": plate,
        "engine_tail": engine,
        "linked_at": vehicle.linked_at.isoformat(),
    }


def _licence(house: House, licence: Licence) -> dict[str, object]:
    number, archive = licence_facts(house, licence)
    return {
        "id": str(licence.id),
        "number": number,
        "archive": archive,
        "licence_class": licence.licence_class,
        "issued_on": licence.issued_on.isoformat(),
        "linked_at": licence.linked_at.isoformat(),
    }


def _contest(house: House, contest: Contest) -> dict[str, object]:
    return _petition(house, contest) | {
        "ground": contest.ground,
        "evidence": contest.evidence,
        "filed_at": contest.filed_at.isoformat(),
    }


def _relief(house: House, relief: Relief) -> dict[str, object]:
    return _petition(house, relief) | {"asked_at": relief.asked_at.isoformat()}


def _study(study: Study) -> dict[str, object]:
    return {
        "study_no": study.study_no,
        "points": study.points,
        "status": study.status,
        "requested_at": study.requested_at.isoformat(),
    }


def _petition(house: House, petition: Petition) -> dict[str, object]:
    return {
        "id": str(petition.id),
        "violation": str(petition.violation_id),
        "kind": petition.kind,
        "statement": read_statement(house, petition),
        "status": petition.status,
        "reason": petition.reason,
    }
