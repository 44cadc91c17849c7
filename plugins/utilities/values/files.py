"""Files that billers send and fetch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from plugins.utilities.values.bills import BillerBill

FILE_NUMBER = "[A-Za-z0-9-]{1,40}"


class FileEncoding(StrEnum):
    """How a posting file is written; the mark is for spreadsheets."""

    UTF_8 = "utf-8"
    UTF_8_BOM = "utf-8-bom"
    GB18030 = "gb18030"


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What became of a bill file; `is_new` is false when the same file came before."""

    id: UUID
    biller: str
    lines: int
    created: int
    updated: int
    unchanged: int
    imported_at: datetime
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class DeskFile:
    """A bill file of a biller's own system: its number, its day, its bills and their sum in fen."""

    number: str
    day: date
    bills: Sequence[BillerBill]
    total: int


@dataclass(frozen=True, slots=True)
class TakenFile:
    """What became of an uploaded file; `is_new` is false when it came before."""

    id: UUID
    biller: str
    number: str
    day: date
    lines: int
    total: int
    created: int
    updated: int
    unchanged: int
    taken_at: datetime
    is_new: bool = True
