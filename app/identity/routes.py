"""Identity over HTTP: logging in, sessions, and who I am."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.core.pagination import Page
from app.credentials.schemas import (
    NewPasskeySchema,
    PasskeyOptionsSchema,
    PasskeySchema,
    PasskeysSchema,
    RecoveryCodesSchema,
)
from app.credentials.values import Asked, Ceremony, Factors, PasskeyView
from app.http.blueprint import Blueprint
from app.http.context import client_address, deps, principal, unit
from app.http.pagination import PageArgs
from app.identity import service
from app.identity.models import Verification
from app.identity.schemas import (
    ChallengeSchema,
    CodeProofSchema,
    EndSessionsSchema,
    EvidenceSchema,
    FaceCheckSchema,
    FactorsSchema,
    LockSchema,
    MeSchema,
    NewChallengeSchema,
    NewCounterConfirmationSchema,
    NewLinkedProofSchema,
    NewPasskeyOptionsSchema,
    NewPasswordSchema,
    NewResetSchema,
    NewSessionSchema,
    NewStepUpSchema,
    NewVerificationSchema,
    RefreshSchema,
    SessionSchema,
    SignedInSchema,
    StandingSchema,
    SteppedUpSchema,
    StepUpProofSchema,
    StepUpSchema,
    VerificationSchema,
)
from app.identity.service import IdentityDeps
from app.identity.values import (
    AnyLogIn,
    EvidenceView,
    FaceCheck,
    Holding,
    LockReason,
    Me,
    Opened,
    Purpose,
    Reset,
    SessionView,
    SignedIn,
    Standing,
    SteppedUp,
    StepUpBegun,
    StepUpMeans,
    StepUpProof,
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
    def post(self, login: AnyLogIn) -> SignedIn:
        """Log in."""
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


@auth.route("/passkeys/options")
class PasskeyOptions(MethodView):
    """What passkeys are asked."""

    @auth.critical
    @auth.public
    @auth.arguments(NewPasskeyOptionsSchema)
    @auth.response(200, PasskeyOptionsSchema)
    def post(self, wanted: dict[str, str]) -> Asked:
        """Ask for a passkey."""
        purpose = Ceremony(wanted["purpose"])
        return service.ask_passkey(unit(), deps(IdentityDeps), purpose, wanted.get("phone"))


@auth.route("/resets")
class Resets(MethodView):
    """Passwords that were forgotten."""

    @auth.critical
    @auth.public
    @auth.problems(403)
    @auth.arguments(NewResetSchema)
    @auth.response(204)
    def post(self, reset: Reset) -> None:
        """Reset my password."""
        service.reset_password(unit(), deps(IdentityDeps), reset, client_address())


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


@me.route("/factors")
class FactorsOfMine(MethodView):
    """What the caller can prove themselves with."""

    @me.response(200, FactorsSchema)
    def get(self) -> Factors:
        """Read my ways in."""
        return service.describe_factors(unit(), principal().id)


@me.route("/password")
class Password(MethodView):
    """The caller's password."""

    @me.arguments(NewPasswordSchema)
    @me.response(204)
    def put(self, wanted: dict[str, str]) -> None:
        """Set my password."""
        service.set_password(unit(), deps(IdentityDeps), principal(), wanted["password"])

    @me.step_up
    @me.response(204)
    def delete(self) -> None:
        """Remove my password."""
        service.remove_password(unit(), deps(IdentityDeps), principal().id)


@me.route("/passkeys/options")
class NewPasskeyOptions(MethodView):
    """What is asked of a browser that makes a passkey."""

    @me.response(200, PasskeyOptionsSchema)
    def post(self) -> Asked:
        """Begin a passkey."""
        return service.ask_new_passkey(unit(), deps(IdentityDeps), principal())


@me.route("/passkeys")
class Passkeys(MethodView):
    """The caller's passkeys."""

    @me.response(200, PasskeysSchema)
    def get(self) -> dict[str, list[PasskeyView]]:
        """List my passkeys."""
        return {"items": service.list_passkeys(unit(), deps(IdentityDeps), principal().id)}

    @me.arguments(NewPasskeySchema)
    @me.response(201, PasskeySchema)
    def post(self, wanted: dict[str, Any]) -> PasskeyView:
        """Add a passkey."""
        return service.add_passkey(
            unit(), deps(IdentityDeps), principal(), wanted["passkey"], wanted["name"]
        )


@me.route("/passkeys/<uuid:passkey_id>")
class OnePasskey(MethodView):
    """One of the caller's passkeys."""

    @me.step_up
    @me.response(204)
    def delete(self, passkey_id: UUID) -> None:
        """Remove a passkey."""
        service.remove_passkey(unit(), principal().id, passkey_id)


@me.route("/recovery-codes")
class RecoveryCodes(MethodView):
    """Codes for the day on which everything else is lost."""

    @me.step_up
    @me.response(201, RecoveryCodesSchema)
    def post(self) -> dict[str, Any]:
        """Make recovery codes."""
        return {"codes": service.make_recovery_codes(unit(), deps(IdentityDeps), principal().id)}


@me.route("/phone")
class Phone(MethodView):
    """The caller's number."""

    @me.step_up
    @me.arguments(CodeProofSchema)
    @me.response(204)
    def post(self, wanted: dict[str, Any]) -> None:
        """Change my number."""
        who = principal()
        service.change_phone(
            unit(),
            deps(IdentityDeps),
            who.id,
            who.session_id,
            wanted["challenge_id"],
            wanted["code"],
            client_address(),
        )


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


@auth.route("/step-ups")
class StepUps(MethodView):
    """Second proofs within a session."""

    @auth.critical
    @auth.arguments(NewStepUpSchema)
    @auth.response(201, StepUpSchema)
    def post(self, wanted: dict[str, str]) -> StepUpBegun:
        """Begin a step-up."""
        means = StepUpMeans(wanted["means"]) if "means" in wanted else None
        return service.begin_step_up(
            unit(), deps(IdentityDeps), principal(), means, client_address()
        )


@auth.route("/step-ups/<uuid:step_up_id>/completion")
class StepUpCompletion(MethodView):
    """The end of one."""

    @auth.critical
    @auth.arguments(StepUpProofSchema)
    @auth.response(200, SteppedUpSchema)
    def post(self, proof: StepUpProof, step_up_id: UUID) -> SteppedUp:
        """Finish a step-up."""
        return service.finish_step_up(
            unit(), deps(IdentityDeps), principal(), step_up_id, proof, client_address()
        )
