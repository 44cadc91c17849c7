"""Makes the house: the only module that sees every room and hands each its collaborators."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import subscriptions
from app.audit import routes as audit_routes
from app.audit import service as audit
from app.audit.service import AuditDeps, SealingKey
from app.catalog import routes as catalog_routes
from app.catalog import service as catalog
from app.catalog.service import CatalogDeps, Shelf
from app.catalog.values import LoadReport, Source
from app.consent import routes as consent_routes
from app.consent import service as consent
from app.consent.service import ConsentDeps
from app.core import clock, crypto
from app.core.crypto import Keyring
from app.core.data_keys import HouseKey
from app.core.db import Base, read_engine, write_engine
from app.core.dpop import Nonces
from app.core.egress import Egress
from app.core.errors import DomainError
from app.core.jobs import Jobs
from app.core.key_file import KeyFile
from app.core.logs import get_logger
from app.core.migrate import VERSION_TABLE, History, head, house_history
from app.core.passkeys import RelyingParty
from app.core.passwords import Cost, Passwords
from app.core.redis import connect, is_alive
from app.core.tokens import Principal, Tokens
from app.core.unit_of_work import UnitOfWork, Units
from app.credentials.service import CredentialsDeps
from app.delegation import routes as delegation_routes
from app.delegation import service as delegation
from app.delegation.gateway import Registers, SmsAnswers
from app.delegation.service import DelegationDeps
from app.host import loader
from app.host.directory import PairwiseDirectory
from app.host.hosted import Hosted
from app.http import health, openapi, problem_list
from app.http.authentication import Authenticator, Reader
from app.http.possession import KeyCheck
from app.http.rate_limit import RateLimiter
from app.http.server import Door, Server
from app.http.shedding import Lanes
from app.identity import routes as identity_routes
from app.identity import service as identity
from app.identity.gateway import RegisterGateway
from app.identity.service import IdentityDeps
from app.identity.values import Attributes, CodeLimits, SessionLimits
from app.ledger import routes as ledger_routes
from app.notifications import routes as notifications_routes
from app.notifications.gateway import SmsGateway
from app.notifications.service import NotificationsDeps
from app.oauth import pages
from app.oauth import routes as oauth_routes
from app.oauth import service as oauth
from app.oauth.errors import OAuthError
from app.oauth.gateway import ClientKeys, LogoutNotices
from app.oauth.service import Acting, OAuthDeps
from app.oauth.values import SCOPES
from app.payments import routes as payments_routes
from app.payments import service as payments
from app.payments.gateway import StripeGateway
from app.payments.service import PaymentDeps
from app.payments.values import PaymentPolicy
from app.privacy import routes as privacy_routes
from app.privacy import service as privacy
from app.privacy.service import PrivacyDeps
from app.privacy.values import TableEntry
from app.sdk.context import DirectoryOfCitizens
from app.sdk.registry import Registry
from app.staff import routes as staff_routes
from app.staff import service as staff
from app.staff.service import StaffDeps
from config.settings import ROOT, Settings

API_VERSION = "1.0.0"
GATEWAY_SECONDS = 8.0
QUOTE_THREADS = 8
PAYABLES_THREADS = 8
log = get_logger("factory")


class StartRefused(RuntimeError):
    """The service must not run like this; the message says what to mend."""


@dataclass(frozen=True)
class Rooms:
    """One process's house: engines, queue, and the collaborators of each room by their type."""

    settings: Settings
    units: Units
    jobs: Jobs
    egress: Egress
    hosted: Hosted
    deps: Mapping[type, Any] = field(default_factory=dict)

    @property
    def histories(self) -> tuple[History, ...]:
        """Return every line of migrations: the house first, then each plug-in."""
        return (house_history(Base.metadata), *self.hosted.histories)

    def load_catalogue(self) -> LoadReport:
        """Make the configured files and the plug-ins' manifests the catalogue that is served.

        Idempotent. Raise `CatalogueInvalid` with every fault of the files.
        """
        declared = [
            Source(m.file, m.catalogue, is_plugin=True) for m in self.hosted.manifests.values()
        ]
        # Of a manifest nobody can read, the catalogue keeps what it has.
        declared += [
            Source(file, {"services": [{"id": own} for own in sorted(ids)]}, is_plugin=True)
            for file, ids in self.hosted.unreadable.items()
        ]
        files = catalog.read_catalogue(ROOT / "config", declared)
        with self.units.open(actor="migrate") as uow:
            return catalog.load_catalogue(uow, files)

    def publish_agreements(self) -> int:
        """Publish the versions of `config/agreements` that are new, and return how many.

        Idempotent. Raise `AgreementsInvalid` with every fault of the files.
        """
        agreements = consent.read_agreements(ROOT / "config" / "agreements")
        with self.units.open(actor="migrate") as uow:
            return consent.publish_agreements(uow, agreements)

    def inventory(self) -> Sequence[TableEntry]:
        """Return what every column is, the plug-ins' too, or raise `InventoryInvalid`."""
        file = ROOT / "config" / privacy.INVENTORY
        return privacy.read_inventory(file, self.settings.plugins_dir, self.histories)

    def is_database_ready(self) -> bool:
        """Say whether PostgreSQL answers and its schema is the one of this code."""
        try:
            with self.units.open(actor="health", read_only=True) as uow:
                found = uow.scalar(text(f"select version_num from {VERSION_TABLE}"))  # noqa: S608
        except SQLAlchemyError:
            return False
        return bool(found == head(house_history(Base.metadata)))

    def is_catalogue_ready(self) -> bool:
        """Say whether this process can show the catalogue; the first time makes its index."""
        try:
            self.deps[CatalogDeps].shelf.snapshot()
        except (SQLAlchemyError, DomainError):
            return False
        return True

    def check_sealing(self) -> None:
        """Raise `SealingLate` when the audit trail is hours behind."""
        with self.units.open(actor="door", read_only=True) as uow:
            audit.check_sealing(uow)

    def watch_sealing(self) -> None:
        """Bring the figure of how far sealing is behind up to date, as far as anybody knows."""
        try:
            with self.units.open(actor="health", read_only=True) as uow:
                audit.watch_lag(uow)
        except SQLAlchemyError as error:
            log.warning("audit.lag_unknown", error=type(error).__name__)

    def check_start(self) -> None:
        """Raise `StartRefused` if the database role could change what is append-only."""
        try:
            with self.units.open(actor="start", read_only=True) as uow:
                for table in Base.metadata.sorted_tables:
                    if not table.info.get("append_only"):
                        continue
                    asked = "select has_table_privilege(current_user, to_regclass(:t), 'UPDATE')"
                    if uow.scalar(text(asked), {"t": table.name}):
                        raise StartRefused(
                            f"the role of DATABASE_URL may change {table.name}; "
                            "use the application role that `migrate` has granted"
                        )
        except SQLAlchemyError as error:
            # Not evidence of danger: /readyz says 503 until the database is there.
            log.warning("start.database_unreachable", error=type(error).__name__)

    def close(self) -> None:
        """Close every connection of this process."""
        self.units.dispose()
        self.egress.close()


