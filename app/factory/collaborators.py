"""What each room works with."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any
from uuid import UUID

import orjson

from app.audit.service import AuditDeps, SealingKey
from app.autopay import service as autopay
from app.autopay.service import AutopayDeps
from app.catalog.service import CatalogDeps, Shelf
from app.certificates.service import CertificatesDeps
from app.certificates.values import CertificateType
from app.consent.service import ConsentDeps
from app.core import crypto
from app.core.crypto import Keyring
from app.core.data_keys import HouseKey
from app.core.dpop import Nonces
from app.core.egress import Egress
from app.core.errors import DomainError
from app.core.key_file import KeyFile
from app.core.migrate import house_history
from app.core.passkeys import RelyingParty
from app.core.passwords import Cost, Passwords
from app.core.tokens import Tokens
from app.core.unit_of_work import UnitOfWork, Units
from app.credentials.service import CredentialsDeps
from app.delegation import service as delegation
from app.delegation.gateway import Registers, SmsAnswers
from app.delegation.service import DelegationDeps
from app.factory.acts import acts_of_ledger
from app.factory.catalogue import load_catalogue
from app.factory.gateways import make_gateways
from app.guests import service as guests
from app.host.directory import PairwiseDirectory
from app.host.hosted import Hosted
from app.host.remote_manifest import check_remote_manifest
from app.host.remotes import Remotes
from app.host.roster import Roster
from app.http.authentication import Authenticator, Reader
from app.identity import service as identity
from app.identity.gateway import RegisterGateway
from app.identity.service import IdentityDeps
from app.identity.values import Attributes, CodeLimits, SessionLimits
from app.notifications.gateway import SmsGateway
from app.notifications.service import NotificationsDeps
from app.oauth import service as oauth
from app.oauth.gateway import ClientKeys, LogoutNotices
from app.oauth.service import Acting, OAuthDeps
from app.payments import service as payments
from app.payments.service import PaymentDeps
from app.payments.values import PaymentPolicy
from app.privacy import service as privacy
from app.privacy.service import PrivacyDeps
from app.privacy.values import TableEntry
from app.providers import service as providers
from app.providers.service import Faults, ProviderDeps
from app.receipts.service import ReceiptsDeps, Seal
from app.reconciliation import service as reconciliation
from app.reconciliation.service import ReconciliationDeps
from app.sdk.context import DirectoryOfCitizens
from app.sdk.registry import Registry
from app.sdk.remote import City
from app.settlement.service import SettlementDeps
from app.settlement.values import Debtor
from app.staff import service as staff
from app.staff.service import StaffDeps
from app.webhooks.gateway import Courier
from app.webhooks.service import WebhooksDeps
from config.settings import ROOT, Settings

GATEWAY_SECONDS = 8.0
QUOTE_THREADS = 88
PAYABLES_THREADS = 16
"""More than one provider who hangs can hold (4 seats; of quotes, payments of 20 items in each)."""


def make_audit(settings: Settings) -> AuditDeps:
    """Make what the trail is kept with; its MAC key never enters the database."""
    return AuditDeps(
        key=SealingKey(settings.audit.signing_key, settings.audit.former_keys),
        mac_key=crypto.derive(settings.keys.pepper, "mac|audit_entries"),
        anchors=settings.audit.anchors,
        retention=settings.audit.retention,
    )


def make_keyring(settings: Settings, units: Units, keys: KeyFile) -> Keyring:
    """Make the keys of this process, and choose the suite that it seals with."""
    crypto.choose_suite(crypto.Suite(settings.keys.suite))
    own = settings.keys
    house = HouseKey(units, lambda: keyring)
    keyring = Keyring(own.encryption, own.blind_index, own.pepper, keys, house)
    return keyring


def make_people(
    settings: Settings,
    units: Units,
    keyring: Keyring,
    tokens: Tokens,
    registry: Registry,
    *,
    own: Egress,
    foreign: Egress,
) -> dict[type, Any]:
    """Make what identity, clients and notifications work with.

    `own` calls systems of the city's, `foreign` the addresses that clients have registered.
    """
    sms = SmsGateway(own, settings.sms_url)
    room_of_clients = OAuthDeps(
        keyring=keyring,
        tokens=tokens,
        keys=ClientKeys(foreign),
        notices=LogoutNotices(foreign),
        nonces=Nonces(crypto.derive(settings.keys.pepper, "mac|dpop-nonces")),
        consents=ConsentDeps(units),
        registry=registry,
        is_sandbox=settings.profile == "sandbox",
        mandate_of=_mandate_of,
    )
    credentials = _credentials(settings, keyring)
    return {
        IdentityDeps: IdentityDeps(
            keyring=keyring,
            tokens=tokens,
            sms=sms,
            register=RegisterGateway(own, settings.register_url),
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
        passwords=Passwords(lambda: keyring.peppers, cost, look_again=keyring.look_again),
        relying_party=RelyingParty(
            ways_in.rp_id, "i武当", ways_in.origins, ways_in.attestation_roots
        ),
        loopback_exempt=settings.web.loopback_exempt,
        failed_passwords=ways_in.failed_passwords,
        failures_per_quarter=ways_in.failures_per_quarter,
    )


def make_staff(keyring: Keyring, tokens: Tokens, deps: Mapping[type, Any]) -> StaffDeps:
    """Join the dangerous acts of every room, and the departments of the catalogue."""
    shelf = deps[CatalogDeps].shelf
    return StaffDeps(
        keyring=keyring,
        tokens=tokens,
        credentials=deps[CredentialsDeps],
        consent=deps[ConsentDeps],
        department_exists=lambda department: department in shelf.snapshot().department_pages,
        acts={act.name: act for act in (*staff.own_acts(), *acts_of_ledger())},
    )


def _readers(settings: Settings, clients: OAuthDeps) -> Mapping[str, Reader]:
    """Return who reads which kind of token: the room that issues it."""
    return {
        "citizen": identity.read_citizen,
        "staff": partial(staff.read_staff, accepts_sandbox=settings.profile == "sandbox"),
        "grant": partial(oauth.read_grant, deps=clients),
        "integrator": partial(oauth.read_integrator, deps=clients),
        "delegate": delegation.read_delegate,
        "guest": guests.read_guest,
    }


def _mandate_of(uow: UnitOfWork, delegate_id: UUID, mandate_id: UUID) -> Acting | None:
    try:
        power = delegation.mandate_of(uow, delegate_id, mandate_id)
    except DomainError:
        return None
    return Acting(power.principal_id, delegation.mandated(power))


def make_payments(
    settings: Settings, units: Units, egress: Egress, keyring: Keyring, deps: Mapping[type, Any]
) -> PaymentDeps:
    """Make what money moves with."""
    return PaymentDeps(
        registry=deps[Registry],
        directory=deps[DirectoryOfCitizens].directory,
        gateways=make_gateways(settings, egress, total_seconds=GATEWAY_SECONDS),
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
        allow=delegation.allow_payment,
    )


def make_receipts(settings: Settings, units: Units, shelf: Shelf) -> ReceiptsDeps:
    """Make what receipts are signed, checked and summed up with."""

    def category_titles() -> Mapping[str, Mapping[str, str]]:
        listed = orjson.loads(shelf.snapshot().categories)["items"]
        return {category["id"]: category["title"] for category in listed}

    seal = Seal(settings.receipts.signing_key, settings.receipts.certificate)
    return ReceiptsDeps(settings.web.public_url, seal, units, category_titles)


def make_certificates(
    settings: Settings,
    units: Units,
    keyring: Keyring,
    types: Mapping[str, CertificateType],
    deps: Mapping[type, Any],
) -> CertificatesDeps:
    """Make what certificates are read, signed and shown with; receipts have the same seal."""
    clients = oauth.ClientDirectory(deps[OAuthDeps])
    return CertificatesDeps(
        public_url=settings.web.public_url,
        seal=deps[ReceiptsDeps].seal,
        units=units,
        vault_of=partial(identity.find_vault, keyring),
        types=types,
        consents=deps[ConsentDeps],
        verifier_title=clients.title_of,
    )


def make_settlement(
    settings: Settings, units: Units, keyring: Keyring, deps: Mapping[type, Any]
) -> SettlementDeps:
    """Make what payees are paid out with."""
    own = settings.settlement
    debtor = None
    if own.debtor_name and own.debtor_account and own.debtor_bank:
        debtor = Debtor(own.debtor_name, own.debtor_account, own.debtor_bank)
    return SettlementDeps(keyring, units, deps[Registry], own.minimum, debtor)


def make_delegation(
    settings: Settings, egress: Egress, keyring: Keyring, deps: Mapping[type, Any]
) -> DelegationDeps:
    """Make what acting for others works with."""
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


def make_autopay(settings: Settings, deps: Mapping[type, Any]) -> AutopayDeps:
    """Make what standing orders work with."""
    return AutopayDeps(payments=deps[PaymentDeps], pace=settings.pace)


def make_webhooks(settings: Settings, egress: Egress, deps: Mapping[type, Any]) -> WebhooksDeps:
    """Make what integrators are told with."""
    registry: Registry = deps[Registry]
    return WebhooksDeps(
        keyring=deps[Keyring],
        courier=Courier(egress),
        clients=oauth.ClientDirectory(deps[OAuthDeps]),
        service_exists=lambda name: name in registry.services,
        owners_of=providers.owners_of,
        pace=settings.pace,
    )


def make_privacy(roster: Roster, deps: Mapping[type, Any]) -> PrivacyDeps:
    """Make what the rights of a person over their data work with."""
    return PrivacyDeps(
        keyring=deps[Keyring],
        identity=deps[IdentityDeps],
        consent=deps[ConsentDeps],
        read_inventory=_house_inventory,
        read_plugins=roster.personal_data,
        obligations=(payments.count_open, delegation.count_open, autopay.count_open),
    )


def make_city(settings: Settings) -> City:
    """Make who we are to providers: our address and our key."""
    return City.of(settings.provider_signing_key, settings.web.public_url)


def make_providers(
    settings: Settings, hosted: Hosted, city: City, remotes: Remotes
) -> ProviderDeps:
    """Make what the marketplace works with."""

    def check_manifest(manifest: Mapping[str, Any]) -> Faults:
        return check_remote_manifest(manifest, ROOT / "config", settings.egress_loopback)

    return ProviderDeps(
        city=city,
        needs_badge=settings.is_production,
        check_manifest=check_manifest,
        publish=lambda uow: load_catalogue(uow, hosted),
        return_payment=hosted.returns.ask,
        ask_health=remotes.ask_health,
    )


def make_reconciliation(keyring: Keyring, deps: Mapping[type, Any]) -> ReconciliationDeps:
    """Make what our books are compared with others' with."""
    tariffs = reconciliation.read_tariffs(ROOT / "config" / reconciliation.TARIFFS)
    return ReconciliationDeps(
        payments=deps[PaymentDeps],
        keyring=keyring,
        tariffs=tariffs,
        may_own=lambda uow, who: "reconciliation.operate" in staff.permissions_of(uow, who),
    )


@cache
def _house_inventory() -> Sequence[TableEntry]:
    file = ROOT / "config" / privacy.INVENTORY
    return privacy.read_inventory(file, ROOT, [house_history()])


def make_roster(units: Units, hosted: Hosted, remotes: Remotes) -> Roster:
    """Make what says who provides what right now, plug-ins and remote providers alike."""
    return Roster(hosted.alone, units, providers, remotes)


def make_directory(roster: Roster, units: Units, keyring: Keyring) -> DirectoryOfCitizens:
    """Make what shows citizens to providers."""

    def attributes_of(uow: UnitOfWork, citizen_id: UUID, names: frozenset[str]) -> Attributes:
        return identity.attributes_of(uow, keyring, citizen_id, names)

    return DirectoryOfCitizens(
        PairwiseDirectory(keyring, roster.manifest, attributes_of, ConsentDeps(units))
    )
