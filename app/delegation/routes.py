"""Delegation over HTTP: mandates, acting tokens, organisations, guardianships, and the counter."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.core.pagination import Page
from app.delegation import service
from app.delegation.models import DelegateAct, Mandate
from app.delegation.schemas import (
    ActingTokenSchema,
    ActSchema,
    CounterConsentSchema,
    CounterGuardianshipSchema,
    CounterMandateSchema,
    CounterRefSchema,
    EndingSchema,
    GuardianshipSchema,
    MandateFilterSchema,
    MandateSchema,
    NewActingTokenSchema,
    NewGuardianshipSchema,
    NewMandateSchema,
    NewOrganisationSchema,
    OrganisationSchema,
    OrganisationStatusSchema,
)
from app.delegation.service import DelegationDeps
from app.delegation.values import (
    ActingToken,
    Claim,
    Draft,
    Ending,
    GuardianshipView,
    MandateView,
    OrganisationStatus,
    OrganisationView,
    Person,
    Side,
    StaffReason,
)
from app.http.blueprint import Blueprint
from app.http.context import deps, principal, unit
from app.http.pagination import PageArgs

CONFIRM = "delegation.confirm"

blueprint = Blueprint("delegation", __name__, description="Who may act for whom (代办)")


def _view(mandate: Mandate) -> MandateView:
    unit().flush()
    return service.view_mandate(unit(), deps(DelegationDeps), mandate, principal().id)


def _views(page: Page[Mandate]) -> Page[MandateView]:
    return Page([_view(mandate) for mandate in page.items], page.next_cursor)


@blueprint.route("/mandates")
class Mandates(MethodView):
    """What I let others do, and what others let me do."""

    @blueprint.assurance("verified")
    @blueprint.rate("20/minute")
    @blueprint.arguments(NewMandateSchema)
    @blueprint.response(201, MandateSchema)
    def post(self, draft: Draft) -> tuple[MandateView, int, dict[str, str]]:
        """Ask for a mandate.

        The other party is named by a number; the answer is the same whether anybody has it.
        """
        made = service.draft_mandate(unit(), deps(DelegationDeps), principal(), draft)
        return _view(made), 201, {"Location": f"/v1/delegation/mandates/{made.id}"}

    @blueprint.arguments(MandateFilterSchema, location="query")
    @blueprint.page(MandateSchema)
    def get(self, wanted: dict[str, Any]) -> Page[MandateView]:
        """List my mandates."""
        side = None if wanted["side"] is None else Side(wanted["side"])
        return _views(
            service.list_mandates(
                unit(), deps(DelegationDeps), principal().id, side, wanted["page"]
            )
        )


@blueprint.route("/mandates/<uuid:mandate_id>")
class OneMandate(MethodView):
    """One mandate."""

    @blueprint.response(200, MandateSchema)
    def get(self, mandate_id: UUID) -> MandateView:
        """Read a mandate."""
        return _view(service.find_mandate(unit(), deps(DelegationDeps), principal().id, mandate_id))


@blueprint.route("/mandates/<uuid:mandate_id>/acceptance")
class Acceptance(MethodView):
    """The delegate's yes."""

    @blueprint.assurance("verified")
    @blueprint.response(200, MandateSchema)
    def post(self, mandate_id: UUID) -> MandateView:
        """Agree to act under a mandate."""
        return _view(service.accept_mandate(unit(), deps(DelegationDeps), principal(), mandate_id))


@blueprint.route("/mandates/<uuid:mandate_id>/consent")
class ConsentOfPrincipal(MethodView):
    """The principal's yes."""

    @blueprint.assurance("verified")
    @blueprint.step_up
    @blueprint.response(200, MandateSchema)
    def post(self, mandate_id: UUID) -> MandateView:
        """Consent to a mandate."""
        return _view(
            service.consent_to_mandate(unit(), deps(DelegationDeps), principal(), mandate_id)
        )


@blueprint.route("/mandates/<uuid:mandate_id>/sms-question")
class SmsQuestions(MethodView):
    """Consent by a text."""

    @blueprint.assurance("verified")
    @blueprint.response(202, MandateSchema)
    def post(self, mandate_id: UUID) -> MandateView:
        """Have the principal asked by SMS.

        They consent by answering with the code they are sent, from the same number; for mandates of
        a day or a month.
        """
        return _view(service.ask_by_sms(unit(), deps(DelegationDeps), principal(), mandate_id))


