"""OAuth over HTTP: the endpoints of the protocol, and the clients as staff sees them."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from flask import Response
from flask.views import MethodView

from app.core.errors import Unauthenticated
from app.core.ids import new_secret
from app.core.pagination import Page
from app.core.unit_of_work import UnitOfWork
from app.http.blueprint import Blueprint
from app.http.context import (
    client_address,
    deps,
    fields_of_header,
    meter,
    note_client,
    principal,
    request_path,
    unit,
)
from app.http.cookies import read_cookie, set_cookie
from app.http.pagination import PageArgs
from app.http.served import Served
from app.oauth import service
from app.oauth.schemas import (
    AuthorizationFormSchema,
    ChangeClientSchema,
    ClientRequestSchema,
    ClientSchema,
    ClientTokenSchema,
    DeviceCodeSchema,
    DeviceFormSchema,
    EntryAddressSchema,
    IntrospectionSchema,
    KeySetSchema,
    LogoutFormSchema,
    NewClientSchema,
    OwnTokenFormSchema,
    ProviderSchema,
    PushedSchema,
    PushFormSchema,
    SandboxClientSchema,
    SandboxWishSchema,
    TokenFormSchema,
    UserinfoSchema,
)
from app.oauth.service import OAuthDeps
from app.oauth.values import (
    BROWSER_COOKIE,
    OWN_LOG,
    SESSION_COOKIE,
    BrowserSession,
    ClientView,
    EntryView,
    NewClient,
    ProtocolCall,
    SandboxClient,
)

T = TypeVar("T")
CACHED = "public, max-age=300"

well_known = Blueprint("discovery", __name__, description="What the provider can do")
oauth = Blueprint("oauth", __name__, description="OAuth 2.1 and OpenID Connect")
clients = Blueprint("clients", __name__, description="Systems of others")
sandbox = Blueprint("sandbox", __name__, description="In a sandbox only: not there in production")
entries = Blueprint("entries", __name__, description="From the city's app into a service's page")


@well_known.route("/.well-known/openid-configuration")
class OpenIdConfiguration(MethodView):
    """Discovery of OpenID Connect."""

    @well_known.public
    @well_known.response(200, ProviderSchema)
    def get(self) -> Any:  # noqa: ANN401 - with its fields
        """Read the OpenID configuration."""
        return _cached(service.describe_provider(deps(OAuthDeps)))


@well_known.route("/.well-known/oauth-authorization-server")
class AuthorizationServer(MethodView):
    """Discovery of OAuth."""

    @well_known.public
    @well_known.response(200, ProviderSchema)
    def get(self) -> Any:  # noqa: ANN401 - with its fields
        """Read the authorization server's metadata."""
        return _cached(service.describe_provider(deps(OAuthDeps)))


@oauth.route("/jwks")
class Keys(MethodView):
    """Our public keys."""

    @oauth.public
    @oauth.response(200, KeySetSchema)
    def get(self) -> Any:  # noqa: ANN401 - with its fields
        """Read the provider's public keys."""
        return _cached(deps(OAuthDeps).tokens.jwks())


@oauth.route("/par")
class PushedRequests(MethodView):
    """Requests that are pushed (RFC 9126)."""

    @oauth.oauth
    @oauth.unmetered
    @oauth.critical
    @oauth.form(PushFormSchema)
    @oauth.response(201, PushedSchema)
    def post(self, form: dict[str, str]) -> Any:  # noqa: ANN401 - serialised by the schema
        """Push an authorization request."""
        return _as_client(form, service.push_request)


@oauth.route("/authorize")
class Authorize(MethodView):
    """Where a client sends the citizen's browser."""

    @oauth.oauth
    @oauth.writing
    @oauth.open_query(AuthorizationFormSchema)
    @oauth.response(303)
    def get(self, query: dict[str, str]) -> Response:
        """Ask a citizen for a client."""
        return _in_browser(query, service.begin_authorization)

    @oauth.oauth
    @oauth.form(AuthorizationFormSchema)
    @oauth.response(303)
    def post(self, form: dict[str, str]) -> Response:
        """Ask a citizen for a client by a form."""
        return _in_browser(form, service.begin_authorization)


