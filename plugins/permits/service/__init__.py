"""What can be done with bundles, applications, tasks and their clocks."""

from plugins.permits.service.answers import (
    conditions_hold,
    fee_for,
    materials_for,
    read_answers,
    tasks_for,
)
from plugins.permits.service.bpmn import export_bpmn
from plugins.permits.service.bundles import find_bundle, list_bundles, load_bundles

__all__ = [
    "conditions_hold",
    "export_bpmn",
    "fee_for",
    "find_bundle",
    "list_bundles",
    "load_bundles",
    "materials_for",
    "read_answers",
    "tasks_for",
]
