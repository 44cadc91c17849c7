"""`/v1/traffic`: one file for each thing that operations are about."""

from plugins.traffic.routes import (
    contests,
    evidence,
    fairness,
    linking,
    lookups,
    officers,
    reliefs,
    studies,
    violations,
)
from plugins.traffic.routes.common import blueprint

__all__ = [
    "blueprint",
    "contests",
    "evidence",
    "fairness",
    "linking",
    "lookups",
    "officers",
    "reliefs",
    "studies",
    "violations",
]
