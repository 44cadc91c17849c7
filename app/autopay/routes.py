"""Standing orders over HTTP: a citizen's own, and nobody else's, delegates included."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.autopay import service
from app.autopay.schemas import (
    CollectionSchema,
    NewStandingOrderSchema,
    StandingOrderChangeSchema,
    StandingOrderSchema,
    TermsSchema,
)
from app.autopay.service import AutopayDeps
from app.autopay.values import CollectionView, NewOrder, OrderView, Terms
from app.core.pagination import Page
from app.http.blueprint import Blueprint
from app.http.context import deps, principal, unit
from app.http.pagination import PageArgs

blueprint = Blueprint("autopay", __name__, description="Bills that are paid by themselves (代扣)")


@blueprint.route("/terms")
class AutopayTerms(MethodView):
    """What a citizen agrees to."""

    @blueprint.response(200, TermsSchema)
    def get(self) -> Terms:
        """Read the terms of standing orders that are in force."""
        return service.read_terms(unit())


@blueprint.route("/standing-orders")
class Orders(MethodView):
    """My standing orders."""

    @blueprint.step_up
    @blueprint.idempotent
    @blueprint.rate("10/minute")
    @blueprint.arguments(NewStandingOrderSchema)
    @blueprint.response(201, StandingOrderSchema)
    def post(self, wanted: NewOrder) -> tuple[OrderView, int, dict[str, str]]:
        """Let the bills of a service be paid by themselves, within bounds."""
        made = service.make_order(unit(), deps(AutopayDeps), principal(), wanted)
        return made, 201, {"Location": f"/v1/autopay/standing-orders/{made.id}"}

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(StandingOrderSchema)
    def get(self, wanted: dict[str, Any]) -> Page[OrderView]:
        """List my standing orders."""
        return service.list_orders(unit(), deps(AutopayDeps), principal().id, wanted["page"])


@blueprint.route("/standing-orders/<uuid:standing_order_id>")
class OneOrder(MethodView):
    """One standing order."""

    @blueprint.response(200, StandingOrderSchema)
    def get(self, standing_order_id: UUID) -> OrderView:
        """Read a standing order."""
        return service.read_order(unit(), deps(AutopayDeps), principal().id, standing_order_id)

    @blueprint.step_up
    @blueprint.arguments(StandingOrderChangeSchema)
    @blueprint.response(200, StandingOrderSchema)
    def patch(self, changes: dict[str, Any], standing_order_id: UUID) -> OrderView:
        """Change the bounds, the end or the method of a standing order."""
        return service.change_order(
            unit(), deps(AutopayDeps), principal().id, standing_order_id, changes
        )

    @blueprint.response(204)
    def delete(self, standing_order_id: UUID) -> None:
        """End a standing order at once."""
        service.end_order(unit(), deps(AutopayDeps), principal().id, standing_order_id)


@blueprint.route("/standing-orders/<uuid:standing_order_id>/pause")
class Pause(MethodView):
    """A standing order that rests."""

    @blueprint.repeatable
    @blueprint.response(200, StandingOrderSchema)
    def post(self, standing_order_id: UUID) -> OrderView:
        """Pause a standing order: nothing that waits is taken any more."""
        return service.pause_order(unit(), deps(AutopayDeps), principal().id, standing_order_id)


@blueprint.route("/standing-orders/<uuid:standing_order_id>/resumption")
class Resumption(MethodView):
    """A standing order that takes money again."""

    @blueprint.step_up
    @blueprint.repeatable
    @blueprint.response(200, StandingOrderSchema)
    def post(self, standing_order_id: UUID) -> OrderView:
        """Resume a standing order that was paused or has stopped."""
        return service.resume_order(unit(), deps(AutopayDeps), principal().id, standing_order_id)


@blueprint.route("/standing-orders/<uuid:standing_order_id>/collections")
class Collections(MethodView):
    """The bills of a standing order."""

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(CollectionSchema)
    def get(self, wanted: dict[str, Any], standing_order_id: UUID) -> Page[CollectionView]:
        """List what was and will be taken under a standing order."""
        return service.list_collections(unit(), principal().id, standing_order_id, wanted["page"])


@blueprint.route("/collections/<uuid:collection_id>/approval")
class Approval(MethodView):
    """A citizen's yes to a bill that waits for it."""

    @blueprint.step_up
    @blueprint.repeatable
    @blueprint.response(200, CollectionSchema)
    def post(self, collection_id: UUID) -> CollectionView:
        """Let a bill be taken that is unusual or above a bound."""
        return service.approve_collection(unit(), principal().id, collection_id)


@blueprint.route("/collections/<uuid:collection_id>/skip")
class Skip(MethodView):
    """A citizen's no to a bill."""

    @blueprint.repeatable
    @blueprint.response(200, CollectionSchema)
    def post(self, collection_id: UUID) -> CollectionView:
        """Let a bill go: it is mine to pay, and is not taken by itself."""
        return service.skip_bill(unit(), principal().id, collection_id)
