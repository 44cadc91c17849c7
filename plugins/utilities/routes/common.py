"""The blueprint of this plug-in, and what its operations ask first."""

from app.sdk import Blueprint, House, acts_within, deps
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.values import (
    BILLERS,
)

MIB = 1024 * 1024


blueprint = Blueprint("utilities", __name__, description="Utility accounts and bills")


def house_of() -> House:
    """Return what the house gave this plug-in."""
    return deps(UtilitiesProvider).house


def visible(action: str = "view") -> list[str]:
    """Return the billers whose bills the caller may see, or pay: all, but for a delegate."""
    return [biller.id for biller in BILLERS.values() if acts_within(biller.service, action)]