def build(settings: Settings, fakes: Mapping[type, Any] | None = None) -> Rooms:
    """Make the rooms of one process; `fakes` replaces collaborators by their type (in tests)."""
    clock.travel(settings.clock_shift)
    jobs = Jobs(_conninfo(settings.database.url), pace=settings.pace)
    deps_of_audit = _audit(settings)
    units = Units(
        write_engine(settings.database.url, pool_size=settings.database.pool_size),
        read_engine(settings.database.url, pool_size=settings.database.pool_size),
        jobs,
        audit.AuditTrail(deps_of_audit.mac_key),
    )
    egress = Egress(settings.egress_loopback)
    keys = KeyFile(settings.keys.file)
    keyring = _keyring(settings, units, keys)
    tokens = Tokens(
        settings.keys.token_signing, settings.web.public_url, lambda: keys.keys().signing
    )
    hosted = loader.load(settings, units, egress, keyring)
    deps: dict[type, Any] = {
        KeyFile: keys,
        Keyring: keyring,
        Tokens: tokens,
        Units: units,
        ConsentDeps: ConsentDeps(units),
        AuditDeps: deps_of_audit,
        Registry: hosted.registry,
        DirectoryOfCitizens: _directory(hosted, units, keyring),
        CatalogDeps: CatalogDeps(
            Shelf(units, lambda: catalog.read_offer(hosted.registry.services.values()))
        ),
        **_people(settings, units, egress, keyring, tokens),
        **hosted.providers,
    }
    deps[PaymentDeps] = _payments(settings, units, keyring, deps)
    deps[DelegationDeps] = _delegation(settings, egress, keyring, deps)
    deps[StaffDeps] = _staff(keyring, tokens, deps)
    deps[PrivacyDeps] = _privacy(hosted, deps)
    deps.update(fakes or {})
    rooms = Rooms(settings, units, jobs, egress, hosted, deps)
    subscriptions.wire(jobs, deps)
    return rooms


