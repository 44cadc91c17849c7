"""Traffic: courses that take points of a licence away."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "plugin_traffic"


def upgrade() -> None:
    op.create_table(
        "studies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("citizen_reference", sa.Text()),
        sa.Column("letterbox", sa.Text(), nullable=False),
        sa.Column("licence_index", sa.LargeBinary(), nullable=False),
        sa.Column("study_no", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("finished_on", sa.Date(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("refusal", sa.Text()),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_studies"),
        sa.CheckConstraint(
            "status in ('requested', 'credited', 'refused')", name=op.f("ck_studies_status")
        ),
        sa.CheckConstraint(
            "kind in ('online', 'classroom', 'service')", name=op.f("ck_studies_kind")
        ),
        sa.CheckConstraint("points between 1 and 12", name=op.f("ck_studies_points")),
        sa.CheckConstraint(
            "(status = 'requested') = (decided_at is null)", name=op.f("ck_studies_decided")
        ),
        sa.CheckConstraint(
            "(status = 'refused') = (refusal is not null)", name=op.f("ck_studies_refusal")
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_studies_study_no_live",
        "studies",
        ["study_no"],
        schema=SCHEMA,
        unique=True,
        postgresql_where=sa.text("status <> 'refused'"),
    )
    op.create_index(
        "ix_studies_waiting",
        "studies",
        ["requested_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("status = 'requested'"),
    )
    op.create_index(
        "ix_studies_licence_index_finished_on",
        "studies",
        ["licence_index", "finished_on"],
        schema=SCHEMA,
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
