"""Identity over HTTP: logging in, sessions, and who I am."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.core.pagination import Page
from app.http.blueprint import Blueprint
from app.http.context import client_address, deps, principal, unit
from app.http.pagination import PageArgs
from app.identity import service
from app.identity.models import Verification
from app.identity.schemas import (
    ChallengeSchema,
    EndSessionsSchema,
    EvidenceSchema,
    FaceCheckSchema,
    LockSchema,
    MeSchema,
    NewChallengeSchema,
    NewCounterConfirmationSchema,
    NewLinkedProofSchema,
    NewSessionSchema,
    NewVerificationSchema,
    RefreshSchema,
    SessionSchema,
    SignedInSchema,
    StandingSchema,
    VerificationSchema,
)
from app.identity.service import IdentityDeps
from app.identity.values import (
    EvidenceView,
    FaceCheck,
    Holding,
    LockReason,
    LogIn,
    Me,
    Opened,
    Purpose,
    SessionView,
    SignedIn,
    Standing,
)

auth = Blueprint("auth", __name__, url_prefix="/v1/auth", description="Log in and stay in")
desk = Blueprint("identity", __name__, url_prefix="/v1/identity", description="Identity for staff")
me = Blueprint("me", __name__, url_prefix="/v1/me", description="Who I am")


@auth.route("/challenges")
class Challenges(MethodView):
    """Codes by SMS."""

    @auth.critical
    @auth.public
    @auth.arguments(NewChallengeSchema)
    @auth.response(202, ChallengeSchema)
    def post(self, wanted: dict[str, str]) -> Opened:
        """Send a code to a number."""
        purpose = Purpose(wanted["purpose"])
        return service.open_challenge(
            unit(), deps(IdentityDeps), wanted["phone"], purpose, client_address()
        )


@auth.route("/sessions")
class Sessions(MethodView):
    """The caller's sessions."""

    @auth.critical
    @auth.public
    @auth.problems(403)
    @auth.arguments(NewSessionSchema)
    @auth.response(201, SignedInSchema)
    def post(self, login: LogIn) -> SignedIn:
        """Log in with a code."""
        return service.start_session(unit(), deps(IdentityDeps), login, client_address())

    @auth.arguments(PageArgs, location="query")
    @auth.page(SessionSchema)
    def get(self, wanted: dict[str, Any]) -> Page[SessionView]:
        """List my sessions."""
        who = principal()
        return service.list_sessions(
            unit(), deps(IdentityDeps), who.id, who.session_id, wanted["page"]
        )

    @auth.arguments(EndSessionsSchema, location="query")
    @auth.response(204)
    def delete(self, wanted: dict[str, bool]) -> None:
        """End all my other sessions, or all of them."""
        but = None if wanted["including_current"] else principal().session_id
        service.end_every_session(unit(), principal().id, "citizen", but=but)


@auth.route("/sessions/refresh")
class SessionRefresh(MethodView):
    """The way to stay logged in."""

    @auth.critical
    @auth.public
    @auth.problems(401)
    @auth.arguments(RefreshSchema)
    @auth.response(200, SignedInSchema)
    def post(self, wanted: dict[str, str]) -> SignedIn:
        """Refresh a session."""
        return service.refresh_session(unit(), deps(IdentityDeps), wanted["refresh_token"])


@auth.route("/sessions/<uuid:session_id>")
class OneSession(MethodView):
    """One of the caller's sessions."""

    @auth.response(204)
    def delete(self, session_id: UUID) -> None:
        """End a session."""
        service.end_session(unit(), principal().id, session_id)


@me.route("")
class Profile(MethodView):
    """The caller."""

    @me.response(200, MeSchema)
    def get(self) -> Me:
        """Read my profile."""
        return service.describe_me(unit(), deps(IdentityDeps), principal())


@me.route("/verifications")
class Verifications(MethodView):
    """Proofs of a name."""

    @me.arguments(NewVerificationSchema)
    @me.response(201, VerificationSchema)
    def post(self, wanted: dict[str, str]) -> Verification:
        """Verify my name."""
        return service.verify_citizen(
            unit(), deps(IdentityDeps), principal().id, wanted["name"], wanted["resident_id"]
        )


@me.route("/linked-proofs")
class LinkedProofs(MethodView):
    """Proofs that something belongs to the caller."""

    @me.arguments(NewLinkedProofSchema)
    @me.response(201, VerificationSchema)
    def post(self, wanted: dict[str, str]) -> Verification:
        """Prove what is mine."""
        holding = Holding(wanted["kind"])
        return service.prove_holding(
            unit(), deps(IdentityDeps), principal().id, holding, wanted.get("number")
        )


@me.route("/face-checks")
class FaceChecks(MethodView):
    """Checks of a living face."""

    @me.response(201, FaceCheckSchema)
    def post(self) -> FaceCheck:
        """Begin a face check."""
        return service.open_face_check(unit(), deps(IdentityDeps), principal().id)


@me.route("/face-checks/<uuid:face_check_id>/completion")
class FaceCheckCompletion(MethodView):
    """The outcome of one."""

    @me.response(200, VerificationSchema)
    def post(self, face_check_id: UUID) -> Verification:
        """Finish a face check."""
        return service.finish_face_check(unit(), deps(IdentityDeps), principal().id, face_check_id)


@me.route("/evidence")
class EvidenceOfMine(MethodView):
    """What proves who the caller is."""

    @me.arguments(PageArgs, location="query")
    @me.page(EvidenceSchema)
    def get(self, wanted: dict[str, Any]) -> Page[EvidenceView]:
        """List my evidence."""
        return service.list_evidence(unit(), principal().id, wanted["page"])


@desk.route("/counter-confirmations")
class CounterConfirmations(MethodView):
    """People who were seen in person."""

    @desk.staff("identity.confirm")
    @desk.idempotent
    @desk.arguments(NewCounterConfirmationSchema)
    @desk.response(201, StandingSchema)
    def post(self, wanted: dict[str, str]) -> Standing:
        """Confirm a citizen at a counter."""
        return service.confirm_at_counter(
            unit(), deps(IdentityDeps), principal().id, wanted["name"], wanted["resident_id"]
        )


@desk.route("/citizens/<uuid:citizen_id>/lock")
class Lock(MethodView):
    """The way out for an account in wrong hands."""

    @desk.staff("sessions.end")
    @desk.arguments(LockSchema)
    @desk.response(204)
    def post(self, wanted: dict[str, str], citizen_id: UUID) -> None:
        """Lock an account."""
        service.lock_account(unit(), citizen_id, LockReason(wanted["reason"]))


@desk.route("/citizens/<uuid:citizen_id>/unlock")
class Unlock(MethodView):
    """The way back."""

    @desk.staff("sessions.end")
    @desk.arguments(LockSchema)
    @desk.response(204)
    def post(self, wanted: dict[str, str], citizen_id: UUID) -> None:
        """Unlock an account."""
        service.unlock_account(unit(), citizen_id, LockReason(wanted["reason"]))
