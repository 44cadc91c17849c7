"""What the room of providers can do: take them in, let them stand or fall, and listen to them."""

from app.providers.service.badges import record_badge
from app.providers.service.checkups import TICK_SECONDS, call_checkups, check_up
from app.providers.service.claims import enter_plugins
from app.providers.service.common import Faults, ProviderDeps, source_of
from app.providers.service.inward import apply_event, check_call, check_event, send_back
from app.providers.service.keys import add_key, list_keys, retire_key
from app.providers.service.owners import owners_of
from app.providers.service.reading import (
    list_manifests,
    list_moves,
    list_providers,
    read_manifest,
    read_provider,
    view_provider,
)
from app.providers.service.registration import (
    register_provider,
    release_manifest,
    submit_manifest,
)
from app.providers.service.roster import read_epoch, read_roster
from app.providers.service.states import (
    change_canary,
    move_provider,
    resume_provider,
    suspend_provider,
    withdraw_provider,
)

__all__ = [
    "TICK_SECONDS",
    "Faults",
    "ProviderDeps",
    "add_key",
    "apply_event",
    "call_checkups",
    "change_canary",
    "check_call",
    "check_event",
    "check_up",
    "enter_plugins",
    "list_keys",
    "list_manifests",
    "list_moves",
    "list_providers",
    "move_provider",
    "owners_of",
    "read_epoch",
    "read_manifest",
    "read_provider",
    "read_roster",
    "record_badge",
    "register_provider",
    "release_manifest",
    "resume_provider",
    "retire_key",
    "send_back",
    "source_of",
    "submit_manifest",
    "suspend_provider",
    "view_provider",
    "withdraw_provider",
]
