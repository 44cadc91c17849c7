"""`/v1/utilities`: one file for each thing that operations are about."""

from plugins.utilities.routes import accounts, billers, bills, complaints, desk, feeds, orders
from plugins.utilities.routes.common import blueprint

__all__ = ["accounts", "billers", "bills", "blueprint", "complaints", "desk", "feeds", "orders"]
