"""The staff room over HTTP; every operation is open from the staff's networks only."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.core.pagination import Page
from app.http.blueprint import Blueprint
from app.http.context import deps, principal, unit
from app.http.pagination import PageArgs
from app.staff import service
from app.staff.schemas import (
    CitizenSearchSchema,
    FoundCitizenSchema,
    InvitationTokenSchema,
    NewStaffMemberSchema,
    NewStaffPasswordSchema,
    NewStaffRequestSchema,
    NewStaffSessionSchema,
    NewUnmaskingSchema,
    RequestArgs,
    StaffAcceptanceSchema,
    StaffBegunSchema,
    StaffInvitedSchema,
    StaffMemberSchema,
    StaffMeSchema,
    StaffOpeningSchema,
    StaffProofSchema,
    StaffRenewalSchema,
    StaffRequestSchema,
    StaffSecondFactorSchema,
    StaffSessionSchema,
    StaffSignedInSchema,
    StaffStepUpAskedSchema,
    UnmaskedSchema,
)
from app.staff.service import StaffDeps
from app.staff.values import (
    SELF,
    Acceptance,
    Attribute,
    Begun,
    FoundCitizen,
    Invited,
    Opening,
    Proof,
    RequestView,
    StaffMe,
    StaffSessionView,
    StaffSignedIn,
    StaffView,
    StepUpAsked,
    Unmasked,
)

staff = Blueprint("staff", __name__, url_prefix="/v1/staff", description="Who works for the city")


@staff.route("/openings")
class Openings(MethodView):
    """Invitations that are looked at."""

    @staff.public
    @staff.from_office
    @staff.problems(401)
    @staff.arguments(InvitationTokenSchema)
    @staff.response(201, StaffOpeningSchema)
    def post(self, given: dict[str, str]) -> Opening:
        """Open an invitation to the staff."""
        return service.open_invitation(unit(), deps(StaffDeps), given["token"])


@staff.route("/acceptances")
class Acceptances(MethodView):
    """Invitations that are accepted."""

    @staff.public
    @staff.from_office
    @staff.problems(401)
    @staff.arguments(StaffAcceptanceSchema)
    @staff.response(204)
    def post(self, given: Acceptance) -> None:
        """Accept an invitation to the staff."""
        service.accept_invitation(unit(), deps(StaffDeps), given)


@staff.route("/sessions")
class StaffSessions(MethodView):
    """Sessions of staff."""

    @staff.public
    @staff.from_office
    @staff.problems(401, 403)
    @staff.arguments(NewStaffSessionSchema)
    @staff.response(201, StaffBegunSchema)
    def post(self, given: dict[str, str]) -> Begun:
        """Begin a log-in of staff."""
        return service.begin_session(unit(), deps(StaffDeps), given["login"], given["password"])

    @staff.staff(SELF)
    @staff.arguments(PageArgs, location="query")
    @staff.page(StaffSessionSchema)
    def get(self, wanted: dict[str, Any]) -> Page[StaffSessionView]:
        """List my sessions as staff."""
        return service.list_sessions(unit(), principal(), wanted["page"])


@staff.route("/sessions/renewal")
class Renewal(MethodView):
    """The way to stay logged in."""

    @staff.public
    @staff.from_office
    @staff.problems(401)
    @staff.arguments(StaffRenewalSchema)
    @staff.response(200, StaffSignedInSchema)
    def post(self, given: dict[str, str]) -> StaffSignedIn:
        """Renew a session of staff."""
        return service.renew_session(unit(), deps(StaffDeps), given["renewal_token"])


@staff.route("/sessions/<uuid:session_id>")
class OneStaffSession(MethodView):
    """One session."""

    @staff.staff(SELF)
    @staff.response(204)
    def delete(self, session_id: UUID) -> None:
        """End a session of staff."""
        service.end_staff_session(unit(), principal(), session_id)


@staff.route("/sessions/<uuid:session_id>/second-factor")
class SecondFactor(MethodView):
    """What opens a session."""

    @staff.public
    @staff.from_office
    @staff.problems(401, 403)
    @staff.arguments(StaffSecondFactorSchema)
    @staff.response(200, StaffSignedInSchema)
    def post(self, given: dict[str, Any], session_id: UUID) -> StaffSignedIn:
        """Finish a log-in of staff with the second factor."""
        return service.finish_session(
            unit(),
            deps(StaffDeps),
            session_id,
            given["ticket"],
            given["proof"],
            given["new_password"],
        )


@staff.route("/me")
class Myself(MethodView):
    """The caller."""

    @staff.staff(SELF)
    @staff.response(200, StaffMeSchema)
    def get(self) -> StaffMe:
        """Read what I may do as staff."""
        return service.describe_myself(unit(), principal())


@staff.route("/me/step-up-challenges")
class StepUpChallenges(MethodView):
    """What a step-up has to answer."""

    @staff.staff(SELF)
    @staff.response(201, StaffStepUpAskedSchema)
    def post(self) -> StepUpAsked:
        """Ask how I can step up as staff."""
        return service.ask_step_up(unit(), deps(StaffDeps), principal())


@staff.route("/me/step-ups")
class StepUps(MethodView):
    """The second factor, again."""

    @staff.staff(SELF)
    @staff.arguments(StaffProofSchema)
    @staff.response(204)
    def post(self, given: Proof) -> None:
        """Step up as staff for five minutes."""
        service.step_up(unit(), deps(StaffDeps), principal(), given)


@staff.route("/me/password")
class Password(MethodView):
    """The caller's password."""

    @staff.staff(SELF)
    @staff.step_up
    @staff.arguments(NewStaffPasswordSchema)
    @staff.response(204)
    def put(self, given: dict[str, str]) -> None:
        """Change my password as staff."""
        service.change_password(unit(), deps(StaffDeps), principal(), given["password"])


