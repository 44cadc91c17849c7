"""`/v1/utilities/orders`: parts, several bills at once, payments ahead and top-ups."""

from typing import Any
from uuid import UUID

from flask import url_for
from flask.views import MethodView

from app.sdk import Page, PageArgs, citizen, request_unit
from plugins.utilities import service
from plugins.utilities.routes.common import blueprint, house_of, visible
from plugins.utilities.schemas.orders import NewOrderSchema, OrderSchema
from plugins.utilities.values import CitizensOrder, NewOrder

_CREATED = 201


@blueprint.route("/accounts/<uuid:account_id>/orders")
class AccountOrders(MethodView):
    """What is paid of an account in another way than bill by bill."""

    @blueprint.acting("pay")
    @blueprint.repeatable
    @blueprint.arguments(NewOrderSchema)
    @blueprint.response(201, OrderSchema)
    def post(self, wanted: NewOrder, account_id: UUID) -> tuple[CitizensOrder, int, dict[str, str]]:
        """Mint an order for an amount of my account.

        The amount is laid on the open bills, oldest period first, and what is beyond them is an
        advance, as far as the biller's terms allow. It can be paid once, within half an hour.
        """
        payer = citizen()
        order = service.mint_order(
            house_of(),
            request_unit(),
            payer.reference,
            account_id,
            wanted,
            billers=visible("pay"),
            letterbox=payer.letterbox,
        )
        return order, _CREATED, {"Location": url_for("utilities.Order", order_id=order.id)}


@blueprint.route("/look-ups/<uuid:look_up_id>/orders")
class LookUpOrders(MethodView):
    """What is paid for somebody else."""

    @blueprint.repeatable
    @blueprint.arguments(NewOrderSchema)
    @blueprint.response(201, OrderSchema)
    def post(self, wanted: NewOrder, look_up_id: UUID) -> tuple[CitizensOrder, int, dict[str, str]]:
        """Mint an order for an account that I have looked up."""
        payer = citizen()
        order = service.mint_order_for_others(
            house_of(),
            request_unit(),
            payer.reference,
            look_up_id,
            wanted,
            letterbox=payer.letterbox,
        )
        return order, _CREATED, {"Location": url_for("utilities.Order", order_id=order.id)}


@blueprint.route("/orders")
class Orders(MethodView):
    """The orders of the calling citizen."""

    @blueprint.acting("view")
    @blueprint.scope("bills.read")
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(OrderSchema)
    def get(self, query: dict[str, Any]) -> Page[CitizensOrder]:
        """List my orders, the first minted first."""
        return service.list_orders(
            house_of(), request_unit(), citizen().reference, query["page"], visible()
        )


@blueprint.route("/orders/<uuid:order_id>")
class Order(MethodView):
    """One order."""

    @blueprint.acting("view")
    @blueprint.scope("bills.read")
    @blueprint.response(200, OrderSchema)
    def get(self, order_id: UUID) -> CitizensOrder:
        """Show my order."""
        return service.find_order(
            house_of(), request_unit(), citizen().reference, order_id, visible()
        )
