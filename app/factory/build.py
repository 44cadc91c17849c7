"""Makes the house of one process, from the engines up."""

from collections.abc import Mapping
from typing import Any

from app import subscriptions
from app.audit import service as audit
from app.audit.service import AuditDeps
from app.autopay.service import AutopayDeps
from app.catalog import service as catalog
from app.catalog.service import CatalogDeps, Shelf
from app.certificates.service import CertificatesDeps
from app.consent.service import ConsentDeps
from app.core import clock
from app.core.crypto import Keyring
from app.core.db import read_engine, write_engine
from app.core.egress import Egress
from app.core.jobs import Jobs
from app.core.key_file import KeyFile
from app.core.tokens import Tokens
from app.core.unit_of_work import Units
from app.delegation.service import DelegationDeps
from app.factory.collaborators import (
    make_audit,
    make_autopay,
    make_certificates,
    make_city,
    make_delegation,
    make_directory,
    make_keyring,
    make_payments,
    make_people,
    make_privacy,
    make_providers,
    make_receipts,
    make_reconciliation,
    make_roster,
    make_settlement,
    make_staff,
    make_webhooks,
)
from app.factory.rooms import Rooms
from app.host import loader
from app.host.attention import AttentionDeps
from app.host.remotes import Remotes
from app.host.roster import Roster
from app.oauth.service import RequestLog
from app.operations.service import OperationDeps
from app.payments import service as payments
from app.payments.service import PaymentDeps
from app.privacy.service import PrivacyDeps
from app.providers.service import ProviderDeps
from app.receipts.service import ReceiptsDeps
from app.reconciliation.service import ReconciliationDeps
from app.sdk.context import DirectoryOfCitizens
from app.sdk.registry import Registry
from app.settlement.service import SettlementDeps
from app.staff.service import StaffDeps
from app.webhooks.service import WebhooksDeps
from config.settings import Settings


def build(settings: Settings, fakes: Mapping[type, Any] | None = None) -> Rooms:
    """Make the rooms of one process; `fakes` replaces collaborators by their type (in tests)."""
    clock.travel(settings.clock_shift)
    if settings.clock_file is not None:
        clock.follow(settings.clock_file)
    jobs = Jobs(_conninfo(settings.database.url), pace=settings.pace)
    deps_of_audit = make_audit(settings)
    units = Units(
        write_engine(settings.database.url, pool_size=settings.database.pool_size),
        read_engine(settings.database.url, pool_size=settings.database.pool_size),
        jobs,
        audit.AuditTrail(deps_of_audit.mac_key),
    )
    egress = Egress(settings.egress_loopback)  # for addresses that others have named
    own = Egress(settings.egress_loopback, inward=settings.egress_inward)
    keys = KeyFile(settings.keys.file)
    keyring = make_keyring(settings, units, keys)
    tokens = Tokens(
        settings.keys.token_signing, settings.web.public_url, lambda: keys.keys().signing
    )
    hosted = loader.load(settings, units, own, keyring, tokens)
    city = make_city(settings)
    remotes = Remotes(city, egress, hosted.gates)
    roster = make_roster(units, hosted, remotes)
    registry = Registry.following(roster.listing)
    deps: dict[type, Any] = {
        KeyFile: keys,
        Keyring: keyring,
        Tokens: tokens,
        Units: units,
        ConsentDeps: ConsentDeps(units),
        AuditDeps: deps_of_audit,
        Roster: roster,
        Registry: registry,
        RequestLog: RequestLog(units),
        DirectoryOfCitizens: make_directory(roster, units, keyring),
        CatalogDeps: CatalogDeps(
            Shelf(units, lambda: catalog.read_offer(registry.services.values())),
            payments.paid_services,
        ),
        **make_people(settings, units, keyring, tokens, registry, own=own, foreign=egress),
        **hosted.providers,
    }
    deps[ReceiptsDeps] = make_receipts(settings, units, deps[CatalogDeps].shelf)
    deps[CertificatesDeps] = make_certificates(
        settings, units, keyring, hosted.certificate_types, deps
    )
    deps[PaymentDeps] = make_payments(settings, units, own, keyring, deps)
    deps[AttentionDeps] = AttentionDeps.of(hosted, roster)
    hosted.returns.open(payments.returns_of(deps[PaymentDeps]))
    deps[AutopayDeps] = make_autopay(settings, deps)
    deps[SettlementDeps] = make_settlement(settings, units, keyring, deps)
    deps[DelegationDeps] = make_delegation(settings, own, keyring, deps)
    deps[StaffDeps] = make_staff(keyring, tokens, deps)
    deps[PrivacyDeps] = make_privacy(roster, deps)
    deps[WebhooksDeps] = make_webhooks(settings, egress, deps)
    deps[OperationDeps] = OperationDeps(
        units, keyring, registry, deps[DirectoryOfCitizens].directory
    )
    deps[ProviderDeps] = make_providers(settings, hosted, city, remotes)
    deps[ReconciliationDeps] = make_reconciliation(keyring, deps)
    deps.update(fakes or {})
    rooms = Rooms(settings, units, jobs, egress, own, hosted, deps)
    subscriptions.wire(jobs, deps)
    return rooms


def _conninfo(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
