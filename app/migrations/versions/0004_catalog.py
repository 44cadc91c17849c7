"""Catalog: versioned departments, categories and services."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalog_versions",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number >= 1", name="number"),
        sa.PrimaryKeyConstraint("number", name="pk_catalog_versions"),
    )
    op.create_table(
        "catalog_entries",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "kind in ('category', 'department', 'service', 'synonyms')",
            name="kind",
        ),
        sa.CheckConstraint("version >= 1", name="version"),
        sa.ForeignKeyConstraint(
            ["since"],
            ["catalog_versions.number"],
            name="fk_catalog_entries_since_catalog_versions",
        ),
        sa.PrimaryKeyConstraint("kind", "id", "version", name="pk_catalog_entries"),
        sa.UniqueConstraint("kind", "id", "since", name="uq_catalog_entries_kind_id_since"),
    )
    op.create_index("ix_catalog_entries_since", "catalog_entries", ["since"])
    for table in ("catalog_versions", "catalog_entries"):
        op.execute(
            f"create trigger {table}_is_append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_change()"
        )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
