"""Files of an application: what is handed in, what stands in its place, and what is promised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

MIB = 1024 * 1024
MOST_BYTES = 8 * MIB
"""The largest file: it is sealed in one piece, in memory."""
MOST_IN_APPLICATION = 64 * MIB
MOST_FILES = 100
"""The most versions of all materials of one application together."""
MOST_OF_CITIZEN = 256 * MIB


class FileKind(StrEnum):
    """What a file is by its content; nothing else is taken."""

    PDF = "pdf"
    JPEG = "jpeg"
    PNG = "png"
    OFD = "ofd"


MEDIA_TYPES: Mapping[FileKind, str] = {
    FileKind.PDF: "application/pdf",
    FileKind.JPEG: "image/jpeg",
    FileKind.PNG: "image/png",
    FileKind.OFD: "application/ofd",
}


class UploadedBy(StrEnum):
    """Who handed a file in: the citizen, or an officer to whom it was given."""

    CITIZEN = "citizen"
    OFFICER = "officer"


class MaterialState(StrEnum):
    """Whether a material is there, something stands in its place, or it is missing."""

    HANDED_IN = "handed_in"
    CERTIFICATE = "certificate"
    UNDERTAKEN = "undertaken"
    MISSING = "missing"


class UndertakingStatus(StrEnum):
    """What became of a promise to hand something in later."""

    GIVEN = "given"
    KEPT = "kept"
    BROKEN = "broken"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is handed in: what its client calls it, and what it holds."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MaterialFileView:
    """A version of a material; `seen_in` are the stages of decisions that were made with it."""

    id: UUID
    material_id: str
    version: int
    kind: str
    size: int
    sha256: str
    name: str | None
    uploaded_by: str
    uploaded_at: datetime
    seen_in: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class MaterialView:
    """A material of an application, its versions from the first on.

    `due_at` is until when it must follow where that was promised, `certificate` the number of what
    stands in its place.
    """

    id: str
    title: Mapping[str, str]
    required: bool
    state: str
    deferrable_days: int | None
    due_at: datetime | None
    certificate_type: str | None
    certificate: str | None
    files: Sequence[MaterialFileView]


@dataclass(frozen=True, slots=True)
class Download:
    """A file as it is given out: under a name that we made, never its client's."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
