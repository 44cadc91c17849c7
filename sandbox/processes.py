"""Child processes that never outlive the process that started them."""

import contextlib
import ctypes
import os
import platform
import pwd
import signal
import socket
import stat
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LOOPBACK = "127.0.0.1"
ON_LINUX = platform.system() == "Linux"

_PR_SET_PDEATHSIG = 1
_OTHERS_MAY_ENTER = stat.S_IXOTH


class ServerError(RuntimeError):
    """A server of the sandbox cannot be started; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class SystemUser:
    """Who a server runs as: a numeric user and group."""

    uid: int
    gid: int


def unprivileged_user() -> SystemUser | None:
    """Return the user that servers which refuse root run as, or None when we are not root.

    PostgreSQL refuses uid 0 and needs a user with an entry in the password file, so this is
    `nobody`, which every system has; no user is ever created.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as missing:
        raise ServerError("running as root needs the system user 'nobody'") from missing
    return SystemUser(uid=entry.pw_uid, gid=entry.pw_gid)


def free_port() -> int:
    """Return a loopback TCP port that was free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port


def state_home() -> Path:
    """Return the directory of this machine user for sandbox data and copied binaries.

    Root's lies outside root's home, which the unprivileged database user could not enter.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/wudang")
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local/share") / "wudang"


def make_directory(path: Path, *, owner: SystemUser | None, mode: int) -> None:
    """Make a directory with this owner and mode unless it exists, which is left as it is.

    Missing parents can be entered by everyone.
    """
    if path.exists():
        return
    missing = [parent for parent in path.parents if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(exist_ok=True)
        parent.chmod(0o755)
    path.mkdir(exist_ok=True)
    path.chmod(mode)
    if owner is not None:
        os.chown(path, owner.uid, owner.gid)


def open_log(path: Path) -> IO[bytes]:
    """Open a fresh log which only its owner may read."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    return path.open("wb")


def require_reachable(path: Path, user: SystemUser | None) -> None:
    """Raise ServerError when the unprivileged user cannot enter a parent of the path."""
    if user is None:
        return
    for parent in path.resolve().parents:
        found = parent.stat()
        owned = found.st_uid == user.uid and found.st_mode & stat.S_IXUSR
        grouped = found.st_gid == user.gid and found.st_mode & stat.S_IXGRP
        if not (owned or grouped or found.st_mode & _OTHERS_MAY_ENTER):
            raise ServerError(
                f"{parent} is closed to the unprivileged user that the database runs as; "
                "choose a data directory elsewhere or open it (chmod o+x)"
            )


@contextlib.contextmanager
def temporary_data_dir() -> Iterator[Path]:
    """Give a fresh directory that the unprivileged database user can enter, and remove it after.

    Test directories are usually closed to everybody but their owner; this one is not.
    """
    with tempfile.TemporaryDirectory(prefix="wudang-") as name:
        path = Path(name)
        path.chmod(0o711)
        yield path


def start_child(
    arguments: Sequence[str | Path],
    *,
    death_signal: signal.Signals,
    log: IO[bytes] | None = None,
    user: SystemUser | None = None,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a program that gets `death_signal` as soon as this process is gone.

    The child leads a session of its own, so that Ctrl-C in a terminal reaches only the parent,
    which then stops its children in order. The kernel ties the death signal to the thread that
    forks; only the main thread lives as long as the process, so others are refused.
    Systems without this signal (macOS) start the child without it.
    """
    if threading.current_thread() is not threading.main_thread():
        raise ServerError("servers are started from the main thread; see start_child")
    return subprocess.Popen(  # noqa: S603 - the sandbox's own programs
        [str(argument) for argument in arguments],
        stdin=stdin,
        stdout=log,
        stderr=subprocess.STDOUT if log else None,
        cwd=cwd,
        env=dict(environment) if environment is not None else None,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
        start_new_session=True,
        preexec_fn=_die_with_parent(death_signal, parent=os.getpid()),  # noqa: PLW1509 - main thread only, no locks
    )


def stop_with_parent() -> None:
    """Ask for SIGTERM when the process that started this one is gone (on Linux)."""
    ask = _die_with_parent(signal.SIGTERM, parent=os.getppid())
    if ask is not None:
        ask()


def stop_child(
    process: subprocess.Popen[bytes], *, steps: Sequence[tuple[signal.Signals, float]]
) -> None:
    """Send each signal in turn, waiting its seconds for the end, and kill at last.

    Harmless when the process has ended. Afterwards it has been waited for.
    """
    for step, seconds in steps:
        if process.poll() is not None:
            break
        process.send_signal(step)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
    if process.poll() is None:
        process.kill()
    process.wait()


def _die_with_parent(death_signal: signal.Signals, *, parent: int) -> Callable[[], None] | None:
    if not ON_LINUX:
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask_for_the_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        # The parent may have died between the fork and the request: then nobody signals.
        if os.getppid() != parent:
            os._exit(1)

    return ask_for_the_signal