@oauth.route("/token")
class Token(MethodView):
    """Where grants become tokens."""

    @oauth.oauth
    @oauth.unmetered
    @oauth.critical
    @oauth.form(TokenFormSchema)
    @oauth.response(200, ClientTokenSchema)
    def post(self, form: dict[str, str]) -> dict[str, Any]:
        """Exchange a grant for tokens."""
        return _as_client(form, service.issue_token)


@oauth.route("/introspect")
class Introspection(MethodView):
    """What a token is worth (RFC 7662)."""

    @oauth.oauth
    @oauth.unmetered
    @oauth.form(OwnTokenFormSchema)
    @oauth.response(200, IntrospectionSchema)
    def post(self, form: dict[str, str]) -> dict[str, Any]:
        """Inspect a token."""
        return _as_client(form, service.introspect)


@oauth.route("/revoke")
class Revocation(MethodView):
    """The end of a token (RFC 7009)."""

    @oauth.oauth
    @oauth.unmetered
    @oauth.form(OwnTokenFormSchema)
    @oauth.response(200)
    def post(self, form: dict[str, str]) -> Response:
        """Revoke a token."""
        _as_client(form, service.revoke)
        return Response(status=200)


@oauth.route("/device_authorization")
class DeviceAuthorization(MethodView):
    """Devices without a keyboard (RFC 8628)."""

    @oauth.oauth
    @oauth.unmetered
    @oauth.form(DeviceFormSchema)
    @oauth.response(200, DeviceCodeSchema)
    def post(self, form: dict[str, str]) -> Any:  # noqa: ANN401 - serialised by the schema
        """Begin on a device."""
        return _as_client(form, service.start_device)


@oauth.route("/userinfo")
class Userinfo(MethodView):
    """Claims about the citizen who logged in."""

    @oauth.scope("openid")
    @oauth.response(200, UserinfoSchema)
    def get(self) -> dict[str, Any]:
        """Read the claims of a citizen."""
        return service.describe_subject(unit(), deps(OAuthDeps), principal())

    @oauth.scope("openid")
    @oauth.response(200, UserinfoSchema)
    def post(self) -> dict[str, Any]:
        """Read the claims of a citizen by POST."""
        return service.describe_subject(unit(), deps(OAuthDeps), principal())


@oauth.route("/logout")
class Logout(MethodView):
    """Where a client sends a browser that shall be logged out."""

    @oauth.oauth
    @oauth.writing
    @oauth.open_query(LogoutFormSchema)
    @oauth.response(303)
    def get(self, query: dict[str, str]) -> Response:
        """Log a browser out."""
        return _in_browser(query, service.begin_logout)

    @oauth.oauth
    @oauth.form(LogoutFormSchema)
    @oauth.response(303)
    def post(self, form: dict[str, str]) -> Response:
        """Log a browser out by a form."""
        return _in_browser(form, service.begin_logout)


@clients.route("")
class Clients(MethodView):
    """All clients."""

    @clients.staff("integrators.manage")
    @clients.arguments(NewClientSchema)
    @clients.response(201, ClientSchema)
    def post(self, wanted: NewClient) -> ClientView:
        """Register a client."""
        return service.create_client(unit(), wanted, cause="staff")

    @clients.staff("integrators.manage")
    @clients.arguments(PageArgs, location="query")
    @clients.page(ClientSchema)
    def get(self, wanted: dict[str, Any]) -> Page[ClientView]:
        """List clients."""
        return service.list_clients(unit(), wanted["page"])


