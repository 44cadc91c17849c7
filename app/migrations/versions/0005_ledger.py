"""Ledger: accounts, transactions and entries, append-only and zero-sum."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ZERO_SUM = """
create function refuse_unbalanced() returns trigger language plpgsql as $$
declare
    booked uuid := case tg_table_name
        when 'ledger_entries' then (to_jsonb(new) ->> 'transaction_id')::uuid
        else (to_jsonb(new) ->> 'id')::uuid end;
    promised integer;
    found integer;
begin
    select lines into promised from ledger_transactions where id = booked;
    select count(*) into found from ledger_entries where transaction_id = booked;
    if found <> promised then
        raise exception 'transaction % promises % lines and has %', booked, promised, found
            using errcode = 'check_violation';
    end if;
    if exists (
        select from ledger_entries where transaction_id = booked
        group by currency having sum(amount) <> 0
    ) then
        raise exception 'transaction % does not sum to zero', booked
            using errcode = 'check_violation';
    end if;
    return null;
end $$;
create constraint trigger ledger_transactions_balance after insert on ledger_transactions
    deferrable initially deferred for each row execute function refuse_unbalanced();
create constraint trigger ledger_entries_balance after insert on ledger_entries
    deferrable initially deferred for each row execute function refuse_unbalanced();
"""


def upgrade() -> None:
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('asset', 'liability', 'income', 'expense')", name="kind"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_accounts"),
        sa.UniqueConstraint("code", "currency", name="uq_ledger_accounts_code_currency"),
        sa.UniqueConstraint("id", "currency", name="uq_ledger_accounts_id_currency"),
    )
    op.create_table(
        "ledger_transactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_ref", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("reversal_of", sa.Uuid()),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("lines >= 2", name="lines"),
        sa.ForeignKeyConstraint(
            ["reversal_of"],
            ["ledger_transactions.id"],
            name="fk_ledger_transactions_reversal_of_ledger_transactions",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_transactions"),
        sa.UniqueConstraint(
            "kind", "external_ref", name="uq_ledger_transactions_kind_external_ref"
        ),
        sa.UniqueConstraint("reversal_of", name="uq_ledger_transactions_reversal_of"),
    )
    op.create_index("ix_ledger_transactions_subject_id", "ledger_transactions", ["subject_id"])
    op.create_index(
        "ix_ledger_transactions_recorded_at_id", "ledger_transactions", ["recorded_at", "id"]
    )
    op.create_table(
        "ledger_entries",
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.CheckConstraint("amount <> 0", name="amount"),
        sa.ForeignKeyConstraint(
            ["account_id", "currency"],
            ["ledger_accounts.id", "ledger_accounts.currency"],
            name="fk_ledger_entries_account_id_currency_ledger_accounts",
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transactions.id"],
            name="fk_ledger_entries_transaction_id_ledger_transactions",
        ),
        sa.PrimaryKeyConstraint("transaction_id", "line_no", name="pk_ledger_entries"),
    )
    op.create_index(
        "ix_ledger_entries_account_id_transaction_id",
        "ledger_entries",
        ["account_id", "transaction_id"],
    )
    op.execute(ZERO_SUM)
    for table in ("ledger_accounts", "ledger_transactions", "ledger_entries"):
        op.execute(
            f"create trigger {table}_is_append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_change()"
        )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
