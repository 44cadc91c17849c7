"""Catalogue: the lists of services that are a citizen's own, and what is popular."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_habits",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("keeps_recent", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", name="pk_service_habits"),
    )
    # A payment's news may come after its payer has gone for good: nothing is kept of them then.
    op.execute(
        "create trigger service_habits_of_an_open_account before insert on service_habits "
        "for each row execute function refuse_payment_of_closed_account()"
    )
    op.create_table(
        "listed_services",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("list", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("list in ('favourites', 'recent')", name="list"),
        sa.CheckConstraint(
            "position between 1 and case list when 'favourites' then 60 else 20 end",
            name="position",
        ),
        sa.ForeignKeyConstraint(
            ["citizen_id"],
            ["service_habits.citizen_id"],
            name="fk_listed_services_citizen_id_service_habits",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("citizen_id", "list", "service", name="pk_listed_services"),
        sa.UniqueConstraint(
            "citizen_id",
            "list",
            "position",
            name="uq_listed_services_citizen_id_list_position",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index(
        "ix_listed_services_recent",
        "listed_services",
        ["at", "service"],
        postgresql_where=sa.text("list = 'recent'"),
    )
    op.create_table(
        "popular_services",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("citizens", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.CheckConstraint("citizens >= 10", name="citizens"),
        sa.PrimaryKeyConstraint("service", name="pk_popular_services"),
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
