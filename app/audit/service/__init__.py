"""What can be done with the trail: write, seal, read, verify, export, retire."""

from app.audit.service.catalogue import CatalogueInvalid, CatalogueLine, list_events
from app.audit.service.export import export_trail
from app.audit.service.reading import list_activity, list_entries, list_seals
from app.audit.service.retention import retire_entries
from app.audit.service.sealing import TICK_SECONDS, check_sealing, seal_due, watch_lag
from app.audit.service.trail import AuditTrail
from app.audit.service.verification import verify_trail
from app.audit.values import AuditDeps, SealingKey

__all__ = [
    "TICK_SECONDS",
    "AuditDeps",
    "AuditTrail",
    "CatalogueInvalid",
    "CatalogueLine",
    "SealingKey",
    "check_sealing",
    "export_trail",
    "list_activity",
    "list_entries",
    "list_events",
    "list_seals",
    "retire_entries",
    "seal_due",
    "verify_trail",
    "watch_lag",
]
