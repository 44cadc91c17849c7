"""How remote providers were when they were last asked."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

FINDINGS = "'unreachable', 'unsigned', 'another', 'unwell'"


def upgrade() -> None:
    op.create_table(
        "provider_checkups",
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("finding", sa.Text()),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"finding in ({FINDINGS})", name="ck_provider_checkups_finding"),
        sa.CheckConstraint("asked_at >= since", name="ck_provider_checkups_asked_at"),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["providers.id"], name="fk_provider_checkups_provider_id_providers"
        ),
        sa.PrimaryKeyConstraint("provider_id", name="pk_provider_checkups"),
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
