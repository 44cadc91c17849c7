"""The marketplace over HTTP: for integrators, for staff, and for the providers themselves."""

from typing import Any

from flask import request
from flask.views import MethodView

from app.core.pagination import Page
from app.http.blueprint import Blueprint, read_json
from app.http.context import deps, principal, request_path, unit
from app.http.pagination import PageArgs
from app.providers import service
from app.providers.errors import ManifestNotFound
from app.providers.schemas import (
    CanarySchema,
    NewProviderBadgeSchema,
    NewProviderKeySchema,
    NewProviderManifestSchema,
    NewProviderMoveSchema,
    OurKeysSchema,
    ProviderBadgeSchema,
    ProviderBecauseSchema,
    ProviderKeySchema,
    ProviderKeysSchema,
    ProviderManifestSchema,
    ProviderMoveSchema,
    ProviderSuspensionSchema,
    SendBackSchema,
    ServiceProviderFilter,
    ServiceProviderSchema,
    ToldSchema,
)
from app.providers.service import ProviderDeps
from app.providers.values import (
    BadgeView,
    KeyView,
    ManifestView,
    MoveView,
    ProviderKey,
    ProviderStatus,
    ProviderView,
    SignedCall,
)
from app.sdk.registry import Closed

MANAGE = "providers.manage"
REVIEW = "providers.review"
OPERATE = "providers.operate"
CACHED = "public, max-age=300"
KIB = 1024

providers = Blueprint("providers", __name__, description="Providers of services, of any company")
market = Blueprint("marketplace", __name__, description="The marketplace as staff runs it")


@providers.route("")
class Providers(MethodView):
    """What an integrator provides."""

    @providers.integrator(MANAGE)
    @providers.repeatable
    @providers.arguments(NewProviderManifestSchema)
    @providers.response(201, ServiceProviderSchema)
    def post(self, wanted: dict[str, Any]) -> ProviderView:
        """Register a provider."""
        uow, manifest = unit(), wanted["manifest"]
        made = service.register_provider(uow, deps(ProviderDeps), principal(), manifest)
        return service.view_provider(uow, made)

    @providers.integrator(MANAGE)
    @providers.arguments(PageArgs, location="query")
    @providers.page(ServiceProviderSchema)
    def get(self, wanted: dict[str, Any]) -> Page[ProviderView]:
        """List my providers."""
        return service.list_providers(unit(), wanted["page"], whose=principal())


@providers.route("/keys")
class OurKeys(MethodView):
    """Our public keys."""

    @providers.public
    @providers.response(200, OurKeysSchema)
    def get(self) -> Any:  # noqa: ANN401 - with its fields
        """Read the keys that calls of providers are signed with."""
        return {"keys": [deps(ProviderDeps).city.public_jwk]}, 200, {"Cache-Control": CACHED}


@providers.route("/<name:provider_id>")
class OneProvider(MethodView):
    """One provider of an integrator."""

    @providers.integrator(MANAGE)
    @providers.response(200, ServiceProviderSchema)
    def get(self, provider_id: str) -> ProviderView:
        """Read my provider."""
        return service.read_provider(unit(), provider_id, whose=principal())


@providers.route("/<name:provider_id>/moves")
class Moves(MethodView):
    """How a provider came to where it stands."""

    @providers.integrator(MANAGE)
    @providers.arguments(PageArgs, location="query")
    @providers.page(ProviderMoveSchema)
    def get(self, wanted: dict[str, Any], provider_id: str) -> Page[MoveView]:
        """List the moves of my provider, with their reasons."""
        return service.list_moves(unit(), provider_id, wanted["page"], whose=principal())


@providers.route("/<name:provider_id>/withdrawal")
class Withdrawal(MethodView):
    """The end of a provider by its integrator's own will."""

    @providers.integrator(MANAGE)
    @providers.repeatable
    @providers.arguments(ProviderBecauseSchema)
    @providers.response(200, ServiceProviderSchema)
    def post(self, wanted: dict[str, Any], provider_id: str) -> ProviderView:
        """Withdraw my provider."""
        uow, room, reason = unit(), deps(ProviderDeps), wanted["reason"]
        left = service.withdraw_provider(uow, room, principal(), provider_id, reason)
        return service.view_provider(uow, left)


