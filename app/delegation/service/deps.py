"""What the room works with, as the factory made it, and the words it seals."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from app.core.crypto import Keyring, mask_name, mask_phone, seal, unseal
from app.core.tokens import Tokens
from app.core.unit_of_work import UnitOfWork
from app.delegation.gateway import Registers, SmsAnswers
from app.delegation.values import EVERYTHING, Party, Person
from app.identity import service as identity
from app.notifications.gateway import SmsGateway
from app.sdk.registry import Registry

_EVERYTHING = {"zh": "全部服务", "en": "every service"}


@dataclass(frozen=True, slots=True)
class DelegationDeps:
    """Keys, tokens, the way to phones and registers, the services there are.

    `answers` is where texts to the city's number are fetched, if any are taken.
    """

    keyring: Keyring
    tokens: Tokens
    sms: SmsGateway
    registers: Registers
    registry: Registry
    answers: SmsAnswers | None = None

    def title(self, service: str) -> Mapping[str, str]:
        """Return how a service is called; one that is gone is called by its id."""
        if service == EVERYTHING:
            return _EVERYTHING
        known = self.registry.services.get(service)
        return known.title if known is not None else {"zh": service, "en": service}

    def seal(self, plain: str, table: str, column: str, row: UUID) -> bytes:
        """Return a field of a table that belongs to no single person, as it is stored."""
        key = self.keyring.class_key(table)
        return seal(key, plain.encode(), context=f"{table}|{column}|{row}")

    def open(self, sealed: bytes, table: str, column: str, row: UUID) -> str:
        """Return such a field as it was."""
        key = self.keyring.class_key(table)
        return unseal(key, sealed, context=f"{table}|{column}|{row}").decode()

    def phone_index(self, uow: UnitOfWork, citizen_id: UUID) -> bytes:
        """Return the blind index of a citizen's own number; empty when there is no account."""
        return identity.phone_index_of(uow, citizen_id)

    def identity_of(self, uow: UnitOfWork, citizen_id: UUID) -> Person | None:
        """Return the proven name and number of a citizen, or None before they are proven."""
        names = ("name", "resident_id")
        known = identity.attributes_of(uow, self.keyring, citizen_id, names).values
        if known.keys() != set(names):
            return None
        return Person(known["name"], known["resident_id"])

    def party(self, uow: UnitOfWork, citizen_id: UUID | None, phone: str | None = None) -> Party:
        """Return one of the two as the other may see them: masked."""
        if citizen_id is None:
            return Party(None, None, None if phone is None else mask_phone(phone))
        known = identity.attributes_of(uow, self.keyring, citizen_id, ("name", "phone")).values
        name, number = known.get("name"), known.get("phone")
        return Party(
            citizen_id,
            None if name is None else mask_name(name),
            None if number is None else mask_phone(number),
        )


def one_at_a_time(uow: UnitOfWork, *what: object) -> None:
    """Let transactions that name the same thing follow one another."""
    uow.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:what, 0))"),
        {"what": "|".join(("delegation", *map(str, what)))},
    )
