"""Ratings of applications that are over."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "plugin_permits"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "ratings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_reference", sa.Text()),
        sa.Column("letterbox", sa.Text(), nullable=False),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.Column("rated", postgresql.JSONB(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("indicators", postgresql.JSONB(), nullable=False),
        sa.Column("words_sealed", sa.LargeBinary()),
        sa.Column("rated_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("assigned_to", sa.Uuid()),
        sa.Column("answer_sealed", sa.LargeBinary()),
        sa.Column("called_back_by", sa.Uuid()),
        sa.PrimaryKeyConstraint("id", name="pk_ratings"),
        sa.ForeignKeyConstraint(
            ["application_id"],
            [f"{SCHEMA}.applications.id"],
            name="fk_ratings_application_id_applications",
        ),
        sa.CheckConstraint(
            "status in ('assigned', 'called_back', 'closed', 'contacted', 'not_founded', "
            "'received', 'recorded', 'rectified')",
            name="status",
        ),
        sa.CheckConstraint("grade between 1 and 5", name="grade"),
        sa.CheckConstraint("(status = 'recorded') = (grade >= 3)", name="recorded"),
        sa.CheckConstraint(
            "rated_at >= ended_at and rated_at <= ended_at + interval '720 hours'", name="rated_at"
        ),
        sa.CheckConstraint(
            "status in ('received', 'recorded') or assigned_to is not null", name="assigned_to"
        ),
        sa.CheckConstraint(
            "assigned_to is null or not rated @> to_jsonb(assigned_to::text)", name="not_the_rated"
        ),
        sa.CheckConstraint("called_back_by != assigned_to", name="called_back_by"),
        sa.CheckConstraint("(status in ('closed', 'recorded')) = (due_at is null)", name="due_at"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_ratings_application_id", "ratings", ["application_id"], unique=True, schema=SCHEMA
    )
    op.create_index("ix_ratings_bundle_rated_at", "ratings", ["bundle", "rated_at"], schema=SCHEMA)
    op.create_index(
        "ix_ratings_due_at",
        "ratings",
        ["due_at", "id"],
        postgresql_where=sa.text("due_at is not null"),
        schema=SCHEMA,
    )
    op.execute(
        "create trigger ratings_move_legally before update of status "
        "on plugin_permits.ratings for each row when (old.status is distinct from new.status) "
        "execute function plugin_permits.refuse_illegal_move('permits_rating')"
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
