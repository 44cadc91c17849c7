"""The ledger over HTTP, for auditors and finance."""

from typing import Any

from flask.views import MethodView

from app.core.pagination import Page
from app.http.blueprint import Blueprint
from app.http.context import unit
from app.ledger import service
from app.ledger.models import LedgerSplitRule
from app.ledger.schemas import (
    LedgerTransactionSchema,
    SplitRuleFilter,
    SplitRuleSchema,
    TransactionFilter,
    TrialBalanceSchema,
)
from app.ledger.values import TransactionView, TrialBalance

blueprint = Blueprint("ledger", __name__, description="The books: double entry, append only")


@blueprint.route("/trial-balance")
class TrialBalances(MethodView):
    """The sum of the whole book."""

    @blueprint.staff("ledger.read")
    @blueprint.response(200, TrialBalanceSchema)
    def get(self) -> TrialBalance:
        """Read the trial balance."""
        return service.read_trial_balance(unit())


@blueprint.route("/transactions")
class Transactions(MethodView):
    """The bookings."""

    @blueprint.staff("ledger.read")
    @blueprint.arguments(TransactionFilter, location="query")
    @blueprint.page(LedgerTransactionSchema)
    def get(self, wanted: dict[str, Any]) -> Page[TransactionView]:
        """List ledger transactions."""
        return service.list_transactions(unit(), wanted["page"], wanted["subject_id"])


@blueprint.route("/split-rules")
class SplitRules(MethodView):
    """How money is split."""

    @blueprint.staff("ledger.read")
    @blueprint.arguments(SplitRuleFilter, location="query")
    @blueprint.page(SplitRuleSchema)
    def get(self, wanted: dict[str, Any]) -> Page[LedgerSplitRule]:
        """List split rules."""
        return service.list_split_rules(unit(), wanted["page"], wanted["applies_to"])
