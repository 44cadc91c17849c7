"""Programs that some tests need and a machine need not have: a browser, Node, Poppler."""

import os
import shutil
from typing import NoReturn

import pytest


def need(*programs: str) -> None:
    """Skip the test unless these programs are installed; where they are required, fail."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        give_up(f"not installed: {', '.join(missing)}")


def give_up(reason: str) -> NoReturn:
    """Skip for a reason of this machine's; with BROWSER_TESTS=required (.ci/run) that is a failure.

    So nobody needs a browser to work on the product, and the gate cannot forget to have one.
    """
    if os.environ.get("BROWSER_TESTS") == "required":
        pytest.fail(f"BROWSER_TESTS=required, and {reason}")
    pytest.skip(reason)
