"""`/v1/jobs`: one file for each thing that operations are about."""

from plugins.jobs.routes import (
    applications,
    desk,
    employers,
    fairs,
    feeds,
    profiles,
    reports,
    saved_searches,
    vacancies,
)
from plugins.jobs.routes.common import blueprint

__all__ = [
    "applications",
    "blueprint",
    "desk",
    "employers",
    "fairs",
    "feeds",
    "profiles",
    "reports",
    "saved_searches",
    "vacancies",
]