@staff.route("/members")
class Members(MethodView):
    """Members of staff."""

    @staff.staff("staff.manage")
    @staff.arguments(PageArgs, location="query")
    @staff.page(StaffMemberSchema)
    def get(self, wanted: dict[str, Any]) -> Page[StaffView]:
        """List the members of staff."""
        return service.list_members(unit(), wanted["page"])

    @staff.staff("staff.manage")
    @staff.arguments(NewStaffMemberSchema)
    @staff.response(201, StaffInvitedSchema)
    def post(self, given: dict[str, str]) -> Invited:
        """Invite a member of staff."""
        return service.invite_member(
            unit(), deps(StaffDeps), given["label"], given.get("department")
        )


@staff.route("/members/<uuid:member_id>")
class Member(MethodView):
    """One member of staff."""

    @staff.staff("staff.manage")
    @staff.response(200, StaffMemberSchema)
    def get(self, member_id: UUID) -> StaffView:
        """Read a member of staff."""
        return service.read_member(unit(), member_id)


@staff.route("/members/<uuid:member_id>/invitations")
class Invitations(MethodView):
    """Fresh invitations."""

    @staff.staff("staff.manage")
    @staff.response(201, StaffInvitedSchema)
    def post(self, member_id: UUID) -> Invited:
        """Invite a member of staff again."""
        return service.invite_again(unit(), deps(StaffDeps), member_id)


@staff.route("/members/<uuid:member_id>/suspension")
class Suspension(MethodView):
    """An account that is closed at once."""

    @staff.staff("staff.manage")
    @staff.response(204)
    def post(self, member_id: UUID) -> None:
        """Suspend a member of staff."""
        service.suspend_member(unit(), principal(), member_id)


@staff.route("/requests")
class Requests(MethodView):
    """Dangerous acts that are asked for."""

    @staff.staff(SELF)
    @staff.arguments(RequestArgs, location="query")
    @staff.page(StaffRequestSchema)
    def get(self, wanted: dict[str, Any]) -> Page[RequestView]:
        """List requests that I made or may decide on."""
        return service.list_requests(
            unit(), deps(StaffDeps), principal(), wanted["status"], wanted["page"]
        )

    @staff.staff(SELF)
    @staff.arguments(NewStaffRequestSchema)
    @staff.response(201, StaffRequestSchema)
    def post(self, given: dict[str, Any]) -> RequestView:
        """Ask for a dangerous act."""
        return service.request_act(
            unit(),
            deps(StaffDeps),
            principal(),
            given["act"],
            given["parameters"],
            given["reason"],
        )


@staff.route("/requests/<uuid:request_id>")
class OneRequest(MethodView):
    """One request."""

    @staff.staff(SELF)
    @staff.response(200, StaffRequestSchema)
    def get(self, request_id: UUID) -> RequestView:
        """Read a request for a dangerous act."""
        return service.read_request(unit(), deps(StaffDeps), principal(), request_id)


@staff.route("/requests/<uuid:request_id>/approval")
class Approval(MethodView):
    """A second person's yes."""

    @staff.staff(SELF)
    @staff.step_up
    @staff.response(200, StaffRequestSchema)
    def post(self, request_id: UUID) -> RequestView:
        """Approve a dangerous act."""
        return service.approve_request(unit(), deps(StaffDeps), principal(), request_id)


@staff.route("/requests/<uuid:request_id>/rejection")
class Rejection(MethodView):
    """A second person's no."""

    @staff.staff(SELF)
    @staff.response(200, StaffRequestSchema)
    def post(self, request_id: UUID) -> RequestView:
        """Reject a dangerous act."""
        return service.reject_request(unit(), deps(StaffDeps), principal(), request_id)


@staff.route("/citizen-searches")
class CitizenSearches(MethodView):
    """The desk looks for a citizen."""

    @staff.staff("identity.find")
    @staff.rate("30/minute")
    @staff.arguments(CitizenSearchSchema)
    @staff.response(200, FoundCitizenSchema)
    def post(self, given: dict[str, str]) -> FoundCitizen:
        """Find a citizen by a number."""
        by = Attribute.PHONE if "phone" in given else Attribute.RESIDENT_ID
        return service.find_citizen(
            unit(), deps(StaffDeps), principal(), by, given[by], given["reason"]
        )


@staff.route("/citizens/<uuid:citizen_id>/unmaskings")
class Unmaskings(MethodView):
    """Fields that are read in clear."""

    @staff.staff("identity.unmask")
    @staff.step_up
    @staff.arguments(NewUnmaskingSchema)
    @staff.response(201, UnmaskedSchema)
    def post(self, given: dict[str, str], citizen_id: UUID) -> Unmasked:
        """Read a field of a citizen in clear."""
        return service.unmask_field(
            unit(),
            deps(StaffDeps),
            principal(),
            citizen_id,
            Attribute(given["attribute"]),
            given["reason"],
        )
