"""`/v1/utilities/accounts`: a citizen's accounts."""

from typing import Any
from uuid import UUID

from flask import url_for
from flask.views import MethodView

from app.sdk import (
    Page,
    PageArgs,
    citizen,
    request_unit,
)
from plugins.utilities import service
from plugins.utilities.routes.common import blueprint, house_of, visible
from plugins.utilities.schemas.accounts import (
    AccountSchema,
    FoundAccountSchema,
    MoveOutSchema,
    NewAccountSchema,
    NewLookUpSchema,
)
from plugins.utilities.schemas.explanations import ConsumedSchema
from plugins.utilities.values import (
    Consumed,
    FoundAccount,
    LinkedAccount,
    NewAccount,
    NewLookUp,
)

_CREATED = 201


@blueprint.route("/accounts")
class Accounts(MethodView):
    """The accounts that the calling citizen has linked."""

    @blueprint.acting("view")
    @blueprint.scope("bills.read")
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(AccountSchema)
    def get(self, query: dict[str, Any]) -> Page[LinkedAccount]:
        """List my utility accounts."""
        return service.list_accounts(
            house_of(), request_unit(), citizen().reference, query["page"], visible()
        )

    @blueprint.arguments(NewAccountSchema)
    @blueprint.response(201, AccountSchema)
    def post(self, wanted: NewAccount) -> tuple[LinkedAccount, int, dict[str, str]]:
        """Link a utility account.

        The biller confirms that number and holder's name belong together; an unknown number and
        another name are refused alike. Linking an account again answers with the same link.
        """
        account = service.link_account(house_of(), request_unit(), citizen(), wanted)
        place = url_for("utilities.Account", account_id=account.id)
        return account, _CREATED, {"Location": place}


@blueprint.route("/accounts/<uuid:account_id>")
class Account(MethodView):
    """One linked account."""

    @blueprint.acting("view")
    @blueprint.scope("bills.read")
    @blueprint.response(200, AccountSchema)
    def get(self, account_id: UUID) -> LinkedAccount:
        """Show my utility account."""
        return service.find_account(
            house_of(), request_unit(), citizen().reference, account_id, visible()
        )

    @blueprint.response(204)
    def delete(self, account_id: UUID) -> None:
        """Unlink my utility account."""
        service.unlink_account(request_unit(), citizen().reference, account_id)


@blueprint.route("/accounts/<uuid:account_id>/move-out")
class AccountMoveOut(MethodView):
    """The end of living where an account is."""

    @blueprint.arguments(MoveOutSchema)
    @blueprint.response(200, AccountSchema)
    def put(self, body: dict[str, Any], account_id: UUID) -> LinkedAccount:
        """Move out of where my utility account is.

        Bills of periods that begin after the last day are not shown and not to be paid any more.
        """
        return service.move_out(
            house_of(), request_unit(), citizen().reference, account_id, body["last_day"]
        )


@blueprint.route("/look-ups")
class LookUps(MethodView):
    """Accounts of other people, found by number."""

    @blueprint.arguments(NewLookUpSchema)
    @blueprint.response(201, FoundAccountSchema)
    def post(self, wanted: NewLookUp) -> tuple[FoundAccount, int]:
        """Find somebody else's account to pay for it.

        An unknown number and another name are refused alike; attempts are few and kept.
        """
        found = service.look_up_account(house_of(), request_unit(), citizen().reference, wanted)
        return found, _CREATED


@blueprint.route("/accounts/<uuid:account_id>/consumption")
class AccountConsumption(MethodView):
    """What was used of an account, period by period."""

    @blueprint.acting("view")
    @blueprint.scope("bills.read")
    @blueprint.page(ConsumedSchema)
    def get(self, account_id: UUID) -> Page[Consumed]:
        """List what my utility account has used.

        The oldest of the last sixty periods first; use beyond twice the median of the twelve
        periods before is flagged.
        """
        service.refresh_bills(house_of(), citizen().reference)
        found = service.list_consumption(
            request_unit(), citizen().reference, account_id, billers=visible()
        )
        return Page(found)
