"""A person's rights over what the city keeps about them: copy, correction, erasure."""

from app.privacy.service.closure import (
    ask_closure,
    close_account,
    erase_at_plugins,
    find_obligations,
    question_closures,
    read_closure,
)
from app.privacy.service.corrections import (
    decide_correction,
    list_corrections,
    list_my_corrections,
    review_correction,
    submit_correction,
)
from app.privacy.service.deps import CountOpen, PrivacyDeps
from app.privacy.service.exports import (
    forget_exports,
    gather_export,
    list_exports,
    read_export,
    read_export_content,
    request_export,
)
from app.privacy.service.inventory import FILE as INVENTORY
from app.privacy.service.inventory import InventoryInvalid, as_markdown, read_inventory

__all__ = [
    "INVENTORY",
    "CountOpen",
    "InventoryInvalid",
    "PrivacyDeps",
    "as_markdown",
    "ask_closure",
    "close_account",
    "decide_correction",
    "erase_at_plugins",
    "find_obligations",
    "forget_exports",
    "gather_export",
    "list_corrections",
    "list_exports",
    "list_my_corrections",
    "question_closures",
    "read_closure",
    "read_export",
    "read_export_content",
    "read_inventory",
    "request_export",
    "review_correction",
    "submit_correction",
]