@blueprint.route("/mandates/<uuid:mandate_id>/refusal")
class Refusal(MethodView):
    """A no."""

    @blueprint.response(200, MandateSchema)
    def post(self, mandate_id: UUID) -> MandateView:
        """Decline a mandate."""
        return _view(service.decline_mandate(unit(), deps(DelegationDeps), principal(), mandate_id))


@blueprint.route("/mandates/<uuid:mandate_id>/revocation")
class Revocation(MethodView):
    """The end, by either side."""

    @blueprint.critical
    @blueprint.response(200, MandateSchema)
    def post(self, mandate_id: UUID) -> MandateView:
        """Revoke a mandate."""
        return _view(service.revoke_mandate(unit(), deps(DelegationDeps), principal(), mandate_id))


@blueprint.route("/mandates/<uuid:mandate_id>/scopes/<uuid:scope_id>")
class MandateScopes(MethodView):
    """One service of a mandate."""

    @blueprint.critical
    @blueprint.response(204)
    def delete(self, mandate_id: UUID, scope_id: UUID) -> None:
        """Revoke one service of a mandate."""
        service.revoke_scope(unit(), deps(DelegationDeps), principal(), mandate_id, scope_id)


@blueprint.route("/mandates/<uuid:mandate_id>/acts")
class Acts(MethodView):
    """What was done under a mandate."""

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(ActSchema)
    def get(self, wanted: dict[str, Any], mandate_id: UUID) -> Page[DelegateAct]:
        """List what was done under a mandate."""
        return service.list_acts(
            unit(), deps(DelegationDeps), principal().id, mandate_id, wanted["page"]
        )


@blueprint.route("/acting-tokens")
class ActingTokens(MethodView):
    """The way to act."""

    @blueprint.assurance("verified")
    @blueprint.step_up
    @blueprint.rate("30/minute")
    @blueprint.arguments(NewActingTokenSchema)
    @blueprint.response(201, ActingTokenSchema)
    def post(self, wanted: dict[str, UUID]) -> ActingToken:
        """Get a token to act for somebody.

        `mandate_id` is the id of a mandate, or of a guardianship. The token lives five minutes at
        most, as long as the mandate, and ends with the session that asked for it.
        """
        return service.issue_acting_token(
            unit(), deps(DelegationDeps), principal(), wanted["mandate_id"]
        )


@blueprint.route("/organisations")
class Organisations(MethodView):
    """The organisations that I represent or act for."""

    @blueprint.assurance("verified")
    @blueprint.arguments(NewOrganisationSchema)
    @blueprint.response(201, OrganisationSchema)
    def post(self, claim: Claim) -> tuple[OrganisationView, int, dict[str, str]]:
        """Claim an organisation as its representative."""
        made = service.claim_organisation(unit(), deps(DelegationDeps), principal(), claim)
        return made, 201, {"Location": f"/v1/delegation/organisations/{made.id}"}

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(OrganisationSchema)
    def get(self, wanted: dict[str, Any]) -> Page[OrganisationView]:
        """List my organisations."""
        return service.list_organisations(
            unit(), deps(DelegationDeps), principal().id, wanted["page"]
        )


@blueprint.route("/organisations/<uuid:organisation_id>")
class OneOrganisation(MethodView):
    """One organisation."""

    @blueprint.response(200, OrganisationSchema)
    def get(self, organisation_id: UUID) -> OrganisationView:
        """Read an organisation."""
        return service.find_organisation(
            unit(), deps(DelegationDeps), principal().id, organisation_id
        )


@blueprint.route("/organisations/<uuid:organisation_id>/closure")
class Closure(MethodView):
    """The end of an organisation's record."""

    @blueprint.assurance("verified")
    @blueprint.step_up
    @blueprint.response(200, OrganisationSchema)
    def post(self, organisation_id: UUID) -> OrganisationView:
        """Close an organisation that I represent."""
        closed = service.close_organisation(
            unit(), deps(DelegationDeps), principal(), organisation_id
        )
        return service.view_organisation(deps(DelegationDeps), closed, principal().id)


@blueprint.route("/organisations/<uuid:organisation_id>/mandates")
class OrganisationMandates(MethodView):
    """An organisation's agents."""

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(MandateSchema)
    def get(self, wanted: dict[str, Any], organisation_id: UUID) -> Page[MandateView]:
        """List the mandates that my organisation gave."""
        return _views(service.list_agents(unit(), principal().id, organisation_id, wanted["page"]))


