"""The web application of a house: its door, and every blueprint at its place."""

from functools import partial

from app.audit import routes as audit_routes
from app.autopay import routes as autopay_routes
from app.catalog import routes as catalog_routes
from app.certificates import routes as certificates_routes
from app.consent import routes as consent_routes
from app.core.crypto import Keyring
from app.core.redis import connect, is_alive
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.delegation import routes as delegation_routes
from app.delegation import service as delegation
from app.delegation.service import DelegationDeps
from app.factory.rooms import Rooms
from app.host.roster import Roster
from app.http import health, openapi, problem_list
from app.http.authentication import Authenticator
from app.http.possession import KeyCheck
from app.http.rate_limit import RateLimiter
from app.http.server import Door, Server
from app.http.shedding import Lanes
from app.identity import routes as identity_routes
from app.ledger import routes as ledger_routes
from app.notifications import routes as notifications_routes
from app.oauth import pages
from app.oauth import routes as oauth_routes
from app.oauth.errors import OAuthError
from app.oauth.service import OAuthDeps, RequestLog
from app.oauth.values import SCOPES
from app.operations import routes as operations_routes
from app.payments import routes as payments_routes
from app.privacy import routes as privacy_routes
from app.providers import routes as providers_routes
from app.receipts import routes as receipts_routes
from app.reconciliation import routes as reconciliation_routes
from app.settlement import routes as settlement_routes
from app.staff import routes as staff_routes
from app.webhooks import routes as webhooks_routes
from config.settings import Settings

API_VERSION = "1.0.0"


def create_app(settings: Settings, rooms: Rooms) -> Server:
    """Return the web application of a house."""
    app = Server("wudang")
    app.extensions["house"] = rooms.deps
    keyring: Keyring = rooms.deps[Keyring]
    app.door = Door(
        units=rooms.units,
        authenticate=rooms.deps[Authenticator].authenticate,
        limiter=RateLimiter(settings.redis_url, factor=settings.web.rate_factor),
        lanes=Lanes(settings.web.threads),
        body_key=lambda: keyring.class_key("idempotency_keys"),
        check_sealing=rooms.check_sealing,
        loopback_exempt=settings.web.loopback_exempt,
        require_tls=settings.web.require_tls,
        note_served=rooms.deps[RequestLog].note,
        note_act=partial(_note_act, rooms.deps[DelegationDeps]),
        keys=KeyCheck(rooms.units, settings.web.public_url, rooms.deps[OAuthDeps].nonces),
        check_open=rooms.deps[Roster].check_open,
        staff_networks=settings.web.staff_networks,
    )
    app.trust_proxies(settings.web.trusted_proxies)
    api = openapi.make_api(app, API_VERSION, _scopes())
    app.extensions["api"] = api
    for blueprint in (
        identity_routes.auth,
        identity_routes.me,
        identity_routes.desk,
        notifications_routes.blueprint,
        consent_routes.blueprint,
        staff_routes.staff,
        consent_routes.consumers,
        privacy_routes.me,
        privacy_routes.desk,
    ):
        api.register_blueprint(blueprint)
    for prefix, blueprint in (
        ("/problems", problem_list.blueprint),
        ("/v1", catalog_routes.blueprint),
        ("/v1/payments", payments_routes.payments),
        ("/v1/refunds", payments_routes.refunds),
        ("/v1/disputes", payments_routes.disputes),
        ("/v1/item-reviews", payments_routes.reviews),
        ("/v1/receipts", receipts_routes.receipts),
        ("/v1/me/receipts", receipts_routes.mine),
        ("/v1/certificates", certificates_routes.certificates),
        ("/v1/me/certificates", certificates_routes.mine),
        ("/", certificates_routes.well_known),
        ("/v1/payment-methods", payments_routes.saved),
        ("/v1/autopay", autopay_routes.blueprint),
        ("/v1/me", payments_routes.payables),
        ("/v1/me/services", catalog_routes.mine),
        ("/v1/ledger", ledger_routes.blueprint),
        ("/v1/reconciliation", reconciliation_routes.blueprint),
        ("/v1/settlement", settlement_routes.blueprint),
        ("/v1/providers", providers_routes.providers),
        ("/v1/marketplace", providers_routes.market),
        ("/", oauth_routes.well_known),
        ("/oauth", oauth_routes.oauth),
        ("/v1/oauth/clients", oauth_routes.clients),
        ("/v1/services", oauth_routes.entries),
        ("/v1/services", operations_routes.blueprint),
        ("/v1/audit", audit_routes.trail),
        ("/v1/me", audit_routes.me),
        ("/v1/delegation", delegation_routes.blueprint),
        ("/v1/webhooks", webhooks_routes.blueprint),
    ):
        api.register_blueprint(blueprint, url_prefix=prefix)
    if settings.profile == "sandbox":
        api.register_blueprint(oauth_routes.sandbox, url_prefix="/v1/sandbox/clients")
    for name, blueprint in rooms.hosted.blueprints.items():
        api.register_blueprint(blueprint, url_prefix=f"/v1/{name}")
    app.register_blueprint(pages.blueprint)
    app.register_error_handler(OAuthError, pages.answer_browser)
    wanted = {}
    if settings.redis_url is not None:
        client = connect(settings.redis_url)
        wanted["redis"] = lambda: is_alive(client)
    needed = {"database": rooms.is_database_ready, "catalogue": rooms.is_catalogue_ready}
    health.serve(app, needed, wanted, (rooms.watch_sealing,))
    if settings.web.docs:
        openapi.serve(app, api)
    return app


def _note_act(
    deps: DelegationDeps, uow: UnitOfWork, who: Principal, action: str, operation: str
) -> None:
    delegation.note_act(uow, deps, who, action, operation)


def _scopes() -> dict[str, str]:
    """Return what a citizen can grant to others' apps, as the document names it."""
    return {name: f"{scope.title_zh} {scope.title_en}" for name, scope in SCOPES.items()}
