"""`/v1/permits`: one file for each topic."""

from plugins.permits.routes import (
    applications,
    bundles,
    clock,
    exports,
    intake,
    materials,
    ratings,
    seats,
    tasks,
)
from plugins.permits.routes.common import blueprint

__all__ = [
    "applications",
    "blueprint",
    "bundles",
    "clock",
    "exports",
    "intake",
    "materials",
    "ratings",
    "seats",
    "tasks",
]
