"""Ledger: split rules and splits, what is taken back of them, snapshots, two-person corrections."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
# A booking holds the book in common until its commit; whoever holds it alone sees a whole book.
HOLD = """
create function hold_book() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(7302060);
    return null;
end $$;
create trigger ledger_transactions_hold_book before insert on ledger_transactions
    for each statement execute function hold_book();
"""
FOUR_EYES = """
create function refuse_lone_correction() returns trigger language plpgsql as $$
begin
    if not exists (select from ledger_corrections where transaction_id = new.id) then
        raise exception 'correction % has no two people', new.id
            using errcode = 'check_violation';
    end if;
    return null;
end $$;
create constraint trigger ledger_transactions_four_eyes after insert on ledger_transactions
    deferrable initially deferred for each row when (new.kind like 'correction.%')
    execute function refuse_lone_correction();
"""
WHOLE_SPLIT = """
create function refuse_broken_split() returns trigger language plpgsql as $$
declare
    split uuid := case tg_table_name
        when 'ledger_shares' then (to_jsonb(new) ->> 'split_id')::uuid
        else (to_jsonb(new) ->> 'id')::uuid end;
begin
    if (select amount from ledger_splits where id = split)
        is distinct from (select sum(amount) from ledger_shares where split_id = split) then
        raise exception 'the shares of split % are not its amount', split
            using errcode = 'check_violation';
    end if;
    return null;
end $$;
create constraint trigger ledger_splits_whole after insert on ledger_splits
    deferrable initially deferred for each row execute function refuse_broken_split();
create constraint trigger ledger_shares_whole after insert on ledger_shares
    deferrable initially deferred for each row execute function refuse_broken_split();
"""
TABLES = (
    "ledger_split_rules",
    "ledger_splits",
    "ledger_shares",
    "ledger_takings",
    "ledger_snapshots",
    "ledger_corrections",
)


def _amount(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.JSONB(), nullable=False)


def _splits() -> None:
    op.create_table(
        "ledger_split_rules",
        _text("applies_to"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", MOMENT, nullable=False),
        _text("fee_bearer"),
        _json("parts"),
        sa.Column("published_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("applies_to", "version", name="pk_ledger_split_rules"),
        sa.CheckConstraint("version >= 1", name="version"),
        sa.CheckConstraint("fee_bearer in ('platform', 'payee')", name="fee_bearer"),
    )
    op.create_table(
        "ledger_splits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        _text("payee"),
        _json("title"),
        _amount("amount"),
        _text("fee_bearer"),
        sa.Column("rule", sa.Text()),
        sa.Column("rule_version", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_splits"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("fee_bearer in ('platform', 'payee')", name="fee_bearer"),
        sa.CheckConstraint("(rule is null) = (rule_version is null)", name="rule_version"),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transactions.id"],
            name="fk_ledger_splits_transaction_id_ledger_transactions",
        ),
        sa.ForeignKeyConstraint(
            ["rule", "rule_version"],
            ["ledger_split_rules.applies_to", "ledger_split_rules.version"],
            name="fk_ledger_splits_rule_rule_version_ledger_split_rules",
        ),
    )
    op.create_index("ix_ledger_splits_transaction_id", "ledger_splits", ["transaction_id"])
    op.create_table(
        "ledger_shares",
        sa.Column("split_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        _text("account"),
        _amount("amount"),
        sa.PrimaryKeyConstraint("split_id", "line_no", name="pk_ledger_shares"),
        sa.CheckConstraint("amount >= 0", name="amount"),
        sa.UniqueConstraint("split_id", "account", name="uq_ledger_shares_split_id_account"),
        sa.UniqueConstraint(
            "split_id", "line_no", "amount", name="uq_ledger_shares_split_id_line_no_amount"
        ),
        sa.ForeignKeyConstraint(
            ["split_id"], ["ledger_splits.id"], name="fk_ledger_shares_split_id_ledger_splits"
        ),
    )
    op.create_table(
        "ledger_takings",
        sa.Column("split_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        _amount("share"),
        _amount("change"),
        _amount("taken"),
        sa.PrimaryKeyConstraint("split_id", "sequence", "line_no", name="pk_ledger_takings"),
        sa.CheckConstraint("taken between 0 and share", name="taken"),
        sa.ForeignKeyConstraint(
            ["split_id", "line_no", "share"],
            ["ledger_shares.split_id", "ledger_shares.line_no", "ledger_shares.amount"],
            name="fk_ledger_takings_split_id_line_no_share_ledger_shares",
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transactions.id"],
            name="fk_ledger_takings_transaction_id_ledger_transactions",
        ),
    )
    op.create_index("ix_ledger_takings_transaction_id", "ledger_takings", ["transaction_id"])


def _snapshots() -> None:
    op.create_table(
        "ledger_snapshots",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        _amount("sequence"),
        _amount("balance"),
        _amount("debit"),
        sa.Column("recorded_until", MOMENT, nullable=False),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "sequence", name="pk_ledger_snapshots"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["ledger_accounts.id"],
            name="fk_ledger_snapshots_account_id_ledger_accounts",
        ),
    )
    op.create_index("ix_ledger_snapshots_sequence", "ledger_snapshots", ["sequence"])


def _corrections() -> None:
    op.create_table(
        "ledger_corrections",
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=False),
        _text("grounds"),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", name="pk_ledger_corrections"),
        sa.CheckConstraint("approved_by <> proposed_by", name="four_eyes"),
        sa.UniqueConstraint("grounds", name="uq_ledger_corrections_grounds"),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transactions.id"],
            name="fk_ledger_corrections_transaction_id_ledger_transactions",
        ),
    )


def upgrade() -> None:
    op.add_column(
        "ledger_transactions", sa.Column("sequence", sa.BigInteger(), sa.Identity(), nullable=False)
    )
    op.create_unique_constraint(
        "uq_ledger_transactions_sequence", "ledger_transactions", ["sequence"]
    )
    _splits()
    _snapshots()
    _corrections()
    op.execute(HOLD)
    op.execute(FOUR_EYES)
    op.execute(WHOLE_SPLIT)
    for table in TABLES:
        op.execute(
            f"create trigger {table}_is_append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_change()"
        )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
