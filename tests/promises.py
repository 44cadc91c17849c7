"""What the product promises, shown with figures: `make check-promises`.

A test that proves a row is marked `@pytest.mark.promise("P36")` and says by the fixture `shows`
what it counted. Figures of time are marked `timed` besides: `make check-promises` alone runs them.
"""

from collections.abc import Callable

import pytest

_PROPERTY = "promise"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks."""
    config.addinivalue_line("markers", "promise(row): proves a row of the promise table")
    config.addinivalue_line("markers", "timed: measures time, so runs by itself only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave figures of time out of the suite: other work on the machine would decide them."""
    if config.getoption("--promises"):
        left_out = [item for item in items if item.get_closest_marker("promise") is None]
    else:
        left_out = [item for item in items if item.get_closest_marker("timed") is not None]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture
def shows(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return what keeps a figure for the table at the end."""
    mark = request.node.get_closest_marker("promise")
    assert mark is not None, "only a test of a promise shows figures"

    def keep(figure: str) -> None:
        request.node.user_properties.append((_PROPERTY, f"{mark.args[0]}  {figure}"))

    return keep


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every figure, by row; a row whose test failed is said to be broken."""
    rows = set()
    for outcome, mark in (("passed", "kept  "), ("failed", "BROKEN")):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == _PROPERTY and report.when == "call":
                    rows.add((value.partition(" ")[0], mark, value))
    if rows:
        terminalreporter.section("promises")
        for _, mark, value in sorted(rows):
            terminalreporter.write_line(f"{mark} {value}")
