"""Agreements, consents and disclosures over HTTP."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.consent import service
from app.consent.models import DisclosureEntry
from app.consent.schemas import (
    AcceptanceSchema,
    AgreementStandingSchema,
    ConsentAnswerSchema,
    ConsentChangesArgs,
    ConsentChangesSchema,
    ConsentQuestionSchema,
    ConsentSchema,
    DisclosureSchema,
    NewConsentSchema,
)
from app.consent.values import Changes, ConsentView, Standing
from app.core.pagination import Page
from app.http.blueprint import Blueprint
from app.http.context import principal, unit
from app.http.pagination import PageArgs

blueprint = Blueprint(
    "consent",
    __name__,
    url_prefix="/v1/me",
    description="What I agreed to, and who saw what of me",
)

consumers = Blueprint(
    "consumers",
    __name__,
    url_prefix="/v1/consents",
    description="What a client may ask about consents to itself",
)


@blueprint.route("/agreements")
class Agreements(MethodView):
    """The app's terms and privacy notice."""

    @blueprint.page(AgreementStandingSchema)
    def get(self) -> Page[Standing]:
        """List the agreements of the app."""
        return Page(service.list_agreements(unit(), principal().id))


@blueprint.route("/agreements/<slug:agreement_id>/acceptances")
class Acceptances(MethodView):
    """The caller's yes to the app's terms or notice."""

    @blueprint.arguments(AcceptanceSchema)
    @blueprint.response(201, ConsentSchema)
    def post(self, wanted: dict[str, int], agreement_id: str) -> ConsentView:
        """Accept an agreement of the app."""
        who = principal()
        made = service.accept_agreement(
            unit(), who.id, who.session_id, agreement_id, wanted["version"]
        )
        return service.read_consent(unit(), who.id, made)


@blueprint.route("/consents")
class Consents(MethodView):
    """The caller's consents."""

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(ConsentSchema)
    def get(self, wanted: dict[str, Any]) -> Page[ConsentView]:
        """List my consents."""
        return service.list_consents(unit(), principal().id, wanted["page"])

    @blueprint.arguments(NewConsentSchema)
    @blueprint.response(201, ConsentSchema)
    def post(self, wanted: dict[str, Any]) -> ConsentView:
        """Give a consent."""
        who = principal()
        made = service.give_consent(
            unit(), who.id, who.session_id, wanted["agreement_id"], wanted["version"]
        )
        return service.read_consent(unit(), who.id, made)


@blueprint.route("/consents/<uuid:consent_id>")
class OneConsent(MethodView):
    """One of the caller's consents."""

    @blueprint.response(200, ConsentSchema)
    def get(self, consent_id: UUID) -> ConsentView:
        """Read a consent."""
        return service.read_consent(unit(), principal().id, consent_id)

    @blueprint.response(204)
    def delete(self, consent_id: UUID) -> None:
        """Withdraw a consent."""
        service.withdraw_consent(unit(), principal().id, consent_id)


@blueprint.route("/disclosures")
class Disclosures(MethodView):
    """Who saw what of the caller."""

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(DisclosureSchema)
    def get(self, wanted: dict[str, Any]) -> Page[DisclosureEntry]:
        """List who was shown what of me."""
        return service.list_disclosures(unit(), principal().id, wanted["page"])


@consumers.route("/changes")
class ConsentChanges(MethodView):
    """The feed of a client."""

    @consumers.integrator("consents.read")
    @consumers.arguments(ConsentChangesArgs, location="query")
    @consumers.response(200, ConsentChangesSchema)
    def get(self, wanted: dict[str, int]) -> Changes:
        """List changes of consents to my client."""
        consumer = f"client:{principal().id}"
        return service.list_changes(unit(), consumer, wanted["after"], wanted["limit"])


@consumers.route("/questions")
class ConsentQuestions(MethodView):
    """Whether a consent holds."""

    @consumers.integrator("consents.read")
    @consumers.arguments(ConsentQuestionSchema)
    @consumers.response(200, ConsentAnswerSchema)
    def post(self, wanted: dict[str, str]) -> dict[str, bool]:
        """Ask whether a consent holds now."""
        consumer = f"client:{principal().id}"
        holds = service.is_consented(unit(), consumer, wanted["subject"], wanted["attribute"])
        return {"is_consented": holds}
