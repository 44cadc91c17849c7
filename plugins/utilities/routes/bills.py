"""`/v1/utilities/bills`: a citizen's bills."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.sdk import (
    Page,
    citizen,
    request_unit,
)
from plugins.utilities import service
from plugins.utilities.routes.common import blueprint, house_of, visible
from plugins.utilities.schemas.bills import BillArgs, BillPreviewSchema, BillSchema, EditionSchema
from plugins.utilities.schemas.explanations import BillExplanationSchema
from plugins.utilities.values import (
    CitizensBill,
    Edition,
    Explanation,
    Preview,
)


@blueprint.route("/bills")
class Bills(MethodView):
    """The bills of the calling citizen's accounts."""

    @blueprint.acting("view")
    @blueprint.scope("bills.read")
    @blueprint.arguments(BillArgs, location="query")
    @blueprint.page(BillSchema)
    def get(self, query: dict[str, Any]) -> Page[CitizensBill]:
        """List my utility bills.

        Nearest due date first. Billers last asked ten seconds ago or more are asked again; when one
        does not answer, its bills are shown as they are stored: see `refreshed_at`.
        """
        service.refresh_bills(house_of(), citizen().reference, query["biller"])
        return service.list_bills(
            house_of(), request_unit(), citizen().reference, billers=visible(), **query
        )


@blueprint.route("/bills/<uuid:bill_id>")
class Bill(MethodView):
    """One bill."""

    @blueprint.acting("view")
    @blueprint.scope("bills.read")
    @blueprint.response(200, BillSchema)
    def get(self, bill_id: UUID) -> CitizensBill:
        """Show my utility bill."""
        service.refresh_bills(house_of(), citizen().reference)
        return service.find_bill(
            house_of(), request_unit(), citizen().reference, bill_id, billers=visible()
        )


@blueprint.route("/bills/<uuid:bill_id>/explanation")
class BillExplanation(MethodView):
    """A bill reckoned once more."""

    @blueprint.acting("view")
    @blueprint.scope("bills.read")
    @blueprint.response(200, BillExplanationSchema)
    def get(self, bill_id: UUID) -> Explanation:
        """Explain my utility bill.

        Each figure is reckoned from readings and prices, with the rule and its source; one that
        the biller told differently is flagged, and so is use beyond twice one's own median.
        """
        service.refresh_bills(house_of(), citizen().reference)
        return service.explain_bill(request_unit(), citizen().reference, bill_id, billers=visible())


@blueprint.route("/bills/<uuid:bill_id>/late-fee-preview")
class BillLateFeePreview(MethodView):
    """What waiting costs."""

    @blueprint.acting("view")
    @blueprint.scope("bills.read")
    @blueprint.response(200, BillPreviewSchema)
    def get(self, bill_id: UUID) -> Preview:
        """Preview what my utility bill will cost.

        Today, on the last day to pay, on the day after and a month after, and when a grace or a
        year ends in between: by the rule by which late fees are reckoned.
        """
        service.refresh_bills(house_of(), citizen().reference)
        return service.preview_costs(
            request_unit(), citizen().reference, bill_id, billers=visible()
        )


@blueprint.route("/bills/<uuid:bill_id>/editions")
class BillEditions(MethodView):
    """How a bill was told, and why it was changed."""

    @blueprint.acting("view")
    @blueprint.scope("bills.read")
    @blueprint.page(EditionSchema)
    def get(self, bill_id: UUID) -> Page[Edition]:
        """List the editions of my utility bill."""
        kept = service.list_editions(
            request_unit(), citizen().reference, bill_id, billers=visible()
        )
        return Page(kept)