@clients.route("/<uuid:client_id>")
class OneClient(MethodView):
    """One client."""

    @clients.staff("integrators.manage")
    @clients.response(200, ClientSchema)
    def get(self, client_id: UUID) -> ClientView:
        """Read a client."""
        return service.read_client(unit(), client_id)

    @clients.staff("integrators.manage")
    @clients.arguments(ChangeClientSchema)
    @clients.response(200, ClientSchema)
    def patch(self, changes: dict[str, Any], client_id: UUID) -> ClientView:
        """Change a client."""
        return service.change_client(unit(), client_id, changes, cause="staff")


@clients.route("/<uuid:client_id>/secrets")
class ClientSecrets(MethodView):
    """A client's secrets."""

    @clients.staff("integrators.manage")
    @clients.response(201, ClientSchema)
    def post(self, client_id: UUID) -> ClientView:
        """Renew a client's secret."""
        return service.renew_secret(unit(), client_id)


@clients.route("/me/requests")
class OwnRequests(MethodView):
    """What a client asked of us."""

    @clients.integrator(OWN_LOG)
    @clients.arguments(PageArgs, location="query")
    @clients.page(ClientRequestSchema)
    def get(self, wanted: dict[str, Any]) -> Page[Served]:
        """List my requests."""
        return service.list_requests(unit(), principal().id, wanted["page"])


@clients.route("/<uuid:client_id>/requests")
class ClientRequests(MethodView):
    """What a client asked of us, for staff."""

    @clients.staff("integrators.manage")
    @clients.arguments(PageArgs, location="query")
    @clients.page(ClientRequestSchema)
    def get(self, wanted: dict[str, Any], client_id: UUID) -> Page[Served]:
        """List a client's requests."""
        return service.list_requests(unit(), client_id, wanted["page"])


@sandbox.route("")
class SandboxClients(MethodView):
    """Clients that make themselves: no address of production."""

    @sandbox.public
    @sandbox.arguments(SandboxWishSchema)
    @sandbox.response(201, SandboxClientSchema)
    def post(self, wanted: dict[str, Any]) -> SandboxClient:
        """Make a sandbox client."""
        return service.make_sandbox_client(unit(), deps(OAuthDeps), **wanted, cause="sandbox")


@entries.route("/<slug:service_id>/entry")
class Entry(MethodView):
    """The way into the page that a provider has for a service."""

    @entries.rate("30/minute")
    @entries.response(201, EntryAddressSchema)
    def post(self, service_id: str) -> EntryView:
        """Open the page of a service."""
        return service.open_entry(unit(), deps(OAuthDeps), principal(), service_id)


def _cached(members: dict[str, Any]) -> Any:  # noqa: ANN401 - with its fields
    return members, 200, {"Cache-Control": CACHED}


def _as_client(form: dict[str, str], use: Callable[[UnitOfWork, OAuthDeps, ProtocolCall], T]) -> T:
    """Make a call of the protocol: counted for its client, and if it lies, for its address."""
    call = ProtocolCall(
        form=form,
        authorization=fields_of_header("Authorization"),
        proof=fields_of_header("DPoP"),
        path=request_path(),
        proven=note_client,
    )
    meter("client", service.named_client(call), client_address())
    try:
        return use(unit(), deps(OAuthDeps), call)
    except Unauthenticated:
        meter("client-refused", client_address())
        raise


def _in_browser(
    parameters: dict[str, str],
    use: Callable[[UnitOfWork, OAuthDeps, dict[str, str], str, BrowserSession | None], str],
) -> Response:
    """Send a browser on, by 303: whatever it has just posted, it only fetches what comes next."""
    uow, room = unit(), deps(OAuthDeps)
    secret = read_cookie(BROWSER_COOKIE)
    known = secret or new_secret()
    session = service.read_browser_session(uow, room, read_cookie(SESSION_COOKIE))
    response = Response(status=303)
    response.headers["Location"] = use(uow, room, parameters, known, session)
    response.headers.pop("Content-Type", None)
    if not secret:
        set_cookie(response, BROWSER_COOKIE, known)
    return response
