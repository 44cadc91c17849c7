"""`/v1/traffic`: one file for each thing that operations are about."""

from plugins.traffic.routes import (
    contests,
    fairness,
    linking,
    lookups,
    officers,
    reliefs,
    violations,
)
from plugins.traffic.routes.common import blueprint

__all__ = [
    "blueprint",
    "contests",
    "fairness",
    "linking",
    "lookups",
    "officers",
    "reliefs",
    "violations",
]
