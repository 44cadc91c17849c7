"""One process's house, and what may be asked of it as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.audit import service as audit
from app.catalog.service import CatalogDeps
from app.catalog.values import LoadReport
from app.consent import service as consent
from app.core.clock import now
from app.core.db import Base
from app.core.egress import Egress
from app.core.errors import DomainError
from app.core.jobs import Jobs
from app.core.logs import get_logger
from app.core.migrate import VERSION_TABLE, History, head, house_history
from app.core.papers.errors import SealUnusable
from app.core.unit_of_work import Units
from app.factory.catalogue import load_catalogue
from app.host.hosted import Hosted
from app.ledger import service as ledger
from app.oauth.service import RequestLog
from app.privacy import service as privacy
from app.privacy.values import TableEntry
from app.providers import service as providers
from app.providers.values import Declared
from app.receipts.service import ReceiptsDeps
from config.settings import ROOT, Settings

log = get_logger("factory")


class StartRefused(RuntimeError):
    """The service must not run like this; the message says what to mend."""


@dataclass(frozen=True, repr=False)  # written out it would be the whole city, in every trace
class Rooms:
    """One process's house: engines, queue, and the collaborators of each room by their type."""

    settings: Settings
    units: Units
    jobs: Jobs
    egress: Egress
    own_egress: Egress
    hosted: Hosted
    deps: Mapping[type, Any] = field(default_factory=dict)

    @property
    def histories(self) -> tuple[History, ...]:
        """Return every line of migrations: the house first, then each plug-in."""
        return (house_history(), *self.hosted.histories)

    def load_catalogue(self) -> LoadReport:
        """Make the configured files and everybody's manifests the catalogue that is served.

        Idempotent. Raise `CatalogueInvalid` with every fault of the files.
        """
        with self.units.open(actor="migrate") as uow:
            return load_catalogue(uow, self.hosted)

    def enter_plugins(self) -> tuple[str, ...]:
        """Let the marketplace know the plug-ins; return what of them is a remote provider's.

        Idempotent.
        """
        declared = [
            Declared(
                manifest.name,
                frozenset(entry.id for entry in manifest.entries),
                frozenset(payee.id for payee in manifest.payees),
            )
            for manifest in self.hosted.manifests.values()
        ]
        with self.units.open(actor="migrate") as uow:
            return providers.enter_plugins(uow, declared)

    def publish_agreements(self) -> int:
        """Publish the versions of `config/agreements` that are new, and return how many.

        Idempotent. Raise `AgreementsInvalid` with every fault of the files.
        """
        agreements = consent.read_agreements(ROOT / "config" / "agreements")
        with self.units.open(actor="migrate") as uow:
            return consent.publish_agreements(uow, agreements)

    def publish_split_rules(self) -> int:
        """Publish the versions of `config/splits` that are new, and return how many.

        Idempotent. Raise `SplitRulesInvalid` with every fault of the files.
        """
        rules = ledger.read_split_rules(ROOT / "config" / "splits")
        with self.units.open(actor="migrate") as uow:
            return ledger.publish_split_rules(uow, rules)

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
        return bool(found == head(house_history()))

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
        """Raise `StartRefused` if receipts cannot be signed, or what is append-only be changed."""
        try:
            self.deps[ReceiptsDeps].seal.check(now())
        except SealUnusable as error:
            raise StartRefused(f"RECEIPT_SIGNING_CERTIFICATE: {error.detail}") from error
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
        """Write what waits, and close every connection of this process."""
        self.deps[RequestLog].close()
        self.units.dispose()
        self.egress.close()
        self.own_egress.close()
