"""Lets plug-ins look after what time brings, each in a job of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.core.deadline import within
from app.core.events import Event
from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork, forbid_open_transaction
from app.host.hosted import Hosted
from app.host.roster import Roster
from app.sdk.provider import Periodic

TICK_SECONDS = 20
ATTEND_SECONDS = 10.0

log = get_logger("host")


@dataclass(frozen=True, kw_only=True, slots=True)
class AttentionDue(Event):
    """It is time for a plug-in to look after what is due."""

    name: ClassVar[str] = "host.attention_due"

    plugin: str


@dataclass(frozen=True, slots=True)
class AttentionDeps:
    """Who has something to look after, and who may be called now."""

    periodic: Mapping[str, Periodic]
    roster: Roster

    @classmethod
    def of(cls, hosted: Hosted, roster: Roster) -> "AttentionDeps":
        """Return the plug-ins that have promised to be `Periodic`."""
        periodic: dict[str, Periodic] = {}
        for name, plugin in hosted.plugins.items():
            made: object = plugin.provider  # which may keep other promises besides
            if isinstance(made, Periodic):
                periodic[name] = made
        return cls(periodic, roster)


def call_attention(uow: UnitOfWork, deps: AttentionDeps) -> None:
    """Give each plug-in that is not suspended a job of its own: a slow one holds up no other."""
    shut = deps.roster.current().shut
    for plugin in deps.periodic.keys() - shut.keys():
        uow.emit(AttentionDue(plugin=plugin))


def attend(_: UnitOfWork, deps: AttentionDeps, due: AttentionDue) -> None:
    """Let a plug-in do what is due; what it raises is logged, for the next call comes soon."""
    plugin = deps.periodic.get(due.plugin)
    if plugin is None or due.plugin in deps.roster.current().shut:
        return
    forbid_open_transaction(due.plugin)
    try:
        with within(ATTEND_SECONDS):
            plugin.attend()
    # A plug-in may raise anything; a job that failed would be tried again beside the next one.
    except Exception:
        log.exception("plugin.failed", plugin=due.plugin, call="attend")
