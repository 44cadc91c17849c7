"""The door by which a plug-in lets those who follow a service know how an application goes on."""

import re
from dataclasses import dataclass

from app.core.clock import now
from app.core.crypto import Keyring
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.host.letters import sector_of
from app.sdk.provider import REFERENCE, ApplicationStep
from app.webhooks.events import ApplicationMoved


@dataclass(frozen=True, slots=True)
class Announcements:
    """What one plug-in announces with (`app.sdk.provider.Announce`)."""

    plugin: str
    services: frozenset[str]
    keyring: Keyring

    def announce(
        self,
        uow: UnitOfWork,
        letterbox: str,
        service: str,
        reference: str,
        step: ApplicationStep,
        *,
        part: str = "",
    ) -> None:
        """Announce a step of the application of whoever has this letterbox."""
        if service not in self.services:
            raise ValueError(f"{service!r} is no service of {self.plugin} to apply for")
        if not re.fullmatch(REFERENCE, reference) or (part and not re.fullmatch(REFERENCE, part)):
            raise ValueError(f"{reference!r} or {part!r} is no reference")
        citizen_id = self.keyring.open_letterbox(sector_of(self.plugin), letterbox)
        uow.emit(
            ApplicationMoved(
                source_id=new_id(),
                citizen_id=citizen_id,
                service=service,
                reference=reference,
                step=step,
                part=part,
                at=now().isoformat(),
            )
        )
