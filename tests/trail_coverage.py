"""Every event of the audit catalogue is driven by some test (P51): asked when the suite ends.

Each test process says which events its databases have seen; when the whole suite has run and
nothing else has failed, an event that nobody has driven fails the run.
"""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from app.audit.service import list_events
from app.core.unit_of_work import Units

_SEEN: pytest.StashKey[set[str]] = pytest.StashKey()
_DRIVEN = "audit_events"


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing seen."""
    config.stash[_SEEN] = set()


@pytest.fixture(scope="session")
def note_events(pytestconfig: pytest.Config) -> Callable[[Units], None]:
    """Return what remembers which events lie in the trail of a database, before it goes."""

    def note(units: Units) -> None:
        with units.open(actor="test", read_only=True) as uow:
            found = uow.scalars(text("select distinct event from audit_entries"))
            pytestconfig.stash[_SEEN] |= set(found)

    return note


def undriven(seen: set[str]) -> list[str]:
    """Return the events of the catalogue that are not among those seen."""
    return sorted({line.name for line in list_events()} - seen)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ANN401 - xdist's
    """Take over what a test process has seen."""
    del error
    node.config.stash[_SEEN] |= set(getattr(node, "workeroutput", {}).get(_DRIVEN, ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Hand over what was seen, or judge it."""
    config = session.config
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output[_DRIVEN] = sorted(config.stash[_SEEN])
    elif exitstatus == 0 and _is_whole(config) and undriven(config.stash[_SEEN]):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how many events were driven, and name those that were not."""
    if not _is_whole(config):
        return
    missing = undriven(config.stash[_SEEN])
    total = len(list_events())
    terminalreporter.section("audit events")
    terminalreporter.write_line(f"P51  {total - len(missing)} of {total} events driven")
    for name in missing:
        terminalreporter.write_line(f"NOT DRIVEN {name}")


def _is_whole(config: pytest.Config) -> bool:
    """Say whether everything was run: no chosen files, words or marks."""
    chosen = config.getoption("keyword") or config.getoption("markexpr")
    return (
        config.args_source is pytest.Config.ArgsSource.TESTPATHS
        and not chosen
        and not config.getoption("--promises")
        and not config.getoption("collectonly")
        and not config.getoption("maxfail")
    )
