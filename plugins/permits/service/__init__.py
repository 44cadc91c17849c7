"""What can be done with bundles, applications, tasks and their clocks."""

from plugins.permits.service.answers import (
    conditions_hold,
    fee_for,
    materials_for,
    read_answers,
    tasks_for,
)
from plugins.permits.service.bundles import find_bundle, list_bundles

__all__ = [
    "conditions_hold",
    "fee_for",
    "find_bundle",
    "list_bundles",
    "materials_for",
    "read_answers",
    "tasks_for",
]
