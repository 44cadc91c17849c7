"""What the room of providers can do: know the plug-ins of this house, and read the roster."""

from app.providers.service.claims import enter_plugins
from app.providers.service.owners import owners_of
from app.providers.service.roster import read_epoch, read_roster

__all__ = ["enter_plugins", "owners_of", "read_epoch", "read_roster"]
