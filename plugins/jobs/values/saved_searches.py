"""Searches that are kept: what somebody looks for, and up to when they were told of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from plugins.jobs.values.search import VacancyFilter

MOST_SAVED = 10
TOLD_HOUR = 8
"""The hour of the city's day from which somebody is told what is new."""
LAST_HOUR = 20
SETTLED = timedelta(minutes=1)
"""What was published within this may not be there for everybody yet: it comes the next day."""


@dataclass(frozen=True, slots=True)
class SavedSearchView:
    """A search that its citizen is told new vacancies of, once a day."""

    id: UUID
    wanted: VacancyFilter
    saved_at: datetime
    seen_until: datetime
    told_at: datetime | None