def _audit(settings: Settings) -> AuditDeps:
    return AuditDeps(
        key=SealingKey(settings.audit.signing_key, settings.audit.former_keys),
        mac_key=crypto.derive(settings.keys.pepper, "mac|audit_entries"),
        anchors=settings.audit.anchors,
        retention=settings.audit.retention,
    )


def _keyring(settings: Settings, units: Units, keys: KeyFile) -> Keyring:
    crypto.choose_suite(crypto.Suite(settings.keys.suite))
    own = settings.keys
    house = HouseKey(units, lambda: keyring)
    keyring = Keyring(own.encryption, own.blind_index, own.pepper, keys, house)
    return keyring


def _people(
    settings: Settings, units: Units, egress: Egress, keyring: Keyring, tokens: Tokens
) -> dict[type, Any]:
    """Make what identity, clients and notifications work with."""
    sms = SmsGateway(egress, settings.sms_url)
    room_of_clients = OAuthDeps(
        keyring=keyring,
        tokens=tokens,
        keys=ClientKeys(egress),
        notices=LogoutNotices(egress),
        nonces=Nonces(crypto.derive(settings.keys.pepper, "mac|dpop-nonces")),
        consents=ConsentDeps(units),
        is_sandbox=settings.profile == "sandbox",
        mandate_of=_mandate_of,
    )
    credentials = _credentials(settings, keyring)
    return {
        IdentityDeps: IdentityDeps(
            keyring=keyring,
            tokens=tokens,
            sms=sms,
            register=RegisterGateway(egress, settings.register_url),
            credentials=credentials,
            loopback_exempt=settings.web.loopback_exempt,
            codes=CodeLimits(**settings.ways_in.codes),  # type: ignore[arg-type] # by their names
            sessions=SessionLimits(**settings.ways_in.sessions),  # type: ignore[arg-type] # the same
        ),
        CredentialsDeps: credentials,
        OAuthDeps: room_of_clients,
        Authenticator: Authenticator(units, tokens, _readers(settings, room_of_clients)),
        NotificationsDeps: NotificationsDeps(
            sms=sms,
            phone_of=lambda uow, citizen_id: identity.phone_of(uow, keyring, citizen_id),
        ),
    }


def _credentials(settings: Settings, keyring: Keyring) -> CredentialsDeps:
    ways_in = settings.ways_in
    cost = Cost(ways_in.argon2_memory, ways_in.argon2_passes)
    return CredentialsDeps(
        keyring=keyring,
        passwords=Passwords([keyring.pepper], cost),
        relying_party=RelyingParty(
            ways_in.rp_id, "i武当", ways_in.origins, ways_in.attestation_roots
        ),
        loopback_exempt=settings.web.loopback_exempt,
        failed_passwords=ways_in.failed_passwords,
        failures_per_quarter=ways_in.failures_per_quarter,
    )


def _staff(keyring: Keyring, tokens: Tokens, deps: Mapping[type, Any]) -> StaffDeps:
    """Join the dangerous acts of every room, and the departments of the catalogue."""
    shelf = deps[CatalogDeps].shelf
    return StaffDeps(
        keyring=keyring,
        tokens=tokens,
        credentials=deps[CredentialsDeps],
        consent=deps[ConsentDeps],
        department_exists=lambda department: department in shelf.snapshot().department_pages,
        acts={act.name: act for act in staff.own_acts()},
    )


