"""Feeds: files of vacancies that others send, and what became of each line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from plugins.jobs.values.vacancies import Advert

MOST_LINES = 10_000
SOURCE_ID = r"[A-Za-z0-9._:-]{1,64}"
CSV_TYPE, JSON_LINES_TYPE = "text/csv", "application/x-ndjson"


class LineOutcome(StrEnum):
    """What became of one line of a file."""

    CREATED = "created"
    MERGED = "merged"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Feed:
    """Somebody who sends files of vacancies."""

    id: str
    title: Mapping[str, str]
    vouches: bool
    full: bool


@dataclass(frozen=True, slots=True)
class FeedLine:
    """One line that could be read: the sender's id of the vacancy, its employer, and the advert."""

    line: int
    source_id: str
    credit_code: str
    employer_name: str
    advert: Advert


@dataclass(frozen=True, slots=True)
class LineRefused:
    """One line that is not taken, and why; `source_id` is empty where none could be read."""

    line: int
    source_id: str
    code: str
    message: str
    passage: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class FeedFileRead:
    """A file that is whole: what can be taken of it, and which lines cannot be read."""

    lines: Sequence[FeedLine]
    refused: Sequence[LineRefused]

    @property
    def count(self) -> int:
        """Return how many lines the file has."""
        return len(self.lines) + len(self.refused)


@dataclass(frozen=True, slots=True)
class FeedFileView:
    """What became of a file; `report` names every line that was refused, the first thousand."""

    id: UUID
    feed: str
    lines: int
    created: int
    merged: int
    updated: int
    unchanged: int
    refused: int
    closed: int
    report: Sequence[Mapping[str, Any]]
    taken_at: datetime
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class FeedClientView:
    """A client that may send a feed's files in its own name."""

    client_id: UUID
    admitted_at: datetime
