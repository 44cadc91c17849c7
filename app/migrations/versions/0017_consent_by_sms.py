"""Delegation: consent by SMS; the named number is forgotten with the mandate's beginning or end."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.alter_column("mandates", "phone_sealed", nullable=True)
    op.execute(
        "update mandates set phone_sealed = null "
        "where status not in ('drafted', 'awaiting_principal')"
    )
    op.create_table(
        "mandate_questions",
        sa.Column("mandate_id", sa.Uuid(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("code_sealed", sa.LargeBinary()),
        sa.CheckConstraint("asked between 1 and 5", name="asked"),
        sa.CheckConstraint("tries between 0 and 5", name="tries"),
        sa.ForeignKeyConstraint(
            ["mandate_id"], ["mandates.id"], name="fk_mandate_questions_mandate_id_mandates"
        ),
        sa.PrimaryKeyConstraint("mandate_id", name="pk_mandate_questions"),
    )
    op.create_table(
        "sms_answers",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mandate_id", sa.Uuid()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "outcome in ('consented', 'declined', 'wrong', 'unknown')", name="outcome"
        ),
        sa.ForeignKeyConstraint(
            ["mandate_id"], ["mandates.id"], name="fk_sms_answers_mandate_id_mandates"
        ),
        sa.PrimaryKeyConstraint("number", name="pk_sms_answers"),
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