def _readers(settings: Settings, clients: OAuthDeps) -> Mapping[str, Reader]:
    """Return who reads which kind of token: the room that issues it."""
    return {
        "citizen": identity.read_citizen,
        "staff": partial(staff.read_staff, accepts_sandbox=settings.profile == "sandbox"),
        "grant": partial(oauth.read_grant, deps=clients),
        "integrator": partial(oauth.read_integrator, deps=clients),
        "delegate": delegation.read_delegate,
    }


def _mandate_of(uow: UnitOfWork, delegate_id: UUID, mandate_id: UUID) -> Acting | None:
    try:
        power = delegation.mandate_of(uow, delegate_id, mandate_id)
    except DomainError:
        return None
    return Acting(power.principal_id, delegation.mandated(power))


def _payments(
    settings: Settings, units: Units, keyring: Keyring, deps: Mapping[type, Any]
) -> PaymentDeps:
    stripe = settings.stripe
    return PaymentDeps(
        registry=deps[Registry],
        directory=deps[DirectoryOfCitizens].directory,
        gateway=StripeGateway(
            api_key=stripe.api_key,
            publishable_key=stripe.publishable_key,
            api_base=stripe.api_base,
            loopback=settings.egress_loopback,
            total_seconds=GATEWAY_SECONDS,
        ),
        policy=PaymentPolicy(
            lifetime=settings.payments.lifetime,
            pace=settings.pace,
            environment=settings.profile,
            public_url=settings.web.public_url,
            step_up_above=settings.payments.step_up_above,
            daily_limit=settings.payments.daily_limit,
        ),
        keyring=keyring,
        units=units,
        quote_pool=ThreadPoolExecutor(QUOTE_THREADS, "quotes"),
        payables_pool=ThreadPoolExecutor(PAYABLES_THREADS, "payables"),
        webhook_secret=stripe.webhook_secret,
        allow=delegation.allow_payment,
    )


def _delegation(
    settings: Settings, egress: Egress, keyring: Keyring, deps: Mapping[type, Any]
) -> DelegationDeps:
    return DelegationDeps(
        keyring=keyring,
        tokens=deps[Tokens],
        sms=deps[NotificationsDeps].sms,
        registers=Registers(
            egress, settings.organisation_register_url, settings.guardian_register_url
        ),
        registry=deps[Registry],
        answers=SmsAnswers(egress, settings.sms_answers_url) if settings.sms_answers_url else None,
    )


def _privacy(hosted: Hosted, deps: Mapping[type, Any]) -> PrivacyDeps:
    return PrivacyDeps(
        keyring=deps[Keyring],
        identity=deps[IdentityDeps],
        consent=deps[ConsentDeps],
        read_inventory=_house_inventory,
        plugins=hosted.personal_data,
        obligations=(payments.count_open, delegation.count_open),
    )


@cache
def _house_inventory() -> Sequence[TableEntry]:
    file = ROOT / "config" / privacy.INVENTORY
    return privacy.read_inventory(file, ROOT, [house_history(Base.metadata)])


def _directory(hosted: Hosted, units: Units, keyring: Keyring) -> DirectoryOfCitizens:
    def attributes_of(uow: UnitOfWork, citizen_id: UUID, names: frozenset[str]) -> Attributes:
        return identity.attributes_of(uow, keyring, citizen_id, names)

    return DirectoryOfCitizens(
        PairwiseDirectory(keyring, hosted.manifests, attributes_of, ConsentDeps(units))
    )


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
        note_act=partial(_note_act, rooms.deps[DelegationDeps]),
        keys=KeyCheck(rooms.units, settings.web.public_url, rooms.deps[OAuthDeps].nonces),
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
        ("/v1/receipts", payments_routes.receipts),
        ("/v1/me", payments_routes.payables),
        ("/v1/ledger", ledger_routes.blueprint),
        ("/", oauth_routes.well_known),
        ("/oauth", oauth_routes.oauth),
        ("/v1/oauth/clients", oauth_routes.clients),
        ("/v1/audit", audit_routes.trail),
        ("/v1/me", audit_routes.me),
        ("/v1/delegation", delegation_routes.blueprint),
    ):
        api.register_blueprint(blueprint, url_prefix=prefix)
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


def _conninfo(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
