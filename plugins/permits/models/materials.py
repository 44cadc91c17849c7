"""Files of applications in versions, what stands in their place, what decisions were made by."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import APPEND_ONLY, Stateful, new_id, now
from plugins.permits.models.base import SCHEMA, Base, one_of
from plugins.permits.values.materials import MOST_BYTES, FileKind, UndertakingStatus, UploadedBy


class MaterialFile(Base):
    """A version of a material: what it is and its SHA-256, never changed and never removed."""

    __tablename__ = "material_files"
    __table_args__ = (
        UniqueConstraint("application_id", "material", "number"),
        one_of("kind", FileKind),
        one_of("uploaded_by", UploadedBy),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint(f"size between 1 and {MOST_BYTES}", name="size"),
        CheckConstraint("length(digest) = 32", name="digest"),
        CheckConstraint("(uploaded_by = 'officer') = (officer is not null)", name="officer"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.applications.id"))
    material: Mapped[str]
    number: Mapped[int]
    kind: Mapped[str]
    size: Mapped[int]
    digest: Mapped[bytes]
    uploaded_by: Mapped[str]
    officer: Mapped[UUID | None]
    uploaded_at: Mapped[datetime] = mapped_column(default=now)


class MaterialContent(Base):
    """What a version holds and what its client called it, sealed; gone once a citizen is erased."""

    __tablename__ = "material_contents"

    file_id: Mapped[UUID] = mapped_column(
        ForeignKey(f"{SCHEMA}.material_files.id"), primary_key=True
    )
    name_sealed: Mapped[bytes]
    content_sealed: Mapped[bytes]


class DecisionMaterial(Base):
    """That a proposal or decision was made with this version of a material."""

    __tablename__ = "decision_materials"
    __table_args__ = (Index(None, "file_id"), {"info": APPEND_ONLY})

    decision_id: Mapped[UUID] = mapped_column(
        ForeignKey(f"{SCHEMA}.decisions.id"), primary_key=True
    )
    file_id: Mapped[UUID] = mapped_column(
        ForeignKey(f"{SCHEMA}.material_files.id"), primary_key=True
    )


class MaterialCertificate(Base):
    """That a certificate of the city's stands in the place of a material."""

    __tablename__ = "material_certificates"

    application_id: Mapped[UUID] = mapped_column(
        ForeignKey(f"{SCHEMA}.applications.id"), primary_key=True
    )
    material: Mapped[str] = mapped_column(primary_key=True)
    certificate: Mapped[str]
    found_at: Mapped[datetime] = mapped_column(default=now)


class Undertaking(Stateful, Base):
    """A citizen's promise to hand a material in later; its time begins with the submission."""

    ENTITY: ClassVar = "permits_undertaking"
    FIRST: ClassVar = frozenset({UndertakingStatus.GIVEN})
    MOVES: ClassVar = {
        UndertakingStatus.GIVEN: frozenset(
            {UndertakingStatus.KEPT, UndertakingStatus.BROKEN, UndertakingStatus.ENDED}
        )
    }

    __tablename__ = "undertakings"
    __table_args__ = (
        UniqueConstraint("application_id", "material"),
        one_of("status", UndertakingStatus),
        CheckConstraint("working_days >= 1", name="working_days"),
        CheckConstraint("status != 'broken' or due_at is not null", name="due_at"),
        Index("ix_undertakings_due", "due_at", postgresql_where="status = 'given'"),
    )

    application_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.applications.id"))
    material: Mapped[str]
    working_days: Mapped[int]
    signed_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime | None]
