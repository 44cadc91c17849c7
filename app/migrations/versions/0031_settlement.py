"""Settlement: bank accounts of payees, a batch a day, a line for each payee."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ACCOUNT_STATES = "status in ('proposed', 'active', 'rejected', 'replaced')"
BATCH_STATES = "status in ('draft', 'rejected', 'approved', 'filed', 'sent', 'settled', 'returned')"
LINE_STATES = "status in ('drafted', 'void', 'ordered', 'settled', 'returned')"


def _record() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    )


def _decision() -> tuple[sa.Column[object], ...]:
    return (sa.Column("decided_by", sa.Uuid()), sa.Column("decided_at", MOMENT))


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _accounts() -> None:
    op.create_table(
        "settlement_accounts",
        *_record(),
        _text("payee"),
        sa.Column("holder_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=False),
        _text("bank_code"),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        *_decision(),
        sa.PrimaryKeyConstraint("id", name="pk_settlement_accounts"),
        sa.CheckConstraint(ACCOUNT_STATES, name="status"),
        sa.CheckConstraint("decided_by <> proposed_by", name="four_eyes"),
        sa.CheckConstraint(
            "(status = 'proposed') = (decided_by is null) "
            "and (decided_by is null) = (decided_at is null)",
            name="decided",
        ),
        sa.CheckConstraint("bank_code ~ '^[0-9]{12}$'", name="bank_code"),
    )
    for state in ("active", "proposed"):
        op.create_index(
            f"uq_settlement_accounts_{state}",
            "settlement_accounts",
            ["payee"],
            unique=True,
            postgresql_where=sa.text(f"status = '{state}'"),
        )


def _batches() -> None:
    op.create_table(
        "settlement_batches",
        *_record(),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("cut_off", MOMENT, nullable=False),
        _text("currency"),
        sa.Column("left_out", postgresql.JSONB(), nullable=False),
        sa.Column("drafted_by", sa.Uuid(), nullable=False),
        sa.Column("drafted_at", MOMENT, nullable=False),
        *_decision(),
        sa.Column("filed_at", MOMENT),
        sa.Column("digests", postgresql.JSONB(none_as_null=True)),
        sa.Column("sent_by", sa.Uuid()),
        sa.Column("sent_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_settlement_batches"),
        sa.CheckConstraint(BATCH_STATES, name="status"),
        sa.CheckConstraint("decided_by <> drafted_by", name="four_eyes"),
        sa.CheckConstraint(
            "(status = 'draft') = (decided_by is null) "
            "and (decided_by is null) = (decided_at is null)",
            name="decided",
        ),
        sa.CheckConstraint(
            "(status in ('filed', 'sent', 'settled', 'returned')) = (filed_at is not null) "
            "and (filed_at is null) = (digests is null)",
            name="filed",
        ),
        sa.CheckConstraint(
            "(status in ('sent', 'settled', 'returned')) = (sent_at is not null) "
            "and (sent_at is null) = (sent_by is null)",
            name="sent",
        ),
    )
    op.create_index(
        "uq_settlement_batches_day",
        "settlement_batches",
        ["day"],
        unique=True,
        postgresql_where=sa.text("status <> 'rejected'"),
    )
    op.create_index("ix_settlement_batches_day_id", "settlement_batches", ["day", "id"])


def _lines() -> None:
    op.create_table(
        "settlement_lines",
        *_record(),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        _text("payee"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        _text("currency"),
        sa.Column("bank_reference", sa.Text()),
        sa.Column("return_reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_settlement_lines"),
        sa.CheckConstraint(LINE_STATES, name="status"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.UniqueConstraint("batch_id", "payee", name="uq_settlement_lines_batch_id_payee"),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["settlement_batches.id"],
            name="fk_settlement_lines_batch_id_settlement_batches",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["settlement_accounts.id"],
            name="fk_settlement_lines_account_id_settlement_accounts",
        ),
    )
    op.create_index(
        "uq_settlement_lines_payee_day",
        "settlement_lines",
        ["payee", "day"],
        unique=True,
        postgresql_where=sa.text("status <> 'void'"),
    )


def upgrade() -> None:
    _accounts()
    _batches()
    _lines()


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
