"""The write-once file of anchors: what was sealed, where the database cannot reach it.

One canonical JSON object a line: a signed statement, and for a seal the first bytes of each leaf's
hash (`leaves`), by which a verifier names the row that was changed. A line that a crash has torn
off stays where it is and is written again in full below.
"""

import base64
import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from app.audit.values import Statement, canonical

HEAD = 8
_TAIL = 1 << 20


def anchor_line(statement: Statement, leaves: bytes | None) -> Mapping[str, Any]:
    """Return the line of a statement; `leaves` are 32 bytes for each entry of a seal."""
    line = statement.to_json()
    if leaves is not None:
        heads = b"".join(leaves[at : at + HEAD] for at in range(0, len(leaves), 32))
        line["leaves"] = base64.b64encode(heads).decode()
    return line


@contextmanager
def appending(path: Path) -> Iterator["AnchorsFile"]:
    """Hold the file for one process at a time; it is made at the first time, for us alone."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "rb+", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield AnchorsFile(file)


class AnchorsFile:
    """The open file; lines are added at its end and reach the disk before `append` returns."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def last(self, kind: str) -> Mapping[str, Any] | None:
        """Return the newest line of a kind that was written in full."""
        size = self._file.seek(0, os.SEEK_END)
        reach = _TAIL
        while True:
            start = max(0, size - reach)
            self._file.seek(start)
            lines = self._file.read(size - start).split(b"\n")
            for line in reversed(lines if start == 0 else lines[1:]):
                found = _read(line)
                if found is not None and found.get("kind") == kind:
                    return found
            if start == 0:
                return None
            reach *= 4

    def append(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Add lines and wait until the disk has them."""
        if not lines:
            return
        text = b"".join(canonical(line) + b"\n" for line in lines)
        if not self._is_whole():
            text = b"\n" + text
        written = 0
        while written < len(text):
            written += self._file.write(text[written:])
        os.fsync(self._file.fileno())

    def _is_whole(self) -> bool:
        size = self._file.seek(0, os.SEEK_END)
        if size == 0:
            return True
        self._file.seek(size - 1)
        return self._file.read(1) == b"\n"


def read_anchors(path: Path) -> Iterator[Mapping[str, Any]]:
    """Return every line of the file that was written in full, oldest first; none without a file."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            found = _read(line.rstrip(b"\n"))
            if found is not None:
                yield found


def _read(line: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
