"""What the citizen of a standing order is told, and when."""

from app.autopay.models import Collection, StandingOrder
from app.autopay.service.deps import AutopayDeps
from app.core.unit_of_work import UnitOfWork
from app.notifications.service import tell
from app.notifications.values import Kind, Params
from app.payments import service as payments


def tell_order(uow: UnitOfWork, deps: AutopayDeps, order: StandingOrder, kind: Kind) -> None:
    """Tell that an order began, stopped or ended."""
    params = {
        **_names(deps, order.service),
        "card": payments.label_of(uow, order.payment_method_id),
    }
    tell(uow, order.citizen_id, kind, f"{order.id}:{order.version}", params)


def tell_collection(
    uow: UnitOfWork, deps: AutopayDeps, order: StandingOrder, collection: Collection, kind: Kind
) -> None:
    """Tell that a bill will be taken, waits for a word, or could not be taken."""
    params: Params = {
        **_names(deps, order.service),
        "amount": collection.amount,
        "at": collection.charge_at,
        "card": payments.label_of(uow, order.payment_method_id),
    }
    tell(uow, order.citizen_id, kind, f"{collection.id}:{collection.version}", params)


def _names(deps: AutopayDeps, service_id: str) -> dict[str, str]:
    service = deps.payments.registry.services.get(service_id)
    title = service.title if service else {"zh": service_id, "en": service_id}
    return {"service_zh": title["zh"], "service_en": title["en"]}
