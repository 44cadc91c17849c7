"""What happens because of what: event -> handlers, and what is looked for on a schedule."""

from collections.abc import Mapping
from typing import Any

from app.core.jobs import Jobs


def wire(jobs: Jobs, deps: Mapping[type, Any]) -> None:
    """Tell the queue who handles which event, and what runs how often."""
    del jobs, deps