@providers.route("/<name:provider_id>/manifests")
class Manifests(MethodView):
    """The versions of a manifest."""

    @providers.integrator(MANAGE)
    @providers.repeatable
    @providers.arguments(NewProviderManifestSchema)
    @providers.response(201, ProviderManifestSchema)
    def post(self, wanted: dict[str, Any], provider_id: str) -> ManifestView:
        """Submit a version of my manifest."""
        room, manifest = deps(ProviderDeps), wanted["manifest"]
        return service.submit_manifest(unit(), room, principal(), provider_id, manifest)

    @providers.integrator(MANAGE)
    @providers.arguments(PageArgs, location="query")
    @providers.page(ProviderManifestSchema)
    def get(self, wanted: dict[str, Any], provider_id: str) -> Page[ManifestView]:
        """List the versions of my manifest."""
        return service.list_manifests(unit(), provider_id, wanted["page"], whose=principal())


@providers.route("/<name:provider_id>/manifests/<slug:manifest_id>")
class OneManifest(MethodView):
    """One version of a manifest."""

    @providers.integrator(MANAGE)
    @providers.response(200, ProviderManifestSchema)
    def get(self, provider_id: str, manifest_id: str) -> ManifestView:
        """Read a version of my manifest."""
        return service.read_manifest(unit(), provider_id, _number(manifest_id), whose=principal())


@providers.route("/<name:provider_id>/keys")
class Keys(MethodView):
    """The keys of a provider."""

    @providers.integrator(MANAGE)
    @providers.repeatable
    @providers.arguments(NewProviderKeySchema)
    @providers.response(201, ProviderKeySchema)
    def post(self, wanted: ProviderKey, provider_id: str) -> KeyView:
        """Add a key of my provider."""
        return service.add_key(unit(), principal(), provider_id, wanted)

    @providers.integrator(MANAGE)
    @providers.response(200, ProviderKeysSchema)
    def get(self, provider_id: str) -> dict[str, list[KeyView]]:
        """List the keys of my provider."""
        return {"items": service.list_keys(unit(), principal(), provider_id)}


@providers.route("/<name:provider_id>/keys/<kid:key_id>")
class OneKey(MethodView):
    """One key of a provider."""

    @providers.integrator(MANAGE)
    @providers.response(204)
    def delete(self, provider_id: str, key_id: str) -> None:
        """Retire a key of my provider."""
        service.retire_key(unit(), principal(), provider_id, key_id)


@providers.route("/<name:provider_id>/returns")
class Returns(MethodView):
    """Money that a provider wants sent back."""

    @providers.public
    @providers.critical
    @providers.problems(403)
    @providers.raw_body("application/json", max_bytes=64 * KIB)
    @providers.response(204)
    def post(self, raw: bytes, provider_id: str) -> None:
        """Send money of a payment back on a provider's word.

        The call is signed with a key of the provider's (RFC 9421, tag `provider-call`), for this
        address and this body; each nonce counts once.
        """
        call = SignedCall("POST", request_path(), dict(request.headers), raw)
        service.check_call(unit(), deps(ProviderDeps), provider_id, call)
        service.send_back(deps(ProviderDeps), provider_id, read_json(SendBackSchema, raw))


@providers.route("/<name:provider_id>/events")
class Events(MethodView):
    """What a provider tells."""

    @providers.public
    @providers.critical
    @providers.problems(403)
    @providers.raw_body("application/json", max_bytes=64 * KIB)
    @providers.response(204)
    def post(self, raw: bytes, provider_id: str) -> None:
        """Receive an event of a provider.

        Standard Webhooks, signed with a key of the provider's (`v1a`); the same id again is
        answered and has no further effect.
        """
        event_id = service.check_event(unit(), provider_id, dict(request.headers), raw)
        service.apply_event(unit(), provider_id, event_id, read_json(ToldSchema, raw))


@market.route("/providers")
class Market(MethodView):
    """Every provider, of either transport."""

    @market.staff(REVIEW)
    @market.arguments(ServiceProviderFilter, location="query")
    @market.page(ServiceProviderSchema)
    def get(self, wanted: dict[str, Any]) -> Page[ProviderView]:
        """List providers."""
        return service.list_providers(unit(), wanted["page"], status=wanted["status"])


@market.route("/providers/<name:provider_id>")
class OneOfMarket(MethodView):
    """One provider."""

    @market.staff(REVIEW)
    @market.response(200, ServiceProviderSchema)
    def get(self, provider_id: str) -> ProviderView:
        """Read a provider."""
        return service.read_provider(unit(), provider_id)


