"""Files of applications, what stands in their place, and what decisions were made by."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "plugin_permits"
MOMENT = sa.DateTime(timezone=True)


def _points_at(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{SCHEMA}.{other}.id"], name=f"fk_{table}_{column}_{other}"
    )


def upgrade() -> None:
    op.create_table(
        "material_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("material", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("officer", sa.Uuid()),
        sa.Column("uploaded_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_material_files"),
        sa.UniqueConstraint(
            "application_id",
            "material",
            "number",
            name="uq_material_files_application_id_material_number",
        ),
        _points_at("material_files", "application_id", "applications"),
        sa.CheckConstraint("kind in ('jpeg', 'ofd', 'pdf', 'png')", name="kind"),
        sa.CheckConstraint("uploaded_by in ('citizen', 'officer')", name="uploaded_by"),
        sa.CheckConstraint("number >= 1", name="number"),
        sa.CheckConstraint("size between 1 and 8388608", name="size"),
        sa.CheckConstraint("length(digest) = 32", name="digest"),
        sa.CheckConstraint("(uploaded_by = 'officer') = (officer is not null)", name="officer"),
        schema=SCHEMA,
    )
    op.create_table(
        "material_contents",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", name="pk_material_contents"),
        _points_at("material_contents", "file_id", "material_files"),
        schema=SCHEMA,
    )
    op.create_table(
        "decision_materials",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", "file_id", name="pk_decision_materials"),
        _points_at("decision_materials", "decision_id", "decisions"),
        _points_at("decision_materials", "file_id", "material_files"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_decision_materials_file_id", "decision_materials", ["file_id"], schema=SCHEMA
    )
    op.create_table(
        "material_certificates",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("material", sa.Text(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("application_id", "material", name="pk_material_certificates"),
        _points_at("material_certificates", "application_id", "applications"),
        schema=SCHEMA,
    )
    op.create_table(
        "undertakings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("material", sa.Text(), nullable=False),
        sa.Column("working_days", sa.Integer(), nullable=False),
        sa.Column("signed_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_undertakings"),
        sa.UniqueConstraint(
            "application_id", "material", name="uq_undertakings_application_id_material"
        ),
        _points_at("undertakings", "application_id", "applications"),
        sa.CheckConstraint("status in ('broken', 'ended', 'given', 'kept')", name="status"),
        sa.CheckConstraint("working_days >= 1", name="working_days"),
        sa.CheckConstraint("status != 'broken' or due_at is not null", name="due_at"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_undertakings_due",
        "undertakings",
        ["due_at"],
        postgresql_where=sa.text("status = 'given'"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
