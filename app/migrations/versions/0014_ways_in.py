"""Ways in: what codes are for, what blocks of numbers were sent, and changes of number."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("alter table challenges drop constraint ck_challenges_purpose")
    op.execute(
        "alter table challenges add constraint ck_challenges_purpose "
        "check (purpose in ('login', 'step-up', 'change-phone', 'reset'))"
    )
    op.create_table(
        "sms_prefixes",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("braked_until", MOMENT),
        sa.PrimaryKeyConstraint("prefix", name="pk_sms_prefixes"),
        sa.CheckConstraint("used >= 0 and sent >= 0", name="counts"),
    )
    op.create_table(
        "phone_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("old_phone_sealed", sa.LargeBinary()),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_phone_changes"),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizens.id"], name="fk_phone_changes_citizen_id_citizens"
        ),
    )
    op.create_index("ix_phone_changes_citizen_id", "phone_changes", ["citizen_id"])


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
