"""Idempotency keys: a repeated request gets the first answer, and a crash goes on where it was.

The record is written by the first committed phase of the request it belongs to, so a refusal
before that stores nothing. Modelled after the IETF Idempotency-Key draft.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.core import crypto
from app.core.clock import now
from app.core.db import Base
from app.core.errors import Conflict, Invalid, Malformed
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork

LOCK = timedelta(seconds=90)
KEPT = timedelta(hours=72)
_VISIBLE = r"[\x21\x23-\x5b\x5d-\x7e]{16,128}"
_SYNTAX = re.compile(f'"(?P<quoted>{_VISIBLE})"|(?P<bare>{_VISIBLE})')


class KeyMissing(Malformed):
    """An operation that makes money or an application needs a key."""

    code = "idempotency-key-missing"
    title_zh = "缺少幂等键"
    title_en = "The Idempotency-Key header is needed"


class KeyReused(Invalid):
    """The key was used for another request."""

    code = "idempotency-key-reused"
    title_zh = "幂等键已用于其他请求"
    title_en = "The idempotency key was used with another request"


class KeyInFlight(Conflict):
    """The first request with this key has not been answered yet."""

    code = "idempotency-key-in-flight"
    title_zh = "相同请求正在处理"
    title_en = "A request with this key is being processed"


class IdempotencyKey(Base):
    """A key, what it was used for, how far that came, and the answer (sealed)."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        CheckConstraint("state in ('in_progress', 'done')", name="state"),
        Index(None, "expires_at"),
    )

    principal_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    operation: Mapped[str]
    fingerprint: Mapped[bytes]
    state: Mapped[str]
    owner: Mapped[UUID]
    locked_until: Mapped[datetime]
    resource_id: Mapped[UUID | None]
    response_status: Mapped[int | None]
    response_headers: Mapped[dict[str, Any] | None]
    response_body: Mapped[bytes | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored answer: status, the headers that belong to it, and the exact bytes."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Claim:
    """The right to work on one key; `resource_id` is what an interrupted attempt had made."""

    principal_id: UUID
    key: str
    operation: str
    fingerprint: bytes
    body_key: bytes
    owner: UUID = field(default_factory=new_id)
    resource_id: UUID | None = None
    is_held: bool = False
    is_taken_over: bool = False

    def hold(self, uow: UnitOfWork) -> None:
        """Write the key in this transaction; raise `KeyInFlight` when somebody else was first."""
        if self.is_held:
            return
        moment = now()
        statement = (
            insert(IdempotencyKey)
            .values(
                principal_id=self.principal_id,
                key=self.key,
                operation=self.operation,
                fingerprint=self.fingerprint,
                state="in_progress",
                owner=self.owner,
                locked_until=moment + LOCK,
                created_at=moment,
                expires_at=moment + KEPT,
            )
            .on_conflict_do_nothing()
            .returning(IdempotencyKey.key)
        )
        if uow.scalar(statement) is None:
            raise KeyInFlight(retry_after=1)
        self.is_held = True

    def forget(self) -> None:
        """Know that the row of this key was undone with its transaction."""
        self.is_held = self.is_taken_over

    def made(self, uow: UnitOfWork, resource_id: UUID) -> None:
        """Remember, in this phase, what a repeat after a crash has to go on with."""
        self.resource_id = resource_id
        uow.execute(self._mine().values(resource_id=resource_id))

    def keep(self, uow: UnitOfWork, answer: Answer) -> None:
        """Store the answer with the last phase; raise `KeyInFlight` if the claim was taken over."""
        self.hold(uow)
        sealed = crypto.seal(self.body_key, answer.body, context=self._context())
        statement = self._mine().values(
            state="done",
            response_status=answer.status,
            response_headers=answer.headers,
            response_body=sealed,
        )
        if uow.scalar(statement.returning(IdempotencyKey.key)) is None:
            raise KeyInFlight(retry_after=1)

    def _mine(self) -> Any:  # noqa: ANN401 - SQLAlchemy's Update, generic in nothing
        return update(IdempotencyKey).where(
            IdempotencyKey.principal_id == self.principal_id,
            IdempotencyKey.key == self.key,
            IdempotencyKey.owner == self.owner,
        )

    def _context(self) -> str:
        return f"idempotency_keys|response_body|{self.principal_id}|{self.key}"


def parse_key(header: str | None) -> str:
    """Return the key of a header, quoted or bare (16 to 128 visible ASCII characters)."""
    if header is None:
        raise KeyMissing("Send an Idempotency-Key of 16 to 128 visible ASCII characters.")
    match = _SYNTAX.fullmatch(header.strip())
    if match is None:
        raise Malformed("Idempotency-Key must be 16 to 128 visible ASCII characters.")
    return match["quoted"] or match["bare"]


def fingerprint(operation: str, payload: object) -> bytes:
    """Return the SHA-256 of an operation and its payload, whatever the order of members."""
    canonical = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(f"{operation}\n{canonical}".encode()).digest()


def look_up(uow: UnitOfWork, claim: Claim) -> Answer | None:
    """Return the stored answer of a key, or None when its request is to be executed now.

    Raise `KeyReused` for another payload and `KeyInFlight` while the first is being answered. A
    claim whose holder has died (its lock is over) is taken over, with what it had made.
    """
    row = uow.scalar(
        select(IdempotencyKey)
        .where(
            IdempotencyKey.principal_id == claim.principal_id,
            IdempotencyKey.key == claim.key,
        )
        .execution_options(populate_existing=True)
    )
    if row is None:
        return None
    if row.fingerprint != claim.fingerprint:
        raise KeyReused
    if row.state == "done":
        body = crypto.unseal(claim.body_key, row.response_body or b"", context=claim._context())  # noqa: SLF001 - the same module's own
        return Answer(row.response_status or 0, row.response_headers or {}, body)
    if row.locked_until > now():
        raise KeyInFlight(retry_after=1)
    _take_over(uow, claim, row)
    return None


def _take_over(uow: UnitOfWork, claim: Claim, row: IdempotencyKey) -> None:
    statement = (
        update(IdempotencyKey)
        .where(
            IdempotencyKey.principal_id == claim.principal_id,
            IdempotencyKey.key == claim.key,
            IdempotencyKey.owner == row.owner,
            IdempotencyKey.locked_until <= now(),
        )
        .values(owner=claim.owner, locked_until=now() + LOCK)
        .returning(IdempotencyKey.resource_id)
    )
    taken = uow.execute(statement).one_or_none()
    if taken is None:
        raise KeyInFlight(retry_after=1)
    claim.is_held = claim.is_taken_over = True
    claim.resource_id = taken[0]