@blueprint.route("/organisations/<uuid:organisation_id>/status")
class OrganisationState(MethodView):
    """What staff do to an organisation."""

    @blueprint.staff(CONFIRM)
    @blueprint.arguments(OrganisationStatusSchema)
    @blueprint.response(200, CounterRefSchema)
    def put(self, wanted: dict[str, str], organisation_id: UUID) -> Any:  # noqa: ANN401 - a row
        """Suspend, resume or close an organisation."""
        to, reason = OrganisationStatus(wanted["status"]), StaffReason(wanted["reason"])
        return service.set_organisation_status(
            unit(), deps(DelegationDeps), organisation_id, to, reason
        )


@blueprint.route("/guardianships")
class Guardianships(MethodView):
    """Children whose guardian I am, and my guardians."""

    @blueprint.assurance("verified")
    @blueprint.arguments(NewGuardianshipSchema)
    @blueprint.response(201, GuardianshipSchema)
    def post(self, wanted: dict[str, Person]) -> tuple[GuardianshipView, int, dict[str, str]]:
        """Claim the guardianship of a child."""
        house = deps(DelegationDeps)
        made = service.claim_guardianship(unit(), house, principal(), wanted["child"])
        view = service.view_guardianship(unit(), house, made, principal().id)
        return view, 201, {"Location": f"/v1/delegation/guardianships/{made.id}"}

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(GuardianshipSchema)
    def get(self, wanted: dict[str, Any]) -> Page[GuardianshipView]:
        """List my guardianships."""
        return service.list_guardianships(
            unit(), deps(DelegationDeps), principal().id, wanted["page"]
        )


@blueprint.route("/guardianships/<uuid:guardianship_id>")
class OneGuardianship(MethodView):
    """One guardianship."""

    @blueprint.response(200, GuardianshipSchema)
    def get(self, guardianship_id: UUID) -> GuardianshipView:
        """Read a guardianship."""
        found = service.find_guardianship(unit(), principal().id, guardianship_id)
        return service.view_guardianship(unit(), deps(DelegationDeps), found, principal().id)


@blueprint.route("/guardianships/<uuid:guardianship_id>/acts")
class GuardiansActs(MethodView):
    """What a guardian did."""

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(ActSchema)
    def get(self, wanted: dict[str, Any], guardianship_id: UUID) -> Page[DelegateAct]:
        """List what a guardian did for a child."""
        return service.list_guardians_acts(unit(), principal().id, guardianship_id, wanted["page"])


@blueprint.route("/guardianships/<uuid:guardianship_id>/ending")
class GuardianshipEnding(MethodView):
    """The end of a guardianship before its time."""

    @blueprint.staff(CONFIRM)
    @blueprint.arguments(EndingSchema)
    @blueprint.response(200, CounterRefSchema)
    def post(self, wanted: dict[str, str], guardianship_id: UUID) -> Any:  # noqa: ANN401 - a row
        """End a guardianship."""
        ending, reason = Ending(wanted["ending"]), wanted["reason"]
        return service.end_guardianship(
            unit(), deps(DelegationDeps), guardianship_id, ending, reason
        )


@blueprint.route("/counter-mandates")
class CounterMandates(MethodView):
    """Mandates that are given at a counter."""

    @blueprint.staff(CONFIRM)
    @blueprint.arguments(CounterMandateSchema)
    @blueprint.response(201, CounterRefSchema)
    def post(self, case: dict[str, Any]) -> Mandate:
        """Write down a mandate given at a counter."""
        return service.draft_at_counter(unit(), deps(DelegationDeps), principal(), **case)


@blueprint.route("/mandates/<uuid:mandate_id>/counter-consent")
class CounterConsent(MethodView):
    """Consent that is given at a counter."""

    @blueprint.staff(CONFIRM)
    @blueprint.arguments(CounterConsentSchema)
    @blueprint.response(200, CounterRefSchema)
    def post(self, case: dict[str, Any], mandate_id: UUID) -> Mandate:
        """Confirm the consent of somebody at a counter."""
        return service.consent_at_counter(
            unit(), deps(DelegationDeps), principal(), mandate_id, **case
        )


@blueprint.route("/counter-guardianships")
class CounterGuardianships(MethodView):
    """Guardianships that are shown at a counter."""

    @blueprint.staff(CONFIRM)
    @blueprint.arguments(CounterGuardianshipSchema)
    @blueprint.response(201, CounterRefSchema)
    def post(self, case: dict[str, Any]) -> Any:  # noqa: ANN401 - a row
        """Confirm a guardianship at a counter."""
        return service.confirm_guardianship(unit(), deps(DelegationDeps), principal(), **case)
