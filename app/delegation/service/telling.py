"""Telling both parties, in the transaction of the change itself."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from app.core.unit_of_work import UnitOfWork
from app.delegation.models import Guardianship, Mandate
from app.delegation.service.deps import DelegationDeps
from app.delegation.values import MandateStatus
from app.notifications.service import tell
from app.notifications.values import Kind, Params

_HOW = {
    MandateStatus.DECLINED: {"zh": "已被谢绝", "en": "was declined"},
    MandateStatus.EXPIRED: {"zh": "已到期", "en": "has expired"},
    MandateStatus.REVOKED: {"zh": "已被撤销", "en": "was revoked"},
    MandateStatus.SUPERSEDED: {"zh": "已由新的授权取代", "en": "was replaced by a new one"},
}


def names_of(deps: DelegationDeps, services: Iterable[str]) -> dict[str, str | int | datetime]:
    """Return the names of services in both languages, as templates take them."""
    titles = [deps.title(service) for service in services]
    return {
        "service_zh": "、".join(title["zh"] for title in titles),
        "service_en": ", ".join(title["en"] for title in titles),
    }


def live_services(mandate: Mandate) -> list[str]:
    """Return the services that are still in a mandate."""
    return [scope.service for scope in mandate.scopes if scope.revoked_at is None]


def tell_both(uow: UnitOfWork, mandate: Mandate, kind: Kind, subject: str, params: Params) -> None:
    """Tell whoever of the two is known by an account."""
    for citizen_id in (mandate.principal_id, mandate.delegate_id):
        if citizen_id is not None:
            tell(uow, citizen_id, kind, subject, params)


def tell_to_confirm(uow: UnitOfWork, deps: DelegationDeps, mandate: Mandate, to: UUID) -> None:
    """Ask a principal who has an account to consent."""
    names = names_of(deps, live_services(mandate))
    tell(uow, to, "mandate-to-confirm", str(mandate.id), {**names, "days": mandate.days})


def tell_began(uow: UnitOfWork, deps: DelegationDeps, mandate: Mandate) -> None:
    """Tell both that a mandate is in force, and until when."""
    assert mandate.expires_at is not None
    params = {**names_of(deps, live_services(mandate)), "until": mandate.expires_at}
    tell_both(uow, mandate, "mandate-began", str(mandate.id), params)


def tell_ended(uow: UnitOfWork, deps: DelegationDeps, mandate: Mandate) -> None:
    """Tell both that a mandate is over, and how."""
    how = _HOW[MandateStatus(mandate.status)]
    names = names_of(deps, [scope.service for scope in mandate.scopes])
    params = {**names, "how_zh": how["zh"], "how_en": how["en"]}
    tell_both(uow, mandate, "mandate-ended", str(mandate.id), params)


def tell_guardianship(uow: UnitOfWork, record: Guardianship, kind: Kind, **params: str) -> None:
    """Tell the guardian, and the child who has an account and may see it."""
    for citizen_id in (record.guardian_id, record.child_id):
        if citizen_id is not None:
            tell(uow, citizen_id, kind, str(record.id), params)