@market.route("/providers/<name:provider_id>/manifests")
class ManifestsOfMarket(MethodView):
    """What a provider says of itself."""

    @market.staff(REVIEW)
    @market.arguments(PageArgs, location="query")
    @market.page(ProviderManifestSchema)
    def get(self, wanted: dict[str, Any], provider_id: str) -> Page[ManifestView]:
        """List the versions of a provider's manifest."""
        return service.list_manifests(unit(), provider_id, wanted["page"])


@market.route("/providers/<name:provider_id>/manifests/<slug:manifest_id>/release")
class Release(MethodView):
    """The version that is served."""

    @market.staff(REVIEW)
    @market.repeatable
    @market.response(200, ProviderManifestSchema)
    def post(self, provider_id: str, manifest_id: str) -> ManifestView:
        """Release a version of a provider's manifest."""
        return service.release_manifest(
            unit(), deps(ProviderDeps), provider_id, _number(manifest_id)
        )


@market.route("/providers/<name:provider_id>/moves")
class MovesOfMarket(MethodView):
    """The states of a provider."""

    @market.staff(REVIEW)
    @market.repeatable
    @market.arguments(NewProviderMoveSchema)
    @market.response(200, ServiceProviderSchema)
    def post(self, wanted: dict[str, Any], provider_id: str) -> ProviderView:
        """Move a provider to another state."""
        uow, to = unit(), ProviderStatus(wanted["to"])
        moved = service.move_provider(uow, deps(ProviderDeps), provider_id, to, wanted["reason"])
        return service.view_provider(uow, moved)

    @market.staff(REVIEW)
    @market.arguments(PageArgs, location="query")
    @market.page(ProviderMoveSchema)
    def get(self, wanted: dict[str, Any], provider_id: str) -> Page[MoveView]:
        """List the moves of a provider."""
        return service.list_moves(unit(), provider_id, wanted["page"])


@market.route("/providers/<name:provider_id>/badges")
class Badges(MethodView):
    """Proofs of conformance."""

    @market.staff(REVIEW)
    @market.repeatable
    @market.arguments(NewProviderBadgeSchema)
    @market.response(201, ProviderBadgeSchema)
    def post(self, wanted: dict[str, str], provider_id: str) -> BadgeView:
        """Record a conformance badge of a provider."""
        return service.record_badge(unit(), deps(ProviderDeps), provider_id, wanted["badge"])


@market.route("/providers/<name:provider_id>/suspension")
class Suspension(MethodView):
    """The kill switch."""

    @market.staff(OPERATE)
    @market.critical
    @market.arguments(ProviderSuspensionSchema)
    @market.response(200, ServiceProviderSchema)
    def put(self, wanted: Closed, provider_id: str) -> ProviderView:
        """Suspend a provider, or change what citizens read meanwhile."""
        uow = unit()
        suspended = service.suspend_provider(uow, deps(ProviderDeps), provider_id, wanted)
        return service.view_provider(uow, suspended)


@market.route("/providers/<name:provider_id>/resumption")
class Resumption(MethodView):
    """The end of a suspension."""

    @market.staff(OPERATE)
    @market.repeatable
    @market.arguments(ProviderBecauseSchema)
    @market.response(200, ServiceProviderSchema)
    def post(self, wanted: dict[str, Any], provider_id: str) -> ProviderView:
        """Resume a provider."""
        uow = unit()
        resumed = service.resume_provider(uow, deps(ProviderDeps), provider_id, wanted["reason"])
        return service.view_provider(uow, resumed)


@market.route("/providers/<name:provider_id>/canary")
class Canary(MethodView):
    """To how many citizens a canary is shown."""

    @market.staff(OPERATE)
    @market.arguments(CanarySchema)
    @market.response(200, ServiceProviderSchema)
    def put(self, wanted: dict[str, int], provider_id: str) -> ProviderView:
        """Change the share of a canary."""
        uow = unit()
        changed = service.change_canary(uow, deps(ProviderDeps), provider_id, wanted["percent"])
        return service.view_provider(uow, changed)


def _number(version: str) -> int:
    """Return the number of a version as it stands in an address; there are no others."""
    if not version.isdigit() or len(version) > 9:  # noqa: PLR2004 - what PostgreSQL counts to
        raise ManifestNotFound
    return int(version)
