"""The trail over HTTP: for auditors, for the citizen whom it concerns, and its public keys."""

from typing import Any

from flask.views import MethodView

from app.audit import service
from app.audit.models import AuditEntry
from app.audit.schemas import (
    ActivitySchema,
    AuditEntrySchema,
    AuditKeysSchema,
    AuditSealSchema,
    EntryFilterSchema,
    TrailFindingSchema,
    VerificationArgs,
)
from app.audit.values import ActivityLine, AuditDeps, Finding
from app.core.pagination import Page
from app.http.blueprint import Blueprint
from app.http.context import deps, principal, unit
from app.http.pagination import PageArgs

trail = Blueprint("audit", __name__, description="The sealed trail of accesses and security acts")
me = Blueprint("activity", __name__, description="What happened to me")


@trail.route("/entries")
class Entries(MethodView):
    """The rows of the trail."""

    @trail.staff("audit.read")
    @trail.arguments(EntryFilterSchema, location="query")
    @trail.page(AuditEntrySchema)
    def get(self, args: dict[str, Any]) -> Page[AuditEntry]:
        """List audit entries."""
        return service.list_entries(unit(), args["wanted"], args["page"])


@trail.route("/seals")
class Seals(MethodView):
    """The seals."""

    @trail.staff("audit.read")
    @trail.arguments(PageArgs, location="query")
    @trail.page(AuditSealSchema)
    def get(self, args: dict[str, Any]) -> Page[Any]:
        """List audit seals."""
        return service.list_seals(unit(), args["page"])


@trail.route("/verification")
class Verification(MethodView):
    """Whether the trail is what was sealed."""

    @trail.staff("audit.read")
    @trail.arguments(VerificationArgs, location="query")
    @trail.response(200, TrailFindingSchema)
    def get(self, args: dict[str, Any]) -> Finding:
        """Verify the audit trail."""
        found = args["first_seal"], args["last_seal"]
        return service.verify_trail(unit(), deps(AuditDeps), *found)


@trail.route("/keys")
class Keys(MethodView):
    """The public halves of the keys that seal."""

    @trail.public
    @trail.response(200, AuditKeysSchema)
    def get(self) -> dict[str, Any]:
        """List audit keys."""
        key = deps(AuditDeps).key
        return {
            "items": [
                {
                    "id": name,
                    "algorithm": "Ed25519",
                    "public_key": raw.hex(),
                    "is_current": name == key.id,
                }
                for name, raw in key.publics.items()
            ]
        }


@me.route("/activity")
class Activity(MethodView):
    """What happened to the citizen."""

    @me.arguments(PageArgs, location="query")
    @me.page(ActivitySchema)
    def get(self, args: dict[str, Any]) -> Page[ActivityLine]:
        """List my activity."""
        return service.list_activity(unit(), principal().id, args["page"])
