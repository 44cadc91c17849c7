"""What is done with every petition: its text is kept sealed, and its citizen finds it again."""

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, select

from app.sdk import Citizen, House, UnitOfWork, new_id
from plugins.traffic.errors import ViolationNotFound
from plugins.traffic.models import Petition, Violation

P = TypeVar("P", bound=Petition)


def open_petition(
    house: House, uow: UnitOfWork, citizen: Citizen, petition: Petition, statement: str
) -> None:
    """Write down a citizen's petition, whose other fields are there, with its text sealed."""
    petition.id = new_id()
    petition.citizen_reference = citizen.reference
    petition.letterbox = citizen.letterbox
    petition.statement_sealed = house.vault.seal(statement, place=_place(petition))
    uow.open_record(petition, cause="handed in by the citizen")


def petitions_of(kind: type[P], citizen_reference: str, violation_id: UUID) -> Select[P]:
    """Return the statement of what a citizen handed in about a violation, the first one first."""
    mine = (kind.violation_id == violation_id, kind.citizen_reference == citizen_reference)
    return select(kind).where(*mine).order_by(kind.id)


def lock_petition(uow: UnitOfWork, kind: type[P], petition_id: UUID) -> tuple[Violation, P]:
    """Return a petition and its violation, both locked in this order, or raise `ViolationNotFound`.

    Money and the clock of the surcharge follow from what is decided: the violation comes first.
    """
    found = uow.get(kind, petition_id)
    if found is None:
        raise ViolationNotFound
    return uow.lock(Violation, found.violation_id), uow.lock(kind, petition_id)


def read_statement(house: House, petition: Petition) -> str | None:
    """Return the text of a petition; None when its citizen was erased."""
    sealed = petition.statement_sealed
    return None if sealed is None else house.vault.unseal(sealed, place=_place(petition))


def shared_fields(house: House, petition: Petition, *, with_text: bool = True) -> dict[str, Any]:
    """Return what every petition shows; its text where the reader may have it."""
    return {
        "id": petition.id,
        "violation_id": petition.violation_id,
        "kind": petition.kind,
        "statement": read_statement(house, petition) if with_text else None,
        "status": petition.status,
        "decided_at": petition.decided_at,
        "reason": petition.reason,
    }


def _place(petition: Petition) -> str:
    return f"{petition.__tablename__}|statement|{petition.id}"
