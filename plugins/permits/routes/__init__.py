"""`/v1/permits`: one file for each topic."""

from plugins.permits.routes import bundles, seats
from plugins.permits.routes.common import blueprint

__all__ = ["blueprint", "bundles", "seats"]
