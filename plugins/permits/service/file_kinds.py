"""What a file is, by what it holds: whatever its client says is not believed.

Nothing is unpacked and nothing is drawn, so a file that would grow when it is opened stays as large
as it is. A file that is two things at once is refused: each kind has its own beginning and its own
end, and of a picture or a PDF nothing may be an archive, too.
"""

import io
import re
import zipfile

from plugins.permits.errors import FileNotTaken
from plugins.permits.values.materials import FileKind

_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"\x00\x00\x00\x00IEND\xaeB`\x82"
_JPEG, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
_PDF = re.compile(rb"%PDF-[12]\.[0-9][\r\n ]")
_PDF_END = re.compile(rb"%%EOF[\r\n \t]{0,8}\Z")
_ARCHIVE = b"PK\x03\x04"
_ARCHIVE_END, _ARCHIVE_END_SIZE = b"PK\x05\x06", 22
_OFD_ROOT = "OFD.xml"
_MOST_ENTRIES = 5_000


def kind_of(content: bytes) -> FileKind:
    """Return what a file is, or raise `FileNotTaken` for anything else and for two things in one.

    PDF (ISO 32000), JPEG, PNG, and OFD (GB/T 33190), an archive with `OFD.xml` at its root.
    """
    if content.startswith(_ARCHIVE):
        if _is_ofd(content):
            return FileKind.OFD
        raise FileNotTaken
    kind = _plain_kind(content)
    if kind is None or zipfile.is_zipfile(io.BytesIO(content)):
        raise FileNotTaken
    return kind


def _plain_kind(content: bytes) -> FileKind | None:
    if _PDF.match(content) and _PDF_END.search(content, max(0, len(content) - 16)):
        return FileKind.PDF
    if content.startswith(_PNG) and content[12:16] == b"IHDR" and content.endswith(_PNG_END):
        return FileKind.PNG
    if content.startswith(_JPEG) and content.endswith(_JPEG_END):
        return FileKind.JPEG
    return None


def _is_ofd(content: bytes) -> bool:
    """Say whether an archive lists the root of an OFD; its entries are not opened.

    It ends with the end of its list, without a comment: nothing stands behind it.
    """
    if content[-_ARCHIVE_END_SIZE:][:4] != _ARCHIVE_END:
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            is_whole = not archive.comment
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError):
        return False
    names = [entry.filename for entry in entries]
    return is_whole and _OFD_ROOT in names and len(names) == len(set(names)) <= _MOST_ENTRIES
